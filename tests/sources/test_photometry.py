# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the pixels that catalogs are measured on.
"""
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.sources.photometry import band_pixels, detection_pixels

SHAPE = (600, 20)


@pytest.fixture
def frame():
    """
    Three bands of more rows than a block, one with pixels without data.
    """
    rng = np.random.default_rng(4)
    data = rng.normal(100, 5, (3, *SHAPE))
    data[1, 250:270] = np.nan
    data[:, 300] = np.nan
    error = rng.uniform(4, 6, data.shape)
    return prepare_inputs(data, error=error)


@pytest.mark.parametrize('maps', [False, True])
def test_weighted_mean(frame, maps):
    """
    The mean of the bands with data, weighted by the variance of their sky.
    """
    background = np.float32([99, 100, 101])[:, None, None]
    noise = np.float32([1, 2, 4])[:, None, None]
    if maps:
        background, noise = (np.tile(values, (1, *SHAPE))
                             for values in (background, noise))
    pixels = detection_pixels(Frame(frame, background, noise))
    weight = np.array([1, 1 / 4, 1 / 16])[:, None, None] * ~frame.invalid
    good = ~frame.mask
    total = weight.sum(axis=0)[good]
    expected = (weight * (frame.data - background)).sum(axis=0)[good] / total
    assert_allclose(pixels.data[good], expected, rtol=1e-5, atol=1e-5)
    variance = (weight**2 * frame.error.astype(float)**2).sum(axis=0)[good]
    assert_allclose(pixels.error[good], np.sqrt(variance) / total, rtol=1e-6)
    assert_equal(pixels.mask, frame.mask)
    assert_equal(np.flatnonzero(pixels.mask.all(axis=1)), [300])
    assert np.isfinite(pixels.data).all()


def test_one_band(frame):
    pixels = detection_pixels(Frame(
        prepare_inputs(frame.data[0]), np.full((1, 1, 1), 90.), np.ones(1)))
    assert_allclose(pixels.data, frame.data[0] - 90., rtol=1e-6)
    assert_allclose(pixels.error, 1)


def test_measured_errors(frame):
    """
    Without errors, those of the sky and of the photons of the source add up.
    """
    gain = np.array([2., 4, 8])
    data = frame.data[:, :100]
    cube = prepare_inputs(np.where(frame.invalid[:, :100], np.nan, data), gain=gain)
    good = ~cube.invalid.any(axis=0)
    background = np.float32([99, 100, 101])[:, None, None]
    noise = np.float32([1, 2, 4])[:, None, None]
    variance, weight = [], np.array([1, 1 / 4, 1 / 16])
    for band in range(3):
        pixels = band_pixels(Frame(cube, background, noise), band)
        light = cube.data[band] - background[band]
        variance.append(noise[band]**2 + np.maximum(light, 0) / gain[band])
        assert_allclose(pixels.error[good]**2, variance[-1][good], rtol=1e-5)
    mean = detection_pixels(Frame(cube, background, noise))
    expected = np.sqrt(np.tensordot(weight**2, variance, 1)) / weight.sum()
    assert_allclose(mean.error[good], expected[good], rtol=1e-5)


def test_pixels_of_a_band(frame):
    """
    What a band lacks is masked in it, whatever the others have.
    """
    pixels = band_pixels(
        Frame(frame, np.float32([99, 100, 101])[:, None, None],
              np.ones((3, 1, 1))), 1)
    assert_equal(pixels.mask, frame.invalid[1])
    assert pixels.mask.sum() > frame.mask.sum()
    good = ~pixels.mask
    assert_allclose(pixels.data[good], frame.data[1][good] - 100, rtol=1e-6)
    assert_allclose(pixels.error, frame.error[1])
