# Licensed under a 3-clause BSD style license - see LICENSE
"""
Anchor boxes of the region proposal network.
"""

__all__ = ['anchor_cells', 'make_anchors']

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
    ratios = np.sqrt(np.array(config.anchor_ratios))
    boxes = []
    for stride, sizes in zip(config.strides, config.anchor_sizes,
                             strict=True):
        ny, nx = shape[0] // stride, shape[1] // stride
        half_h = np.outer(sizes, 1 / ratios).ravel() / 2
        half_w = np.outer(sizes, ratios).ravel() / 2
        y, x = np.meshgrid((np.arange(ny) + config.anchor_offset) * stride,
                           (np.arange(nx) + config.anchor_offset) * stride,
                           indexing='ij')
        y, x = y[..., None], x[..., None]
        level = np.stack([y - half_h, x - half_w, y + half_h, x + half_w],
                         axis=-1)
        boxes.append(level.reshape(-1, 4))
    return np.concatenate(boxes).astype(dtype)


def anchor_cells(config, shape):
    """
    The centers of the cells that hold the anchors.

    A detection belongs to the tile whose core holds the cell of its
    anchor; unlike the center of a regressed box, a cell does not depend
    on the last bits of a floating-point result.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    shape : (2,) tuple of int
        The shape (ny, nx) of the image.

    Returns
    -------
    cells : (A, 2) `~numpy.ndarray` of int32
        For each anchor the pixel (y, x) at its center.
    """
    boxes = make_anchors(config, shape)
    return ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.int32)
