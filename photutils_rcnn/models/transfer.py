# Licensed under a 3-clause BSD style license - see LICENSE
"""
Transfer learning: weights of another model, also for more classes.
"""

__all__ = ['extend_classes', 'interpolate_weights', 'transfer_weights']

import numpy as np

from photutils_rcnn.models.attribute_config import ATTRIBUTE
from photutils_rcnn.models.weights import get_weights, set_weights

# A class that is new begins with logits below the mean of the others by this.
NEW_CLASS_OFFSET = 3.


def transfer_weights(network, weights, leave_out=()):
    """
    Take over weights by name, but for some layers.

    Attribute heads that only one of the two networks has do not count.

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
             if _layer(name) not in leave_out
             and (name in own or not name.startswith(ATTRIBUTE))}
    kept += [name for name in own if name.startswith(ATTRIBUTE) and name not in taken]
    set_weights(network, {**taken, **{name: own[name] for name in kept}})


def interpolate_weights(network, weights, fraction):
    """
    Interpolate between the weights of a fine-tuned network and those it began with.

    The mean keeps more of what the first knew than the second does, see Wortsman et
    al. (2022, arXiv:2109.01903).

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The fine-tuned network, whose weights are changed.
    weights : dict of `~numpy.ndarray`
        The weights that it began with, by the names of its variables. Those of
        variables that were not there, or had another shape, stay as they are.
    fraction : float
        The fraction of ``weights``, between 0 and 1.
    """
    own = get_weights(network)
    set_weights(network, {
        name: (fraction * weights[name] + (1 - fraction) * value
               if name in weights and weights[name].shape == value.shape else value)
        for name, value in own.items()})


def _layer(name):
    return name.rsplit('/', 1)[0]


def extend_classes(weights, config, class_names):
    """
    The weights of a network that tells more classes.

    A new class begins with the mean of the weights of the others, and a bias
    that makes it improbable: what is a source stays one, of the class that it
    had.

    Parameters
    ----------
    weights : dict of `~numpy.ndarray`
        The weights of a network, by the names of its variables.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The configuration of that network.
    class_names : sequence of str
        Its classes, and behind them the new ones.

    Returns
    -------
    weights : dict of `~numpy.ndarray`
        The weights of a network with these classes.

    Raises
    ------
    ValueError
        If the classes do not begin with those of the network.
    """
    known, names = tuple(config.class_names), tuple(class_names)
    if names[:len(known)] != known:
        msg = f'class_names must begin with {known}, got {names}'
        raise ValueError(msg)
    n_new = len(names) - len(known)
    if n_new == 0:
        return dict(weights)
    weights = dict(weights)
    heads = {'class_logits': 1}  # the background comes first
    if config.profile_size:
        heads['profile_logits'] = 0
        # the logits are the first of the numbers behind the features
        kernel = weights['profile_dense1/kernel'].astype(np.float32)
        at = len(kernel) - (config.n_classes + 5 + 3 * config.n_bands) + config.n_classes
        weights['profile_dense1/kernel'] = np.insert(
            kernel, [at] * n_new, 0, axis=0)
    for head, first in heads.items():
        for part in ('kernel', 'bias'):
            own = weights[f'{head}/{part}'].astype(np.float32)
            mean = own[..., first:].mean(axis=-1, keepdims=True)
            if head == 'class_logits' and part == 'bias':
                mean = mean - NEW_CLASS_OFFSET
            weights[f'{head}/{part}'] = np.concatenate(
                [own, *[mean] * n_new], axis=-1)
    return weights
