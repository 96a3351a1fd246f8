# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of matching and sampling.
"""



import keras
import numpy as np
import pytest
from keras import ops
from keras.utils.bounding_boxes import compute_iou
from numpy.testing import assert_allclose, assert_equal
from scipy.ndimage import map_coordinates
from tiny_network import empty_truth, make_batch, tiny_config

from photutils_rcnn.models.anchors import anchor_grids, make_anchors
from photutils_rcnn.models.targets import (
    match_anchors,
    sample_masks,
    sample_rois,
    with_truth,
)

SHAPE = (64, 64)


@pytest.fixture
def config():
    return tiny_config()


@pytest.fixture
def truth(config):
    return make_batch(config, side=SHAPE[0])[1]


def match(config, truth):
    anchors = make_anchors(config, SHAPE)
    results = match_anchors(anchor_grids(config, SHAPE), truth, config)
    iou = ops.convert_to_numpy(compute_iou(anchors, truth['boxes'], 'yxyx'))
    return [ops.convert_to_numpy(value) for value in results], iou


def test_match_anchors(config, truth):
    """
    The definition, written out; padding rows never match.
    """
    (positive, negative, matched), iou = match(config, truth)
    iou = np.where(truth['labels'][:, None] > 0, iou, 0)
    best = iou.max(axis=-1)
    assert_equal(positive[best >= config.rpn_positive_iou], 1)
    assert_equal(negative[best >= config.rpn_negative_iou], 0)
    assert_equal(negative[(best < config.rpn_negative_iou)
                          & (positive == 0)], 1)
    assert (positive * negative == 0).all()
    assert (truth['labels'][np.arange(2)[:, None], matched]
            [positive > 0] > 0).all()
    for i, j in np.argwhere(truth['labels'] > 0):
        anchor = iou[i, :, j].argmax()
        assert positive[i, anchor] == 1
        assert matched[i, anchor] == j


def test_best_anchor_is_positive(config):
    """
    A source that no anchor fits well still has a positive anchor.
    """
    truth = empty_truth(1, 2, config)
    truth['boxes'][0, 0] = 20.4, 20.4, 23.1, 33.2
    truth['labels'][0, 0] = 1
    (positive, negative, matched), iou = match(config, truth)
    best = iou[0, :, 0].max()
    assert 0.1 < best < config.rpn_positive_iou
    assert_equal(np.flatnonzero(positive[0]),
                 np.flatnonzero(iou[0, :, 0] == best))
    assert_equal(matched[0][positive[0] > 0], 0)
    assert negative.sum() > 0


def test_ignored_source_is_neutral(config):
    """
    Anchors on an ignored source are neither sources nor background.
    """
    truth = empty_truth(1, 2, config)
    truth['boxes'][0, 0] = 20, 20, 32, 32
    truth['labels'][0, 0] = 0
    (positive, negative, _), iou = match(config, truth)
    assert positive.sum() == 0
    assert_equal(negative[0], iou[0, :, 0] < config.rpn_negative_iou)
    assert negative.sum() < negative.size


def test_empty_image_is_all_background(config):
    (positive, negative, _), _ = match(config, empty_truth(2, 3, config))
    assert positive.sum() == 0
    assert (negative == 1).all()


@pytest.fixture
def rois(config, truth):
    """
    RoIs sampled from proposals near to and far from the sources.
    """
    rng = np.random.default_rng(5)
    proposals = truth['boxes'].repeat(8, axis=1)
    proposals = proposals + rng.normal(0, 2, proposals.shape)
    proposals = proposals.astype(np.float32)
    valid = rng.random(proposals.shape[:2]) < 0.8
    seeds = keras.random.SeedGenerator(1)
    boxes, valid = with_truth(proposals, valid, truth, seeds)
    sampled = sample_rois(boxes, valid, truth, config, seeds)
    return {key: ops.convert_to_numpy(value)
            for key, value in sampled.items()}


def test_sample_rois(config, truth, rois):
    """
    Positive RoIs come first and belong to a source that they overlap;
    valid negative ones overlap none.
    """
    n_positive = config.n_positive_rois
    assert rois['boxes'].shape == (2, n_positive
                                      + config.n_negative_rois, 4)
    iou = ops.convert_to_numpy(compute_iou(rois['boxes'], truth['boxes'], 'yxyx'))
    iou = np.where(truth['labels'][:, None] > 0, iou, 0)
    best, matched = iou.max(axis=-1), iou.argmax(axis=-1)
    positive, weights = rois['positive'] > 0, rois['weights'] > 0
    assert positive[:, :n_positive].any(axis=1).all()
    assert not positive[:, n_positive:].any()
    assert weights[positive].all()
    assert (best[positive] >= config.roi_positive_iou).all()
    assert (best[weights & ~positive] < config.roi_positive_iou).all()
    assert_equal(rois['matched'][positive], matched[positive])
    labels = np.take_along_axis(truth['labels'], matched, axis=1)
    assert_equal(rois['classes'], np.where(positive, labels, 0))
    boxes = np.take_along_axis(truth['boxes'], matched[..., None], axis=1)
    assert_equal(rois['targets'][positive], boxes[positive])


def test_sampled_rois_differ_from_each_other(rois):
    """
    Sampling is without replacement.
    """
    for boxes, weights in zip(rois['boxes'], rois['weights'],
                              strict=True):
        chosen = boxes[weights > 0]
        assert len(np.unique(chosen, axis=0)) == len(chosen)


def test_sample_rois_without_proposals(config, truth):
    """
    The jittered truth alone gives positive RoIs; padding gives none.
    """
    proposals = np.zeros((2, 16, 4), np.float32)
    valid = np.zeros((2, 16), bool)
    seeds = keras.random.SeedGenerator(1)
    joined = with_truth(proposals, valid, truth, seeds)
    sampled = sample_rois(*joined, truth, config, seeds)
    n_sources = (truth['labels'] > 0).sum(axis=1)
    assert_equal(ops.convert_to_numpy(ops.sum(sampled['weights'], axis=1)),
                 n_sources)
    nothing = empty_truth(2, 5, config)
    joined = with_truth(proposals, valid, nothing, seeds)
    empty = sample_rois(*joined, nothing, config, seeds)
    for name in ('weights', 'positive', 'classes'):
        assert_equal(ops.convert_to_numpy(empty[name]), 0)


def test_rois_on_ignored_sources_do_not_count(config):
    truth = empty_truth(1, 1, config)
    truth['boxes'][0, 0] = 20, 20, 32, 32
    truth['labels'][0, 0] = 0
    proposals = np.float32([[[21, 20, 32, 33]] * 8 + [[2, 2, 9, 9]] * 8])
    sampled = sample_rois(proposals, np.ones((1, 16), bool), truth, config,
                          keras.random.SeedGenerator(1))
    boxes = ops.convert_to_numpy(sampled['boxes'])
    weights = ops.convert_to_numpy(sampled['weights'])
    assert weights.sum() == 8
    assert_equal(boxes[weights > 0], proposals[0, 8:])


def test_sample_masks(config, truth):
    """
    Bilinear samples of the mini masks at the centers of the grid's cells,
    0 outside of the window.
    """
    rng = np.random.default_rng(6)
    # A window of another scale: cells of 2.5 by 2 pixels.
    truth['windows'][0, 1, 2:] = truth['windows'][0, 1, :2] + (40, 32)
    matched = np.int32([[0, 1, 2], [2, 2, 0]])
    boxes = np.take_along_axis(truth['boxes'], matched[..., None], axis=1)
    boxes = (boxes + rng.normal(0, 3, boxes.shape)).astype(np.float32)
    size = 9
    masks = ops.convert_to_numpy(sample_masks(boxes, matched, truth, size))
    assert masks.shape == (6, size, size)
    steps = (np.arange(size) + 0.5) / size
    for mask, box, (i, j) in zip(masks, boxes.reshape(-1, 4),
                                 [(0, 0), (0, 1), (0, 2), (1, 2), (1, 2),
                                  (1, 0)], strict=True):
        window, grid = truth['windows'][i, j], truth['masks'][i, j]
        cells = [(box[k] + steps * (box[k + 2] - box[k]) - window[k])
                 / (window[k + 2] - window[k]) * len(grid) - 0.5
                 for k in (0, 1)]
        # 'grid-constant' interpolates between the border and zeros.
        expected = map_coordinates(grid.astype(float),
                                   np.meshgrid(*cells, indexing='ij'),
                                   order=1, mode='grid-constant')
        assert_allclose(mask, expected, atol=1e-4)


def test_source_too_small_for_any_anchor(config):
    """
    It is not forced on an anchor that hardly overlaps it.
    """
    truth = empty_truth(1, 2, config)
    truth['boxes'][0, 0] = 20.5, 20.5, 21.5, 21.5
    truth['labels'][0, 0] = 1
    (positive, negative, _), iou = match(config, truth)
    assert 0 < iou[0, :, 0].max() < 0.1
    assert positive.sum() == 0
    assert (negative == 1).all()
