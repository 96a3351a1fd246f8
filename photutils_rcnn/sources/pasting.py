# Licensed under a 3-clause BSD style license - see LICENSE
"""
Pasting of masks: interpolation from the cells of boxes to pixels, and depth.
"""

__all__ = ['bilinear_matrices', 'relative_depth']

import numpy as np
from scipy import ndimage


def bilinear_matrices(low, high, n_pixels, n_cells, with_zeros):
    """
    Interpolation along an axis, from the cells of boxes to pixels.

    Parameters
    ----------
    low, high : (N,) `~numpy.ndarray`
        The edges of the boxes, pixels.
    n_pixels : int
        The length of the frame along the axis.
    n_cells : int
        The number of equal cells of a box.
    with_zeros : bool
        Whether zeros lie beyond the outermost cells, else their own values.

    Yields
    ------
    pixels : slice
        The pixels of the frame between the edges.
    weights : (n, n_cells) `~numpy.ndarray` of float32
        What interpolates the cells linearly to the centers of these pixels.
    """
    start = np.clip(np.floor(low), 0, n_pixels).astype(int)
    stop = np.clip(np.ceil(high), start, n_pixels).astype(int)
    counts = stop - start
    ends = np.cumsum(counts)
    index = np.arange(counts.sum())
    pixels = index + np.repeat(start - ends + counts, counts) + 0.5
    side = np.maximum(high - low, 1e-6, dtype=float)
    position = ((pixels - np.repeat(low, counts)) / np.repeat(side, counts)
                * n_cells - 0.5)
    if with_zeros:  # beyond the outermost cells
        distance = np.abs(position[:, None] - np.arange(n_cells))
        weights = np.maximum(1 - distance, 0).astype(np.float32)
    else:
        position = np.clip(position, 0, n_cells - 1)
        first = np.minimum(position.astype(int), n_cells - 2)
        frac = position - first
        weights = np.zeros((len(index), n_cells), dtype=np.float32)
        weights[index, first] = 1 - frac
        weights[index, first + 1] = frac
    for pixel, end, count in zip(start.tolist(), ends.tolist(),
                                 counts.tolist(), strict=True):
        yield slice(pixel, pixel + count), weights[end - count:end]


def relative_depth(grids, threshold):
    """
    The distance of each cell to the edge of its mask, the largest of a mask being 1.

    Parameters
    ----------
    grids : (N, S, S) `~numpy.ndarray`
        The values of cells.
    threshold : float
        The mask is where they reach this.

    Returns
    -------
    depth : (N, S, S) `~numpy.ndarray`
        The distances; 0 beside the masks.
    """
    # Between borders, masks one below the other do not see each other.
    inside = np.pad(grids >= threshold, [(0, 0), (1, 1), (1, 1)])
    depth = ndimage.distance_transform_edt(inside.reshape(
        -1, inside.shape[2])).reshape(inside.shape)[:, 1:-1, 1:-1]
    return depth / np.maximum(depth.max(axis=(1, 2), keepdims=True), 1.)
