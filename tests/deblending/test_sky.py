# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the residual sky.
"""

import numpy as np
import pytest
from astropy.stats import SigmaClip
from numpy.testing import assert_allclose
from photutils.background import Background2D, MedianBackground

from photutils_rcnn.deblending.sky import residual_sky


@pytest.mark.parametrize('shape', [(128, 96), (131, 100), (40, 33), (32, 32)])
def test_mesh_is_that_of_photutils(shape):
    rng = np.random.default_rng(0)
    residual = rng.normal(0.3, 1, shape)
    residual.ravel()[::97] += 30  # sources that were not found
    model = np.zeros(shape)
    model[:20, :20] = 5
    bad = rng.random(shape) < 0.05
    mesh = Background2D(
        residual, 32, mask=bad | (model > 0.5), filter_size=(3, 3), exclude_percentile=80,
        sigma_clip=SigmaClip(3, maxiters=10), bkg_estimator=MedianBackground()).background
    sky, _ = residual_sky(residual, model, np.ones(shape), bad, 3.0)
    assert_allclose(sky, mesh, atol=0.02)


def test_nothing_is_empty():
    sky, error = residual_sky(np.ones((64, 64)), np.ones((64, 64)), np.ones((64, 64)),
                              np.zeros((64, 64), bool), 3.0)
    assert not sky.any()
    assert error == 0
