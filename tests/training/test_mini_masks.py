# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the mini masks.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.training.mini_masks import box_mask, mini_mask


def random_mask(shape, seed):
    return np.random.default_rng(seed).random(shape) < 0.6


@settings(deadline=None)
@given(st.tuples(*[st.integers(1, 16)] * 2), st.integers(0, 99),
       st.tuples(*[st.integers(0, 50)] * 2))
def test_small_mask_is_copied(shape, seed, corner):
    """
    Pixel by pixel, at its place in the window.
    """
    mask = random_mask(shape, seed)
    box = np.array([*corner, *np.add(corner, shape)])
    grid, window = mini_mask(box, mask, 16)
    assert_equal(window[2:] - window[:2], 16)
    assert grid.dtype == np.float16
    y, x = (box[:2] - window[:2]).astype(int)
    assert_equal(grid[y:y + shape[0], x:x + shape[1]], mask)
    assert grid.sum() == mask.sum()


@settings(deadline=None)
@given(st.tuples(st.integers(17, 90), st.integers(1, 90)), st.booleans(),
       st.integers(0, 99))
def test_large_mask_keeps_its_area(shape, turned, seed):
    """
    Cells hold the covered fraction of equal parts of the box.
    """
    mask = random_mask(shape[::-1] if turned else shape, seed)
    box = np.array([3, 5, 3 + mask.shape[0], 5 + mask.shape[1]])
    grid, window = mini_mask(box, mask, 16)
    assert_equal(window, box)
    assert (grid >= 0).all()
    assert grid.max() <= 1 + 1e-3
    area = grid.astype(float).sum() * mask.size / 16**2
    assert_allclose(area, mask.sum(), rtol=2e-3, atol=0.1)


def test_large_mask_cells():
    """
    Where cells are whole pixels they are plain means.
    """
    mask = random_mask((32, 48), 1)
    grid, _ = mini_mask((0, 0, 32, 48), mask, 16)
    expected = mask.reshape(16, 2, 16, 3).mean(axis=(1, 3))
    assert_allclose(grid, expected, atol=1e-3)


@settings(deadline=None)
@given(st.tuples(*[st.integers(1, 16)] * 2), st.integers(0, 99),
       st.tuples(*[st.integers(0, 50)] * 2))
def test_small_mask_comes_back(shape, seed, corner):
    mask = random_mask(shape, seed)
    box = np.array([*corner, *np.add(corner, shape)])
    assert_equal(box_mask(box, *mini_mask(box, mask, 16)), mask)


@settings(deadline=None)
@given(st.tuples(st.integers(17, 60), st.integers(1, 60)), st.booleans())
def test_large_mask_comes_back_coarser(shape, turned):
    """
    An ellipse returns but for its rim, a cell and half a pixel wide.
    """
    shape = np.array(shape[::-1] if turned else shape)
    y, x = np.indices(shape) + 0.5
    radius = np.hypot(2 * y / shape[0] - 1, 2 * x / shape[1] - 1)
    box = np.array([3, 5, *(shape + (3, 5))])
    found = box_mask(box, *mini_mask(box, radius <= 0.8, 16))
    # The cell of a pixel reaches as far as its own side, and the pixels
    # that it covers in part have their centers half a pixel beyond.
    rim = np.hypot(*(2 / 16 + 1 / shape))
    assert_allclose(found[radius < 0.8 - rim], 1, rtol=1e-3)
    assert_equal(found[radius > 0.8 + rim], 0)
