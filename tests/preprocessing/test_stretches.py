# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the stretches.
"""

import numpy as np
import pytest
from astropy.visualization import make_lupton_rgb
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.preprocessing.stretches import (
    ArcsinhStretch,
    LinearStretch,
    LuptonStretch,
    get_stretch,
)


def test_stretches():
    """
    The stretches follow their formulas.
    """
    image = np.random.default_rng(0).normal(100, 5, (2, 30, 30)).astype(
        np.float32)
    assert_allclose(get_stretch('arcsinh', scale=3.0)(image, 5.0),
                    np.arcsinh(image / 5.0) / 3.0, rtol=1e-6)
    scored = get_stretch('zscore')(image)
    assert_allclose(scored.std(axis=(1, 2)), 1e4, rtol=1e-4)
    assert_allclose(get_stretch('zscore')(np.ones((1, 4, 4))), 0)
    with pytest.raises(ValueError, match="'arcsinh'.*'zscore'.*got 'log'"):
        get_stretch('log')
    with pytest.raises(ValueError, match='scale must be positive'):
        ArcsinhStretch(0)


@given(st.lists(st.floats(-float(2.**126), float(2.**126), width=32), min_size=1))
@settings(max_examples=100, deadline=None)
def test_arcsinh_of_single_precision(values):
    """
    It is that of double precision, to the rounding of values of order one.
    """
    values = np.array(values, dtype=np.float32)
    found = ArcsinhStretch(1)(values)
    assert found.dtype == np.float32
    assert_allclose(found, np.arcsinh(values.astype(float)), rtol=3e-7, atol=3e-7)


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
