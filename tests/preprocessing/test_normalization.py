# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the normalization module.
"""



import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import (
    independent_bands,
    normalize_cube,
    to_model_bands,
)


def _sky(shape, level=100.0, rms=5.0, seed=0):
    return np.random.default_rng(seed).normal(level, rms, shape)


@given(st.integers(1, 8), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_band_mapping_keeps_unit_noise(n_bands, n_model_bands):
    """
    Every model band has unit noise, and equal bands map to equal bands.
    """
    snr = _sky((n_bands, 64, 64), 0.0, 1.0)
    valid = np.ones(snr.shape, bool)
    model = to_model_bands(snr, valid, n_model_bands)
    assert model.shape == (n_model_bands, 64, 64)
    assert model.dtype == np.float32
    assert_allclose(model.std(axis=(1, 2)), 1.0, atol=0.06)


def test_band_mapping():
    """
    One band is replicated, two get their sum between, five are grouped.
    """
    snr = np.arange(1.0, 6.0)[:, None, None] * np.ones((5, 2, 2))
    for n_bands, expected in ((1, (1, 1, 1)), (2, (1, 3 / 2**0.5, 2)),
                              (3, (1, 2, 3)),
                              (5, (3 / 2**0.5, 7 / 2**0.5, 5))):
        part = snr[:n_bands]
        model = to_model_bands(part, np.ones(part.shape, bool))
        assert_allclose(model[:, 0, 0], expected, rtol=1e-6)


def test_infinite_pixels_have_no_data():
    """
    A value that float32 cannot hold in units of the noise.
    """
    data = np.random.default_rng(0).normal(size=(2, 30, 30)) * 1e-12
    data[:, 5, 7] = 1e30
    data[0, 9, 9] = -1e30
    normalized = normalize_cube(prepare_inputs(data), background=0)
    image = np.asarray(normalized.image)
    assert np.isfinite(image).all()
    assert_equal(np.argwhere(normalized.invalid), [[5, 7]])
    assert_equal(image[5, 7], 0)


def test_bad_pixels_take_the_other_bands():
    """
    A pixel bad in one band takes the mean of the others; 0 if bad in all.
    """
    snr = np.arange(1.0, 4.0)[:, None, None] * np.ones((3, 2, 2))
    snr[0, 0, 0] = np.nan
    valid = np.isfinite(snr)
    valid[:, 1, 1] = False
    model = to_model_bands(snr, valid)
    assert_allclose(model[:, 0, 0], (2.5, 2, 3))
    assert_equal(model[:, 1, 1], 0)
    assert_allclose(model[:, 0, 1], (1, 2, 3))
    with pytest.raises(ValueError, match='snr_image must be 3D'):
        to_model_bands(snr[0], valid[0])


@pytest.mark.parametrize(('n_bands', 'n_model_bands', 'expected'), [
    (1, 3, [0]), (2, 3, [0, 2]), (3, 3, [0, 1, 2]), (5, 3, [0, 1, 2]),
    (1, 1, [0]), (4, 1, [0]), (4, 5, [0, 4]), (3, 5, [0, 2, 4])])
def test_independent_bands(n_bands, n_model_bands, expected):
    """
    Neither sums nor copies of others: their noise is independent.
    """
    assert independent_bands(n_bands, n_model_bands) == expected
    bands = np.eye(n_bands, dtype=np.float32)[:, None]
    weights = to_model_bands(bands, np.ones(bands.shape, bool),
                             n_model_bands)[:, 0]
    covariance = weights @ weights.T
    chosen = covariance[np.ix_(expected, expected)]
    assert_allclose(chosen, np.eye(len(expected)), atol=1e-6)


@pytest.mark.parametrize('shape', [(60, 70), (300, 257)])
def test_normalize_cube(shape):
    """
    Sky becomes arcsinh of unit noise, whatever level, noise and unit.
    """
    data = np.stack([_sky(shape), _sky(shape, -3.0, 1e-3, 1)])
    data[:, 5, 6] = np.nan
    normalized = normalize_cube(prepare_inputs(data))
    assert normalized.image.shape == (*shape, 3)
    assert normalized.image.dtype == np.float32
    assert_allclose(normalized.frame.noise.ravel(), (5, 1e-3), rtol=0.06)
    image = np.asarray(normalized.image)
    sky = np.sinh(2 * image.astype(float))
    assert_allclose(sky.std(axis=(0, 1)), 1.0, rtol=0.07)
    assert_allclose(sky.mean(axis=(0, 1)), 0.0, atol=0.08)
    assert_equal(np.argwhere(normalized.invalid), [[5, 6]])
    assert_equal(image[5, 6], 0)


@pytest.mark.parametrize('maps', [False, True])
def test_frame_in_units_of_its_noise(maps):
    """
    Indexed and iterated like the data.
    """
    rng = np.random.default_rng(1)
    cube = prepare_inputs(rng.normal(50, 3, (3, 600, 24)))
    background = np.float32([48, 50, 52])[:, None, None]
    noise = np.float32([2, 3, 4])[:, None, None]
    if maps:
        background, noise = (np.broadcast_to(values, cube.data.shape)
                             for values in (background, noise))
    snr = Frame(cube, background, noise).snr
    expected = (cube.data - background) / noise
    assert snr.shape == expected.shape
    assert_allclose(list(snr), expected, rtol=1e-6)
    assert_allclose(snr[:, 10:300], expected[:, 10:300], rtol=1e-6)

    whole = normalize_cube(cube, background=[48, 50, 52])
    scaled = (cube.data - background) / whole.frame.noise
    assert_allclose(whole.image, np.moveaxis(np.arcsinh(scaled) / 2, 0, -1),
                    atol=1e-5)


@pytest.mark.parametrize('background', ['auto', 3.0])
def test_windows(background):
    """
    A window is that of the whole image.
    """
    data = _sky((2, 400, 310))
    data[0, 30:50, 100:130] = np.nan
    data[:, 45, 120:140] = np.nan
    image = normalize_cube(prepare_inputs(data), background=background).image
    whole = np.asarray(image)
    assert whole.shape == image.shape == (400, 310, 3)
    for window in (np.s_[20:60, 90:150], np.s_[:, 300:], np.s_[399:, :]):
        assert_equal(image[window], whole[window])


def test_stretch_of_all_pixels():
    """
    A stretch that looks at all pixels gets them.
    """
    def ranks(image):
        return image - image.max()

    data = _sky((3, 50, 60), 0.0, 1.0)
    data[:, 10, 20] = 1000
    image = normalize_cube(prepare_inputs(data), background=0,
                           stretch=ranks).image
    assert isinstance(image, np.ndarray)
    assert_equal(image[10, 20].max(), 0)
    assert image[40:, 40:].max() < -900


def test_memory():
    """
    What is made of a frame takes little memory beside it.
    """
    cube = prepare_inputs(_sky((3, 1600, 1600)).astype(np.float32))
    n_pixels = np.prod(cube.shape)
    tracemalloc.start()
    normalized = normalize_cube(cube)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.asarray(normalized.frame.background).shape == cube.data.shape
    assert kept < 3 * n_pixels
    assert peak < 30 * n_pixels


@pytest.mark.parametrize('raw', [False, True])
def test_no_data_is_zero_for_every_stretch(raw):
    """
    Also where a stretch turns 0 into something else.
    """
    def shifted(image):
        return image + 5

    shifted.takes_raw_pixels = raw
    data = _sky((3, 50, 60))
    data[:, 10, 20] = np.nan
    image = np.asarray(normalize_cube(prepare_inputs(data),
                                      stretch=shifted).image)
    assert_equal(image[10, 20], 0)
    assert_equal((image == 0).sum(), 3)
