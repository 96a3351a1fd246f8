# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the images and numbers that attribute heads see.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import ndimage

from photutils_rcnn.detection.attribute_stamps import source_numbers, source_stamps


def of_frame(frame):
    return lambda window: frame[window]


@given(y=st.floats(20, 44), x=st.floats(20, 44), side=st.floats(6, 20),
       size=st.integers(4, 40))
@settings(max_examples=60, deadline=None)
def test_planes(y, x, side, size):
    """
    The mean of a plane over a cell is its value in the middle, to an eighth of the step
    between pixels where cells cover parts of them.
    """
    rows, cols = np.indices((64, 64)) + 0.5
    frame = np.stack([0.02 * rows - 0.01 * cols, 0 * rows + 3], axis=-1)
    box = np.array([[y - side / 2, x - side / 3, y + side / 2, x + side / 3]])
    stamp, = np.sinh(source_stamps(of_frame(frame.astype('f4')), (64, 64), box, size, 1.5))
    cell = 1.5 * side / size
    at = (np.arange(size) + 0.5) * cell - 0.75 * side
    assert_allclose(stamp[..., 0], 0.02 * (y + at)[:, None] - 0.01 * (x + at),
                    atol=0.125 * 0.03)
    assert_allclose(stamp[..., 1], 3, rtol=1e-5)


@given(factor=st.integers(2, 4), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_light_is_conserved_where_cells_are_larger_than_pixels(factor, seed):
    frame = np.random.default_rng(seed).normal(0, 1, (48, 48, 1)).astype('f4')
    size = 48 // factor
    stamp, = np.sinh(source_stamps(of_frame(frame), (48, 48),
                                   np.array([[0., 0., 48., 48.]]), size, 1.))
    expected = frame.reshape(size, factor, size, factor, 1).mean(axis=(1, 3))
    assert_allclose(stamp, expected, atol=1e-5)


def test_small_cells_are_interpolated():
    frame = np.random.default_rng(0).normal(0, 1, (32, 32, 1)).astype('f4')
    box = np.array([[10.3, 11.1, 18.3, 17.9]])
    stamp, = np.sinh(source_stamps(of_frame(frame), (32, 32), box, 24, 1.))
    at = (np.arange(24) + 0.5) / 24 * 8 - 4
    y, x = np.meshgrid(14.3 + at - 0.5, 14.5 + at - 0.5, indexing='ij')
    assert_allclose(stamp[..., 0], ndimage.map_coordinates(
        frame[..., 0], [y, x], order=1), atol=1e-5)


def test_beyond_the_frame_is_empty_sky():
    frame = np.ones((20, 20, 2), dtype='f4')
    stamp, = np.sinh(source_stamps(of_frame(frame), (20, 20),
                                   np.array([[-4., 0., 12., 12.]]), 16, 1.))
    assert_allclose(stamp[:3], 0)
    assert_allclose(stamp[5:-1, 3:-3], 1, rtol=1e-6)
    assert source_stamps(of_frame(frame), (20, 20), np.zeros((0, 4)), 16,
                         1.).shape == (0, 16, 16, 2)


def test_numbers():
    numbers = source_numbers(np.array([[0., 0., 40., 20.]]), [2., 2.], 20, 1.5)
    assert_allclose(numbers, [[np.log10(20), 1, np.log10(1.5)]], rtol=1e-6)
