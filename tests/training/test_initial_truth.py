# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for what an initial model adds to labels.
"""

import numpy as np
from numpy.testing import assert_equal

from photutils_rcnn.sources.instances import Instances
from photutils_rcnn.training.initial_truth import complete_truth


def make_found(boxes, shape):
    """
    Detections that fill their boxes.
    """
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    n = len(boxes)
    return Instances(
        shape=shape, boxes=boxes, scores=np.full(n, 0.9, np.float32),
        class_probabilities=np.tile(np.float32([0.2, 0.8]), (n, 1)),
        masks=np.ones((n, 28, 28), np.float16), mask_boxes=boxes,
        flags=np.zeros(n, np.int32))


def test_unlabelled_sources_are_ignored(make_scene):
    """
    A detection beside the labels is added; one on a label and one within it are not.
    """
    scene = make_scene([(20, 20), (40, 80)], radii=8.)
    found = make_found([(12, 12, 28, 28), (38, 78, 42, 82), (50, 20, 58, 30)],
                       scene.footprints.shape)
    new = complete_truth(scene, found)
    assert len(new.truth) == len(new.footprints) == 3
    assert_equal(new.truth['ignore'], [False, False, True])
    assert np.isnan(new.truth['snr'][2])
    assert_equal(new.footprints.boxes[2], [50, 20, 58, 30])
    assert (new.truth['x'][2], new.truth['y'][2]) == (24.5, 53.5)
    assert new.truth.meta == scene.truth.meta
    assert_equal(new.data, scene.data)


def test_hidden_pixels(make_scene):
    """
    Under its neighbor a source goes on as its detection does, and nowhere else.
    """
    scene = make_scene([(20, 20), (20, 30)], radii=8.)
    first, second = scene.footprints.boxes
    union = np.zeros((2, *scene.footprints.shape), bool)
    for i in range(2):
        union[i][scene.footprints.slices(i)] = scene.footprints.masks[i]
    labels = union[0] + 2 * (union[1] & ~union[0])
    labelled = type(scene.footprints).from_labels(labels)
    scene.footprints = labelled
    found = make_found([first, second - (0, 0, 2, 0)], labels.shape)
    new = complete_truth(scene, found)
    mask = np.zeros(labels.shape, bool)
    mask[new.footprints.slices(1)] = new.footprints.masks[1]
    assert (mask & (labels == 1)).sum() > 0
    assert (mask[labels == 2]).all()
    assert not mask[labels == 0].any()
    assert new.footprints.areas[1] < union[1].sum() + 8 * 8


def test_overlapping_labels_stay(make_scene):
    """
    Footprints that overlap tell where sources end themselves.
    """
    scene = make_scene([(20, 20), (20, 30)], radii=8.)
    found = make_found(scene.footprints.boxes - (2, 2, -2, -2), scene.footprints.shape)
    new = complete_truth(scene, found)
    for one, other in zip(scene.footprints.masks, new.footprints.masks, strict=True):
        assert_equal(one, other)


def test_nothing(make_scene):
    """
    Without labels all detections are ignored; without detections nothing changes.
    """
    empty = make_scene([])
    new = complete_truth(empty, make_found([(10, 10, 20, 20)], empty.footprints.shape))
    assert_equal(new.truth['ignore'], [True])
    scene = make_scene([(20, 20)])
    same = complete_truth(scene, make_found([], scene.footprints.shape))
    assert len(same.truth) == len(same.footprints) == 1
