# Licensed under a 3-clause BSD style license - see LICENSE
"""
Matching of detections to truth, by overlap and by position.
"""

__all__ = ['Matches', 'Overlaps', 'box_iou', 'box_overlaps', 'mask_overlaps',
           'match_overlaps', 'match_positions']

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

IOU_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Overlaps:
    """
    The overlapping pairs of a detected and a true set of sources.

    Attributes
    ----------
    detection, truth : (P,) `~numpy.ndarray` of int
        The indices of each pair.
    iou : (P,) `~numpy.ndarray` of float
        The intersection over union of each pair, above zero.
    n_detections, n_truth : int
        The sizes of the two sets.
    on_ignored : (n_detections,) `~numpy.ndarray` of bool
        Whether a detection lies mostly on truth that is to be ignored.
    """

    detection: np.ndarray
    truth: np.ndarray
    iou: np.ndarray
    n_detections: int
    n_truth: int
    on_ignored: np.ndarray


@dataclass(frozen=True)
class Matches:
    """
    A one-to-one assignment of detections to truth.

    Attributes
    ----------
    truth_of_detection : (N,) `~numpy.ndarray` of int
        The counted truth matched to each detection, -1 for none.
    detection_of_truth : (M,) `~numpy.ndarray` of int
        The detection matched to each truth, -1 for none and for every
        ignored truth.
    ignored : (N,) `~numpy.ndarray` of bool
        The detections that count neither as right nor as wrong.
    """

    truth_of_detection: np.ndarray
    detection_of_truth: np.ndarray
    ignored: np.ndarray

    @property
    def hits(self):
        """
        The detections matched to a counted truth (N,).
        """
        return self.truth_of_detection >= 0


def _as_flags(ignore, n, name='ignore'):
    """
    A bool array of length ``n``; `None` means all `False`.
    """
    if ignore is None:
        return np.zeros(n, dtype=bool)
    ignore = np.asarray(ignore, dtype=bool)
    if ignore.shape != (n,):
        msg = f'{name} must have the shape ({n},), got {ignore.shape}'
        raise ValueError(msg)
    return ignore


def mask_overlaps(detected, truth, *, ignore=None, ignored_fraction=0.5):
    """
    The mask intersections over union of detected and true footprints.

    Parameters
    ----------
    detected, truth : `~photutils_rcnn.footprints.Footprints`
        N detections and M true sources on the same frame.
    ignore : (M,) array_like of bool, optional
        The truth that counts neither as found nor as missed. Default is
        none.
    ignored_fraction : float, optional
        A detection with more than this fraction of its pixels on ignored
        truth, and whose best overlap is with an ignored truth, is marked in
        ``on_ignored``. Default is 0.5.

    Returns
    -------
    overlaps : `Overlaps`
        The pairs with at least one common pixel.

    Raises
    ------
    ValueError
        If the frames or lengths differ.
    """
    ignore = _as_flags(ignore, len(truth))
    first, second, shared = detected.intersections(truth)
    areas = detected.areas
    iou = shared / (areas[first] + truth.areas[second] - shared)

    union = np.zeros(truth.shape, dtype=bool)
    for i in np.flatnonzero(ignore):
        union[truth.slices(i)] |= truth.masks[i]
    covered = np.array([np.count_nonzero(union[detected.slices(i)] & mask)
                        for i, mask in enumerate(detected.masks)], dtype=int)
    best = np.zeros((2, len(detected)))
    np.maximum.at(best, (ignore[second].astype(int), first), iou)
    on_ignored = ((covered > ignored_fraction * areas)
                  & (best[1] > best[0]))
    return Overlaps(first, second, iou, len(detected), len(truth), on_ignored)


def box_iou(boxes, other):
    """
    The intersection over union of every pair of two sets of boxes.

    Parameters
    ----------
    boxes : (N, 4) array_like
        Boxes ``[y1, x1, y2, x2]`` in edge coordinates (pixels).
    other : (M, 4) array_like
        The other boxes.

    Returns
    -------
    iou : (N, M) `~numpy.ndarray` of float
        The values in [0, 1]; 0 for pairs of two empty boxes.
    """
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 1, 4)
    other = np.asarray(other, dtype=float).reshape(1, -1, 4)
    low = np.maximum(boxes[..., :2], other[..., :2])
    high = np.minimum(boxes[..., 2:], other[..., 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    union = ((boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)
             + (other[..., 2:] - other[..., :2]).prod(axis=-1) - shared)
    return np.divide(shared, union, out=np.zeros(shared.shape),
                     where=union > 0)


def box_overlaps(boxes, truth_boxes, *, on_ignored=None):
    """
    The box intersections over union of detections and truth.

    Parameters
    ----------
    boxes : (N, 4) array_like
        Detected boxes ``[y1, x1, y2, x2]`` in edge coordinates (pixels).
    truth_boxes : (M, 4) array_like
        The boxes of the truth.
    on_ignored : (N,) array_like of bool, optional
        Detections that lie mostly on ignored truth (see `mask_overlaps`).
        Default is none.

    Returns
    -------
    overlaps : `Overlaps`
        The overlapping pairs.
    """
    iou = box_iou(boxes, truth_boxes)
    first, second = np.nonzero(iou)
    on_ignored = _as_flags(on_ignored, iou.shape[0], 'on_ignored')
    return Overlaps(first, second, iou[first, second], *iou.shape, on_ignored)


def match_overlaps(overlaps, scores, threshold, *, ignore=None, allowed=None):
    """
    Greedy one-to-one matching on overlap, best scores first.

    Each detection, in the order of decreasing score, takes the free truth it
    overlaps most, if that overlap reaches the threshold. Counted truth goes
    before ignored truth, as in the COCO evaluation. Equal scores keep the
    order of the input.

    Parameters
    ----------
    overlaps : `Overlaps`
        The overlapping pairs of N detections and M true sources.
    scores : (N,) array_like of float
        The ranking scores.
    threshold : float
        The smallest intersection over union of a match, in (0, 1].
    ignore : (M,) array_like of bool, optional
        The truth that counts neither as found nor as missed.
    allowed : (P,) array_like of bool, optional
        The pairs that may match. Default is all.

    Returns
    -------
    matches : `Matches`
        The matches; a detection matched to ignored truth, or unmatched and
        lying mostly on it, is ignored.

    Raises
    ------
    ValueError
        If the threshold is not in (0, 1] or an array has the wrong length.
    """
    if not 0 < threshold <= 1:
        msg = f'threshold must be in (0, 1], got {threshold}'
        raise ValueError(msg)
    rank = _ranks(scores, overlaps.n_detections)
    ignore = _as_flags(ignore, overlaps.n_truth)
    use = overlaps.iou >= threshold - IOU_TOLERANCE
    if allowed is not None:
        use &= np.asarray(allowed, dtype=bool)
    first, second = overlaps.detection[use], overlaps.truth[use]
    order = np.lexsort((-overlaps.iou[use], ignore[second], rank[first]))
    return _assign(first[order], second[order], ignore,
                   overlaps.n_detections, overlaps.on_ignored)


def _ranks(scores, n):
    """
    The place of each score in decreasing order, ties in input order.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.shape != (n,):
        msg = f'scores must have the shape ({n},), got {scores.shape}'
        raise ValueError(msg)
    return np.argsort(np.argsort(-scores, kind='stable'))


def _assign(first, second, ignore, n_detections, on_ignored):
    """
    Walk through the candidate pairs in order; each side matches once.
    """
    detection_of_truth = np.full(len(ignore), -1)
    truth_of_detection = np.full(n_detections, -1)
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        if truth_of_detection[i] < 0 and detection_of_truth[j] < 0:
            truth_of_detection[i] = j
            detection_of_truth[j] = i
    matched = np.flatnonzero(truth_of_detection >= 0)
    to_ignored = matched[ignore[truth_of_detection[matched]]]
    ignored = on_ignored & (truth_of_detection < 0)
    ignored[to_ignored] = True
    truth_of_detection[to_ignored] = -1
    detection_of_truth[ignore] = -1
    return Matches(truth_of_detection, detection_of_truth, ignored)


def match_positions(x, y, truth_x, truth_y, radius, *, scores=None,
                    ignore=None, on_ignored=None):
    """
    One-to-one matching of catalogue positions within a radius.

    Parameters
    ----------
    x, y : (N,) array_like of float
        The detected positions (pixels).
    truth_x, truth_y : (M,) array_like of float
        The true positions (pixels).
    radius : float or (M,) array_like of float
        The largest distance of a match, for all or for each true source
        (pixels).
    scores : (N,) array_like of float, optional
        With scores, each detection in the order of decreasing score takes
        the nearest free truth, so that the matches of the detections above
        any score are those of the whole list. Without (default), the
        closest pairs go first.
    ignore : (M,) array_like of bool, optional
        The truth that counts neither as found nor as missed. It is matched
        last, and every unmatched detection within the radius of one is
        ignored.
    on_ignored : (N,) array_like of bool, optional
        Detections to be ignored unless they match (see `mask_overlaps`).

    Returns
    -------
    matches : `Matches`
        The matches.

    Raises
    ------
    ValueError
        If a radius is not positive or an array has the wrong length.
    """
    found = np.column_stack([x, y]).astype(float).reshape(-1, 2)
    true = np.column_stack([truth_x, truth_y]).astype(float).reshape(-1, 2)
    radius = np.broadcast_to(np.asarray(radius, dtype=float), len(true))
    if not (np.isfinite(radius) & (radius > 0)).all():
        msg = f'radius must be positive and finite, got {radius}'
        raise ValueError(msg)
    ignore = _as_flags(ignore, len(true))
    on_ignored = _as_flags(on_ignored, len(found), 'on_ignored').copy()
    if len(found) == 0 or len(true) == 0:
        return _assign(np.zeros(0, int), np.zeros(0, int), ignore, len(found),
                       on_ignored)
    near = cKDTree(found).query_ball_point(true, radius)
    second = np.repeat(np.arange(len(true)), [len(item) for item in near])
    first = np.concatenate(near).astype(int)
    distance = np.hypot(*(found[first] - true[second]).T)
    if scores is None:
        order = np.lexsort((distance, ignore[second]))
    else:
        rank = _ranks(scores, len(found))
        order = np.lexsort((distance, ignore[second], rank[first]))
    on_ignored[first[ignore[second]]] = True
    return _assign(first[order], second[order], ignore, len(found),
                   on_ignored)
