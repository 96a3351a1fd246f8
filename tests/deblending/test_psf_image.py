# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the PSF with its wings.
"""

import numpy as np
import pytest
from blends import gaussian_source
from numpy.testing import assert_allclose
from scipy import fft

from photutils_rcnn.deblending.psf_image import MixedPSF, PSFImage
from photutils_rcnn.deblending.psf_stack import AUREOLE, measure_psf_images
from photutils_rcnn.deblending.templates import render_stars

FWHM = 4.0
SIGMA = FWHM / 2.3548


def field(n_stars=16, *, shift=0.3, seed=0):
    """
    Stars in two bands, the second shifted and half as wide again, with neighbors.
    """
    rng = np.random.default_rng(seed)
    shape = (400, 400)
    x, y = np.meshgrid(np.arange(40, 400, 80), np.arange(40, 400, 80))
    x, y = (values.ravel()[:n_stars] + rng.uniform(-0.5, 0.5, n_stars)
            for values in (x, y))
    flux = rng.uniform(1e4, 5e4, n_stars)
    data = rng.normal(0, 1, (2, *shape))
    labels = np.zeros(shape, np.int32)
    for i in range(n_stars):
        data[0] += flux[i] * gaussian_source(shape, x[i], y[i], SIGMA)
        data[1] += flux[i] * gaussian_source(shape, x[i] + shift, y[i], 1.5 * SIGMA)
        labels[round(y[i]) - 5:round(y[i]) + 6, round(x[i]) - 5:round(x[i]) + 6] = i + 1
    order = np.argsort(-flux)
    return data, labels, np.stack([x, y], 1)[order], order + 1


def measure(data, labels, positions, star_labels, bad=None):
    return measure_psf_images(
        data, np.ones(data.shape), np.zeros(data.shape, bool) if bad is None else bad,
        labels, positions, star_labels, [FWHM, 1.5 * FWHM])


def test_profile_of_each_band():
    psfs, counts = measure(*field())
    assert min(counts) >= 10
    for psf, shift, sigma in zip(psfs, (0, 0.3), (SIGMA, 1.5 * SIGMA), strict=True):
        image = psf.image(48)
        true = gaussian_source((48, 48), 24 + shift, 24, sigma)
        scale = image[20:29, 20:29].sum() / true[20:29, 20:29].sum()
        assert scale == pytest.approx(1 - psf.aureole, abs=0.02)
        assert np.abs(image - scale * true).max() < 0.02 * true.max()


def test_masked_stars_and_neighbors_do_not_count():
    data, labels, positions, star_labels = field()
    spoiled, bad = data.copy(), np.zeros(data.shape, bool)
    x, y = np.round(positions[0]).astype(int)
    spoiled[:, y, x] = 1e6
    bad[:, y, x] = True
    x, y = np.round(positions[1]).astype(int)
    spoiled[:, y + 9:y + 14, x:x + 5] += 3000  # a neighbor
    labels[y + 9:y + 14, x:x + 5] = 99
    psfs, _ = measure(spoiled, labels, positions, star_labels, bad)
    clean, _ = measure(data, labels, positions, star_labels)
    assert_allclose(psfs[0].image(32), clean[0].image(32), atol=3e-4)


def test_saturated_stars_do_not_count():
    data, labels, positions, star_labels = field()
    clean, counts = measure(data, labels, positions[4:], star_labels[4:])
    # the four brightest end at a level
    for x, y in np.round(positions[:4]).astype(int):
        star = data[:, y - 6:y + 7, x - 6:x + 7]
        np.minimum(star, 300, out=star)
    psfs, found = measure(data, labels, positions, star_labels)
    assert found == counts
    assert_allclose(psfs[0].image(32), clean[0].image(32), atol=1e-6)


def test_mean():
    first, second = (measure(*field(seed=seed))[0][0] for seed in (0, 1))
    mean = first.mean_with(second)
    for side in (16, 48, 128):
        assert_allclose(mean.image(side), (first.image(side) + second.image(side)) / 2,
                        atol=1e-12)


def test_without_stars():
    data, labels, positions, star_labels = field(1)
    psfs, counts = measure(data, labels, positions, star_labels)
    assert counts == [0, 0]
    psf = psfs[0]
    assert psf.aureole == AUREOLE
    image = psf.image(64)
    assert image.sum() == pytest.approx(1 - 0.6 * AUREOLE, abs=0.02)
    half = image[32, 32] / 2
    assert image[32, 34] == pytest.approx(half, rel=0.15)


def test_flux_on_stamps_of_all_sizes():
    axis = np.arange(-12, 13)
    core = np.exp(-0.5 * (axis[:, None]**2 + axis**2) / SIGMA**2)
    psf = PSFImage(0.95 * core / core.sum(), FWHM, 0.05, 0.01)
    sums = [psf.image(side).sum() for side in (16, 32, 64, 256, 512)]
    assert (np.diff(sums) > 0).all()
    assert sums[-1] < 1
    # a Moffat of beta 1.25 and 12 pixels leaves this much beyond a circle of 256
    assert 1 - sums[-1] == pytest.approx(0.05 * (1 + (256 / 12)**2)**-0.25, rel=0.1)
    assert_allclose(fft.irfft2(psf(32)), fft.ifftshift(psf.image(32)), atol=1e-7)


def test_radius():
    psfs, _ = measure(*field())
    radius = psfs[0].radius(np.array([1.0, 1e-2, 1e-4]))
    assert radius[0] == 0
    assert (np.diff(radius) > 0).all()
    image = psfs[0].image(128)
    assert image[64, 64 + int(radius[2]) + 1] <= 1e-4


def test_mixture_follows_the_color():
    psfs, _ = measure(*field())
    mixed = MixedPSF(psfs, np.array([[1., 0.], [0., 1.], [0.5, 0.5]]))
    transforms = mixed(32)
    assert_allclose(transforms[0], psfs[0](32), atol=1e-6)
    assert_allclose(transforms[2], (psfs[0](32) + psfs[1](32)) / 2, atol=1e-6)
    assert_allclose(mixed[[1]](32)[0], psfs[1](32), atol=1e-6)


def test_poorly_sampled():
    rng = np.random.default_rng(2)
    shape, sigma = (300, 300), 0.7
    x, y = (values.ravel() + rng.uniform(-0.5, 0.5, 36)
            for values in np.meshgrid(np.arange(25, 300, 50), np.arange(25, 300, 50)))
    data = rng.normal(0, 1, (1, *shape))
    labels = np.zeros(shape, np.int32)
    for i in range(36):
        data[0] += 1e4 * gaussian_source(shape, x[i], y[i], sigma)
        labels[round(y[i]) - 2:round(y[i]) + 3, round(x[i]) - 2:round(x[i]) + 3] = i + 1
    (psf,), (count,) = measure_psf_images(
        data, np.ones(data.shape), np.zeros(data.shape, bool), labels,
        np.stack([x, y], 1), np.arange(1, 37), [1.7])
    assert psf.oversampling == 2
    assert count > 25
    for dx, dy in ((0, 0), (0.5, 0.5), (0.3, -0.4)):
        star = render_stars(np.array([dx]), np.array([dy]), psf, 32)[0] / (1 - psf.aureole)
        true = gaussian_source((32, 32), 16 + dx, 16 + dy, sigma)
        assert np.abs(star - true).max() < 0.04 * true.max()
        assert star[11:22, 11:22].sum() == pytest.approx(1, abs=0.02)
