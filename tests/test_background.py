# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the background module.
"""

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.background import (
    estimate_background,
    estimate_noise,
    resolve_background,
)
from photutils_rcnn.inputs import prepare_inputs


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
