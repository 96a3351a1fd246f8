# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the estimate of the PSF.
"""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.stats import gaussian_fwhm_to_sigma
from numpy.testing import assert_allclose, assert_equal
from photutils.detection import find_peaks
from scipy import ndimage

from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.psf import (
    adaptive_fwhm,
    check_fwhm,
    find_psf_stars,
    find_varying_psf_stars,
    given_fwhm,
)
from photutils_rcnn.preprocessing.psf_peaks import HALF, _local_maxima


def _field(fwhms, fluxes, seed=0, side=300, n_bands=1):
    """
    Gaussian sources of the given widths on a jittered grid, in unit noise.
    """
    image = np.random.default_rng(seed).normal(size=(n_bands, side, side))
    rng = np.random.default_rng(0)
    n = int(np.ceil(np.sqrt(len(fwhms))))
    y, x = np.mgrid[:side, :side]
    for i, (fwhm, flux) in enumerate(zip(fwhms, fluxes, strict=True)):
        yc, xc = (np.array(divmod(i, n)) + 0.5) * side / n + rng.uniform(
            -2, 2, 2)
        variance = (fwhm * gaussian_fwhm_to_sigma)**2
        image += flux / (2 * np.pi * variance) * np.exp(
            -((y - yc)**2 + (x - xc)**2) / (2 * variance))
    return image


@pytest.mark.parametrize('fwhm', [2.2, 3.5, 6.0])
@pytest.mark.parametrize('n_bands', [1, 3])
def test_stars(fwhm, n_bands):
    """
    The width of stars comes out within a few percent. The estimate allows
    for the wings that real PSFs have and a Gaussian has not.
    """
    flux = 60 * fwhm**2 * np.linspace(1, 5, 36)
    image = _field([fwhm] * 36, flux, n_bands=n_bands)
    found = find_psf_stars(image, np.zeros(image.shape, bool))[0]
    assert_allclose(found * 1.13, fwhm, rtol=0.05)


def test_bands_differ():
    """
    Each band has a PSF of its own, told by the stars among galaxies. A band
    without data is taken to be like the others.
    """
    rng = np.random.default_rng(3)
    star = np.arange(64) % 3 == 0
    factors = np.array([1.0, 1.15, 0.9])
    intrinsic = np.where(star, 0, rng.uniform(3, 8, 64))
    flux = 600 * rng.uniform(1, 4, 64)
    image = np.concatenate([
        _field(np.hypot(4 * factor, intrinsic), flux, seed=i, side=500)
        for i, factor in enumerate(factors)])
    none = np.zeros(image.shape, bool)
    found = find_psf_stars(image, none)[0]
    assert_allclose(found / found.mean(), factors / factors.mean(), rtol=0.02)
    image[1] = np.nan
    found = find_psf_stars(image, none)[0]
    assert_allclose(found[2] / found[0], 0.9, rtol=0.02)
    assert found[2] < found[1] < found[0]


@pytest.mark.parametrize('missing', ['half', 'columns', 'pixels'])
def test_missing_in_one_band(missing):
    """
    What lacks in one band neither narrows nor widens the PSF, whatever
    pedestal its pixels have.
    """
    factors = np.array([1.0, 1.15, 0.9])
    flux = 900 * np.linspace(1, 5, 64)
    image = np.concatenate([
        _field([4 * factor] * 64, flux, seed=i, side=400)
        for i, factor in enumerate(factors)])
    whole = find_psf_stars(image, np.zeros(image.shape, bool))[0]
    assert_allclose(whole * 1.13, 4 * factors, rtol=0.05)
    bad = np.zeros(image.shape, bool)
    if missing == 'half':
        bad[0, :, 150:] = True
    elif missing == 'columns':
        bad[0, :, ::8] = True
    else:
        bad[0] = np.random.default_rng(0).random(image.shape[1:]) < 0.03
    image[bad] = -1000
    assert_allclose(find_psf_stars(image, bad)[0], whole, rtol=0.05)


@pytest.mark.parametrize('psf_fwhm', ['seeing', 0.7 * u.arcsec, 0, -2.0, np.nan, np.inf, [],
                                      [3, 0], [[3, 4]], object()])
def test_bad_fwhm(psf_fwhm):
    with pytest.raises(ValueError, match='psf_fwhm must be .*, got'):
        check_fwhm(psf_fwhm)


def test_given_fwhm():
    """
    One number stands for all bands, a sequence for one each.
    """
    for psf_fwhm in ('auto', None, 3, [3.0, 4.0], np.float32(2)):
        check_fwhm(psf_fwhm)
    cube = prepare_inputs(np.ones((2, 20, 20)))
    assert given_fwhm('auto', cube) is given_fwhm(None, cube) is None
    assert_allclose(given_fwhm(3, cube), [3, 3])
    assert_allclose(given_fwhm([3, 4], cube), [3, 4])
    check_fwhm([3, 4] * u.pix)
    assert_allclose(given_fwhm([3, 4] * u.pix, cube), [3, 4])
    cube = replace(cube, order=(1, 0))
    assert_allclose(given_fwhm([3, 4], cube), [4, 3])
    with pytest.raises(ValueError, match='each of 2 bands .*, got 3'):
        given_fwhm([3, 4, 5], cube)


def test_saturated_stars_are_left_out():
    """
    Flat tops do not widen the PSF, also where they are most of the
    brightest peaks or saturated in one band alone.
    """
    flux = 18 * 16 * np.append(np.linspace(400, 4000, 60),
                               np.linspace(5, 20, 40))
    image = _field([4.0] * 100, flux, n_bands=2, side=500)
    none = np.zeros(image.shape, bool)
    expected = find_psf_stars(image, none)[0]
    assert_allclose(expected * 1.13, 4, rtol=0.05)
    image[0] = np.minimum(image[0], 800)
    assert_allclose(find_psf_stars(image, none)[0], expected, rtol=0.05)


def test_galaxies_are_not_stars():
    """
    A quarter of stars among galaxies of all widths sets the estimate.
    """
    rng = np.random.default_rng(1)
    fwhms = np.where(np.arange(64) % 4 == 0, 3.0, rng.uniform(4, 9, 64))
    image = _field(fwhms, 60 * fwhms**2 * rng.uniform(1, 5, 64), side=500)
    found = find_psf_stars(image, np.zeros(image.shape, bool))[0]
    assert_allclose(found * 1.13, 3.0, rtol=0.08)


@pytest.mark.parametrize('n_stars', [1, 8])
def test_few_sources(n_stars):
    """
    Eight of fourteen sources of one width are stars; of fourteen different
    widths the narrowest is the best guess, also where others happen to be
    close to each other.
    """
    fwhms = np.array([5.0, 5.2, 5.4, 6.0, 6.5, 7.3, 3.4, 4.2, 8.0, 5.3, 7.0,
                      8.4, 6.2, 3.0])
    fwhms[:n_stars - 1] = 3.0
    image = _field(fwhms, 90 * fwhms**2)
    found = find_psf_stars(image, np.zeros(image.shape, bool))[0]
    assert_allclose(found * 1.13, 3.0, rtol=0.05)


def test_nothing_is_narrower_than_stars():
    """
    Eight galaxies that happen to be of one width are no stars beside a
    source that is narrower.
    """
    fwhms = np.array([5.0] * 8 + [8.0, 3.5])
    image = _field(fwhms, 90 * fwhms**2)
    none = np.zeros(image.shape, bool)
    assert_allclose(find_psf_stars(image, none)[0] * 1.13, 3.5, rtol=0.05)


def test_cosmic_rays_are_not_stars():
    """
    Single bright pixels and bad pixels do not count.
    """
    rng = np.random.default_rng(2)
    image = _field([4.0] * 25, [4000.] * 25)
    bad = np.zeros(image.shape, bool)
    rows, cols = rng.integers(20, 280, (2, 100))
    image[0, rows[:50], cols[:50]] += 500
    image[0, rows[50:], cols[50:]] = np.nan
    bad[:, rows[50:], cols[50:]] = True
    assert_allclose(find_psf_stars(image, bad)[0] * 1.13, 4.0, rtol=0.08)


@pytest.mark.parametrize('n_stars', [0, 8])
def test_correlated_noise(n_stars):
    """
    In a magnified image noise has peaks that are no stars.
    """
    fwhm, shape = 8., (1, 300, 300)
    noise = ndimage.gaussian_filter(
        np.random.default_rng(1).exponential(size=shape), (0, 1.5, 1.5))
    noise -= np.median(noise)
    noise /= -1.4826 * np.median(noise[noise < 0])
    image = noise + _field([fwhm] * n_stars, np.linspace(3000, 30_000, n_stars))
    found = find_psf_stars(image, np.zeros(shape, bool))[0]
    if n_stars:
        assert_allclose(found * 1.13, fwhm, rtol=0.05)
    else:
        assert found is None


def test_unknown():
    """
    Without bright sources, or in a small frame, there is no estimate.
    """
    noise = np.random.default_rng(0).normal(size=(1, 100, 100))
    assert find_psf_stars(noise, np.zeros((1, 100, 100), bool))[0] is None
    assert find_psf_stars(noise[:, :20], np.zeros((1, 100, 20), bool))[0] is None


def test_elongated_sources_are_no_stars():
    """
    Trails and edge-on galaxies tell nothing of the PSF, however many and
    alike they are.
    """
    image = np.random.default_rng(0).normal(size=(1, 300, 300))
    y, x = np.mgrid[:300, :300]
    for y0 in range(25, 300, 50):
        for x0 in range(25, 300, 50):
            image += 60 * np.exp(-0.5 * ((y - y0)**2 / 1.2**2
                                         + (x - x0)**2 / 3.6**2))
    assert find_psf_stars(image, np.zeros(image.shape, bool))[0] is None


@pytest.mark.parametrize('rise', [0, 0.3])
def test_varying_psf(rise):
    """
    Stars of the whole frame are found where their width has a trend, and the FWHM of
    the bands in its middle. Without one nothing changes.
    """
    rng = np.random.default_rng(0)
    shape = 400, 1200
    image = rng.normal(size=(2, *shape))
    y, x = np.mgrid[-25:26, -25:26]
    for row in range(40, 380, 45):
        for col in range(40, 1180, 45):
            trend = np.exp(rise * (col / 1200 - 0.5))
            wide = 0 if rng.random() < 0.6 else rng.uniform(2, 6)
            for band, factor in enumerate((1, 1.2)):
                fwhm = np.hypot(4 * factor * trend, wide)
                image[band, row - 25:row + 26, col - 25:col + 26] += 100 * np.exp(
                    -4 * np.log(2) * (x**2 + y**2) / fwhm**2)
    invalid = np.zeros(image.shape, dtype=bool)
    fwhm, stars, slopes = find_varying_psf_stars(image, invalid)
    assert_allclose(slopes, [0, rise], atol=0.02)
    assert_allclose(fwhm * 1.13, [4, 4.8], rtol=0.03)
    assert len(stars) > 80
    alone = find_psf_stars(image, invalid)
    if rise:
        assert len(alone[1]) < 0.6 * len(stars)
    else:
        for found, same in zip((fwhm, stars), alone, strict=True):
            assert_equal(found, same)


@pytest.mark.parametrize('level', [0.5, 2.5, 9])
def test_peaks_are_those_of_photutils(level):
    """
    The quick search for maxima finds what ``find_peaks`` does.
    """
    rng = np.random.default_rng(3)
    image = ndimage.gaussian_filter(rng.normal(0, 10, (120, 140)), 1).astype(np.float32)
    image[40:43, 50:53] = 20  # level: each of its pixels is a maximum
    y, x = _local_maxima(image, level)
    expected = find_peaks(image, level, box_size=9, border_width=HALF)
    assert_equal(y, expected['y_peak'])
    assert_equal(x, expected['x_peak'])


def test_adaptive_fwhm_of_ellipses():
    """
    The Gaussian that matches a Gaussian is itself, off the middle, too.
    """
    y, x = np.mgrid[-HALF:HALF + 1, -HALF:HALF + 1]
    rng = np.random.default_rng(4)
    stamps, expected = [], []
    for _ in range(20):
        dy, dx = rng.uniform(-0.5, 0.5, 2)
        large, small = 2 * np.exp(rng.uniform(0, 0.1)), 2 * np.exp(-rng.uniform(0, 0.1))
        turn = rng.uniform(0, np.pi)
        u = (x - dx) * np.cos(turn) + (y - dy) * np.sin(turn)
        v = (y - dy) * np.cos(turn) - (x - dx) * np.sin(turn)
        stamps.append(np.exp(-0.5 * ((u / large)**2 + (v / small)**2)))
        expected.append((large, small))
    fwhm, longest = adaptive_fwhm(np.array(stamps))
    large, small = 2.3548 * np.transpose(expected)
    # A round weight hardly tells the mean of the axes, and half of the distortion.
    assert_allclose(fwhm, np.sqrt(large * small), rtol=0.02)
    assert_allclose(longest, large, rtol=0.03)
