# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of what is kept of a scene and a method.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.evaluation import Detections
from photutils_rcnn.evaluation.records import TruthRecord, record_scene

FWHM = 4.0


@pytest.fixture
def pair(build_scene):
    """
    Two stars 12 pixels apart.
    """
    return build_scene([(30, 30), (42, 30)], [2000, 4000], [1, 1])


def detect(scene, **options):
    """
    The truth, with scores that differ from those of the class.
    """
    return Detections(scene.footprints, [0.9, 0.6], [1, 1],
                      [[0.5, 0.5], [1.0, 0.0]], scene.truth['x'],
                      scene.truth['y'], **options)


def test_measurements(pair):
    """
    Magnitudes and S/N of the pixels of each mask, masked ones left out;
    separations in units of the FWHM.
    """
    pair.noise = np.float32([1, 2])
    pair.data[:, 5, 5] = pair.data[:, 30, 30] = 1e6
    pair.mask[30, 30] = True
    record = record_scene(pair, TruthRecord.from_scene(pair), detect(pair))
    for i, mask in enumerate(pair.footprints.masks):
        where = pair.footprints.slices(i)
        good = mask & ~pair.mask[where]
        flux = pair.data[(slice(None), *where)][:, good].sum(axis=1)
        assert_allclose(record.magnitudes[i], 30 - 2.5 * np.log10(flux[1]))
        assert_allclose(record.snr[i], np.sqrt(
            (flux[0]**2 + (flux[1] / 2)**2) / mask.sum()), rtol=1e-6)
    assert record.magnitudes[1] < record.magnitudes[0]
    assert_allclose(record.separations, 12 / FWHM)


def test_scores_of_both_kinds(pair):
    """
    The probability of the class ranks, unless that of a source is asked
    for; the cut is always that of a source.
    """
    truth = TruthRecord.from_scene(pair)
    for ranking, expected in (('class', [0.45, 0.6]), ('source', [0.9, 0.6])):
        record = record_scene(pair, truth, detect(pair), ranking=ranking)
        for image in (record.mask, record.box):
            assert_allclose(image.scores, expected)
            assert_allclose(image.cut_scores, [0.9, 0.6])


def test_found_above_a_threshold(pair):
    truth = TruthRecord.from_scene(pair)
    record = record_scene(pair, truth, detect(pair), score_threshold=0.7)
    assert_equal(record.found(), [True, False])
    assert_equal(record.found(0.5), [True, True])
    assert_equal(record.found(0.95), [False, False])
    assert_equal(record.counted, [True, False])
    # the other detection is below the threshold
    assert_equal(record.separations, [np.inf, np.nan])


def test_truth(build_scene):
    """
    The largest of three lengths is the radius of a match; pairs are as
    close as asked for.
    """
    scene = build_scene([(30, 30), (42, 30), (90, 90)], [2000, 2000, 500],
                        [1, 1, 1])
    scene.truth['half_light_radius'][1] = 7.0
    scene.footprints.masks[2] = np.ones((60, 60), bool)
    scene.footprints.boxes[2] = 60, 60, 120, 120
    truth = TruthRecord.from_scene(scene)
    assert_allclose(truth.radius, [FWHM, 7, 60 / np.sqrt(np.pi) / 4])
    assert len(truth.pairs) == 0
    assert_allclose(truth.separations[:2], 12 / FWHM)
    assert truth.reference_band == 1
    truth = TruthRecord.from_scene(scene, max_separation=3.1, radius=2.0)
    assert_equal(truth.pairs, [[0, 1]])
    assert_allclose(truth.radius, 2)
