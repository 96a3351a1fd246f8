# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of non-maximum suppression.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.detection.nms import (
    overlapping_pairs,
    pair_iou,
    suppress,
    suppress_footprints,
)
from photutils_rcnn.sources.footprints import Footprints

relaxed = settings(deadline=None)
# Integer boxes of few sizes: many overlaps, many ties. Some are much larger
# than others, some empty.
side = st.sampled_from([0, 1, 2, 3, 4, 5, 8, 30])
box = st.builds(lambda y, x, h, w: (y, x, y + h, x + w),
                st.integers(-4, 12), st.integers(-4, 12), side, side)
box_lists = st.lists(box, max_size=14)
thresholds = st.sampled_from([0.05, 0.3, 0.5, 0.6, 0.9])


def as_boxes(items):
    return np.array(items, dtype=np.float32).reshape(-1, 4)


def iou_table(boxes):
    """
    The overlaps of all pairs.
    """
    n = len(boxes)
    first, second = np.indices((n, n)).reshape(2, -1)
    return pair_iou(boxes[first].astype(float),
                    boxes[second].astype(float)).reshape(n, n)


def greedy(boxes, scores, threshold):
    """
    Textbook suppression; ties by coordinates.
    """
    order = sorted(range(len(boxes)),
                   key=lambda i: (-scores[i], *boxes[i], i))
    iou = iou_table(boxes)
    keep = []
    for i in order:
        if all(iou[i, j] <= threshold for j in keep):
            keep.append(i)
    return keep


def test_pair_iou():
    first = np.float64([[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 1, 1],
                        [2, 2, 2, 2]])
    second = np.float64([[0, 2, 4, 6], [0, 0, 2, 2], [1, 0, 2, 1],
                         [2, 2, 2, 2]])
    assert_allclose(pair_iou(first, second), [1 / 3, 1 / 4, 0, 0])


@relaxed
@given(box_lists, thresholds)
def test_overlapping_pairs(items, threshold):
    """
    Exactly the pairs that a comparison of all with all finds, each once.
    """
    boxes = as_boxes(items)
    first, second = overlapping_pairs(boxes, threshold)
    assert (first < second).all()
    expected = np.argwhere(np.triu(iou_table(boxes) > threshold, 1))
    found = sorted(zip(first.tolist(), second.tolist(), strict=True))
    assert found == [tuple(pair) for pair in expected.tolist()]


@relaxed
@given(st.lists(st.tuples(box, st.integers(0, 3)), max_size=14), thresholds)
def test_suppress_is_greedy(items, threshold):
    boxes = as_boxes([item[0] for item in items])
    scores = np.array([item[1] for item in items], dtype=np.float32)
    assert_equal(suppress(boxes, scores, threshold),
                 greedy(boxes, scores, threshold))


@relaxed
@given(st.lists(st.tuples(box, st.integers(0, 2)), max_size=12), thresholds,
       st.randoms(use_true_random=False))
def test_order_of_input_does_not_matter(items, threshold, random):
    """
    The same boxes survive, in the same order, even among equal scores.
    """
    def kept(values):
        boxes = as_boxes([value[0] for value in values])
        scores = np.array([value[1] for value in values], dtype=np.float32)
        return [values[i] for i in suppress(boxes, scores, threshold)]

    shuffled = random.sample(items, len(items))
    assert kept(shuffled) == kept(items)


def test_long_chain():
    """
    A chain in which every box overlaps the next: every second survives.
    """
    steps = np.arange(200)[:, None]
    boxes = np.array([0, 0, 4, 10]) + steps * np.array([1, 0, 1, 0])
    keep = suppress(boxes, -np.arange(200.), 0.5)
    assert_equal(keep, np.arange(0, 200, 2))


def test_crowded_field():
    """
    Boxes of very different sizes, as many as on a small frame.
    """
    rng = np.random.default_rng(0)
    centers = rng.uniform(0, 300, (800, 2))
    sides = 2**rng.uniform(1, 8, (800, 1)) * rng.uniform(0.7, 1.4, (800, 2))
    boxes = np.concatenate([centers - sides / 2, centers + sides / 2], axis=1)
    scores = rng.random(800)
    for threshold in (0.1, 0.6):
        assert_equal(suppress(boxes, scores, threshold),
                     greedy(boxes, scores, threshold))


def test_nothing_and_one():
    none = np.zeros((0, 4))
    assert len(suppress(none, np.zeros(0), 0.5)) == 0
    assert len(overlapping_pairs(none, 0.5)[0]) == 0
    assert_equal(suppress(np.array([[0, 0, 2, 2]]), np.ones(1), 0.5), [0])


@pytest.mark.parametrize('threshold', [1, 1.5])
def test_suppression_off(threshold):
    boxes = np.tile([0, 0, 4, 4], (3, 1))
    keep = suppress(boxes, np.array([1, 3, 2]), threshold)
    assert_equal(keep, [1, 2, 0])


def test_no_overlap_tolerated():
    """
    Threshold 0 keeps boxes that touch and drops all that overlap.
    """
    boxes = np.array([[0, 0, 4, 4], [0, 4, 4, 8], [3, 3, 5, 5]])
    keep = suppress(boxes, np.array([3, 2, 1]), 0)
    assert_equal(keep, [0, 1])


@relaxed
@given(st.lists(st.tuples(*[st.integers(0, 6)] * 4, st.integers(0, 3)), max_size=9),
       thresholds)
def test_footprints(items, threshold):
    """
    Textbook suppression of masks, ties by the boxes.
    """
    boxes = np.array([(y, x, y + h + 1, x + w + 1) for y, x, h, w, _ in items],
                     dtype=int).reshape(-1, 4)
    rng = np.random.default_rng(len(items))
    masks = [rng.random((y2 - y1, x2 - x1)) < 0.7 for y1, x1, y2, x2 in boxes]
    scores = np.array([item[-1] for item in items], dtype=float)
    full = np.zeros((len(items), 14, 14), dtype=bool)
    for image, (y1, x1, y2, x2), mask in zip(full, boxes, masks, strict=True):
        image[y1:y2, x1:x2] = mask
    kept = []
    for i in sorted(range(len(items)), key=lambda i: (-scores[i], *boxes[i], i)):
        if all((full[i] & full[j]).sum() <= threshold * (full[i] | full[j]).sum()
               for j in kept):
            kept.append(i)
    keep = suppress_footprints(Footprints(boxes, masks, (14, 14)), scores, threshold)
    assert_equal(np.flatnonzero(keep), np.sort(kept))
