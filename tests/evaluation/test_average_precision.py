# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of both definitions of the average precision.
"""
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from photutils_rcnn.evaluation.average_precision import (
    COCO_SIZE_BINS,
    ImageOverlaps,
    coco_average_precision,
    interpolated_precision,
    label_detections,
    paper_average_precision,
)
from photutils_rcnn.evaluation.overlaps import box_overlaps


def image_of(boxes, scores, class_ids, truth_boxes, truth_class_ids, *,
             ignore=None):
    """
    An image whose masks fill their boxes.
    """
    def areas(items):
        return (items[:, 2:] - items[:, :2]).prod(axis=1)

    boxes = np.asarray(boxes, float).reshape(-1, 4)
    truth_boxes = np.asarray(truth_boxes, float).reshape(-1, 4)
    ignore = np.zeros(len(truth_boxes), bool) if ignore is None else ignore
    return ImageOverlaps(
        box_overlaps(boxes, truth_boxes), np.asarray(scores, float),
        np.asarray(scores, float), np.asarray(class_ids, int),
        np.asarray(truth_class_ids, int), areas(boxes), areas(truth_boxes),
        areas(boxes), areas(truth_boxes), np.asarray(ignore, bool))


def random_image(seed, n_truth=13, n_false=6, side=400):
    """
    Jittered copies of random boxes, some missing, and false detections.
    """
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, side - 130, (n_truth, 2))
    size = rng.integers(6, 125, (n_truth, 2))
    truth = np.hstack([corner, corner + size])
    found = truth[rng.random(n_truth) < 0.9]
    found = found + rng.integers(-4, 5, found.shape)
    found = np.vstack([found, found[:2] + 1])
    corner = rng.integers(0, side - 60, (n_false, 2))
    boxes = np.vstack([found, np.hstack([corner, corner + rng.integers(
        5, 60, (n_false, 2))])])
    boxes = np.clip(boxes, 0, side)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    scores = rng.random(len(boxes))
    truth_classes = rng.integers(1, 3, n_truth)
    classes = rng.integers(1, 3, len(boxes))
    return boxes, scores, classes, truth, truth_classes


def test_check_vector():
    """Matches (1, 1, 0, 1) of 5 truths, worked out by hand."""
    hits = [True, True, False, True]
    assert_allclose(interpolated_precision(hits, 5).mean(), 0.558824, atol=1e-6)
    assert_allclose(interpolated_precision(hits, 5, 101).mean(), 0.554455, atol=1e-6)
    assert_allclose(interpolated_precision([], 3), 0)
    assert_allclose(interpolated_precision(hits, 5, 6),
                    [1, 1, 1, 0.75, 0, 0])


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 'combined', 'any']))
def test_perfect_detections(seed, classes):
    """The truth itself has an average precision of 1."""
    *_, truth, truth_classes = random_image(seed)
    image = image_of(truth, np.linspace(0.6, 0.9, len(truth)), truth_classes,
                     truth, truth_classes)
    for iou in (0.5, 0.95):
        for compute in (paper_average_precision, coco_average_precision):
            result = compute([image], iou, classes=classes)
            if result.n_truth:
                assert_allclose(result.value, 1)
            else:
                assert np.isnan(result.value)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_permutation_invariant(seed):
    """The order of detections and truth is irrelevant."""
    boxes, scores, classes, truth, truth_classes = random_image(seed)
    rng = np.random.default_rng(seed)
    i, j = rng.permutation(len(boxes)), rng.permutation(len(truth))
    first = image_of(boxes, scores, classes, truth, truth_classes)
    second = image_of(boxes[i], scores[i], classes[i], truth[j],
                      truth_classes[j])
    for compute in (paper_average_precision, coco_average_precision):
        assert_allclose(compute([first], 0.5).value,
                        compute([second], 0.5).value)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_duplicates_do_not_help(seed):
    """Every detection twice lowers the precision."""
    *_, truth, truth_classes = random_image(seed)
    scores = np.linspace(0.6, 0.9, len(truth))
    once = image_of(truth, scores, truth_classes, truth, truth_classes)
    twice = image_of(np.vstack([truth, truth]), np.tile(scores, 2),
                     np.tile(truth_classes, 2), truth, truth_classes)
    for compute in (paper_average_precision, coco_average_precision):
        assert compute([twice]).value < compute([once]).value


def test_paper_means_over_images_with_truth():
    """Images without the class are left out, and counted."""
    box = [(0, 0, 10, 10)]
    full = image_of(box, [0.9], [1], box, [1])
    missed = image_of([], [], [], box, [1])
    other = image_of(box, [0.9], [1], box, [2])
    result = paper_average_precision([full, missed, other], classes=1)
    assert (result.value, result.n_images, result.n_truth) == (0.5, 2, 2)
    assert_allclose(result.precision_at(0.8), 0.5)
    pooled = coco_average_precision([full, missed, other], classes=1)
    # one of two found, a false one with the same score after it
    assert_allclose(pooled.value, 51 / 101)
    assert np.isnan(paper_average_precision([other], classes=1).value)


def test_score_cut():
    """Detections below the cut do not enter the paper's definition."""
    box = [(0, 0, 10, 10)]
    image = image_of(box, [0.4], [1], box, [1])
    assert paper_average_precision([image]).value == 0
    assert coco_average_precision([image]).value == 1


def test_combined_needs_equal_classes():
    """Only the class-blind rows match a star with a galaxy."""
    box = [(0, 0, 10, 10)]
    image = image_of(box, [0.9], [1], box, [2])
    assert paper_average_precision([image], classes='combined').value == 0
    assert paper_average_precision([image], classes='any').value == 1


def test_size_bins_ignore():
    """Truth and unmatched detections outside the bin count neither way."""
    truth = [(0, 0, 10, 10), (50, 50, 90, 90)]
    boxes = [(0, 0, 10, 10), (50, 50, 90, 90), (200, 200, 210, 210)]
    image = image_of(boxes, [0.9, 0.8, 0.95], [2] * 3, truth, [2] * 2)
    large = paper_average_precision([image], classes=2, size='L')
    assert (large.value, large.n_truth) == (1, 1)
    small = paper_average_precision([image], classes=2, size='S')
    assert_allclose(small.value, 0.5)
    assert np.isnan(paper_average_precision([image], size='M').value)


def test_ignored_truth_of_other_class():
    """Ignored truth excuses a detection of whatever class."""
    truth = [(0, 0, 10, 10), (50, 50, 60, 60)]
    image = image_of(truth, [0.8, 0.9], [1, 1], truth, [1, 2],
                     ignore=[False, True])
    scores, hits, n_truth = label_detections(image, 0.5, classes=1)
    assert_allclose(scores, [0.8])
    assert hits.all()
    assert n_truth == 1


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
@pytest.mark.parametrize('iou_type', ['bbox', 'segm'])
def test_equals_pycocotools(iou_type, capsys):
    """All values agree with the reference implementation."""
    pytest.importorskip('pycocotools', reason='pycocotools is in the extra '
                        'evaluate, not in test')
    from pycocotools import mask as coco_mask
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def encode(box, side=400):
        full = np.zeros((side, side), np.uint8, order='F')
        y1, x1, y2, x2 = box
        full[y1:y2, x1:x2] = 1
        return coco_mask.encode(full)

    images, annotations, results = [], [], []
    for k in range(5):
        boxes, scores, classes, truth, truth_classes = random_image(k)
        images.append(image_of(boxes, scores, classes, truth,
                               truth_classes))
        for (y1, x1, y2, x2), c in zip(truth.tolist(), truth_classes,
                                       strict=True):
            annotations.append({
                'id': len(annotations) + 1, 'image_id': k,
                'category_id': int(c), 'iscrowd': 0,
                'bbox': [x1, y1, x2 - x1, y2 - y1],
                'area': (x2 - x1) * (y2 - y1),
                'segmentation': encode((y1, x1, y2, x2))})
        for (y1, x1, y2, x2), s, c in zip(boxes.tolist(), scores, classes,
                                          strict=True):
            item = {'image_id': k, 'category_id': int(c), 'score': float(s)}
            if iou_type == 'bbox':
                item['bbox'] = [x1, y1, x2 - x1, y2 - y1]
            else:
                item['segmentation'] = encode((y1, x1, y2, x2))
            results.append(item)
    reference = COCO()
    reference.dataset = {'images': [{'id': k, 'height': 400, 'width': 400}
                                    for k in range(5)],
                         'categories': [{'id': 1}, {'id': 2}],
                         'annotations': annotations}
    reference.createIndex()
    run = COCOeval(reference, reference.loadRes(results), iou_type)
    # half-open bins here, closed ones there: no area is a half integer
    run.params.areaRng = [[0, 1e10]] + [
        [low - 0.5, min(high, 1e10) - 0.5]
        for low, high in COCO_SIZE_BINS.values()]
    run.params.areaRngLbl = ['all', 'S', 'M', 'L']
    run.params.maxDets = [1000]
    run.evaluate()
    run.accumulate()
    for t, iou in enumerate(run.params.iouThrs):
        for c in (1, 2):
            for a, size in enumerate([None, 'S', 'M', 'L']):
                expected = run.eval['precision'][t, :, c - 1, a, 0]
                result = coco_average_precision(images, iou, classes=c,
                                                size=size)
                assert_allclose(result.precision, expected, atol=1e-9)


def test_cut_and_ranking_are_different_scores():
    """The cut takes the score of a source, the order that of its class."""
    box = [(0, 0, 10, 10)]
    image = image_of(box, [0.4], [1], box, [1])
    sure = replace(image, cut_scores=np.array([0.9]))
    assert paper_average_precision([sure]).value == 1
    unsure = replace(image, scores=np.array([0.9]))
    assert paper_average_precision([unsure]).value == 0


def test_kinds_of_areas():
    """The paper's bins are of boxes, those of COCO of masks."""
    box = [(0, 0, 100, 100)]
    image = image_of(box, [0.9], [1], box, [1])
    image = replace(image, mask_areas=np.array([1000.0]),
                    truth_mask_areas=np.array([1000.0]))
    assert paper_average_precision([image], size='L').value == 1
    assert coco_average_precision([image], size='S').value == 1
