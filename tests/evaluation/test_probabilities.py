# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of ranking and calibration of probabilities.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from photutils_rcnn.evaluation.detections import Detections
from photutils_rcnn.evaluation.probabilities import (
    expected_calibration_error,
    roc_auc,
    score_calibration_error,
    star_galaxy_auc,
)
from photutils_rcnn.evaluation.records import TruthRecord, record_scene


def test_calibration_error_of_two_bins():
    """Off by 0.2 in a bin of three and by 0.1 in one of one."""
    error = expected_calibration_error([0.1, 0.1, 0.1, 0.9], [0.3, 0.3, 0.3, 1.0], n_bins=2)
    assert_allclose(error, (3 * 0.2 + 0.1) / 4)


def test_calibration_error_of_counts():
    """Counts are as many cases of the same probability."""
    rng = np.random.default_rng(0)
    probabilities = np.repeat([0.15, 0.45, 0.98], 40)
    right = rng.random(120) < probabilities
    assert_allclose(
        expected_calibration_error([0.15, 0.45, 0.98], right.reshape(3, 40).sum(axis=1), 40),
        expected_calibration_error(probabilities, right))


def test_calibration_error_at_the_ends():
    assert expected_calibration_error([0., 1.], [0, 1]) == 0
    assert expected_calibration_error([0., 1.], [1, 0]) == 1
    assert np.isnan(expected_calibration_error([], []))


def test_auc():
    """All pairs, ties counted half."""
    rng = np.random.default_rng(1)
    scores, positive = rng.integers(0, 6, 50), rng.random(50) < 0.4
    pairs = scores[positive][:, None] - scores[~positive]
    assert_allclose(roc_auc(scores, positive), (pairs > 0).mean() + (pairs == 0).mean() / 2)


@pytest.mark.parametrize('positive', [[True, True], [False, False], []])
def test_auc_of_one_class(positive):
    assert np.isnan(roc_auc(np.zeros(len(positive)), positive))


def record(scene, stars, scores, *, score_threshold=None):
    """
    The true footprints as detections.
    """
    stars = np.asarray(stars, dtype=float)
    found = Detections(scene.footprints, np.asarray(scores, dtype=float),
                       np.where(stars > 0.5, 1, 2), np.stack([stars, 1 - stars], axis=1),
                       x=scene.truth['x'], y=scene.truth['y'])
    return record_scene(scene, TruthRecord.from_scene(scene), found,
                        score_threshold=score_threshold)


def test_records(build_scene):
    """Detections that match ignored sources count in neither figure."""
    scene = build_scene([(20, 20), (60, 20), (20, 60), (60, 60), (100, 60)], [2000] * 5,
                        [1, 2, 1, 2, 1], ignore=[False] * 4 + [True])
    one = record(scene, [0.9, 0.2, 0.3, 0.4, 0.1], [0.75] * 4 + [0.1])
    assert_allclose(star_galaxy_auc([one]), 3 / 4)
    assert_allclose(score_calibration_error([one]), 0.25)


def test_score_threshold(build_scene):
    """Classes are those above it, the calibration that of all scores."""
    scene = build_scene([(20, 20), (60, 20), (20, 60)], [2000] * 3, [1, 2, 2])
    one = record(scene, [0.6, 0.7, 0.2], [0.9, 0.3, 0.9], score_threshold=0.5)
    assert star_galaxy_auc([one]) == 1
    assert_allclose(score_calibration_error([one]), (0.1 + 0.7 + 0.1) / 3)
