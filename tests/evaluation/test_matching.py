# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the matching of detections to truth.
"""



import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.evaluation.matching import match_overlaps, match_positions
from photutils_rcnn.evaluation.overlaps import (
    box_iou,
    box_overlaps,
    mask_overlaps,
)
from photutils_rcnn.sources.footprints import Footprints


def rectangles(boxes, shape=(40, 40)):
    """
    Full boxes as footprints.
    """
    return Footprints(boxes, [np.ones((y2 - y1, x2 - x1), bool)
                              for y1, x1, y2, x2 in boxes], shape)


corners = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2)
box_lists = st.lists(corners, min_size=1, max_size=6).map(
    lambda items: [(y, x, y + h, x + w) for y, x, h, w in items])


@settings(deadline=None, max_examples=50)
@given(box_lists, box_lists)
def test_iou_symmetric_and_equal_for_full_masks(first, second):
    """The overlap is symmetric; masks that fill their boxes give box IoU."""
    dense = box_iou(first, second)
    assert_allclose(dense, box_iou(second, first).T)
    assert ((dense >= 0) & (dense <= 1)).all()
    overlaps = mask_overlaps(rectangles(first), rectangles(second))
    from_masks = np.zeros(dense.shape)
    from_masks[overlaps.detection, overlaps.truth] = overlaps.iou
    assert_allclose(from_masks, dense)


def test_box_iou_values():
    """Known values, empty boxes included."""
    assert_allclose(box_iou([[0, 0, 2, 2], [1, 1, 1, 1]],
                            [[0, 1, 2, 3], [1, 1, 1, 1]]),
                    [[1 / 3, 0], [0, 0]])


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_match_is_one_to_one_and_permutable(data):
    """Distinct scores: the order of the input does not matter."""
    first = data.draw(box_lists)
    second = data.draw(box_lists)
    scores = np.array(data.draw(st.permutations(range(len(first)))), float)
    overlaps = box_overlaps(first, second)
    matches = match_overlaps(overlaps, scores, 0.3)
    hits = matches.truth_of_detection[matches.hits]
    assert len(set(hits)) == len(hits)
    assert_equal(matches.detection_of_truth[hits],
                 np.flatnonzero(matches.hits))

    order = np.array(data.draw(st.permutations(range(len(first)))))
    other = match_overlaps(box_overlaps(np.array(first)[order], second),
                           scores[order], 0.3)
    # boxes may tie in overlap, never the number of matches by score
    assert_equal(other.hits, matches.hits[order])


def test_best_score_takes_the_best_truth():
    """The second detection gets what the first leaves."""
    truth = [(0, 0, 10, 10), (0, 4, 10, 14)]
    detected = [(0, 1, 10, 11), (0, 0, 10, 10)]
    overlaps = box_overlaps(detected, truth)
    matches = match_overlaps(overlaps, [0.9, 0.8], 0.2)
    assert_equal(matches.truth_of_detection, [0, 1])
    matches = match_overlaps(overlaps, [0.8, 0.9], 0.2)
    assert_equal(matches.truth_of_detection, [1, 0])
    matches = match_overlaps(overlaps, [0.8, 0.9], 0.6)
    assert_equal(matches.truth_of_detection, [-1, 0])


def test_overlap_equal_to_threshold_matches():
    """As in the reference implementations, equality is enough."""
    overlaps = box_overlaps([(0, 0, 10, 10)], [(0, 0, 10, 20)])
    assert match_overlaps(overlaps, [1.0], 0.5).hits[0]


def test_ignored_truth():
    """Detections of ignored truth count neither way."""
    truth = rectangles([(0, 0, 10, 10), (20, 20, 30, 30)])
    detected = rectangles([
        (0, 0, 10, 10),      # right
        (20, 20, 30, 30),    # matches the ignored one
        (22, 22, 26, 26),    # lies on the ignored one
        (0, 0, 4, 10),       # a piece of the counted one
        (30, 30, 38, 38),    # on nothing
    ])
    ignore = [False, True]
    overlaps = mask_overlaps(detected, truth, ignore=ignore)
    matches = match_overlaps(overlaps, [5, 4, 3, 2, 1], 0.5, ignore=ignore)
    assert_equal(matches.truth_of_detection, [0, -1, -1, -1, -1])
    assert_equal(matches.detection_of_truth, [0, -1])
    assert_equal(matches.ignored, [False, True, True, False, False])


def test_piece_of_counted_truth_over_ignored_truth_is_wrong():
    """A faint ignored source does not excuse shreds of a bright one."""
    truth = rectangles([(0, 0, 20, 20), (0, 0, 3, 3)])
    detected = rectangles([(0, 0, 20, 20), (0, 0, 16, 16)])
    overlaps = mask_overlaps(detected, truth, ignore=[False, True])
    assert not overlaps.on_ignored.any()


positions = arrays(float, st.tuples(st.integers(0, 12), st.just(2)),
                   elements=st.floats(0, 20, width=16))


@settings(deadline=None, max_examples=50)
@given(positions, positions, st.integers(0, 12), st.integers(0, 99))
def test_positions_greedy_in_score_are_prefixes(found, true, n_kept, seed):
    """A score cut before or after matching gives the same."""
    scores = np.random.default_rng(seed).permutation(len(found)) + 0.0
    full = match_positions(*found.T, *true.T, 3.0, scores=scores)
    kept = scores >= n_kept
    cut = match_positions(*found[kept].T, *true.T, 3.0, scores=scores[kept])
    assert_equal(cut.truth_of_detection, full.truth_of_detection[kept])
    hits = full.truth_of_detection[full.hits]
    assert len(set(hits)) == len(hits)
    assert (np.hypot(*(found[full.hits] - true[hits]).T) <= 3.0).all()


def test_positions_closest_first():
    """Without scores the closest pair matches; ignored truth goes last."""
    matches = match_positions([0.0, 1.0], [0, 0], [1.5, 10], [0, 0], 2.0)
    assert_equal(matches.truth_of_detection, [-1, 0])
    matches = match_positions([0.0, 5.0], [0, 0], [0.1, 1.0], [0, 0], 2.0,
                              ignore=[True, False])
    assert_equal(matches.truth_of_detection, [1, -1])


def test_ignored_truth_excuses_one_position():
    """The other detections near it are wrong unless they lie on ignored."""
    near = [0.0, 0.5], [0, 0], [0.1], [0], 2.0
    matches = match_positions(*near, ignore=[True])
    assert_equal(matches.ignored, [True, False])
    matches = match_positions(*near, ignore=[True], scores=[0.2, 0.3])
    assert_equal(matches.ignored, [False, True])
    assert_equal(matches.truth_of_detection, [-1, -1])
    matches = match_positions(*near, ignore=[True], on_ignored=[False, True])
    assert_equal(matches.ignored, [True, True])


def test_positions_radius_per_truth():
    """Each truth has its own radius."""
    matches = match_positions([3, 13], [0, 0], [0, 10], [0, 0], [2.0, 4.0])
    assert_equal(matches.detection_of_truth, [-1, 1])


def test_invalid():
    """Clear errors for wrong arguments."""
    overlaps = box_overlaps([(0, 0, 10, 10)], [(0, 0, 10, 20)])
    with pytest.raises(ValueError, match='threshold must be'):
        match_overlaps(overlaps, [1.0], 0)
    with pytest.raises(ValueError, match='scores must have the shape'):
        match_overlaps(overlaps, [1.0, 2.0], 0.5)
    with pytest.raises(ValueError, match='ignore must have the shape'):
        match_overlaps(overlaps, [1.0], 0.5, ignore=[True, False])
    with pytest.raises(ValueError, match='radius must be'):
        match_positions([0], [0], [0], [0], -1)


def test_counted_positions_come_before_ignored_ones():
    """
    Also where the ignored truth is nearer, with scores.
    """
    matches = match_positions([0.0], [0], [0.1, 1.0], [0, 0], 2.0,
                              scores=[0.9], ignore=[True, False])
    assert_equal(matches.truth_of_detection, [1])
    assert_equal(matches.ignored, [False])


def test_match_on_ignored_truth_counts():
    """
    Where a detection lies matters only if it matches nothing.
    """
    matches = match_positions([0.0], [0], [0.1], [0], 2.0, on_ignored=[True])
    assert matches.hits[0]
    assert not matches.ignored[0]


def test_pixels_on_ignored_truth():
    """
    The pixels of a mask count, not those of its box; more than half are mostly.
    """
    truth = rectangles([(0, 0, 10, 10)])
    corner = np.zeros((20, 10), bool)
    corner[:4] = corner[12:] = True
    detected = Footprints([(0, 0, 20, 10)], [corner], (40, 40))
    assert not mask_overlaps(detected, truth, ignore=[True]).on_ignored[0]
    larger = rectangles([(0, 0, 15, 10)])
    assert mask_overlaps(detected, larger, ignore=[True]).on_ignored[0]


def test_counted_truth_comes_before_ignored_truth():
    """Also where a detection overlaps the ignored one more."""
    overlaps = box_overlaps([(0, 0, 10, 10)], [(0, 0, 10, 9), (0, 0, 10, 7)])
    matches = match_overlaps(overlaps, [1.0], 0.5, ignore=[True, False])
    assert_equal(matches.truth_of_detection, [1])
    assert_equal(matches.ignored, [False])
