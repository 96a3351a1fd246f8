# Licensed under a 3-clause BSD style license - see LICENSE
"""
Geometry of boxes.

Boxes are ``[y1, x1, y2, x2]`` in pixels, in edge coordinates: pixel ``i``
covers ``i`` to ``i + 1``. Everything here is float32 whatever the
mixed-precision policy: bfloat16 is exact for integers up to 256 only.
"""

__all__ = ['clip_boxes', 'decode_boxes', 'encode_boxes', 'grid_iou',
           'log_sides', 'scale_boxes', 'suppression_mask']

from keras import ops
from keras.utils import bounding_boxes

# The largest change of log size in one step: a factor of 1000/16, as is
# usual for Mask R-CNN, keeps the exponential finite.
MAX_LOG_SCALE = 4.135
# Boxes thinner than this (padding rows have no area) are widened before a
# division or a logarithm sees them.
MIN_SIDE = 1e-2


def grid_iou(rows, cols, boxes):
    """
    Intersection over union of a grid of boxes with others.

    The overlap of heights depends on the row and that of widths on the
    column alone, which leaves a third of the work of
    `keras.utils.bounding_boxes.compute_iou`.

    Parameters
    ----------
    rows, cols : (ny, K, 2), (nx, K, 2) tensor
        The extents ``[y1, y2]`` and ``[x1, x2]`` of the grid, not empty; see
        `~photutils_rcnn.models.anchors.anchor_grids`.
    boxes : (B, M, 4) tensor
        Boxes.

    Returns
    -------
    iou : (B, ny * nx * K, M) tensor
        The overlaps.
    """
    def overlaps(extents, low, high):
        start, stop = (extents[..., i][None, ..., None] for i in range(2))
        return ops.relu(ops.minimum(stop, high[:, None, None])
                        - ops.maximum(start, low[:, None, None]))

    rows, cols = map(ops.convert_to_tensor, (rows, cols))
    y1, x1, y2, x2 = (boxes[..., i] for i in range(4))
    shared = (overlaps(rows, y1, y2)[:, :, None]
              * overlaps(cols, x1, x2)[:, None])
    own = ((rows[..., 1] - rows[..., 0])[:, None]
           * (cols[..., 1] - cols[..., 0])[None])[None, ..., None]
    other = ((y2 - y1) * (x2 - x1))[:, None, None, None]
    iou = shared / ((own + other) - shared)
    return ops.reshape(iou, (-1, iou.shape[1] * iou.shape[2] * iou.shape[3],
                             iou.shape[4]))


def _centers_and_sides(boxes):
    boxes = ops.convert_to_tensor(boxes)
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, ops.maximum(high - low, MIN_SIDE)


def log_sides(boxes):
    """
    The sizes of boxes, as heads are told them.

    Parameters
    ----------
    boxes : (..., 4) tensor
        Boxes, pixels.

    Returns
    -------
    sides : (..., 2) tensor
        The natural logarithms of height and width; finite for boxes
        without area.
    """
    return ops.log(_centers_and_sides(boxes)[1])


def encode_boxes(boxes, references, std):
    """
    Express boxes as deltas from reference boxes.

    The deltas are ``(dy / h, dx / w, log(h' / h), log(w' / w)) / std``
    (Girshick et al. 2014, arXiv:1311.2524, appendix C).

    Parameters
    ----------
    boxes, references : (..., 4) tensor
        The boxes and what they are measured from.
    std : (4,) sequence of float
        The scale of each delta.

    Returns
    -------
    deltas : (..., 4) tensor
        The deltas.
    """
    center, side = _centers_and_sides(boxes)
    ref_center, ref_side = _centers_and_sides(references)
    deltas = ops.concatenate([(center - ref_center) / ref_side,
                              ops.log(side / ref_side)], axis=-1)
    return deltas / ops.convert_to_tensor(std, dtype='float32')


def decode_boxes(deltas, references, std):
    """
    The inverse of `encode_boxes`.

    Parameters
    ----------
    deltas, references : (..., 4) tensor
        The deltas and the boxes they are measured from.
    std : (4,) sequence of float
        The scale of each delta.

    Returns
    -------
    boxes : (..., 4) tensor
        The boxes.
    """
    deltas = deltas * ops.convert_to_tensor(std, dtype='float32')
    center, side = _centers_and_sides(references)
    center = center + deltas[..., :2] * side
    half = side * ops.exp(ops.clip(deltas[..., 2:], -MAX_LOG_SCALE,
                                   MAX_LOG_SCALE)) / 2
    return ops.concatenate([center - half, center + half], axis=-1)


def scale_boxes(boxes, factor):
    """
    Enlarge boxes about their centers.

    Parameters
    ----------
    boxes : (..., 4) tensor
        Boxes.
    factor : float
        The factor on both sides.

    Returns
    -------
    boxes : (..., 4) tensor
        The enlarged boxes.
    """
    center, side = _centers_and_sides(boxes)
    half = side * (factor / 2)
    return ops.concatenate([center - half, center + half], axis=-1)


def clip_boxes(boxes, shape):
    """
    Cut boxes at the borders of an image.

    Parameters
    ----------
    boxes : (..., 4) tensor
        Boxes.
    shape : (2,) tuple of int, or tensor
        The shape (ny, nx) of the image.

    Returns
    -------
    boxes : (..., 4) tensor
        The boxes inside the image.
    """
    limit = ops.stack([ops.cast(shape[axis], 'float32')
                       for axis in (0, 1, 0, 1)])
    return ops.minimum(ops.relu(boxes), limit)


def suppression_mask(boxes, threshold, n_passes=8):
    """
    Greedy non-maximum suppression, by fixed-point iteration.

    A box survives if no surviving box before it overlaps it by more than
    the threshold. Starting from all boxes, the rule is applied until
    nothing changes, which equals the greedy result (Cluster-NMS,
    arXiv:2005.03572) once the passes outnumber the longest chain of
    suppressions; chains of 7 were the longest met in crowded fields.

    Parameters
    ----------
    boxes : (B, N, 4) tensor
        Boxes, by decreasing score.
    threshold : float
        The largest overlap that is tolerated.
    n_passes : int, optional
        The number of passes.

    Returns
    -------
    keep : (B, N) tensor of bool
        Which boxes survive.
    """
    n = boxes.shape[1]
    earlier = ops.cast(ops.triu(ops.ones((n, n)), k=1), 'bool')
    overlaps = bounding_boxes.compute_iou(boxes, boxes, 'yxyx')
    conflict = ops.logical_and(overlaps > threshold, earlier)
    conflict = ops.cast(conflict, 'float32')
    keep = ops.ones_like(boxes[..., 0])
    for _ in range(n_passes):
        beaten = ops.max(conflict * keep[..., :, None], axis=1)
        keep = 1. - beaten
    return keep > 0.5
