# Licensed under a 3-clause BSD style license - see LICENSE
"""
Matterport's pooling of regions.

Boxes are normalized: ``(y1, x1, y2 - 1, x2 - 1) / (H - 1, W - 1, ...)`` of
half-open pixel boxes on a frame of H x W pixels.
"""

__all__ = ['crop_and_resize', 'rounded_levels']

import numpy as np
from keras import ops

from photutils_rcnn.models.roi_align import bilinear_samples


def rounded_levels(boxes, frame, config):
    """
    The level from which each region is pooled: Eq. 1 of Lin et al. (2017,
    arXiv:1612.03144) with rounding, halves to even.

    ``clip(4 + round(log2(sqrt(h w) sqrt(H W) / 224)), 2, 5)``, for a
    pyramid that begins at level 2, h and w being normalized. On 512 pixels
    every box up to 80 pixels is pooled from the finest level.

    Parameters
    ----------
    boxes : (R, 4) tensor
        Normalized boxes; empty ones are pooled from the finest level.
    frame : (2,) array_like
        The sides (H, W) of the frame, pixels.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        Gives ``canonical_size``, 224, and ``n_roi_levels``, 4.

    Returns
    -------
    levels : (R,) tensor of int32
        The index of the level, 0 for the finest.
    """
    area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    scale = config.canonical_size / np.sqrt(float(frame[0]) * frame[1])
    level = ops.log(ops.sqrt(ops.maximum(area, 1e-30)) / scale) / np.log(2.)
    n_levels = config.n_roi_levels or len(config.levels)
    return ops.cast(ops.clip(2 + ops.round(level), 0, n_levels - 1), 'int32')


def crop_and_resize(features, shapes, boxes, image_index, levels, size):
    """
    One bilinear sample per bin, at the corners and evenly between them.

    Sample ``i`` of ``n`` lies at ``y1 (Hf - 1) + i (y2 - y1) (Hf - 1) / (n
    - 1)`` cells on a level of Hf rows, where sample coordinates outside
    ``[0, Hf - 1]`` give 0. This is ``tf.image.crop_and_resize``. As anchors
    stand at ``stride i`` but boxes are scaled by ``(Hf - 1) / (H - 1)``, the
    samples lag behind the anchor's cell by up to 0.75 cells; trained weights
    have learnt it.

    Parameters
    ----------
    features, shapes
        From `~photutils_rcnn.models.roi_align.flatten_pyramid`.
    boxes : (R, 4) tensor of float32
        Normalized boxes.
    image_index, levels : (R,) tensor of int32
        The image and the level of each region.
    size : int
        The number of bins on a side.

    Returns
    -------
    pooled : (R, size, size, C) tensor
        The pooled features.
    """
    sides = ops.convert_to_tensor(np.array(shapes) - 1, dtype='float32')
    last = ops.take(sides, levels, axis=0)
    steps = np.arange(size, dtype=np.float32)
    positions = []
    for axis in range(2):
        low, high = boxes[:, axis, None], boxes[:, axis + 2, None]
        n = last[:, axis, None]
        # The order of operations decides whether the last sample of a box
        # at the border is inside.
        position = low * n + steps * ((high - low) * n / (size - 1))
        inside = ops.logical_and(position >= 0, position <= n)
        positions.append(ops.where(inside, position, -2.))
    return bilinear_samples(features, shapes, *positions, image_index, levels)
