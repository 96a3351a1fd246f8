# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the normalization of Astro R-CNN.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_data import sample_data

from photutils_rcnn.astro_rcnn.stretches import ZScoreInt16Stretch, wrap_int16
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


def test_flat_image():
    found = ZScoreInt16Stretch(offset=0)(np.ones((1, 4, 4)))
    np.testing.assert_array_equal(found, 0)


def test_known_by_its_name():
    stretch = get_stretch('zscore-int16', offset=3.)
    assert isinstance(stretch, ZScoreInt16Stretch)
    assert stretch.offset == 3


@pytest.mark.parametrize(('folder', 'median'), [
    ('phosim_decam', (-295, -285)), ('decals_dr7_aco1689', (-420, -290))])
def test_sample_images(folder, median):
    """
    The figures of the reference: sky level and fraction of wrapped pixels.
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
