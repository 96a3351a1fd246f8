# Licensed under a 3-clause BSD style license - see LICENSE
"""
RoIAlign on a feature pyramid (He et al. 2017, arXiv:1703.06870).
"""

__all__ = ['bilinear_samples', 'flatten_pyramid', 'of_levels',
           'roi_levels', 'roi_align', 'sample_grid']

from itertools import accumulate

import numpy as np
from keras import ops


def flatten_pyramid(pyramid):
    """
    Lay the levels of a pyramid one behind the other.

    Parameters
    ----------
    pyramid : list of (B, ny, nx, C) tensors
        The features of each level.

    Returns
    -------
    features : (B * S, C) tensor
        The cells of all images, ``S`` cells each.
    shapes : tuple of (2,) tuple of int
        The shape (ny, nx) of each level; of scalar tensors where a graph
        is for any shape.
    """
    shapes = tuple(tuple(ops.shape(level)[1:3]) for level in pyramid)
    channels = pyramid[0].shape[-1]
    flat = [ops.reshape(level, (-1, ny * nx, channels))
            for level, (ny, nx) in zip(pyramid, shapes, strict=True)]
    return ops.reshape(ops.concatenate(flat, axis=1), (-1, channels)), shapes


def of_levels(values, levels, dtype):
    """
    The value that belongs to the level of each RoI.

    Parameters
    ----------
    values : sequence of number or scalar tensor
        A value for each level of the pyramid.
    levels : (R,) tensor of int32
        The level of each RoI.
    dtype : str
        The type of the result.

    Returns
    -------
    chosen : (R,) tensor
        The values.
    """
    values = ops.stack([ops.cast(value, dtype) for value in values])
    return ops.take(values, levels, axis=0)


def roi_levels(boxes, config, shift=0):
    """
    The pyramid level from which each RoI is pooled.

    ``floor(log2(sqrt(area) / canonical_size)) + 1`` counted from the
    finest level (Lin et al. 2017, arXiv:1612.03144, Eq. 1, re-scaled to
    small sources).

    Parameters
    ----------
    boxes : (..., 4) tensor
        The RoIs.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    shift : int, optional
        Take features this many levels finer.

    Returns
    -------
    levels : (...) tensor of int32
        The index of the level, 0 for the finest.
    """
    area = ((boxes[..., 2] - boxes[..., 0])
            * (boxes[..., 3] - boxes[..., 1]))
    area = ops.maximum(area, 1e-4)
    level = ops.floor(0.5 * ops.log(area) / np.log(2)
                      - np.log2(config.canonical_size)) + 1 - shift
    return ops.cast(ops.clip(level, 0, len(config.levels) - 1), 'int32')


def sample_grid(boxes, size):
    """
    The centers of ``size`` x ``size`` equal bins of each box.

    Parameters
    ----------
    boxes : (..., 4) tensor
        The boxes.
    size : int
        The number of bins on a side.

    Returns
    -------
    y, x : (..., size) tensor
        The coordinates of the rows and the columns of bins.
    """
    steps = (ops.arange(size, dtype='float32') + 0.5) / size
    y = boxes[..., 0:1] + steps * (boxes[..., 2:3] - boxes[..., 0:1])
    x = boxes[..., 1:2] + steps * (boxes[..., 3:4] - boxes[..., 1:2])
    return y, x


def _neighbors(position, n_cells):
    """
    The two cells around each position and their weights.

    ``position`` is in units of cells, 0 at the center of the first one;
    cells outside the map have the weight 0.
    """
    low = ops.floor(position)
    frac = position - low
    cells = ops.stack([low, low + 1], axis=-1)
    weights = ops.stack([1 - frac, frac], axis=-1)
    inside = ops.logical_and(cells >= 0, cells <= n_cells - 1)
    weights = ops.where(inside, weights, 0.)
    cells = ops.clip(cells, 0., n_cells - 1)
    return ops.cast(cells, 'int32'), weights


def roi_align(features, shapes, strides, boxes, image_index, levels, size):
    """
    Bilinear samples of the features at the bin centers of RoIs.

    Parameters
    ----------
    features : (B * S, C) tensor
        The cells, from `flatten_pyramid`.
    shapes : tuple of (2,) tuple of int
        The shape (ny, nx) of each level.
    strides : tuple of int
        The stride of each level, in pixels.
    boxes : (R, 4) tensor of float32
        The RoIs, in pixels.
    image_index : (R,) tensor of int32
        The image of each RoI.
    levels : (R,) tensor of int32
        The level of each RoI, from `roi_levels`.
    size : int
        The number of bins on a side.

    Returns
    -------
    pooled : (R, size, size, C) tensor
        The pooled features, of the type of ``features``. Features outside
        the image count as zero.
    """
    stride = of_levels(strides, levels, 'float32')[:, None]
    y, x = sample_grid(boxes, size)
    return bilinear_samples(features, shapes, y / stride - 0.5,
                            x / stride - 0.5, image_index, levels)


def bilinear_samples(features, shapes, y, x, image_index, levels, *, channel=None,
                     transform=None):
    """
    Bilinear samples of the features on grids.

    Parameters
    ----------
    features, shapes
        From `flatten_pyramid`.
    y, x : (R, size) tensor
        The rows and the columns of each grid, in cells of its level, 0 at
        the center of the first one.
    image_index, levels : (R,) tensor of int32
        The image and the level of each grid.
    channel : (R,) tensor of int32, optional
        The only channel that each grid samples. The default is all.
    transform : callable, optional
        Takes features and returns what is interpolated in place of them; outside the
        image zero in any case.

    Returns
    -------
    samples : (R, size, size, C) tensor
        The samples, of the type of ``features``, with C = 1 of a single channel.
        Features outside the image count as zero.
    """
    *starts, n_cells = accumulate((ny * nx for ny, nx in shapes), initial=0)
    ny = of_levels([shape[0] for shape in shapes], levels, 'float32')
    nx = of_levels([shape[1] for shape in shapes], levels, 'float32')
    rows, row_weights = _neighbors(y, ny[:, None, None])
    cols, col_weights = _neighbors(x, nx[:, None, None])
    first = image_index * n_cells + of_levels(starts, levels, 'int32')
    width = ops.cast(nx, 'int32')[:, None, None]
    row_start = first[:, None, None] + rows * width  # (R, size, 2)

    n_channels = features.shape[-1]
    if channel is not None:
        features = ops.reshape(features, (-1, 1))
    pooled = 0.
    for i in range(2):
        for j in range(2):
            index = row_start[:, :, None, i] + cols[:, None, :, j]
            if channel is not None:
                index = index * n_channels + channel[:, None, None]
            weight = (row_weights[:, :, None, i]
                      * col_weights[:, None, :, j])[..., None]
            cells = ops.take(features, index, axis=0)
            if transform is not None:
                cells = transform(cells)
            pooled = pooled + cells * ops.cast(weight, cells.dtype)
    return pooled
