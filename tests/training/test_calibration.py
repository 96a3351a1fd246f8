# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the calibration of scores.
"""
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose
from scipy import special

from photutils_rcnn.models.model import Model
from photutils_rcnn.sources.instances import Instances
from photutils_rcnn.training import calibration
from photutils_rcnn.training.calibration import (
    calibrate_model,
    collect_outcomes,
    fit_calibration,
)


def test_fit_recovers_distortion():
    """
    A model whose logits were scaled and shifted gives the true
    probabilities again once it is calibrated.
    """
    rng = np.random.default_rng(0)
    n = 20000
    odds = rng.normal(0, 2, n)
    is_source = rng.random(n) < special.expit(odds)
    classes = rng.normal(0, 2, (n, 3))
    probabilities = special.softmax(classes, axis=1)
    class_id = 1 + (probabilities.cumsum(axis=1)
                    < rng.random((n, 1))).sum(axis=1)
    outcomes = Table({
        'score': special.expit((odds - 0.6) / 0.5),
        'probabilities': special.softmax(
            (classes - [0, 0.7, -1.1]) / 1.4, axis=1),
        'class_id': np.where(is_source, class_id, 0),
        'weight': np.ones(n)})
    fit = fit_calibration(outcomes)
    assert_allclose(fit['source_scale'], 0.5, rtol=0.03)
    assert_allclose(fit['source_offset'], 0.6, atol=0.05)
    assert_allclose(fit['class_scale'], 1.4, rtol=0.03)
    assert fit['class_offset'][0] == 0
    assert_allclose(fit['class_offset'], [0, 0.7, -1.1], atol=0.1)

    model = Model({'network': {}, 'calibration': fit, 'thresholds': {}}, {})
    source = np.asarray(special.logit(outcomes['score']))
    found = model.source_probabilities(
        np.column_stack([np.zeros(n), source]), np.full(n, 0.9))
    assert np.abs(found - special.expit(odds)).max() < 0.03
    found = model.class_probabilities(np.log(outcomes['probabilities']))
    assert np.abs(found - probabilities).max() < 0.03


def test_weights_of_scenes():
    """
    Detections of weight zero do not change the fit.
    """
    rng = np.random.default_rng(1)
    star = rng.uniform(0.1, 0.9, 400)
    outcomes = Table({'score': rng.uniform(0.1, 0.9, 400),
                      'probabilities': np.stack([star, 1 - star], axis=1),
                      'class_id': rng.integers(0, 3, 400),
                      'weight': np.repeat([1., 0.], 200)})
    assert fit_calibration(outcomes) == fit_calibration(outcomes[:200])


def test_outcomes(make_scene):
    """
    One row for each detection that counts; scenes weigh the same.
    """
    scene = make_scene([(10, 12), (30, 40), (50, 100)])
    scene.truth['ignore'][2] = True
    boxes = np.float32([[6, 8, 15, 17], [26, 36, 35, 45], [46, 96, 55, 105],
                        [2, 60, 9, 70]])

    def segment(data, mask, bands):
        n = 4 if bands == ('g', 'r', 'z') else 0
        return SimpleNamespace(instances=Instances(
            shape=data.shape[1:], boxes=boxes[:n],
            scores=np.float32([0.9, 0.8, 0.7, 0.6]),
            class_probabilities=np.float32([[0.8, 0.2]] * 4),
            masks=np.ones((4, 28, 28), np.float16), mask_boxes=boxes[:n],
            flags=np.zeros(4, np.int32), snr=np.float32([40, 30, 20, 10])))

    outcomes = collect_outcomes(SimpleNamespace(segment=segment), [scene] * 2)
    assert outcomes['class_id'].tolist() == [1, 2, 0] * 2
    assert_allclose(outcomes['score'], [0.9, 0.8, 0.6] * 2, rtol=1e-6)
    assert_allclose(outcomes['probabilities'], [[0.8, 0.2]] * 6, rtol=1e-6)
    assert_allclose(outcomes['snr'], [40, 30, 10] * 2)
    # of the third there is no source whose pixels could be counted
    assert (outcomes['mask_counts'].sum(axis=(1, 2)) > 0).tolist() == [True, True, False] * 2
    assert outcomes['scene'].tolist() == [0] * 3 + [1] * 3
    assert_allclose(outcomes['weight'], 1 / 3)


def test_footprints_that_are_no_isophotes(monkeypatch, tmp_path):
    """
    Those of Astro R-CNN, which have no S/N.
    """
    monkeypatch.setattr(calibration, 'load_model', lambda folder: SimpleNamespace(
        name='burke', isophotal=False))
    with pytest.raises(ValueError, match="'burke' must be a model of isophotal footprints"):
        calibrate_model(tmp_path, [])
