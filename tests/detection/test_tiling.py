# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the geometry of tiles.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_equal

from photutils_rcnn.detection.tiling import Tile, choose_tile_shape, make_tiles

relaxed = settings(deadline=None)
frames = st.tuples(st.integers(1, 120), st.integers(1, 120))


@st.composite
def layouts(draw):
    """
    A frame, a stride, a halo and a tile shape that suit each other.
    """
    stride = draw(st.sampled_from([1, 4, 8]))
    halo = stride * draw(st.integers(1, 5))
    tile = tuple(2 * halo + stride * draw(st.integers(1, 12)) + 8
                 for _ in range(2))
    return draw(frames), stride, halo, tile


@relaxed
@given(layouts())
def test_cores_partition_the_frame(layout):
    """
    Every pixel lies in the core of exactly one tile, and in that tile.
    """
    shape, stride, halo, tile_shape = layout
    count = np.zeros(shape, dtype=int)
    for tile in make_tiles(shape, tile_shape, halo, stride):
        y1, x1, y2, x2 = tile.core
        count[y1:y2, x1:x2] += 1
        assert y1 < y2 <= tile.start[0] + tile.shape[0]
        assert x1 < x2 <= tile.start[1] + tile.shape[1]
        assert y1 >= tile.start[0]
        assert x1 >= tile.start[1]
    assert (count == 1).all()


@relaxed
@given(layouts())
def test_halo_and_stride_are_respected(layout):
    """
    A core keeps its distance from all borders of its tile but those of the
    frame; tiles have one shape and start at multiples of the stride.
    """
    shape, stride, halo, tile_shape = layout
    for tile in make_tiles(shape, tile_shape, halo, stride):
        assert tile.shape == tile_shape
        for axis in (0, 1):
            low, high = tile.core[axis], tile.core[axis + 2]
            start, stop = tile.start[axis], tile.start[axis] + tile.shape[axis]
            assert start % stride == 0
            assert low - start >= halo or low == start == 0
            assert stop - high >= halo or high == shape[axis]
            # What lies beyond the frame is less than a cell, unless the
            # frame is smaller than the tile.
            assert stop - shape[axis] < stride or start == 0


@relaxed
@given(layouts(), st.integers(0, 9))
def test_every_pixel_has_one_owner(layout, seed):
    shape, stride, halo, tile_shape = layout
    tiles = make_tiles(shape, tile_shape, halo, stride)
    y, x = np.random.default_rng(seed).integers(0, shape, (30, 2)).T
    owners = sum(tile.owns(y, x).astype(int) for tile in tiles)
    assert (owners == 1).all()


def test_owns_is_half_open():
    tile = Tile((0, 0), (16, 16), (4, 0, 12, 16))
    assert_equal(tile.owns([3, 4, 11, 12, 5, 5], [0, 0, 0, 0, 15, 16]),
                 [False, True, True, False, True, False])


@relaxed
@given(frames, st.sampled_from([1, 4, 8]), st.integers(1, 6),
       st.integers(1, 200_000))
def test_choose_tile_shape(shape, stride, n_strides, max_pixels):
    """
    Whatever the frame and the memory, there is a tile shape that works;
    the memory is exceeded only if no smaller tile works.
    """
    halo = n_strides * stride
    tile_shape = choose_tile_shape(shape, halo, stride, max_pixels)
    tiles = make_tiles(shape, tile_shape, halo, stride)
    assert tiles[0].shape == tile_shape
    if tile_shape[0] * tile_shape[1] > max_pixels:
        assert max(tile_shape) <= 4 * halo + stride


def test_small_frame_is_one_tile():
    shape = choose_tile_shape((100, 130), 64, 32, 10**6)
    assert shape == (128, 160)
    tile, = make_tiles((100, 130), shape, 64, 32)
    assert tile.core == (0, 0, 100, 130)


def test_chosen_shape_computes_least():
    """
    No square tile within the memory computes fewer pixels.
    """
    shape, halo, stride, limit = (2000, 3100), 96, 32, 600_000

    def cost(tile_shape):
        n_tiles = len(make_tiles(shape, tile_shape, halo, stride))
        return n_tiles * tile_shape[0] * tile_shape[1]

    chosen = choose_tile_shape(shape, halo, stride, limit)
    assert chosen[0] * chosen[1] <= limit
    assert cost(chosen) <= min(cost((side, side))
                               for side in range(288, 769, 32))


@pytest.mark.parametrize(('tile_shape', 'halo', 'message'), [
    ((100, 128), 32, r'multiples of 32, got \(100, 128\)'),
    ((128, 128), 30, 'multiples of 32.* and 30'),
    ((64, 128), 32, 'exceed two halos of 32 pixels'),
])
def test_errors(tile_shape, halo, message):
    with pytest.raises(ValueError, match=message):
        make_tiles((500, 500), tile_shape, halo, 32)
