# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for blends of sources.
"""

import numpy as np
from conftest import make_field
from numpy.testing import assert_equal
from photutils.segmentation import deblend_sources, detect_sources

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.sources.footprints import Footprints
from photutils_rcnn.sources.parents import labels_of_parents


def footprints_of(boxes, shape=(40, 40)):
    return Footprints(boxes, [np.ones((y2 - y1, x2 - x1), bool)
                              for y1, x1, y2, x2 in boxes], shape)


def test_blends():
    """
    Overlapping and touching sources belong together, by way of others too; single
    ones have no parent.
    """
    footprints = footprints_of([
        (0, 0, 5, 5), (30, 30, 35, 35), (4, 4, 9, 9), (9, 9, 12, 12), (20, 0, 25, 5),
        (20, 5, 25, 8), (14, 9, 16, 12)])
    parents = labels_of_parents(footprints, np.array([1, 2, 3, 0, 4, 5, 6]))
    assert list(parents) == [1, 4]
    assert_equal(parents[1], (1, 3))
    assert_equal(parents[4], (4, 5))


def test_lost_source_connects():
    footprints = footprints_of([(0, 0, 5, 5), (4, 4, 9, 9), (8, 8, 12, 12)])
    assert_equal(labels_of_parents(footprints, np.array([1, 0, 2])), {1: [1, 2]})


def test_footprint_of_two_parts_connects():
    mask = np.zeros((1, 20), bool)
    mask[0, [0, 19]] = True
    footprints = Footprints([(0, 0, 1, 20), (1, 0, 3, 2), (1, 18, 3, 20)],
                            [mask, *np.ones((2, 2, 2), bool)], (40, 40))
    assert_equal(labels_of_parents(footprints, np.array([1, 2, 3])), {1: [1, 2, 3]})


def test_nothing():
    assert labels_of_parents(footprints_of([]), np.zeros(0, int)) == {}
    empty = Footprints([(3, 3, 3, 3)], [np.zeros((0, 0))], (9, 9))
    assert labels_of_parents(empty, np.zeros(1, int)) == {}


def test_as_photutils(fake_model, field):
    """
    photutils gives the parents of our label image as it does those of its own, and
    forgets them with the data.
    """
    field[25:45, 25:40] += 60
    result = RCNNSegmenter(fake_model).segment(field)
    instances = result.instances
    boxes = instances.mask_boxes
    boxes[1, :2] = boxes[0, :2]  # the second reaches over the first
    boxes[1, 2:] = np.maximum(boxes[0, 2:], boxes[1, 2:])
    instances._kept = None
    labels, label_of_source = instances.paint()
    segm = type(result)(instances, labels, label_of_source).segmentation_image
    blend = segm.parent_to_deblended_labels[1]
    assert_equal(segm.deblended_labels, blend)
    assert segm.deblended_label_to_parent == dict.fromkeys(blend.tolist(), 1)
    pair = make_field(positions=((30., 25.), (39., 25.)))
    theirs = deblend_sources(pair, detect_sources(pair, 55, 5), 5)
    (parent, labels), = theirs.parent_to_deblended_labels.items()
    assert type(labels) is type(blend)
    assert theirs.deblended_label_to_parent == dict.fromkeys(labels.tolist(), parent)
    segm.relabel_consecutive(start_label=11)
    assert_equal(segm.deblended_labels, blend + 10)
