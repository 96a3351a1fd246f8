# Licensed under a 3-clause BSD style license - see LICENSE
"""
Anchor boxes of the region proposal network.
"""

__all__ = ['anchor_cells', 'anchor_grids', 'make_anchors']

import numpy as np


def make_anchors(config, shape, dtype=np.float32):
    """
    The anchors of an image, level by level, row by row.

    Anchors are centered on the cells of their level, at ``(i +
    config.anchor_offset) * stride`` in edge coordinates, and neither
    rounded nor clipped.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    shape : (2,) tuple of int
        The shape (ny, nx) of the image, a multiple of the largest stride.
    dtype : dtype_like, optional
        The type of the result; float32 by default.

    Returns
    -------
    anchors : (A, 4) `~numpy.ndarray` of ``dtype``
        The boxes ``[y1, x1, y2, x2]``.
    """
    boxes = []
    for rows, cols in anchor_grids(config, shape, dtype):
        level = np.empty((len(rows), len(cols), rows.shape[1], 4), dtype)
        level[..., 0::2] = rows[:, None]
        level[..., 1::2] = cols[None]
        boxes.append(level.reshape(-1, 4))
    return np.concatenate(boxes)


def anchor_grids(config, shape, dtype=np.float32):
    """
    The rows and the columns of each level, whose products are the anchors.

    Parameters
    ----------
    config, shape, dtype
        See `make_anchors`.

    Returns
    -------
    grids : list of tuple of two `~numpy.ndarray`
        For each level with K anchors per cell the extents ``[y1, y2]`` of
        the rows (ny, K, 2) and ``[x1, x2]`` of the columns (nx, K, 2) of
        cells. Anchor ``(i nx + j) K + k`` of the level spans row ``i`` and
        column ``j`` of kind ``k``.
    """
    ratios = np.sqrt(np.array(config.anchor_ratios))
    grids = []
    for stride, sizes in zip(config.strides, config.anchor_sizes,
                             strict=True):
        extents = []
        for side, factor in zip(shape, (1 / ratios, ratios), strict=True):
            half = np.outer(sizes, factor).reshape(1, -1, 1) / 2
            center = (np.arange(side // stride)
                      + config.anchor_offset)[:, None, None] * stride
            extents.append((center + half * [-1, 1]).astype(dtype))
        grids.append(tuple(extents))
    return grids


def anchor_cells(config, shape):
    """
    The centers of the cells that hold the anchors.

    A detection belongs to the tile whose core holds the cell of its
    anchor; unlike the center of a regressed box, a cell does not depend
    on the last bits of a floating-point result.

    Parameters
    ----------
    config, shape
        See `make_anchors`.

    Returns
    -------
    cells : (A, 2) `~numpy.ndarray` of int32
        For each anchor the pixel (y, x) at its center.
    """
    boxes = make_anchors(config, shape)
    return ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.int32)
