# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the PSF over a frame.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.detection.psf_map import PSFMap

FWHM = np.array([3.0, 4.0, 5.0])
PROFILE = np.linspace(0, 1, 27).reshape(3, 3, 3)


def test_constant():
    psf = PSFMap.with_slopes(FWHM, PROFILE)
    centers = np.array([[0, 0], [500, -3]])
    assert_equal(psf.fwhm_at(centers), [FWHM, FWHM])
    assert_equal(psf.profiles_at(centers), np.float32([PROFILE, PROFILE]))
    assert psf.fwhm_at(centers[:0]).shape == (0, 3)
    assert psf.profiles_at(centers[:0]).shape == (0, 3, 3, 3)


@given(y=st.floats(0, 99), x=st.floats(0, 199), slopes=st.tuples(
    st.sampled_from([0, -0.3]), st.sampled_from([0, 0.4])))
def test_slopes(y, x, slopes):
    """
    The FWHM follows the trend, the image in units of it stays.
    """
    psf = PSFMap.with_slopes(FWHM, PROFILE, slopes, (100, 200))
    scale = np.exp(slopes[0] * ((y + 0.5) / 100 - 0.5) + slopes[1] * ((x + 0.5) / 200 - 0.5))
    assert_allclose(psf.fwhm_at(np.array([[y, x]])), [FWHM * scale], rtol=2e-3)
    assert_allclose(psf.profiles_at(np.array([[y, x]]))[0], PROFILE, rtol=1e-6)


def test_beyond_the_nodes():
    psf = PSFMap(np.array([10.]), np.array([0., 100.]), np.stack([[FWHM, 2 * FWHM]]),
                 np.stack([[PROFILE, 0 * PROFILE]]))
    found = psf.fwhm_at(np.array([[0, -50], [70, 25], [10, 300]]))
    assert_allclose(found, np.outer([1, 1.25, 2], FWHM))
    assert_allclose(psf.profiles_at(np.array([[5, 50]]))[0], 0.5 * PROFILE)
