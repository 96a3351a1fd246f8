# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the point-spread functions.
"""

import numpy as np
import pytest
from scipy import fft

pytest.importorskip('galsim')

from photutils_rcnn.simulation.psf import PointSpread

OVERSAMPLE = 4


def image(psf, n=128):
    """
    The PSF with its pixel, per sample, its center in the middle.
    """
    return fft.fftshift(fft.irfft2(psf.transform(n, OVERSAMPLE)))


def width(profile):
    """
    The full width at half maximum of a row through the center, in pixels.
    """
    half = profile.max() / 2
    above = np.flatnonzero(profile > half)
    left, right = above[0], above[-1]
    start = left - (profile[left] - half) / (profile[left]
                                             - profile[left - 1])
    stop = right + (profile[right] - half) / (profile[right]
                                              - profile[right + 1])
    return (stop - start) / OVERSAMPLE


@pytest.mark.parametrize(('kind', 'fwhm', 'options', 'rtol'), [
    ('moffat', 3.5, {'beta': 3.0}, 0.03),
    ('moffat', 7.0, {'beta': 4.5}, 0.03), ('kolmogorov', 4.0, {}, 0.03),
    ('airy', 3.0, {'obscuration': 0.3}, 0.02),
    ('airy', 4.5, {'obscuration': 0.15}, 0.02)])
def test_fwhm(kind, fwhm, options, rtol):
    psf = PointSpread(kind, fwhm, **options)
    middle = image(psf)[64 * OVERSAMPLE]
    # a square pixel widens the profile like a Gaussian of variance 1 / 12
    expected = np.hypot(psf.fwhm, 2.355 / np.sqrt(12))
    assert width(middle) == pytest.approx(expected, rel=rtol)


@pytest.mark.parametrize('kind', ['moffat', 'kolmogorov', 'airy'])
@pytest.mark.parametrize('aureole', [0.0, 0.05])
def test_unit_flux(kind, aureole):
    psf = PointSpread(kind, 3.0, beta=4.0, obscuration=0.2, aureole=aureole)
    # up to a twentieth lies in wings beyond the stamp
    assert 0.93 < image(psf).sum() < 1.01


def test_ellipticity():
    psf = image(PointSpread('moffat', 5.0, beta=4.0, e1=0.2))
    wide = width(psf[64 * OVERSAMPLE])
    high = width(psf[:, 64 * OVERSAMPLE])
    assert (wide**2 - high**2) / (wide**2 + high**2) == pytest.approx(
        0.2, abs=0.02)


@pytest.mark.parametrize('kind', ['moffat', 'kolmogorov', 'airy'])
def test_radius_bounds_the_light(kind):
    psf = PointSpread(kind, 3.0, aureole=0.03, obscuration=0.3)
    pixels = image(psf) * OVERSAMPLE**2
    axis = (np.arange(len(pixels)) - len(pixels) // 2) / OVERSAMPLE
    distance = np.hypot(axis[:, None], axis)
    for level in (1e-3, 1e-4, 1e-5):
        radius = psf.radius(level)
        outside = pixels[(distance > radius) & (distance < 60)]
        assert outside.max(initial=0) < 1.3 * level
    assert psf.radius(1e-3) <= psf.radius(1e-4) <= psf.radius(1e-5)


def test_aureole_reaches_far():
    without = PointSpread('moffat', 3.0, beta=4.5)
    within = PointSpread('moffat', 3.0, beta=4.5, aureole=0.05)
    assert within.radius(1e-6) > 2 * without.radius(1e-6)


def test_flattest_wings():
    """
    The limits of the settings are those of GalSim.
    """
    PointSpread('moffat', 3.0, beta=1.11, aureole=0.1, aureole_slope=2.21)
    for options in ({'beta': 1.1}, {'aureole': 0.1, 'aureole_slope': 2.2}):
        with pytest.raises(ValueError, match='must be truncated'):
            PointSpread('moffat', 3.0, **options)


def test_unknown_kind():
    with pytest.raises(ValueError, match="got 'gaussian'"):
        PointSpread('gaussian', 3.0)


COADD = ((0.5, 0.8, 0.0, 0.0), (0.3, 1.1, 0.05, 0.0), (0.2, 1.5, 0.0, -0.05))
COMA = ((0.75, 1.0, 0.0, 0.0), (0.25, 1.4, 0.4, 0.0))


@pytest.mark.parametrize('components', [COADD, COMA])
def test_sums_of_copies_have_the_fwhm_asked_for(components):
    psf = PointSpread('moffat', 5.0, beta=4.0, components=components)
    pixels = image(psf)
    assert pixels.sum() == pytest.approx(1, abs=0.02)
    area = np.count_nonzero(pixels > pixels.max() / 2) / OVERSAMPLE**2
    # the pixel widens it by 3 percent
    assert np.sqrt(4 * area / np.pi) == pytest.approx(5.1, rel=0.04)


def test_coma_is_lopsided():
    pixels = image(PointSpread('moffat', 5.0, beta=4.0, components=COMA))
    y, x = np.indices(pixels.shape) - pixels.shape[0] // 2
    peak = np.unravel_index(np.argmax(pixels), pixels.shape)
    x = x - (peak[1] - pixels.shape[0] // 2)
    near = np.hypot(x, y) < 5 * OVERSAMPLE
    right = pixels[near & (x > 8)].sum()
    left = pixels[near & (x < -8)].sum()
    assert right > 1.3 * left
