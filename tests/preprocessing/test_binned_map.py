# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the binned_map module.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_equal

from photutils_rcnn.preprocessing.binned_map import BinnedMap, map_like

SHAPE = (23, 18)


@pytest.fixture(scope='module')
def binned():
    bins = np.random.default_rng(0).normal(size=(3, 6, 5)).astype(np.float32)
    return BinnedMap(bins, 4, SHAPE)


def whole(binned):
    full = binned.bins.repeat(4, axis=1).repeat(4, axis=2)
    return full[:, :SHAPE[0], :SHAPE[1]]


def test_whole(binned):
    """
    As an array it has all pixels, and NumPy computes with it.
    """
    expected = whole(binned)
    assert binned.shape == expected.shape
    assert_equal(np.asarray(binned), expected)
    assert np.asarray(binned).dtype == np.float32
    assert np.asarray(binned, dtype=float).dtype == float
    assert_equal(expected - binned, 0)
    assert_equal(list(binned), expected)


def items(n):
    numbers = st.integers(-n, n - 1)
    return st.one_of(numbers, st.slices(n))


@given(st.tuples(items(3), items(SHAPE[0]), items(SHAPE[1])),
       st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_indexing(binned, index, length):
    """
    Indexed like the array that it stands for.
    """
    index = index[:length]
    assert_equal(binned[index], whole(binned)[index])
    assert_equal(binned[index[0]], whole(binned)[index[0]])


def test_index_arrays(binned):
    """
    Arrays of rows and columns are paired, as those of an array.
    """
    y, x = np.array([[3, 22, 7]]), np.array([[17], [4]])
    assert_equal(binned[1, y, x], whole(binned)[1, y, x])
    assert_equal(binned[:, y, x], whole(binned)[:, y, x])


def test_map_like(binned):
    """
    Maps stay as they are, numbers stand for maps.
    """
    assert map_like(binned, (3, *SHAPE)) is binned
    levels = map_like(np.arange(3.)[:, None, None], (3, *SHAPE))
    assert levels.shape == (3, *SHAPE)
    assert_equal(levels[:, 7, 2], [0, 1, 2])
