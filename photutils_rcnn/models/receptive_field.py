# Licensed under a 3-clause BSD style license - see LICENSE
"""
Receptive field of the network.
"""

__all__ = ['halo_width', 'receptive_radius']

import numpy as np


def receptive_radius(config):
    """
    The distance from which a pixel can change the proposals of a cell.

    Measured, not derived: the dense part is run, with positive random
    kernels through which no influence cancels, on an empty image and on
    one with a single bright pixel. Without biases an empty image gives
    exact zeros, in which no influence is lost to rounding.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.

    Returns
    -------
    radius : int
        The largest distance, along an axis, between the bright pixel and
        the far edge of a cell that changed, pixels.
    """
    from keras import ops

    from photutils_rcnn.models.anchors import anchor_cells
    from photutils_rcnn.models.mask_rcnn import MaskRCNN

    network = MaskRCNN(config)
    rng = np.random.default_rng(0)
    for variable in network.weights:
        if variable.path.endswith('kernel'):
            fan_in = np.prod(variable.shape[:-1])
            variable.assign(rng.uniform(0.5, 1.5, variable.shape) / fan_in)
        elif variable.path.endswith('bias'):
            variable.assign(np.zeros(variable.shape))
    side = 32 * config.strides[-1]
    image = np.zeros((1, side, side, config.n_bands), dtype=np.float32)
    middle = side // 2
    spot = image.copy()
    spot[0, middle, middle] = 1e20
    before, after = (ops.convert_to_numpy(
        network(i, training=False)['objectness'])[0] for i in (image, spot))
    cells = anchor_cells(config, (side, side))
    changed = after != before
    offset = np.abs(cells[changed] - middle).max()
    return int(offset) + config.strides[-1] // 2


def halo_width(config):
    """
    The width of the border of a tile whose sources are not trusted.

    Parameters
    ----------
    config
        See `receptive_radius`.

    Returns
    -------
    halo : int
        A multiple of the largest stride, pixels.
    """
    stride = config.strides[-1]
    return -(-receptive_radius(config) // stride) * stride
