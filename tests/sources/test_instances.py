# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of instances and their painting.
"""



import numpy as np
import photutils
import pytest
from astropy.utils import minversion
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from scipy.ndimage import map_coordinates
from scipy.special import expit, logit

from photutils_rcnn.sources.instances import (
    RCNN_FLAGS,
    Instances,
    decode_rcnn_flags,
)

SIDE = 28
SHAPE = (40, 50)


def make_instances(mask_boxes, masks=None, shape=SHAPE):
    """
    Round sources that fill their boxes, or sources with given masks.
    """
    boxes = np.array(mask_boxes, dtype=np.float32).reshape(-1, 4)
    n = len(boxes)
    if masks is None:
        axis = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
        round_mask = np.clip(1.2 - np.hypot(axis[:, None], axis), 0, 1)
        masks = np.repeat(round_mask[None], n, axis=0)
    return Instances(
        shape=shape, boxes=boxes, scores=np.linspace(0.6, 0.9, n),
        class_probabilities=np.tile(np.float32([0.3, 0.7]), (n, 1)),
        masks=np.asarray(masks, dtype=np.float16), mask_boxes=boxes,
        flags=np.zeros(n, dtype=np.int32))


@st.composite
def crowds(draw):
    """
    Up to six sources with smooth random masks, some reaching off the frame.
    """
    n = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    low = rng.uniform(-8, 35, (n, 2))
    boxes = np.concatenate([low, low + rng.uniform(2, 25, (n, 2))], axis=1)
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    radius = np.hypot(axis[:, None], axis)
    masks = np.clip(rng.uniform(0.9, 1.5, (n, 1, 1)) - radius
                    + rng.normal(0, 0.05, (n, SIDE, SIDE)), 0, 1)
    return make_instances(boxes, masks)


@settings(deadline=None, max_examples=25)
@given(crowds())
def test_paste_interpolates(instances):
    """
    Bilinear samples at the pixel centers, as SciPy takes them.
    """
    for i in range(len(instances)):
        values, (rows, cols) = instances.paste(i)
        y1, x1, y2, x2 = instances.mask_boxes[i].astype(float)
        y = (np.arange(rows.start, rows.stop) + 0.5 - y1) / (y2 - y1)
        x = (np.arange(cols.start, cols.stop) + 0.5 - x1) / (x2 - x1)
        grid = np.meshgrid(y * SIDE - 0.5, x * SIDE - 0.5, indexing='ij')
        expected = map_coordinates(instances.masks[i].astype(float), grid,
                                   order=1, mode='nearest')
        assert_allclose(values, expected, atol=2e-4)


def test_paste_covers_the_box():
    """
    Pixels that the box touches, cut at the frame; nothing for a box that
    lies beyond it.
    """
    instances = make_instances([[-3.5, 2.2, 4.1, 9.9], [60, 5, 70, 9]])
    values, slices = instances.paste(0)
    assert slices == (slice(0, 5), slice(2, 10))
    assert values.shape == (5, 8)
    values, slices = instances.paste(1)
    assert values.size == 0


@settings(deadline=None, max_examples=25)
@given(crowds())
def test_paint(instances):
    """
    Labels are consecutive int32; each pixel of a footprint is painted, by
    a source that covers it.
    """
    labels, label_of_source = instances.paint()
    assert labels.dtype == label_of_source.dtype == np.int32
    painted = label_of_source[label_of_source > 0]
    assert_equal(painted, np.arange(1, len(painted) + 1))
    assert_equal(np.setdiff1d(labels, [0]), painted)
    footprints = instances.footprints()
    covered = np.zeros(SHAPE, dtype=bool)
    for i, mask in enumerate(footprints.masks):
        slices = footprints.slices(i)
        covered[slices] |= mask
        outside = labels == label_of_source[i]
        outside[slices] &= ~mask
        if label_of_source[i]:
            assert not outside.any()
    assert_equal(labels > 0, covered)


@settings(deadline=None, max_examples=25)
@given(crowds(), st.integers(0, 2**16))
def test_painting_is_order_free(instances, seed):
    """
    Shuffled sources own the same pixels.
    """
    order = np.random.default_rng(seed).permutation(len(instances))
    labels, label_of_source = instances.paint()
    shuffled, shuffled_label = instances[order].paint()
    for i, j in enumerate(order):
        mine = (shuffled == shuffled_label[i]) & (shuffled_label[i] > 0)
        theirs = (labels == label_of_source[j]) & (label_of_source[j] > 0)
        assert_equal(mine, theirs)


def test_star_on_galaxy_keeps_its_core():
    instances = make_instances([[2, 2, 38, 38], [16, 20, 24, 28]])
    labels, _ = instances.paint()
    assert_equal(labels[19:21, 23:25], 2)
    assert labels[20, 10] == 1
    assert labels[20, 30] == 1


def test_equal_sources_share_evenly():
    """
    The border of two equal sources lies in the middle.
    """
    instances = make_instances([[10, 4, 26, 20.3], [10, 16, 26, 32.3]])
    labels, _ = instances.paint()
    first, second = (np.count_nonzero(labels == i) for i in (1, 2))
    assert abs(first - second) < 0.1 * first
    assert_equal(labels[18, 7:18], 1)
    assert_equal(labels[18, 19:29], 2)


def test_masked_pixels_are_not_painted():
    instances = make_instances([[2, 2, 12, 12], [20, 20, 30, 30]])
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:15] = True
    labels, label_of_source = instances.paint(mask)
    assert_equal(label_of_source, [0, 1])
    assert not labels[:15].any()
    assert labels[25, 25] == 1


def test_source_without_pixels():
    """
    A source too small for a pixel center has an empty footprint and the
    label 0; it does not disturb the others.
    """
    instances = make_instances([[5.6, 5.6, 5.9, 5.9], [20, 20, 30, 30]],
                               np.full((2, SIDE, SIDE), 0.4))
    footprints = instances.footprints()
    assert_equal(footprints.areas, [0, 0])
    assert footprints.shape == SHAPE
    labels, label_of_source = instances.paint()
    assert not labels.any()
    assert_equal(label_of_source, [0, 0])


def test_no_sources():
    instances = make_instances(np.zeros((0, 4)),
                               np.zeros((0, SIDE, SIDE)))
    labels, label_of_source = instances.paint()
    assert labels.shape == SHAPE
    assert labels.dtype == np.int32
    assert not labels.any()
    assert len(label_of_source) == len(instances.footprints()) == 0


def test_centers_follow_photutils():
    """
    (x, y), 0 at the center of the first pixel.
    """
    instances = make_instances([[0, 0, 1, 1], [4, 10, 8, 16]])
    assert_allclose(instances.centers, [[0, 0], [12.5, 5.5]])


def test_selection():
    instances = make_instances([[0, 0, 4, 4], [4, 10, 8, 16],
                                [9, 9, 12, 12]])
    chosen = instances[[2, 0]]
    assert len(chosen) == 2
    assert chosen.shape == SHAPE
    assert_equal(chosen.boxes, instances.boxes[[2, 0]])
    assert_equal(chosen.class_ids, [2, 2])
    assert len(instances[instances.scores > 0.7]) == 2
    assert len(instances[:0]) == 0
    last = instances[-1]
    assert len(last) == 1
    assert_equal(last.centers, instances.centers[2:])


@pytest.mark.parametrize(('flags', 'names'), [
    (0, []),
    (RCNN_FLAGS['masked_pixels'], ['masked_pixels']),
    (np.int32(2**28 + 16), ['edge_touch', 'overlaps_neighbor']),
    ([16, 0, 2**30], [['edge_touch'], [], ['no_pixels']]),
])
def test_decode_flags(flags, names):
    assert decode_rcnn_flags(flags) == names


def test_flags_of_photutils():
    """
    Bits that photutils has, too, mean the same there.
    """
    if not minversion(photutils, '3.1'):
        pytest.skip('photutils 3.0 has no flags of segments')
    from photutils.segmentation import decode_segmentation_flags

    assert decode_segmentation_flags(sum(RCNN_FLAGS.values())) == [
        'masked_pixels', 'edge_touch']


def test_overlap_flag():
    """
    Set for sources that share pixels and for no others, which lose it; other
    flags stay.
    """
    instances = make_instances([[2, 2, 14, 14], [6, 6, 18, 18],
                                [28, 30, 38, 40]])
    bit = RCNN_FLAGS['overlaps_neighbor']
    instances.flags[:] = 0, 16, bit + 1
    instances.flag_overlaps()
    assert_equal(instances.flags, [bit, 16 + bit, 1])


@settings(deadline=None, max_examples=25)
@given(crowds(), st.integers(0, 2**16))
def test_footprints_of_chosen_sources(instances, seed):
    """
    Those of all sources, whether they were asked for before or not.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(instances))[:rng.integers(len(instances) + 1)]
    again = instances[chosen].footprints()
    footprints = instances.footprints()
    for found in again, instances[chosen].footprints():
        assert_equal(found.boxes, footprints.boxes[chosen])
        for mask, i in zip(found.masks, chosen, strict=True):
            assert_equal(mask, footprints.masks[i])
    instances.mask_threshold = 0.9
    expected = [np.count_nonzero(instances.paste(i)[0] >= 0.9)
                for i in range(len(instances))]
    assert_equal(instances.footprints().areas, expected)


def test_footprints_at_another_threshold():
    instances = make_instances([[2, 2, 22, 22]])
    large, own, small = (instances.footprints(threshold).areas[0]
                         for threshold in (0.3, None, 0.8))
    assert large > own > small > 0


@settings(deadline=None, max_examples=25)
@given(crowds(), st.floats(0.4, 3))
def test_calibrated_masks(instances, scale):
    """
    Probabilities on pixels have their logits scaled; footprints and labels of the
    threshold 0.5 stay, those of others follow the probabilities.
    """
    raw = [instances.paste(i)[0] for i in range(len(instances))]
    expected = instances.footprints(), *instances.paint()
    calibrated = instances[:]
    calibrated.mask_scale, calibrated._kept = scale, None
    for before, (_, after) in zip(raw, calibrated.paste_all(), strict=True):
        odds = np.clip(before, 0, 1).astype(float)
        assert_allclose(after, expit(scale * logit(odds)), atol=1e-5)
        assert_equal(after >= 0.5, before >= 0.5)
    assert_equal(calibrated.footprints().boxes, expected[0].boxes)
    assert_equal(calibrated.footprints().areas, expected[0].areas)
    for found, same in zip(calibrated.paint(), expected[1:], strict=True):
        assert_equal(found, same)
    low = calibrated.footprints(0.3).areas
    pixels = [np.count_nonzero(values >= 0.3) for _, values in calibrated.paste_all()]
    assert np.abs(low - pixels).max() <= 1  # by rounding
