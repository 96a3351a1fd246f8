# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the blend statistics.
"""



import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.evaluation.blends import (
    close_pairs,
    nearest_separation,
    shredded_truth,
    unrecognized_blends,
)
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.sources.footprints import Footprints


def rectangles(boxes, shape=(40, 40)):
    """
    Full boxes as footprints.
    """
    return Footprints(boxes, [np.ones((y2 - y1, x2 - x1), bool)
                              for y1, x1, y2, x2 in boxes], shape)


@settings(deadline=None, max_examples=50)
@given(arrays(float, st.tuples(st.integers(0, 8), st.just(2)),
              elements=st.integers(0, 30).map(float), unique=True),
       st.integers(0, 255))
def test_nearest_separation_brute_force(points, bits):
    """Equal to the full distance matrix."""
    ignore = (bits >> np.arange(len(points))) & 1 > 0
    distance = np.hypot(*(points[:, np.newaxis] - points).T)
    np.fill_diagonal(distance, np.inf)
    distance[ignore] = np.inf
    expected = distance.min(axis=0, initial=np.inf)
    assert_allclose(nearest_separation(*points.T, ignore=ignore), expected)
    pairs = close_pairs(*points.T, 5.0, ignore=ignore)
    distance[:, ignore] = np.inf
    assert len(pairs) == (np.triu(distance < 5.0)).sum()


def test_shredded():
    """A truth claimed by its match and a piece, or by two pieces."""
    truth = rectangles([(0, 0, 20, 20), (25, 25, 35, 35)])
    detected = rectangles([(4, 4, 16, 16), (0, 0, 3, 3), (25, 25, 29, 29),
                           (31, 31, 35, 35), (38, 0, 40, 2)])
    matches = match_positions([10, 1, 27, 33, 0], [10, 1, 27, 33, 38],
                              [10, 30], [10, 30], 2.0)
    assert_equal(shredded_truth(detected, truth, matches), [2, 2])
    ignored = shredded_truth(detected, truth, matches, ignore=[False, True])
    assert_equal(ignored, [2, 0])


def test_overlapping_neighbor_with_own_match_is_no_shred():
    """Amodal masks of a blend claim their own truth only."""
    truth = rectangles([(0, 0, 20, 20), (2, 2, 6, 6)])
    matches = match_positions([10, 4], [10, 4], [10, 4], [10, 4], 2.0)
    assert_equal(shredded_truth(truth, truth, matches), [1, 1])
    n_covered, hidden = unrecognized_blends(truth, [10, 4], [10, 4], matches)
    assert_equal(n_covered, [1, 1])
    assert not hidden.any()


def test_unrecognized():
    """One detection over two sources; a missed one elsewhere is no blend."""
    detected = rectangles([(0, 0, 20, 20)])
    matches = match_positions([10], [10], [10, 14, 30], [10, 10, 30], 2.0)
    n_covered, hidden = unrecognized_blends(detected, [10, 14, 30],
                                            [10, 10, 30], matches)
    assert_equal(n_covered, [2])
    assert_equal(hidden, [False, True, False])
    n_covered, hidden = unrecognized_blends(
        detected, [10, 14, 30], [10, 10, 30], matches,
        ignore=[False, True, False])
    assert_equal(n_covered, [1])
    assert not hidden.any()


def test_ignored_detection_is_no_blend():
    """What counts neither way covers nothing, however large it is."""
    detected = rectangles([(0, 0, 20, 40)])
    ignore = [True, False, False]
    truth = [10, 24, 30], [10, 10, 10]
    matches = match_positions([10], [10], *truth, 2.0, ignore=ignore)
    n_covered, hidden = unrecognized_blends(detected, *truth, matches,
                                            ignore=ignore)
    assert_equal(n_covered, [0])
    assert not hidden.any()


def test_piece_on_two_sources():
    """It claims the one that it shares most pixels with."""
    truth = rectangles([(0, 0, 20, 16), (0, 10, 20, 30)])
    detected = rectangles([(4, 8, 10, 20)])
    matches = match_positions([14], [7], [5, 20], [30, 30], 2.0)
    assert_equal(shredded_truth(detected, truth, matches), [0, 1])


def test_box_is_no_footprint():
    """What lies in the box of a detection, not on it, is not hidden."""
    mask = np.ones((20, 20), bool)
    mask[:10, 10:] = False
    detected = Footprints([(0, 0, 20, 20)], [mask], (40, 40))
    x, y = [5, 15, 15], [5, 5, 15]
    matches = match_positions([5], [5], x, y, 2.0)
    n_covered, hidden = unrecognized_blends(detected, x, y, matches)
    assert_equal(n_covered, [2])
    assert_equal(hidden, [False, False, True])
