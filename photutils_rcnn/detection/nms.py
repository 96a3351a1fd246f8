# Licensed under a 3-clause BSD style license - see LICENSE
"""
Non-maximum suppression: exact and greedy, of many boxes or footprints, in NumPy.
"""

__all__ = ['overlapping_pairs', 'suppress', 'suppress_footprints']

import numpy as np
from scipy.spatial import KDTree


def pair_iou(boxes1, boxes2):
    """
    The intersection over union of corresponding boxes.

    Parameters
    ----------
    boxes1, boxes2 : (N, 4) `~numpy.ndarray`
        Boxes ``[y1, x1, y2, x2]``.

    Returns
    -------
    iou : (N,) `~numpy.ndarray`
        The overlaps.
    """
    low = np.maximum(boxes1[:, :2], boxes2[:, :2])
    high = np.minimum(boxes1[:, 2:], boxes2[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = ((boxes1[:, 2:] - boxes1[:, :2]).prod(axis=1)
             + (boxes2[:, 2:] - boxes2[:, :2]).prod(axis=1))
    return shared / np.maximum(areas - shared, 1e-12)


def overlapping_pairs(boxes, threshold):
    """
    All pairs of boxes whose overlap exceeds a threshold.

    Two boxes can overlap by more than ``t`` only if the ratio of their
    longer sides exceeds ``t`` and their centers differ, along each axis,
    by less than ``(1 - t) / (1 + t)`` of the longer side. So boxes are
    sorted into bins of size and only neighbors in place and size compared.

    Parameters
    ----------
    boxes : (N, 4) `~numpy.ndarray`
        Boxes ``[y1, x1, y2, x2]``.
    threshold : float
        The overlap, at least 0 and less than 1.

    Returns
    -------
    first, second : (P,) `~numpy.ndarray` of int
        The pairs, ``first < second``.
    """
    boxes = np.asarray(boxes, dtype=float)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    longest = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1e-6)
    ratio = max(threshold, np.finfo(float).tiny)
    bins = np.floor(np.log(longest) / -np.log(ratio)).astype(int)
    reach = (1 - threshold) / (1 + threshold)
    members = {b: np.flatnonzero(bins == b) for b in np.unique(bins)}
    trees = {b: KDTree(centers[index]) for b, index in members.items()}
    pairs = []
    for b, index in members.items():
        for other in (b, b + 1):
            if other not in members:
                continue
            radius = reach * longest[members[other]].max() + 1e-6
            if other == b:
                i, j = index[trees[b].query_pairs(
                    radius, p=np.inf, output_type='ndarray')].T
            else:
                found = trees[b].sparse_distance_matrix(
                    trees[other], radius, p=np.inf, output_type='ndarray')
                i, j = index[found['i']], members[other][found['j']]
            hit = pair_iou(boxes[i], boxes[j]) > threshold
            pairs.append(np.stack([i[hit], j[hit]]))
    if not pairs:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    pairs = np.sort(np.concatenate(pairs, axis=1), axis=0)
    return pairs[0], pairs[1]


def suppress(boxes, scores, threshold):
    """
    Keep the best of overlapping boxes.

    Boxes are visited by decreasing score (ties by their coordinates, so
    the result does not depend on the order of the input); a box is dropped
    if it overlaps a box already kept by more than the threshold.

    Parameters
    ----------
    boxes : (N, 4) `~numpy.ndarray`
        Boxes ``[y1, x1, y2, x2]``.
    scores : (N,) `~numpy.ndarray`
        Their scores.
    threshold : float
        The largest overlap that is tolerated; 1 or more keeps all.

    Returns
    -------
    keep : (K,) `~numpy.ndarray` of int
        The indices of the boxes that are kept, best first.
    """
    boxes = np.asarray(boxes).reshape(-1, 4)
    order = _best_first(boxes, scores)
    if len(order) < 2 or threshold >= 1:
        return order
    return order[_not_suppressed(len(order), *overlapping_pairs(boxes[order], threshold))]


def suppress_footprints(footprints, scores, threshold):
    """
    Keep the best of overlapping footprints, see `suppress`.

    Parameters
    ----------
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        N footprints.
    scores : (N,) `~numpy.ndarray`
        Their scores.
    threshold : float
        The largest overlap (intersection over union) that is tolerated.

    Returns
    -------
    keep : (N,) bool `~numpy.ndarray`
        `True` for those that are kept.
    """
    order = _best_first(footprints.boxes, scores)
    order = order[footprints.overlap[order]]
    ordered = footprints[order]
    better, worse, shared = ordered.intersections(ordered)
    areas = ordered.areas
    hit = (better < worse) & (
        shared > threshold * (areas[better] + areas[worse] - shared))
    keep = np.ones(len(footprints), dtype=bool)
    keep[order] = _not_suppressed(len(order), better[hit], worse[hit])
    return keep


def _best_first(boxes, scores):
    return np.lexsort((*boxes.T[::-1], -np.asarray(scores)))


def _not_suppressed(n, better, worse):
    """
    Which of N ordered items no kept one before them suppresses, by the pairs that overlap.
    """
    keep = np.ones(n, dtype=bool)
    # The greedy answer is the fixed point of this rule: pass k settles all
    # items whose chain of suppressions is shorter than k.
    while True:
        new = np.ones(n, dtype=bool)
        new[worse[keep[better]]] = False
        if np.array_equal(new, keep):
            return keep
        keep = new
