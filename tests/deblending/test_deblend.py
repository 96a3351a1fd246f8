# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the deblending of frames.
"""

import numpy as np
import pytest
from blends import FWHM, SIGMA, gaussian_source, make_frame, make_instances
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import CircularGaussianPSF

from photutils_rcnn.deblending.deblend import deblend
from photutils_rcnn.deblending.photometry import DeblendedPhotometry
from photutils_rcnn.deblending.psf_image import PSFImage
from photutils_rcnn.deblending.templates import Shapes, render

SHAPE = (160, 160)
# A grid of stars that tell the PSF, a close pair, and a galaxy beside a star.
GRID = [(x, y) for y in (24, 80, 136) for x in (24, 136)]
X = np.array([x for x, _ in GRID] + [76., 82., 70., 78.]) + 0.2
Y = np.array([y for _, y in GRID] + [40., 41., 110., 113.]) - 0.3
FLUX = np.array([20000.] * 6 + [4000., 2000., 6000., 2500.])
SIZE = np.array([SIGMA] * 9 + [1.6 * SIGMA])
PROB_STAR = np.array([0.95] * 9 + [0.05])
COLOR = np.array([1.] * 6 + [1., 2., 0.5, 1.5])  # flux in the second band


def scene(seed=0, *, n_bands=2, noise=1.0):
    rng = np.random.default_rng(seed)
    data = rng.normal(0, noise, (n_bands, *SHAPE))
    for i in range(len(X)):
        light = FLUX[i] * gaussian_source(SHAPE, X[i], Y[i], SIZE[i])
        for b in range(n_bands):
            data[b] += light * COLOR[i]**b
    half = np.where(PROB_STAR > 0.5, 6.5, 10)
    return data, make_instances(SHAPE, X, Y, half, PROB_STAR)


def run(data, instances, noise=1.0, **options):
    frame = make_frame(data, noise, **options)
    labels, label_of_source = instances.paint(mask=frame.cube.mask)
    return frame, deblend(frame, instances, labels, label_of_source,
                          [FWHM] * frame.cube.n_bands)


def errors(light, band=0):
    return light.flux[:, band] * (1 - light.psfs[band].aureole) / (
        FLUX * COLOR**band) - 1


def test_fluxes_of_blends():
    data, instances = scene()
    _, light = run(data, instances)
    assert_equal(light.is_star, PROB_STAR > 0.5)
    for band in (0, 1):
        assert np.abs(errors(light, band)[:9]).max() < 0.02
        assert abs(errors(light, band)[9]) < 0.1
        pulls = (light.flux[:, band] * (1 - light.psfs[band].aureole)
                 - FLUX * COLOR**band) / light.flux_err[:, band]
        assert np.abs(pulls).max() < 4
    assert_allclose(light.shapes.x, X, atol=0.15)
    assert_allclose(light.shapes.y, Y, atol=0.15)
    # the pair and the galaxy share light, the others do not
    assert (light.blending.blendedness[:6] < 0.01).all()
    assert (light.blending.blendedness[6:] > 0.012).all()


def test_chi2():
    data, instances = scene(noise=100.)
    _, light = run(data, instances, noise=100.)
    assert_allclose(light.chi2, 1, atol=0.6)
    assert light.chi2.mean() == pytest.approx(1, abs=0.2)
    data[0, round(Y[0]) - 2:round(Y[0]) + 3, round(X[0]) - 2:round(X[0]) + 3] = 500
    _, light = run(data, instances, noise=100.)
    assert light.chi2[0, 0] > 2


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_order_of_sources(seed):
    data, instances = scene()
    _, light = run(data, instances)
    order = np.random.default_rng(seed).permutation(len(X))
    _, shuffled = run(data, instances[order])
    assert_allclose(shuffled.flux, light.flux[order], rtol=2e-3)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_flux_conservation(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 12)
    x, y = rng.uniform(-3, 83, (2, n))
    data = rng.normal(0, 1, (80, 80))
    for i in range(n):
        data += rng.exponential(3000) * gaussian_source(
            data.shape, x[i], y[i], SIGMA * rng.uniform(1, 2))
    inside = (x > 0) & (x < 79) & (y > 0) & (y < 79)
    if not inside.any():
        return
    instances = make_instances(data.shape, x[inside], y[inside],
                               rng.uniform(4, 12, inside.sum()), rng.random(inside.sum()))
    frame, light = run(data, instances)
    photometry = DeblendedPhotometry(light, frame)
    model, residual = photometry.model_image(0), photometry.residual_image(0)
    assert_allclose(model + residual, data, rtol=1e-6, atol=1e-6)
    total = np.zeros(data.shape)
    for i in range(len(instances)):
        slices, template = light.template(i, 0)
        total[slices] += light.flux[i, 0] * template
        cutout = photometry.source_image(i, 0)
        assert cutout.slices_original == slices
    # templates are transforms in single precision, whose errors go with the brightest pixel
    assert_allclose(total, model, rtol=1e-6, atol=1e-6 * np.abs(data).max())


def test_images_of_sources_add_up_to_the_data():
    data, instances = scene()
    frame, light = run(data, instances)
    photometry = DeblendedPhotometry(light, frame)
    total = np.zeros(SHAPE)
    for i in range(len(instances)):
        cutout = photometry.source_image(i, 0)
        total[cutout.slices_original] += cutout.data
    bright = photometry.model_image(0) > 5
    wanted = data[0] - light.sky[0]
    assert_allclose(total[bright], wanted[bright], rtol=1e-5, atol=1e-3)
    # and a source alone is itself
    cutout = photometry.source_image(6, 0)
    alone = FLUX[6] * gaussian_source(SHAPE, X[6], Y[6], SIGMA)[cutout.slices_original]
    assert np.abs(cutout.data - alone).max() < 0.1 * alone.max()


@pytest.mark.parametrize('scale', [1e-19, 1e12])
def test_unit_of_data(scale):
    data, instances = scene()
    _, light = run(data, instances)
    _, scaled = run(scale * data, instances, noise=scale)
    assert_allclose(scaled.flux, scale * light.flux, rtol=1e-3)
    assert_allclose(scaled.flux_err, scale * light.flux_err, rtol=1e-2)


def test_residual_sky_is_subtracted():
    data, instances = scene()
    frame, light = run(data + 0.5, instances)
    assert np.abs(errors(light)[:9]).max() < 0.03
    assert light.sky[0].mean() == pytest.approx(0.5, abs=0.1)
    # and stays in the residual
    residual = DeblendedPhotometry(light, frame).residual_image(0)
    assert np.median(residual) == pytest.approx(0.5, abs=0.1)


def test_masked_source_and_missing_band():
    data, instances = scene()
    mask = np.zeros((2, *SHAPE), bool)
    mask[:, 4:44, 4:44] = True  # the first star
    mask[1, 116:156, 116:156] = True  # the sixth, in the second band
    data[mask] = 1e9
    _, light = run(data, instances, mask=mask)
    assert np.isnan(light.flux[0]).all()
    assert np.isnan(light.flux_err[0]).all()
    assert np.isfinite(light.flux[5, 0])
    assert np.isnan(light.flux[5, 1])
    assert np.abs(errors(light)[1:9]).max() < 0.03
    assert np.isfinite(light.flux[1:5]).all()


def test_photon_noise_raises_errors():
    data, instances = scene()
    _, light = run(data, instances)
    _, noisy = run(data, instances, gain=1.0)
    assert (noisy.flux_err[:6, 0] > light.flux_err[:6, 0]).all()
    assert_allclose(noisy.flux, light.flux, rtol=1e-6)


def test_negative_source_has_no_flux():
    data, instances = scene(n_bands=1)
    data[0] -= 2 * FLUX[9] * gaussian_source(SHAPE, X[9], Y[9], SIZE[9])
    _, light = run(data, instances)
    assert light.flux[9, 0] == 0
    assert light.flux_err[9, 0] > 0
    assert abs(errors(light)[0]) < 0.02


def test_nearly_noiseless_data():
    data, instances = scene(noise=0.)
    _, light = run(data, instances, noise=0.1)
    assert np.abs(errors(light)[:9]).max() < 0.02


def test_pulls_are_as_quoted():
    pulls = []
    for seed in range(12):
        data, instances = scene(seed, n_bands=1, noise=30.)
        _, light = run(data, instances, noise=30.)
        true = FLUX / (1 - light.psfs[0].aureole)
        # the aperture correction is one error for all
        error = np.sqrt(light.flux_err[:, 0]**2 - (
            light.psfs[0].aureole_err * light.flux[:, 0])**2)
        pulls.append(((light.flux[:, 0] - true) / error)[:9])
    pulls = np.concatenate(pulls)
    assert 0.6 < np.percentile(np.abs(pulls), 68) < 1.5


def test_bright_and_large_galaxies_converge():
    """
    Sources of thousands of times the noise have the profile of the model to a percent.
    """
    psf = CircularGaussianPSF(fwhm=FWHM)
    shapes = Shapes(*(np.array([value]) for value in (0.3, -0.4, np.log(7.7), 0.2, 0.5, 0.)))
    light = render(shapes, PSFImage.of_model(psf, FWHM, (0, 0)), 192)[0]
    for flux in (2e3, 1.2e5):
        data = flux * light + np.random.default_rng(0).normal(0, 1, light.shape)
        instances = make_instances(light.shape, [96.], [96.], 36., 0.05)
        frame = make_frame(data)
        labels, label_of_source = instances.paint(mask=frame.cube.mask)
        found = deblend(frame, instances, labels, label_of_source, [FWHM], [psf])
        assert found.flux[0, 0] == pytest.approx(flux, rel=0.01 + 300 / flux)
        assert np.exp(found.shapes.log_radius[0]) == pytest.approx(7.7, rel=0.01 + 200 / flux)


def test_very_bright_star():
    data, instances = scene()
    data[0] += 49 * FLUX[0] * gaussian_source(SHAPE, X[0], Y[0], SIGMA)
    _, light = run(data, instances)
    assert light.flux[0, 0] * (1 - light.psfs[0].aureole) == pytest.approx(
        50 * FLUX[0], rel=0.03)
