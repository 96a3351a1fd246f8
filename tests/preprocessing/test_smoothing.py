# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of Gaussian smoothing.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

from photutils_rcnn.preprocessing.smoothing import gaussian_smooth


@pytest.mark.parametrize('shape', [(100, 70), (33, 5), (1, 40), (2, 2)])
@pytest.mark.parametrize(('sigma', 'truncate'), [(1., 4.), (3., 3.), (0.4, 3.)])
def test_is_that_of_scipy(shape, sigma, truncate):
    image = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    image.flat[0] = 1000
    given = image.copy()
    found = gaussian_smooth(image, sigma, truncate)
    assert found.dtype == np.float32
    assert_allclose(found, ndimage.gaussian_filter(image, sigma, truncate=truncate),
                    rtol=1e-5, atol=1e-5)
    assert np.array_equal(image, given)
