# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of footprints.
"""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_equal

from photutils_rcnn.sources.footprints import Footprints

SHAPE = (12, 15)
relaxed = settings(deadline=None)


@st.composite
def footprint_sets(draw):
    """
    Up to five masks, some empty, some without area.
    """
    boxes, masks = [], []
    for _ in range(draw(st.integers(0, 5))):
        y1, y2 = sorted(draw(st.tuples(*[st.integers(0, SHAPE[0])] * 2)))
        x1, x2 = sorted(draw(st.tuples(*[st.integers(0, SHAPE[1])] * 2)))
        boxes.append((y1, x1, y2, x2))
        masks.append(draw(hnp.arrays(bool, (y2 - y1, x2 - x1))))
    return Footprints(boxes, masks, SHAPE)


def full(footprints):
    """
    The masks on the whole frame.
    """
    frames = np.zeros((len(footprints), *footprints.shape), dtype=bool)
    for i, mask in enumerate(footprints.masks):
        frames[i][footprints.slices(i)] = mask
    return frames


@relaxed
@given(footprint_sets())
def test_packed_round_trip(footprints):
    """
    Also through a file without pickles.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **footprints.to_packed())
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as stored:
        restored = Footprints.from_packed(dict(stored))
    assert restored.shape == footprints.shape
    assert_equal(restored.boxes, footprints.boxes)
    assert_equal(full(restored), full(footprints))
    assert_equal(restored.areas, footprints.areas)


@relaxed
@given(footprint_sets(), st.data())
def test_crop(footprints, data):
    """
    The crop of the masks is the mask of the crop; boxes are tight.
    """
    slices = [slice(*sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2))))
              for n in SHAPE]
    cropped, index = footprints.crop(*slices)
    expected = full(footprints)[(slice(None), *slices)]
    assert cropped.shape == expected.shape[1:]
    assert_equal(index, np.flatnonzero(expected.any(axis=(1, 2))))
    assert_equal(full(cropped), expected[index])
    for mask in cropped.masks:
        for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
            assert edge.any()


def test_crop_copies():
    footprints = Footprints([(0, 0, 2, 2)], [np.ones((2, 2), bool)], SHAPE)
    cropped, _ = footprints.crop(slice(0, 5), slice(0, 5))
    cropped.masks[0][:] = False
    assert footprints.areas[0] == 4


@relaxed
@given(footprint_sets(), footprint_sets())
def test_intersections(one, other):
    """
    The shared pixels of all pairs, as counted on full frames.
    """
    shared = np.einsum('iyx,jyx->ij', full(one).astype(int),
                       full(other).astype(int))
    table = np.zeros_like(shared)
    first, second, count = one.intersections(other)
    table[first, second] = count
    assert (count > 0).all()
    assert_equal(table, shared)


@relaxed
@given(footprint_sets())
def test_overlap(footprints):
    """
    Those that have a pixel where two or more masks are set.
    """
    frames = full(footprints)
    shared = frames.sum(axis=0) > 1
    assert_equal(footprints.overlap, (frames & shared).any(axis=(1, 2)))


@relaxed
@given(hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 6)))
def test_from_labels(labels):
    """
    One footprint per label that has a pixel, in order.
    """
    footprints = Footprints.from_labels(labels)
    present = np.setdiff1d(labels, [0])
    assert_equal(full(footprints), labels == present[:, None, None])


def test_selection():
    masks = [np.full((1, n), True) for n in (1, 2, 3)]
    footprints = Footprints([(0, 0, 1, n) for n in (1, 2, 3)], masks, SHAPE)
    assert len(footprints) == 3
    assert '3 sources' in repr(footprints)
    assert_equal(footprints[[2, 0]].areas, [3, 1])
    assert_equal(footprints[np.array([True, False, True])].areas, [1, 3])
    assert_equal(footprints[1:].areas, [2, 3])
    assert_equal(footprints[1].areas, [2])
    assert len(footprints[np.zeros(3, bool)]) == 0


def test_from_full_outside():
    """
    A mask may reach outside the frame, or lie wholly beyond it.
    """
    mask = np.ones((4, 4), bool)
    box, inside = Footprints.from_full(mask, (-2, 13), SHAPE)
    assert_equal(box, [0, 13, 2, 15])
    assert inside.shape == (2, 2)
    for offset in ((-4, 0), (12, 0), (0, 15), (0, -9)):
        assert Footprints.from_full(mask, offset, SHAPE) == (None, None)


@pytest.mark.parametrize(('boxes', 'masks', 'message'), [
    ([(0, 0, 2, 2)], [], 'same length, got 1 and 0'),
    ([(0, 0, 2, 2)], [np.ones((2, 3), bool)], 'does not fit box'),
    ([(11, 0, 13, 2)], [np.ones((2, 2), bool)], 'inside the frame'),
    ([(-1, 0, 1, 2)], [np.ones((2, 2), bool)], 'inside the frame'),
])
def test_errors(boxes, masks, message):
    with pytest.raises(ValueError, match=message):
        Footprints(boxes, masks, SHAPE)


def test_frames_must_agree():
    with pytest.raises(ValueError, match='other must lie on a frame'):
        Footprints([], [], SHAPE).intersections(Footprints([], [], (3, 3)))
