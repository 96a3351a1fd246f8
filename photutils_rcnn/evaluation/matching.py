# Licensed under a 3-clause BSD style license - see LICENSE
"""
Matching of detections to truth, by overlap and by position.
"""

__all__ = ['Matches', 'match_overlaps', 'match_positions']

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from photutils_rcnn.evaluation.overlaps import as_flags

IOU_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Matches:
    """
    A one-to-one assignment of detections to truth.

    Parameters
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


def match_overlaps(overlaps, scores, threshold, *, ignore=None, allowed=None):
    """
    Greedy one-to-one matching on overlap, best scores first.

    Each detection, in the order of decreasing score, takes the free truth it
    overlaps most, if that overlap reaches the threshold. Counted truth goes
    before ignored truth, as in the COCO evaluation. Equal scores keep the
    order of the input.

    Parameters
    ----------
    overlaps : `~photutils_rcnn.evaluation.overlaps.Overlaps`
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
    ignore = as_flags(ignore, overlaps.n_truth)
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
    One-to-one matching of catalog positions within a radius.

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
        last; each excuses the one detection that it matches, not others
        within its radius.
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
    ignore = as_flags(ignore, len(true))
    on_ignored = as_flags(on_ignored, len(found), 'on_ignored')
    near = [np.array(item, dtype=int)
            for item in cKDTree(found).query_ball_point(true, radius)]
    second = np.repeat(np.arange(len(true)), [len(item) for item in near])
    first = np.concatenate([np.zeros(0, dtype=int), *near])
    distance = np.hypot(*(found[first] - true[second]).T)
    if scores is None:
        order = np.lexsort((distance, ignore[second]))
    else:
        rank = _ranks(scores, len(found))
        order = np.lexsort((distance, ignore[second], rank[first]))
    return _assign(first[order], second[order], ignore, len(found),
                   on_ignored)
