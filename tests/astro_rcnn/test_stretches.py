# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the normalizations of Astro R-CNN.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_data import sample_data

from photutils_rcnn.astro_rcnn.stretches import LEGACY_STRETCHES, ZScoreInt16Stretch, wrap_int16
from photutils_rcnn.astro_rcnn.training_sets import read_images
from photutils_rcnn.preprocessing.stretches import get_stretch


@pytest.fixture
def image():
    rng = np.random.default_rng(4)
    image = rng.normal(50, 5, (3, 40, 50))
    image[:, 20, 25] += 4000
    return image.astype(np.float32)


@pytest.mark.parametrize(('value', 'expected'), [
    (33000.9, -32536), (32767.9, 32767), (32768, -32768), (-0.9, 0),
    (-32768.9, -32768), (-32769, 32767), (np.nan, 0), (np.inf, 0)])
def test_wrap(value, expected):
    assert wrap_int16(np.array([value]))[0] == expected


@given(st.integers(-10**9, 10**9))
def test_wrap_is_that_of_integers(value):
    expected = np.array([value]).astype(np.int64).astype(np.int16)
    assert wrap_int16(np.array([float(value)]))[0] == expected[0]


def test_zscore_int16(image):
    found = ZScoreInt16Stretch()(image) - 200
    score = 1e4 * (image - image.mean(axis=(1, 2), keepdims=True)
                   ) / image.std(axis=(1, 2), keepdims=True)
    low = score < 32767
    np.testing.assert_allclose(found[low], score[low], atol=1.1)
    assert (np.abs(found) <= 32768).all()
    assert (~low).any()
    # A peak of 40 deviations wraps.
    assert (np.abs(found[~low] - score[~low]) > 60000).all()
    assert found.dtype == np.float32


def test_zscore_does_not_depend_on_unit_and_sky(image):
    stretch = ZScoreInt16Stretch()
    difference = np.abs(stretch(4 * image - 60) - stretch(image))
    assert (difference > 1).mean() < 1e-3


@pytest.mark.parametrize('name', ['legacy-linear', 'legacy-zscore',
                                  'legacy-lupton'])
@pytest.mark.parametrize('value', [0.0, 3.0])
def test_frame_without_light(name, value):
    stretched = get_stretch(name)(np.full((3, 20, 20), value))
    assert np.isfinite(stretched).all()


def test_flat_image():
    found = ZScoreInt16Stretch(offset=0)(np.ones((1, 4, 4)))
    np.testing.assert_array_equal(found, 0)


def test_options_of_2020(image):
    """
    The largest values scale to about 32767; equal bands are flat in the
    linear one.
    """
    for name in ('legacy-zscore', 'legacy-lupton', 'legacy-linear'):
        found = LEGACY_STRETCHES[name](offset=0)(image)
        assert found.shape == image.shape
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
    same = np.repeat(image[:1], 3, axis=0)
    found = LEGACY_STRETCHES['legacy-linear'](offset=0)(same)
    np.testing.assert_allclose(found, 32767, atol=1)
    mean = image.mean(axis=0)
    expected = image * np.arcsinh(0.05 * mean) / (10 * mean)
    expected *= 32767 / np.percentile(expected, 99.995)
    found = LEGACY_STRETCHES['legacy-lupton'](offset=0)(image)
    low = expected < 32767
    np.testing.assert_allclose(found[low], expected[low], atol=1.1)


def test_zero_pixels_become_zero(image):
    image[:, 3, 4] = 0
    for name in ('legacy-zscore', 'legacy-lupton', 'legacy-linear'):
        found = LEGACY_STRETCHES[name](offset=0)(image)
        np.testing.assert_array_equal(found[:, 3, 4], 0)


@pytest.mark.parametrize(('folder', 'median'), [
    ('phosim_decam', (-295, -285)), ('decals_dr7_aco1689', (-420, -290))])
def test_sample_images(folder, median):
    """
    The figures of the reference: sky level and share of wrapped pixels.
    """
    data, _ = read_images(sample_data(folder))
    score = (data - data.mean(axis=(1, 2), keepdims=True)) / data.std(
        axis=(1, 2), keepdims=True)
    # Of the scores: wrapped pixels move the median of integer counts.
    level = 1e4 * np.median(score, axis=(1, 2))
    assert (level >= median[0]).all()
    assert (level <= median[1]).all()
    wraps = score > 3.2767
    assert (wraps.mean(axis=(1, 2)) > 0.0008).all()
    assert (wraps.mean(axis=(1, 2)) < 0.0021).all()
    found = ZScoreInt16Stretch(offset=0)(data)
    np.testing.assert_allclose(found[~wraps], 1e4 * score[~wraps], atol=1.1)
    # The cast of two's-complement hardware, by way of int64.
    expected = (1e4 * score.astype(float)).astype(np.int64).astype(np.int16)
    assert (np.abs(found - expected) > 1).mean() < 1e-4
