# Licensed under a 3-clause BSD style license - see LICENSE
"""
Matterport's pooling of RoIs.

Boxes are normalized: ``(y1, x1, y2 - 1, x2 - 1) / (H - 1, W - 1, ...)`` of
half-open pixel boxes on a frame of H x W pixels.
"""

__all__ = ['crop_and_resize', 'rounded_levels', 'sample_at',
           'sample_positions']

import numpy as np
from keras import ops

from photutils_rcnn.models.roi_align import bilinear_samples, of_levels


def rounded_levels(boxes, frame, config):
    """
    The level from which each RoI is pooled: Eq. 1 of Lin et al. (2017,
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
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNConfig`
        Gives ``canonical_size``, 224, and the levels, of which the coarsest
        is for proposals alone.

    Returns
    -------
    levels : (R,) tensor of int32
        The index of the level, 0 for the finest.
    """
    area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    scale = config.canonical_size / np.sqrt(float(frame[0]) * frame[1])
    level = ops.log(ops.sqrt(ops.maximum(area, 1e-30)) / scale) / np.log(2.)
    coarsest = len(config.levels) - 2
    return ops.cast(ops.clip(2 + ops.round(level), 0, coarsest), 'int32')


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
        The image and the level of each RoI.
    size : int
        The number of bins on a side.

    Returns
    -------
    pooled : (R, size, size, C) tensor
        The pooled features.
    """
    y, x = sample_positions(boxes, _last_cells(shapes, levels), size)
    return sample_at(features, shapes, y, x, image_index, levels)


def sample_positions(boxes, last, size):
    """
    Where `crop_and_resize` takes its samples.

    Whether the last sample of a box that ends at the border of the frame is
    inside is a matter of the last bit. In NumPy the answer is that of
    ``tf.image.crop_and_resize``; compilers rewrite the division.

    Parameters
    ----------
    boxes : (R, 4) `~numpy.ndarray` or tensor of float32
        Normalized boxes.
    last : (R, 2) `~numpy.ndarray` or tensor of float32
        The last row and column of the level of each.
    size : int
        The number of bins on a side.

    Returns
    -------
    y, x : (R, size) `~numpy.ndarray` or tensor of float32
        The rows and columns, in cells.
    """
    steps = np.arange(size, dtype=np.float32)
    divisor = np.float32(size - 1)
    positions = []
    for axis in range(2):
        # Slices: TensorFlow's optimizer loses a new axis after a stack.
        low, high = boxes[:, axis:axis + 1], boxes[:, axis + 2:axis + 3]
        n = last[:, axis:axis + 1]
        positions.append(low * n + steps * ((high - low) * n / divisor))
    return positions


def sample_at(features, shapes, y, x, image_index, levels):
    """
    Bilinear samples, 0 beyond the first and the last row and column.

    Parameters
    ----------
    features, shapes
        From `~photutils_rcnn.models.roi_align.flatten_pyramid`.
    y, x : (R, size) tensor
        From `sample_positions`.
    image_index, levels : (R,) tensor of int32
        The image and the level of each RoI.

    Returns
    -------
    pooled : (R, size, size, C) tensor
        The samples.
    """
    last = _last_cells(shapes, levels)
    inside = [ops.where(ops.logical_and(position >= 0,
                                        position <= last[:, axis:axis + 1]),
                        position, -2.)
              for axis, position in enumerate((y, x))]
    return bilinear_samples(features, shapes, *inside, image_index, levels)


def _last_cells(shapes, levels):
    """
    The last row and column of the level of each RoI, (R, 2).
    """
    return ops.stack([of_levels([shape[axis] - 1 for shape in shapes], levels,
                                'float32') for axis in range(2)], axis=-1)
