# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the background module.
"""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.stats import SigmaClip, mad_std
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from photutils.background import Background2D, SExtractorBackground
from scipy import ndimage

from photutils_rcnn.preprocessing.background import (
    _mesh,
    estimate_background,
    resolve_background,
)
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.noise import clipped_rms, estimate_noise


def _frame(shape, seed=0):
    return np.random.default_rng(seed).normal(0.0, 1.0, shape)


def _radius(shape):
    y, x = np.indices(shape)
    return np.hypot(y - shape[0] / 2, x - shape[1] / 2)


def test_gradient():
    """
    A smooth gradient is followed.
    """
    _, x = np.indices((512, 500))
    level = estimate_background(_frame(x.shape) + 100 + 0.02 * x,
                                np.zeros(x.shape, bool))
    assert level.shape == x.shape
    assert abs(level - (100 + 0.02 * x)).max() < 0.7


def test_large_galaxy_is_not_eaten():
    """
    A galaxy wider than a mesh box does not raise the background.
    """
    shape = (512, 512)
    galaxy = 50 * np.exp(-_radius(shape) / 30)
    level = estimate_background(_frame(shape) + galaxy,
                                np.zeros(shape, bool))
    assert level.max() < 0.5


@pytest.mark.parametrize('rise', [1, 5, 10])
def test_bowl(rise):
    """
    A sky that rises to all sides is followed, with a galaxy in it.
    """
    y, x = np.mgrid[-1:1:400j, -1:1:500j]
    bowl = rise * (x**2 + y**2)
    galaxy = 50 * np.exp(-np.hypot(x - 0.3, y + 0.2) / 0.1)
    image = _frame(bowl.shape) + bowl + galaxy
    left = np.asarray(resolve_background(prepare_inputs(image), 'auto')) - bowl
    assert abs(left).max() < 0.6
    assert left.std() < 0.15


def test_frame_without_sky():
    """
    Frames with hardly a sky pixel still get a finite level.
    """
    shape = (256, 256)
    image = _frame(shape) + 1e4 * np.exp(-_radius(shape) / 60)
    assert np.isfinite(estimate_background(image, image > 1e3)).all()
    assert_equal(estimate_background(image, np.ones(shape, bool)), 0)


@pytest.mark.parametrize('fraction', [0.0, 0.05, 0.3])
def test_noise_beside_sources(fraction):
    """
    Sources do not widen the noise of the sky.
    """
    image = _frame((100, 100))
    bright = np.random.default_rng(1).random(image.shape) < fraction
    image[bright] += 20
    cube = prepare_inputs(image)
    noise = estimate_noise(cube, np.zeros((1, 1, 1)))
    assert noise.shape == (1, 1, 1)
    assert_allclose(noise, 1.0, rtol=0.08)


@pytest.mark.parametrize('unit', [1, 1 / 1500])
@pytest.mark.parametrize(('counts', 'tolerance'), [
    (lambda rng, shape: np.rint(rng.normal(100, 0.4, shape)), 0.1),
    (lambda rng, shape: np.rint(rng.normal(0, 1, shape)), 0.1),
    (lambda rng, shape: np.rint(rng.normal(100, 5, shape)), 0.02),
    (lambda rng, shape: rng.poisson(5, shape), 0.03),
    (lambda rng, shape: rng.poisson(0.5, shape), 0.1),
    (lambda rng, shape: rng.poisson(0.05, shape), 1.0)])
def test_noise_of_counts(counts, tolerance, unit):
    """
    Where many pixels are equal, and many are zero, noise is their scatter.
    """
    image = counts(np.random.default_rng(0), (256, 256)) * unit
    cube = prepare_inputs(image)
    noise = estimate_noise(cube, resolve_background(cube, 'auto'))
    assert_allclose(noise, image.std(), rtol=tolerance)
    assert noise > 0.9 * image.std()


@pytest.mark.parametrize('shape_of_sky', ['gradient', 'amplifiers'])
def test_noise_of_counts_on_uneven_sky(shape_of_sky):
    """
    The two most common counts of a sky that varies are far apart, the step
    between counts is 1 all the same.
    """
    sky = np.random.default_rng(2).normal(500, 3, (512, 512))
    if shape_of_sky == 'gradient':
        sky += np.linspace(0, 200, 512)
    else:
        sky[:, 256:] += 40
    noises = []
    for image in (sky.astype(np.float32), np.rint(sky).astype(np.uint16)):
        cube = prepare_inputs(image)
        noises.append(estimate_noise(cube, resolve_background(cube, 'auto')))
    assert_allclose(*noises, rtol=0.05)


def test_filling_is_not_sky():
    """
    Areas of zeros tell nothing of the noise.
    """
    image = np.rint(np.random.default_rng(0).normal(0, 6, (256, 256)))
    image[:, 120:] = 0
    with pytest.warns(AstropyUserWarning, match='the value 0 in whole areas'):
        cube = prepare_inputs(image)
    noise = estimate_noise(cube, np.zeros((1, 1, 1)))
    assert_allclose(noise, 6, rtol=0.05)


@pytest.mark.parametrize('side', [100, 256])
def test_band_without_data(side):
    """
    A band that is missing leaves the others as they are.
    """
    data = _frame((side, side)) + np.zeros((3, 1, 1))
    data[1] = np.nan
    cube = prepare_inputs(data)
    background = resolve_background(cube, 'auto')
    assert_allclose(background[0], estimate_background(data[0], cube.invalid[0]),
                    atol=1e-6)
    assert_equal(background[1], 0)
    assert_equal(background[2], background[0])


def test_sparse_pixels():
    """
    A quarter of the pixels, as one color of a mosaic filter has, will do.
    """
    image = 1000 + np.random.default_rng(0).normal(size=(256, 256))
    invalid = np.ones(image.shape, dtype=bool)
    invalid[::2, ::2] = False
    assert_allclose(estimate_background(image, invalid), 1000, atol=0.3)


@pytest.mark.parametrize('value', [0, 7])
def test_constant_frame(value):
    """
    A frame without noise does not divide by zero.
    """
    cube = prepare_inputs(np.full((30, 30), value))
    assert estimate_noise(cube, np.zeros((1, 1, 1))) > 0


def test_noise_from_error():
    """
    The error gives the shape, without the photon noise of sources.
    """
    image = _frame((128, 128))
    error = np.ones(image.shape)
    error[:, :64] = 2.0
    image *= error
    error[20:30, 20:30] = 10.0
    noise = estimate_noise(prepare_inputs(image, error=error), 0.0)
    assert_allclose(noise[0, :, :64], 2.0, rtol=0.05)
    assert_allclose(noise[0, :, 64:], 1.0, rtol=0.05)
    doubled = estimate_noise(prepare_inputs(image, error=2 * error), 0.0)
    assert_allclose(doubled, noise, rtol=1e-5)
    halved = estimate_noise(prepare_inputs(image, error=error / 2), 0.0)
    assert_allclose(halved, noise * 0.75, rtol=0.05)


@pytest.mark.parametrize('background', [
    3.0, [3.0, 3.0], np.full((20, 20), 3.0), np.full((2, 20, 20), 3)])
def test_given_background(background):
    """
    A number, one per band, an image or a cube.
    """
    cube = prepare_inputs(np.ones((2, 20, 20)))
    level = resolve_background(cube, background)
    assert_equal(np.broadcast_to(level, cube.data.shape), 3.0)


def test_background_units():
    """
    A background needs the unit of the data; zero does not.
    """
    cube = prepare_inputs(np.ones((20, 20)) * u.Jy)
    assert_allclose(resolve_background(cube, 3 * u.mJy), 0.003)
    assert_equal(resolve_background(cube, 0), 0)
    with pytest.raises(ValueError, match='the same units'):
        resolve_background(cube, 3.0)


@pytest.mark.parametrize(('background', 'exc'), [
    ('none', ValueError), (None, ValueError), (np.nan, ValueError),
    (np.ones((3, 3)), ValueError), (np.array(['a']), TypeError)])
def test_bad_background(background, exc):
    """
    Anything else raises an error that names the argument.
    """
    with pytest.raises(exc, match='background must'):
        resolve_background(prepare_inputs(np.ones((20, 20))), background)


def test_error_of_bad_pixels_does_not_count():
    """
    Most of a box without data does not limit the errors of the rest.
    """
    rng = np.random.default_rng(0)
    error = np.full((64, 64), 100.0)
    error[:, :48] = np.inf
    cube = prepare_inputs(rng.normal(0, 100, error.shape), error=error)
    noise = estimate_noise(cube, 0.0)
    assert_allclose(noise[0, :, 48:], 100, rtol=0.1)


@pytest.mark.parametrize(('factor', 'scaled', 'outcome'), [
    (10, 0.1, 'smaller'), (0.01, 100, 'larger'), (1e4, 1, 'hardly have noise')])
def test_wrong_errors_are_told(factor, scaled, outcome):
    """
    Errors far from the scatter of the sky are told with the factor.
    """
    cube = prepare_inputs(_frame((200, 200)), error=float(factor))
    with pytest.warns(AstropyUserWarning, match=outcome):
        noise = estimate_noise(cube, resolve_background(cube, 'auto'))
    rms = estimate_noise(prepare_inputs(cube.data[0]),
                         resolve_background(cube, 'auto'))
    expected = factor if scaled == 1 else rms.item()
    assert_allclose(noise, expected, rtol=0.05)


def test_errors_of_a_crowded_field():
    """
    Errors are not held against stars that leave no sky.
    """
    rng = np.random.default_rng(1)
    stars = np.zeros((200, 200))
    np.add.at(stars, tuple(rng.integers(0, 200, (2, 2000))), rng.exponential(1500, 2000))
    image = ndimage.gaussian_filter(stars, 3., mode='wrap') + rng.normal(0, 2, stars.shape)
    cube = prepare_inputs(image, error=2.)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        noise = estimate_noise(cube, resolve_background(cube, 'auto'))
    assert_allclose(noise, 2)
    cube = prepare_inputs(image, error=0.1)
    with pytest.warns(AstropyUserWarning, match='larger'):
        estimate_noise(cube, resolve_background(cube, 'auto'))


def test_wrong_errors_of_pixels_without_neighbors():
    """
    Of the pixels of one color of a mosaic of filters.
    """
    mask = np.ones((200, 200), dtype=bool)
    mask[::2, ::2] = False
    cube = prepare_inputs(_frame(mask.shape), error=0.01, mask=mask)
    with pytest.warns(AstropyUserWarning, match='larger'):
        noise = estimate_noise(cube, resolve_background(cube, 'auto'))
    assert_allclose(noise, estimate_noise(
        prepare_inputs(cube.data[0], mask=mask), 0.0).item(), rtol=0.1)


@pytest.mark.parametrize('error', [1., 10.])
def test_errors_of_a_sky_without_noise(error):
    """
    Errors are not held against sources where the sky has no noise.
    """
    image = np.full((100, 100), 100.)
    y, x = np.mgrid[-10:10, -10:10]
    image[40:60, 40:60] += 200 * np.exp(-((x - 0.3)**2 + (y - 0.2)**2) / 12)
    cube = prepare_inputs(image, error=error)
    with pytest.warns(AstropyUserWarning, match='hardly have noise'):
        assert_equal(estimate_noise(cube, resolve_background(cube, 'auto')), error)


def test_background_of_invalid_pixels():
    """
    A background may be unknown where the data are.
    """
    image = _frame((64, 64))
    image[:, :9] = np.nan
    level = np.where(np.isfinite(image), 100., np.nan)
    cube = prepare_inputs(image)
    background = resolve_background(cube, level)
    assert (background[~cube.invalid] == 100).all()
    assert np.isfinite(background).all()
    level[0, 20:23] = np.nan
    with pytest.raises(ValueError, match='got 3 pixels without'):
        resolve_background(cube, level)


@pytest.mark.parametrize('shape', [(64, 96), (70, 129)])
def test_mesh_is_that_of_photutils(shape):
    """
    The quick median filter and spline are those of ``Background2D``.
    """
    rng = np.random.default_rng(5)
    image = rng.normal(0, 1, shape) + np.linspace(0, 20, shape[1])
    mask = rng.random(shape) < 0.2
    mask[:32, 32:64] = True  # a box without sky
    expected = Background2D(
        image, 32, mask=mask, filter_size=3, exclude_percentile=80,
        sigma_clip=SigmaClip(3.0), bkg_estimator=SExtractorBackground()).background
    assert_allclose(_mesh(image, mask, 32), expected, rtol=1e-9, atol=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200),
       st.integers(0, 2**16))
@settings(max_examples=100, deadline=None)
def test_clipped_rms_is_that_of_astropy(outliers, seed):
    """
    Sorted once or clipped round by round, the scatter is the same.
    """
    values = np.random.default_rng(seed).normal(3, 2, 500)
    values = np.concatenate([outliers, values])
    expected = mad_std(SigmaClip(3.0)(values, masked=False))
    found = clipped_rms(np.concatenate([values, [np.nan, np.inf]]))
    assert found == pytest.approx(expected, rel=1e-12)
