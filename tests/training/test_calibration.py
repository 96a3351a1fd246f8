# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the calibration of scores.
"""

import numpy as np
from numpy.testing import assert_allclose
from scipy import special

from photutils_rcnn.training.calibration import fit_calibration


def test_fit_recovers_distortion():
    """
    Logits that were scaled and shifted are scaled and shifted back.
    """
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 3))
    probabilities = special.softmax(logits, axis=1)
    classes = (probabilities.cumsum(axis=1)
               < rng.random((20000, 1))).sum(axis=1)
    distorted = special.log_softmax(
        (logits - [0, 0.7, -1.1]) / 0.5, axis=1)
    fit = fit_calibration(distorted, classes)
    restored = special.softmax(distorted * fit['scale'] + fit['offset'],
                               axis=1)
    assert fit['offset'][0] == 0
    assert_allclose(restored.mean(axis=0), np.bincount(classes) / 20000,
                    atol=1e-3)
    assert np.abs(restored - probabilities).max() < 0.06
