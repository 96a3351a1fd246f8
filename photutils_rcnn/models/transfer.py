# Licensed under a 3-clause BSD style license - see LICENSE
"""
Transfer of weights from another model.
"""

__all__ = ['transfer_weights']

from photutils_rcnn.models.zoo import get_weights, set_weights


def transfer_weights(network, weights, leave_out=()):
    """
    Take over weights by name, but for some layers.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.
    weights : dict of `~numpy.ndarray`
        The weights of another, by the names of its variables.
    leave_out : sequence of str, optional
        The layers of either network that are not taken over: those of the network
        keep its weights.

    Raises
    ------
    ValueError
        If another layer's weight is missing, unexpected or of another
        shape, or ``leave_out`` names a layer that neither network has; then
        nothing is assigned.
    """
    own = get_weights(network)
    kept = [name for name in own if _layer(name) in leave_out]
    unknown = set(leave_out) - {_layer(name) for name in (*own, *weights)}
    if unknown:
        msg = f'leave_out names unknown layers: {sorted(unknown)}'
        raise ValueError(msg)
    taken = {name: value for name, value in weights.items()
             if _layer(name) not in leave_out}
    set_weights(network, {**taken, **{name: own[name] for name in kept}})


def _layer(name):
    return name.rsplit('/', 1)[0]
