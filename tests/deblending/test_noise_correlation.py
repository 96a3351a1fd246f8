# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the correlation of noise.
"""

import numpy as np
import pytest
from scipy import ndimage

from photutils_rcnn.deblending.noise_correlation import correlation_factor


def gaussian(fwhm):
    axis = np.arange(-12, 13)
    return np.exp(-0.5 * (axis[:, None]**2 + axis**2) / (fwhm / 2.355)**2)


@pytest.mark.parametrize('fwhm', [2.5, 4.0])
def test_variance_of_a_fit_of_the_psf(fwhm):
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=(600, 600)), 0.7)
    noise /= noise.std()
    psf = gaussian(fwhm)
    factor = correlation_factor(noise, np.ones(noise.shape, bool), psf)
    sums = ndimage.convolve(noise, psf)
    assert factor == pytest.approx(sums.var() / (psf**2).sum(), rel=0.1)
    assert factor > 2


def test_white_noise_and_few_pixels():
    noise = np.random.default_rng(1).normal(size=(400, 400))
    empty = np.ones(noise.shape, bool)
    assert correlation_factor(noise, empty, gaussian(3)) == pytest.approx(1, abs=0.05)
    empty[1:] = False
    assert correlation_factor(noise, empty, gaussian(3)) == 1
