# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the calibration of scores.
"""

import numpy as np
from astropy.table import Table
from numpy.testing import assert_allclose
from scipy import special

from photutils_rcnn.models.zoo import Model
from photutils_rcnn.training.calibration import fit_calibration


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

    model = Model({'calibration': fit, 'thresholds': {}}, {})
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
