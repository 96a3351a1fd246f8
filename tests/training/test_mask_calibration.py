# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the calibration of mask pixels.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal
from scipy import special

from photutils_rcnn.models.model import Model
from photutils_rcnn.sources.footprints import Footprints
from photutils_rcnn.sources.instances import Instances
from photutils_rcnn.training.mask_calibration import (
    count_mask_pixels,
    fit_mask_scale,
    mask_calibration_error,
)


def pixels(scale, side=700, seed=0):
    """
    A source whose pixels belong to it as often as ``scale`` times their logits say.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (side, side))
    masks = special.expit(logits)[None].astype(np.float32)
    inside = rng.random((side, side)) < special.expit(scale * logits)
    box = np.float32([[0, 0, side, side]])
    instances = Instances(
        shape=(side, side), boxes=box, scores=np.ones(1), masks=masks, mask_boxes=box,
        class_probabilities=np.ones((1, 2)) / 2, flags=np.zeros(1, np.int32))
    return instances, Footprints([[0, 0, side, side]], [inside], (side, side))


@pytest.mark.parametrize('scale', [0.7, 1.0, 1.6])
def test_fit_recovers_distortion(scale):
    """
    Masks whose logits were scaled are frequencies again once they are calibrated.
    """
    instances, truth = pixels(scale)
    counts = count_mask_pixels(instances, truth, [0])
    fit = fit_mask_scale(counts)
    assert_allclose(fit, scale, rtol=0.03)
    model = Model({'network': {}, 'calibration': {'mask_scale': fit}, 'thresholds': {}}, {})
    instances.mask_scale = model.mask_scale
    error = mask_calibration_error(count_mask_pixels(instances, truth, [0]))
    assert error < 0.01
    assert error <= mask_calibration_error(counts) + 1e-3


def test_counts():
    """
    Pixels of the mask box alone count, and those of detections that show a source.
    """
    box = np.float32([[0, 0, 4, 4], [0, 0, 4, 4], [4, 4, 8, 8]])
    masks = np.stack([np.full((4, 4), p, dtype=np.float16) for p in (0.5, 1, 0)])
    instances = Instances(
        shape=(8, 8), boxes=box, scores=np.ones(3), masks=masks, mask_boxes=box,
        class_probabilities=np.ones((3, 2)) / 2, flags=np.zeros(3, np.int32))
    truth = Footprints([[2, 2, 8, 8], [0, 0, 3, 4]],
                       [np.ones((6, 6), bool), np.ones((3, 4), bool)], (8, 8))
    counts = count_mask_pixels(instances, truth, [0, -1, 1])
    assert_equal(counts.sum(axis=2), [[12, 4], [0, 0], [16, 0]])
    assert_equal(np.flatnonzero(counts[0].sum(axis=0)), [80])
    assert counts[2, 0, 0] == 16
    # a quarter where a half was promised, and none where none was
    assert_allclose(mask_calibration_error(counts), 4 / 32, atol=0.01)


def test_nothing_to_fit():
    empty = np.zeros((0, 2, 160), dtype=int)
    assert fit_mask_scale(empty) == 1
    assert np.isnan(mask_calibration_error(empty))
