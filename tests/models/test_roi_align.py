# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of RoIAlign against an independent formula.
"""

import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose, assert_equal
from tiny_network import tiny_config

from photutils_rcnn.models.roi_align import (
    flatten_pyramid,
    roi_align,
    roi_levels,
    sample_grid,
)

STRIDES = (2, 4, 8)
SHAPES = ((16, 24), (8, 12), (4, 6))


def oracle(feature_map, box, stride, size):
    """
    Tent weights of all rows and columns of the map, contracted.
    """
    weights = []
    for axis, n_cells in enumerate(feature_map.shape[:2]):
        low, high = box[axis], box[axis + 2]
        bins = low + (np.arange(size) + 0.5) / size * (high - low)
        distance = bins[:, None] / stride - (np.arange(n_cells) + 0.5)
        weights.append(np.maximum(1 - np.abs(distance), 0))
    return np.einsum('hwc,ih,jw->ijc', feature_map, *weights)


@pytest.fixture(scope='module')
def pyramid():
    rng = np.random.default_rng(2)
    return [rng.normal(size=(2, *shape, 3)).astype(np.float32)
            for shape in SHAPES]


def pool(pyramid, boxes, images, levels, size):
    features, shapes = flatten_pyramid([ops.convert_to_tensor(level)
                                        for level in pyramid])
    assert shapes == SHAPES
    return ops.convert_to_numpy(roi_align(
        features, shapes, STRIDES, np.float32(boxes), np.int32(images),
        np.int32(levels), size))


@pytest.mark.parametrize('size', [1, 7])
def test_equals_oracle(pyramid, size):
    """
    Boxes inside, across all borders and wholly outside of the image.
    """
    rng = np.random.default_rng(3)
    low = rng.uniform(-20, 45, (80, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.5, 40, (80, 2))], axis=1)
    boxes[0] = -60, -60, -40, -40
    boxes[1] = 0, 0, 32, 48
    boxes[2] = 10, 10, 10, 10
    images = rng.integers(0, 2, 80)
    levels = rng.integers(0, 3, 80)
    pooled = pool(pyramid, boxes, images, levels, size)
    expected = [oracle(pyramid[level][image], box, STRIDES[level], size)
                for box, image, level in zip(boxes, images, levels,
                                             strict=True)]
    assert_allclose(pooled, expected, atol=2e-5)
    assert_equal(pooled[0], 0)


def test_no_half_pixel_shift():
    """
    On a ramp, pooled values are the coordinates of the bin centers.
    """
    y, x = np.indices((16, 24)) + 0.5
    ramp = np.stack([2 * y, 2 * x], axis=-1)[None].astype(np.float32)
    pyramid = [ramp, *(np.zeros((1, *shape, 2), np.float32)
                       for shape in SHAPES[1:])]
    box = np.float32([[5.3, 8.1, 19.7, 30.2]])
    pooled = pool(pyramid, box, [0], [0], 4)[0]
    rows, cols = sample_grid(box, 4)
    assert_allclose(pooled[..., 0], np.repeat(rows, 4, axis=0).T, rtol=1e-5)
    assert_allclose(pooled[..., 1], np.repeat(cols, 4, axis=0), rtol=1e-5)


def test_bfloat16_features_with_float32_boxes(pyramid):
    """
    Pooled features have the type of the features; positions are exact.
    """
    features, shapes = flatten_pyramid(
        [ops.cast(level, 'bfloat16') for level in pyramid])
    box = np.float32([[9.13, 11.7, 21.4, 29.9]])
    pooled = roi_align(features, shapes, STRIDES, box, np.int32([1]),
                       np.int32([0]), 5)
    assert 'bfloat16' in str(pooled.dtype)
    expected = oracle(pyramid[0][1], box[0], 2, 5)
    assert_allclose(ops.convert_to_numpy(ops.cast(pooled, 'float32'))[0],
                    expected, atol=0.05)


def test_region_levels():
    """
    Doubling the side moves one level up, within the pyramid.
    """
    config = tiny_config(canonical_size=16.)
    sides = np.float32([0, 3, 15.9, 16.1, 31.9, 32.1, 5000])
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=1)
    levels = ops.convert_to_numpy(roi_levels(boxes, config))
    assert_equal(levels, [0, 0, 0, 1, 1, 2, 2])
    finer = ops.convert_to_numpy(roi_levels(boxes, config, shift=1))
    assert_equal(finer, [0, 0, 0, 0, 0, 1, 2])
