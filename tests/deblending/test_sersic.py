# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for mixtures of Gaussians.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special

from photutils_rcnn.deblending.sersic import TRUNCATION, VARIANCES, sersic_weights


@pytest.mark.parametrize('index', [1.0, 2.5, 4.0])
def test_growth_curve(index):
    weights = sersic_weights(index)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    radii = np.array([0.3, 0.6, 1, 2, 4])
    found = (1 - np.exp(-0.5 * radii[:, None]**2 / VARIANCES)) @ weights
    b = special.gammaincinv(2 * index, 0.5)

    def within(radius):
        return special.gammainc(2 * index, b * radius**(1 / index))

    # a profile of 4 is cut off at 8 half-light radii
    assert_allclose(found, within(radii) / within(TRUNCATION), atol=0.025)
