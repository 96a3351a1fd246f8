# Licensed under a 3-clause BSD style license - see LICENSE
"""
Detection as in Astro R-CNN: proposals, suppression, masks.

The numerics are those of matterport's Mask R-CNN with suppression across
classes (github.com/burke86/astro_rcnn). Boxes are normalized,
``(y1, x1, y2 - 1, x2 - 1) / (H - 1, W - 1, ...)``, float32, until the end.
The frame is one piece, without tiles. It keeps its size unless the setting
``resize_to`` of the model is a number, 512 in the original, which shrinks
larger frames and enlarges smaller ones to a square of that side.
"""

__all__ = ['choose_proposals', 'detect', 'refine_detections']

import warnings

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from scipy import special

from photutils_rcnn._wording import count
from photutils_rcnn.astro_rcnn.resizing import fit_square
from photutils_rcnn.astro_rcnn.stretches import ZScoreInt16Stretch
from photutils_rcnn.detection.nms import suppress
from photutils_rcnn.sources.instances import Instances


def _suppress(boxes, scores, threshold):
    """
    Greedy suppression; of equal scores the first comes first.
    """
    order = np.argsort(-scores, kind='stable')
    return order[suppress(boxes[order], -np.arange(len(order)), threshold)]


def choose_proposals(objectness, boxes, thresholds):
    """
    The boxes that the proposal network offers to the heads.

    Parameters
    ----------
    objectness : (A,) `~numpy.ndarray`
        The probabilities of the anchors.
    boxes : (A, 4) `~numpy.ndarray`
        Their normalized boxes.
    thresholds : dict
        ``pre_nms`` anchors count, boxes overlapping a better one by more
        than ``proposal_nms`` do not, and at most ``proposals`` are left.

    Returns
    -------
    boxes : (``proposals``, 4) `~numpy.ndarray` of float32
        The boxes, best first. As in the original, empty boxes at the origin
        fill the rows that are left.
    n_lost : int
        The boxes beyond them that rather hold a source than not.
    """
    order = np.argsort(-objectness, kind='stable')[:thresholds['pre_nms']]
    boxes = np.clip(boxes[order], 0, 1)
    limit = thresholds['proposals']
    kept = _suppress(boxes, objectness[order], thresholds['proposal_nms'])
    n_lost = np.count_nonzero(objectness[order][kept[limit:]] > 0.5)
    boxes = boxes[kept[:limit]]
    return np.pad(boxes, ((0, limit - len(boxes)), (0, 0))), n_lost


def refine_detections(probabilities, boxes, window, thresholds):
    """
    From proposals to detections.

    Parameters
    ----------
    probabilities : (R, n_classes) `~numpy.ndarray`
        Background first.
    boxes : (R, n_classes, 4) `~numpy.ndarray`
        The normalized boxes of each class.
    window : (4,) `~numpy.ndarray`
        The part of the frame with data, normalized.
    thresholds : dict
        The least ``score``; ``nms``, the largest overlap, across classes
        or, without ``nms_across_classes``, within each; ``detections``,
        the largest number.

    Returns
    -------
    boxes : (N, 4) `~numpy.ndarray` of float32
        Normalized boxes, by decreasing score.
    index : (N,) `~numpy.ndarray` of int
        Their rows in ``boxes``.
    classes : (N,) `~numpy.ndarray` of int
        Their classes.
    n_lost : int
        The detections beyond the largest number.
    """
    rows = np.arange(len(probabilities))
    classes = np.argmax(probabilities, axis=1)
    scores = probabilities[rows, classes]
    boxes = np.clip(boxes[rows, classes], np.tile(window[:2], 2), np.tile(window[2:], 2))
    good = np.flatnonzero((classes > 0) & (scores >= thresholds['score']))
    kinds = (np.zeros(len(good), dtype=int)
             if thresholds['nms_across_classes'] else classes[good])
    kept = [members[_suppress(boxes[members], scores[members], thresholds['nms'])]
            for members in (good[kinds == kind]
                            for kind in np.unique(kinds))]
    kept = np.sort(np.concatenate([good[:0], *kept]))
    kept = kept[np.argsort(-scores[kept], kind='stable')]
    n_lost = max(len(kept) - thresholds['detections'], 0)
    kept = kept[:thresholds['detections']]
    return boxes[kept], kept, classes[kept], n_lost


def _network_frame(model, image):
    """
    The frame that the network sees, and the window of the image on it.
    """
    offset = model.stretch.get('offset', 0)
    side = model.settings.get('resize_to')
    if side is None:
        frame = image.shape[:2]
        padding = [(0, -n % model.detector.stride) for n in frame]
        return (np.pad(image, (*padding, (0, 0)), constant_values=offset),
                np.array([0, 0, *frame]))
    pixels, window = fit_square(image - np.float32(offset), side)
    if model.stretch['name'] == ZScoreInt16Stretch.name:
        # The original casts back to 16-bit integers.
        pixels = np.trunc(pixels)
    return (pixels + offset).astype(np.float32), window


def detect(model, image, *, score_threshold=None, nms_threshold=None):
    """
    Find the sources of a frame as Astro R-CNN does.

    Parameters
    ----------
    model : `~photutils_rcnn.astro_rcnn.model.AstroRCNNModel`
        The model.
    image : (ny, nx, n_bands) `~numpy.ndarray` of float32
        The frame as the network expects it.
    score_threshold, nms_threshold : float, optional
        The least score and the largest overlap of boxes; by default those
        of the model.

    Returns
    -------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources, by their position: row by row of their centers.

    Warns
    -----
    AstropyUserWarning
        If there are more than the model's largest number of detections or
        proposals.
    """
    thresholds = dict(model.thresholds)
    if score_threshold is not None:
        thresholds['score'] = score_threshold
    if nms_threshold is not None:
        thresholds['nms'] = nms_threshold
    detector = model.detector
    frame = image.shape[:2]
    pixels, window = _network_frame(model, np.asarray(image))
    shape = pixels.shape[:2]
    features, objectness, boxes = detector.dense(pixels)
    proposals, n_lost = choose_proposals(objectness, boxes, thresholds)
    if n_lost:
        warnings.warn(f'{n_lost} proposals beyond the largest number of '
                      f'{thresholds["proposals"]} are lost',
                      AstropyUserWarning, stacklevel=2)
    logits, boxes = detector.classify(features, proposals, shape)
    probabilities = special.softmax(logits, axis=1)
    end = np.array([0, 0, 1, 1])
    window = ((window - end) / np.tile(np.subtract(shape, 1), 2)
              ).astype(np.float32)
    boxes, index, classes, n_lost = refine_detections(
        probabilities, boxes, window, thresholds)
    if n_lost:
        warnings.warn(f'{count(n_lost, "detection")} lost, beyond the largest number of '
                      f'{thresholds["detections"]}',
                      AstropyUserWarning, stacklevel=2)
    masks, _ = detector.predict_masks(features, boxes, shape, classes)
    probabilities = probabilities[index]
    boxes = ((boxes - np.tile(window[:2], 2))
             / np.tile(window[2:] - window[:2], 2))
    pixel_boxes = np.round(boxes * np.tile(np.subtract(frame, 1), 2) + end
                           ).astype(np.float32)
    sources = Instances(
        shape=frame, boxes=pixel_boxes,
        scores=probabilities.max(axis=1),
        class_probabilities=(probabilities[:, 1:]
                             / probabilities[:, 1:].sum(axis=1,
                                                        keepdims=True)),
        masks=masks, mask_boxes=pixel_boxes,
        flags=np.zeros(len(boxes), dtype=np.int32),
        mask_threshold=thresholds['mask'],
        class_names=detector.config.class_names, interpolation='bilinear-zero')
    has_area = (pixel_boxes[:, 2:] > pixel_boxes[:, :2]).all(axis=1)
    centers = pixel_boxes[:, :2] + pixel_boxes[:, 2:]
    order = np.lexsort((centers[:, 1], centers[:, 0]))
    return sources[order[has_area[order]]]
