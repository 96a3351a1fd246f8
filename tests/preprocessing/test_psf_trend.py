# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the trend of the width of the PSF.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.preprocessing.psf_trend import find_trend, relative_width

SHAPE = (1200, 2400)


def bright_sources(n_stars, n_galaxies, slopes, seed=0, shape=SHAPE):
    """
    Positions and logarithms of widths, galaxies as narrow as stars and wider.
    """
    rng = np.random.default_rng(seed)
    n = n_stars + n_galaxies
    peaks = np.column_stack([rng.integers(0, side, n) for side in shape])
    logs = np.log(4) + np.concatenate([
        rng.normal(0, 0.02, n_stars), np.abs(rng.normal(0, 0.25, n_galaxies))])
    return peaks, logs + np.log(relative_width(slopes, peaks, shape))


@settings(deadline=None, max_examples=15)
@given(y=st.floats(-0.4, 0.4), x=st.floats(-0.4, 0.4), seed=st.integers(0, 99))
def test_trend_is_found(y, x, seed):
    """
    Of stars among galaxies, in any direction; one too small to matter may be left.
    """
    found = find_trend(*bright_sources(150, 150, (y, x), seed), SHAPE)
    if np.hypot(y, x) > 0.15:
        assert_allclose(found, (y, x), atol=0.03)
    else:
        assert not found.any() or np.hypot(*(found - (y, x))) < 0.03


@pytest.mark.parametrize('n_galaxies', [0, 60, 400])
@pytest.mark.parametrize('n_stars', [0, 30, 200])
def test_no_trend(n_stars, n_galaxies):
    for seed in range(10):
        sources = bright_sources(n_stars, n_galaxies, (0, 0), seed)
        assert_equal(find_trend(*sources, SHAPE), [0, 0])


def test_small_frames():
    """
    Frames of the size of those of the training are taken to have one PSF.
    """
    shape = (900, 900)
    sources = bright_sources(200, 50, (0, 0.3), shape=shape)
    assert_equal(find_trend(*sources, shape), [0, 0])


def test_relative_width():
    assert_allclose(relative_width((0.2, -0.4), [(-0.5, 9.5), (4.5, 9.5), (9.5, 19.5)],
                                   (10, 20)), np.exp([-0.1, 0, -0.1]))
