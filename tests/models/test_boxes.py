# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the geometry of boxes.
"""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from keras.utils.bounding_boxes import compute_iou
from numpy.testing import assert_allclose, assert_equal
from tiny_network import tiny_config

from photutils_rcnn.models.anchors import anchor_grids, make_anchors
from photutils_rcnn.models.boxes import (
    clip_boxes,
    decode_boxes,
    encode_boxes,
    grid_iou,
    log_sides,
    scale_boxes,
    suppression_mask,
)

STD = (0.1, 0.1, 0.2, 0.2)
# Keras compiles nothing here, but its first call is slow.
relaxed = settings(deadline=None, max_examples=40)


def numpy_of(tensor):
    return ops.convert_to_numpy(tensor)


def greedy(boxes, threshold):
    """
    Greedy suppression, one box at a time.
    """
    keep = []
    for i in range(len(boxes)):
        if all(reference_iou(boxes[i], boxes[j]) <= threshold for j in keep):
            keep.append(i)
    return np.isin(np.arange(len(boxes)), keep)


def reference_iou(a, b):
    """
    The overlap of two boxes, in float32 as the network has it.
    """
    a, b = np.float32(a), np.float32(b)
    shared = (max(min(a[2], b[2]) - max(a[0], b[0]), np.float32(0))
              * max(min(a[3], b[3]) - max(a[1], b[1]), np.float32(0)))
    total = ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
             - shared)
    return shared / total if total > 0 else np.float32(0)


def test_empty_boxes_overlap_nothing():
    """
    Not even each other: truth is padded with them.
    """
    boxes = np.array([[3, 4, 9, 12], [0, 0, 0, 0], [5, 5, 5, 8]], dtype=np.float32)
    iou = numpy_of(compute_iou(boxes, boxes, 'yxyx'))
    assert_allclose(iou, np.diag([1, 0, 0]), atol=1e-6)


side = st.integers(1, 12)
integer_box = st.builds(lambda y, x, h, w: (y, x, y + h, x + w),
                        st.integers(0, 10), st.integers(0, 10), side, side)
real = st.floats(0, 1500, width=32)
length = st.floats(0.5, 300, width=32)
real_box = st.builds(lambda y, x, h, w: (y, x, y + h, x + w),
                     real, real, length, length)


@relaxed
@given(st.lists(real_box, min_size=1, max_size=6))
def test_iou_of_a_grid(boxes):
    """
    The same as for the list of its boxes, in their order.
    """
    config = tiny_config(anchor_ratios=(0.5, 2.),
                         anchor_sizes=((5.,), (10., 14.), (20.,)))
    boxes = np.float32(boxes)
    grids = anchor_grids(config, (16, 24))
    iou = np.concatenate([numpy_of(grid_iou(rows, cols, boxes[None]))
                          for rows, cols in grids], axis=1)
    expected = compute_iou(make_anchors(config, (16, 24)), boxes, 'yxyx')
    assert_allclose(iou[0], numpy_of(expected), atol=1e-6)


@relaxed
@given(st.lists(st.tuples(real_box, real_box), min_size=1, max_size=6))
def test_encode_decode(pairs):
    """
    Decoding inverts encoding up to the limit on the change of size.
    """
    boxes, references = np.float32(pairs).swapaxes(0, 1)
    sides = boxes[:, 2:] - boxes[:, :2]
    ratio = np.log(sides / (references[:, 2:] - references[:, :2]))
    inside = (np.abs(ratio) < 4.1).all(axis=1)
    deltas = encode_boxes(boxes, references, STD)
    decoded = numpy_of(decode_boxes(deltas, references, STD))
    assert_allclose(decoded[inside], boxes[inside], atol=0.01)


def test_encode_values():
    """
    The formula of Girshick et al. (2014), appendix C.
    """
    deltas = encode_boxes(np.float32([[2, 4, 10, 8]]),
                          np.float32([[0, 0, 4, 8]]), STD)
    expected = [(6 - 2) / 4 / 0.1, (6 - 4) / 8 / 0.1, np.log(2) / 0.2,
                np.log(0.5) / 0.2]
    assert_allclose(numpy_of(deltas)[0], expected, rtol=1e-6)


def test_log_sides():
    sides = numpy_of(log_sides(np.float32([[2, 4, 10, 8], [3, 3, 3, 3]])))
    assert_allclose(sides[0], np.log([8, 4]), rtol=1e-6)
    assert np.isfinite(sides).all()


def test_zero_area_boxes_stay_finite():
    """
    Padding rows give finite deltas and finite gradients.
    """
    tf = pytest.importorskip('tensorflow')
    empty = np.zeros((1, 4), np.float32)
    box = np.float32([[1, 2, 30, 40]])
    for boxes, references in ((empty, box), (box, empty), (empty, empty)):
        x = tf.Variable(boxes)
        with tf.GradientTape() as tape:
            deltas = encode_boxes(x, references, STD)
            total = ops.sum(decode_boxes(deltas, references, STD))
        assert np.isfinite(numpy_of(deltas)).all()
        assert np.isfinite(numpy_of(tape.gradient(total, x))).all()


def test_decode_does_not_overflow():
    decoded = numpy_of(decode_boxes(np.float32([[0, 0, 1e4, 1e4]]),
                                    np.float32([[0, 0, 10, 10]]), STD))
    assert np.isfinite(decoded).all()
    assert_allclose(decoded[0, 2] - decoded[0, 0], 10 * 1000 / 16, rtol=1e-3)


def test_scale_and_clip():
    box = np.float32([[2, 4, 6, 12]])
    assert_allclose(numpy_of(scale_boxes(box, 1.5)), [[1, 2, 7, 14]])
    clipped = clip_boxes(np.float32([[-3, -1, 50, 7], [90, 3, 99, 5]]),
                         (32, 64))
    assert_allclose(numpy_of(clipped), [[0, 0, 32, 7], [32, 3, 32, 5]])


@pytest.mark.parametrize('precision', ['mixed_bfloat16', 'mixed_float16'])
def test_coordinates_stay_float32(precision):
    """
    No operation rounds coordinates, whatever the policy.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        box = np.float32([[1027.3, 513.7, 1100.1, 600.9]])
        deltas = encode_boxes(box, box + np.float32(3), STD)
        results = [scale_boxes(box, 1.), clip_boxes(box, (2048, 2048)),
                   decode_boxes(deltas, box + np.float32(3), STD)]
    finally:
        keras.config.set_dtype_policy(before)
    for result in results:
        assert keras.backend.standardize_dtype(result.dtype) == 'float32'
        assert_allclose(numpy_of(result), box, atol=1e-3)


@relaxed
@given(st.lists(integer_box, min_size=1, max_size=9),
       st.sampled_from([0.1, 0.3, 0.5, 0.7]))
def test_suppression_is_greedy(boxes, threshold):
    """
    Chains cannot be longer than the boxes are many: here the default
    number of passes is always enough.
    """
    keep = suppression_mask(np.float32([boxes]), threshold)
    assert_equal(numpy_of(keep)[0], greedy(boxes, threshold))


def test_suppression_of_a_crowded_field():
    """
    Two images at once, each with duplicates of many sources.
    """
    rng = np.random.default_rng(1)
    centers = rng.uniform(0, 120, (2, 60, 1, 2))
    centers = (centers + rng.normal(0, 1, (2, 60, 5, 2))).reshape(2, -1, 2)
    sides = rng.uniform(9, 12, (2, 300, 2))
    boxes = np.concatenate([centers - sides / 2, centers + sides / 2],
                           axis=-1).astype(np.float32)
    boxes = np.stack([rng.permutation(image) for image in boxes])
    for threshold in (0.5, 0.7):
        keep = numpy_of(suppression_mask(boxes, threshold))
        expected = [greedy(image, threshold) for image in boxes]
        assert_equal(keep, expected)
        assert keep.sum() < 550


def test_suppression_of_a_chain():
    """
    Every box beats its successor; a chain needs as many passes as links.
    """
    steps = np.arange(30, dtype=np.float32)[:, None]
    boxes = np.float32([0, 0, 4, 10]) + steps * np.float32([1, 0, 1, 0])
    keep = numpy_of(suppression_mask(boxes[None], 0.5, n_passes=30))[0]
    assert_equal(keep, np.arange(30) % 2 == 0)
