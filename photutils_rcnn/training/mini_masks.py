# Licensed under a 3-clause BSD style license - see LICENSE
"""
Mini masks: truth masks resampled to grids of one size.
"""

__all__ = ['box_mask', 'mini_mask']

import numpy as np


def mini_mask(box, mask, size):
    """
    A mask on a grid of fixed size.

    A source that fits is copied pixel by pixel to the middle of a window
    of ``size`` x ``size`` pixels; a larger one is averaged over the
    ``size`` x ``size`` equal cells of its box.

    Parameters
    ----------
    box : (4,) array_like of int
        The box ``[y1, x1, y2, x2]``.
    mask : 2D bool `~numpy.ndarray`
        The mask within the box.
    size : int
        The side of the grid.

    Returns
    -------
    grid : (size, size) `~numpy.ndarray` of float16
        The covered fraction of each cell.
    window : (4,) `~numpy.ndarray` of float32
        The part of the frame that the grid covers.
    """
    ny, nx = mask.shape
    if max(ny, nx) <= size:
        grid = np.zeros((size, size), dtype=np.float16)
        y0, x0 = (size - ny) // 2, (size - nx) // 2
        grid[y0:y0 + ny, x0:x0 + nx] = mask
        start = np.array([box[0] - y0, box[1] - x0])
        return grid, np.concatenate([start, start + size]).astype(np.float32)
    grid = mask.astype(float)
    for axis in (0, 1):
        n = grid.shape[axis]
        # Exact averages over fractional cells: differences of the
        # interpolated running sum.
        total = np.insert(np.cumsum(grid, axis=axis), 0, 0, axis=axis)
        edges = np.linspace(0, n, size + 1)
        low = np.minimum(edges.astype(int), n - 1)
        frac = (edges - low).reshape((-1, 1) if axis == 0 else (1, -1))
        at_edge = (np.take(total, low, axis) * (1 - frac)
                   + np.take(total, low + 1, axis) * frac)
        grid = np.diff(at_edge, axis=axis) * (size / n)
    return grid.astype(np.float16), np.asarray(box, dtype=np.float32)


def box_mask(box, grid, window):
    """
    The mask within a box, from its grid of `mini_mask`.

    Parameters
    ----------
    box : (4,) array_like of int
        The box ``[y1, x1, y2, x2]``.
    grid : (size, size) `~numpy.ndarray`
        The covered fraction of each cell.
    window : (4,) array_like
        The part of the frame that the grid covers.

    Returns
    -------
    mask : 2D `~numpy.ndarray`
        The value of the cell in which the center of each pixel lies: the
        mask itself where cells are pixels.
    """
    cells = []
    for low, high, start, stop in zip(box[:2], box[2:], window[:2],
                                      window[2:], strict=True):
        centers = np.arange(low, high) + 0.5
        cells.append(((centers - start) * len(grid) / (stop - start)
                      ).astype(int))
    return grid[np.ix_(*cells)]
