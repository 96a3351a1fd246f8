# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the normalization module.
"""

import numpy as np
import pytest
from astropy.visualization import make_lupton_rgb
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.inputs import prepare_inputs
from photutils_rcnn.normalization import (
    ArcsinhStretch,
    LinearStretch,
    LuptonStretch,
    get_stretch,
    normalize_cube,
    to_model_bands,
)


def _sky(shape, level=100.0, rms=5.0, seed=0):
    return np.random.default_rng(seed).normal(level, rms, shape)


def test_stretches():
    """
    The stretches follow their formulas.
    """
    image = _sky((2, 30, 30)).astype(np.float32)
    assert_allclose(get_stretch('arcsinh', scale=3.0)(image, 5.0),
                    np.arcsinh(image / 5.0) / 3.0)
    scored = get_stretch('zscore')(image)
    assert_allclose(scored.std(axis=(1, 2)), 1e4, rtol=1e-4)
    assert_allclose(get_stretch('zscore')(np.ones((1, 4, 4))), 0)
    with pytest.raises(ValueError, match="'arcsinh'.*'zscore'.*got 'log'"):
        get_stretch('log')
    with pytest.raises(ValueError, match='scale must be positive'):
        ArcsinhStretch(0)


def _source(n_bands=3, seed=0):
    """
    Noise, and in the middle a source of a random color.
    """
    rng = np.random.default_rng(seed)
    snr = rng.normal(0, 1, (n_bands, 20, 20))
    snr[:, 5:15, 5:15] += np.geomspace(1, 1e5, 10) * rng.uniform(
        0.2, 3, (n_bands, 1, 1))
    return snr


@pytest.mark.parametrize('name', ['arcsinh', 'lupton', 'linear'])
def test_faint_sources_agree(name):
    """
    Within the noise all stretches are linear, with the same slope; the
    unit does not matter, and the type of the pixels is kept.
    """
    image = 1e-3 * _source()
    stretch = get_stretch(name, scale=3.0)
    assert repr(stretch).endswith('Stretch(scale=3.0)')
    faint = np.abs(image).max(axis=0) < 3e-3
    assert_allclose(stretch(image)[:, faint], image[:, faint] / 3, rtol=1e-5)
    noise = np.array([1.0, 2.0, 3.0])[:, None, None]
    assert_allclose(stretch(image * noise, noise), stretch(image),
                    rtol=1e-12)
    assert stretch(image.astype(np.float32)).dtype == np.float32
    with pytest.raises(ValueError, match='scale must be positive, got -1'):
        get_stretch(name, scale=-1)


def test_linear():
    image = _source()
    assert_allclose(LinearStretch()(image, 4.0), image / 8, rtol=1e-12)


@given(st.integers(1, 5), st.integers(0, 99))
@settings(deadline=None)
def test_lupton_keeps_colors(n_bands, seed):
    """
    The mean of the bands is compressed, their ratios stay; so the image
    comes back from them.
    """
    image = _source(n_bands, seed)
    found = LuptonStretch(scale=1)(image)
    mean = found.mean(axis=0)
    assert_allclose(mean, np.arcsinh(image.mean(axis=0)), rtol=1e-9)
    assert_allclose(found * np.sinh(mean), image * mean, rtol=1e-9)
    equal = np.repeat(image[:1], n_bands, axis=0)
    assert_allclose(LuptonStretch()(equal), ArcsinhStretch()(equal))
    assert_equal(LuptonStretch()(0 * image), 0)


def test_lupton_is_that_of_astropy():
    """
    Up to a factor, where astropy neither clips nor rounds to zero.
    """
    image = np.abs(_source())
    red, green, blue = image
    picture = make_lupton_rgb(red, green, blue, minimum=0, stretch=8, Q=8)
    found = np.moveaxis(LuptonStretch(scale=1)(image), 0, -1)
    found *= 255 * 0.1 / np.arcsinh(0.8)
    shown = found.max(axis=-1) < 255
    assert shown.mean() > 0.5
    assert_allclose(picture[shown], found[shown], atol=1)


def test_lupton_needs_bands():
    with pytest.raises(ValueError, match=r'\(n_bands, ny, nx\), got shape '
                       r'\(4, 5\)'):
        LuptonStretch()(np.ones((4, 5)))


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
    assert_allclose(normalized.noise.ravel(), (5, 1e-3), rtol=0.06)
    sky = np.sinh(2 * normalized.image.astype(float))
    assert_allclose(sky.std(axis=(0, 1)), 1.0, rtol=0.07)
    assert_allclose(sky.mean(axis=(0, 1)), 0.0, atol=0.08)
    assert_equal(np.argwhere(normalized.invalid), [[5, 6]])
    assert_equal(normalized.image[5, 6], 0)
