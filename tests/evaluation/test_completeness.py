# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of completeness, purity and confusion.
"""



import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.evaluation.completeness import (
    CompletenessCurve,
    binned_fraction,
)
from photutils_rcnn.evaluation.confusion import ConfusionMatrix
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.evaluation.published import PUBLISHED_CONFUSION


def test_binned_fraction():
    """Half-open bins, NaN outside all, NaN for an empty bin."""
    table = binned_fraction([1, 1.5, 2, np.nan, 9], [1, 0, 1, 1, 1],
                            [1, 2, 3, 4], name='mag')
    assert table.colnames[:2] == ['mag_min', 'mag_max']
    assert_equal(table['n'], [2, 1, 0])
    assert_allclose(table['completeness'], [0.5, 1, np.nan])
    assert (table['completeness_low'][0] < 0.5
            < table['completeness_high'][0])
    assert len(binned_fraction([], [], [0, 1])) == 1


def test_curve():
    """Thresholds, ties and the best completeness at a purity."""
    curve = CompletenessCurve.from_hits([0.9, 0.5, 0.7, 0.7],
                                        [True, True, False, True], 4)
    assert_allclose(curve.thresholds, [0.9, 0.7, 0.5])
    assert_allclose(curve.completeness, [0.25, 0.5, 0.75])
    assert_allclose(curve.purity, [1, 2 / 3, 0.75])
    assert_allclose(curve.at_purity(0.7), (0.5, 0.75))
    assert_allclose(curve.at_purity(0.8), (0.9, 0.25))
    assert np.isnan(curve.at_purity(1.1)).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=20))
def test_curve_counts(items):
    """Each point counts the detections at or above its threshold."""
    scores = np.array([item[0] for item in items], float)
    hits = np.array([item[1] for item in items], bool)
    curve = CompletenessCurve.from_hits(scores, hits, 20)
    for threshold, completeness, purity in zip(
            curve.thresholds, curve.completeness, curve.purity, strict=True):
        assert_allclose(completeness, hits[scores >= threshold].sum() / 20)
        assert_allclose(purity, hits[scores >= threshold].mean())


def test_published_confusion_figures():
    """The figures derived from the published counts."""
    matrix = PUBLISHED_CONFUSION[0.5]
    assert_allclose(matrix.accuracy, 0.9833, atol=5e-5)
    assert_allclose(matrix.balanced_accuracy, 0.963, atol=5e-4)
    assert_allclose(matrix.matthews_correlation, 0.900, atol=5e-4)
    assert_allclose(matrix.completeness, [0.938, 0.988], atol=5e-4)
    assert_allclose(matrix.purity, [0.882, 0.994], atol=5e-4)
    matrix = PUBLISHED_CONFUSION[0.75]
    assert_allclose(matrix.balanced_accuracy, 0.889, atol=5e-4)
    assert_allclose(matrix.matthews_correlation, 0.616, atol=5e-4)


def test_confusion_from_matches():
    """Pairs, missed and spurious, without ignored truth."""
    matches = match_positions([0, 10, 20, 40], [0] * 4, [0, 10, 30, 40],
                              [0] * 4, 2.0,
                              ignore=[False, False, False, True])
    matrix = ConfusionMatrix.from_matches(
        matches, [1, 1, 2, 2], [1, 2, 2, 1],
        ignore=[False, False, False, True])
    assert_equal(matrix.counts, [[1, 0], [1, 0]])
    assert_equal(matrix.missed, [0, 1])
    assert_equal(matrix.spurious, [0, 1])
    table = (matrix + matrix).to_table()
    assert list(table['star']) == [2, 2, 0]
    assert list(table['no match']) == [0, 2, 0]


def test_confusion_undefined_is_nan():
    """No pair at all has no accuracy."""
    matrix = ConfusionMatrix(np.zeros((2, 2), int), np.zeros(2, int),
                             np.zeros(2, int))
    assert np.isnan(matrix.accuracy)
    assert np.isnan(matrix.balanced_accuracy)
    assert np.isnan(matrix.matthews_correlation)


def test_confusion_of_a_part():
    """Detections that did not enter the matching are not spurious."""
    matches = match_positions([0, 50, 60], [0] * 3, [0], [0], 2.0)
    matrix = ConfusionMatrix.from_matches(
        matches, [1, 1, 2], [1], use=np.array([True, False, True]))
    assert_equal(matrix.spurious, [0, 1])
