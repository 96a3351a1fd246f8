# Licensed under a 3-clause BSD style license - see LICENSE
"""
Blends: close neighbors, shredded sources and unrecognized ones.
"""

__all__ = ['close_pairs', 'nearest_separation', 'shredded_truth',
           'unrecognized_blends']

import numpy as np
from scipy.spatial import cKDTree

from photutils_rcnn.evaluation.overlaps import as_flags


def nearest_separation(x, y, *, ignore=None):
    """
    The distance of each source to its nearest counted neighbor.

    Parameters
    ----------
    x, y : (N,) array_like of float
        The positions (pixels).
    ignore : (N,) array_like of bool, optional
        Sources that are no neighbors to others. Default is none.

    Returns
    -------
    separation : (N,) `~numpy.ndarray` of float
        The distances (pixels); infinite where there is no neighbor.
    """
    points = np.column_stack([x, y]).astype(float).reshape(-1, 2)
    counted = np.flatnonzero(~as_flags(ignore, len(points)))
    separation = np.full(len(points), np.inf)
    if len(counted) == 0 or len(points) == 0:
        return separation
    distance, index = cKDTree(points[counted]).query(points, k=2)
    # a missing second neighbor has the index len(counted)
    neighbor = np.append(counted, -1)[index]
    other = neighbor != np.arange(len(points))[:, np.newaxis]
    return np.where(other, distance, np.inf).min(axis=1)


def close_pairs(x, y, max_separation, *, ignore=None):
    """
    The pairs of counted sources closer than a distance.

    Parameters
    ----------
    x, y : (N,) array_like of float
        The positions (pixels).
    max_separation : float
        The distance below which a pair is close (pixels).
    ignore : (N,) array_like of bool, optional
        Sources to leave out. Default is none.

    Returns
    -------
    pairs : (P, 2) `~numpy.ndarray` of int
        The indices of the pairs, the smaller first.
    """
    points = np.column_stack([x, y]).astype(float).reshape(-1, 2)
    counted = np.flatnonzero(~as_flags(ignore, len(points)))
    if len(counted) < 2:
        return np.zeros((0, 2), dtype=int)
    pairs = cKDTree(points[counted]).query_pairs(max_separation,
                                                 output_type='ndarray')
    pairs = counted[pairs]
    distance = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    return np.sort(pairs[distance < max_separation], axis=1)


def shredded_truth(detected, truth, matches, *, ignore=None):
    """
    The true sources claimed by more than one detection.

    A matched detection claims its own truth. An unmatched one claims the
    counted truth it shares most pixels with, if more than half of its own
    pixels are on it.

    Parameters
    ----------
    detected, truth : `~photutils_rcnn.sources.footprints.Footprints`
        N detections and M true sources.
    matches : `~photutils_rcnn.evaluation.matching.Matches`
        The one-to-one matches of the two.
    ignore : (M,) array_like of bool, optional
        The truth that counts neither way.

    Returns
    -------
    claims : (M,) `~numpy.ndarray` of int
        The number of detections that claim each truth; above 1, a found
        truth is shredded.
    """
    claims = (matches.detection_of_truth >= 0).astype(int)
    first, second, shared = detected.intersections(truth)
    use = ~(matches.hits | matches.ignored)[first]
    use &= 2 * shared > detected.areas[first]
    use &= ~as_flags(ignore, len(claims))[second]
    first, second, shared = first[use], second[use], shared[use]
    order = np.lexsort((second, -shared, first))
    _, start = np.unique(first[order], return_index=True)
    np.add.at(claims, second[order][start], 1)
    return claims


def unrecognized_blends(detected, truth_x, truth_y, matches, *, ignore=None):
    """
    The detections that cover more than one true source.

    A detection covers the truth it matches and every missed counted truth
    whose center is on its footprint. As footprints may overlap, a neighbor
    that has a detection of its own is not covered. Ignored detections, which
    count neither way, cover nothing.

    Parameters
    ----------
    detected : `~photutils_rcnn.sources.footprints.Footprints`
        The N detections.
    truth_x, truth_y : (M,) array_like of float
        The true positions (pixels).
    matches : `~photutils_rcnn.evaluation.matching.Matches`
        The one-to-one matches.
    ignore : (M,) array_like of bool, optional
        The truth that counts neither way.

    Returns
    -------
    n_covered : (N,) `~numpy.ndarray` of int
        The number of true sources each detection covers; above 1 it is an
        unrecognized blend.
    hidden : (M,) `~numpy.ndarray` of bool
        The missed truth that lies in such a blend.
    """
    column = np.floor(np.asarray(truth_x) + 0.5).astype(int)
    row = np.floor(np.asarray(truth_y) + 0.5).astype(int)
    missed = matches.detection_of_truth < 0
    missed &= ~as_flags(ignore, len(missed))
    n_covered = matches.hits.astype(int)
    hidden = np.zeros(len(missed), dtype=bool)
    for i, ((y1, x1, y2, x2), mask) in enumerate(
            zip(detected.boxes, detected.masks, strict=True)):
        if matches.ignored[i]:
            continue
        inside = np.flatnonzero(missed & (row >= y1) & (row < y2)
                                & (column >= x1) & (column < x2))
        inside = inside[mask[row[inside] - y1, column[inside] - x1]]
        n_covered[i] += len(inside)
        if n_covered[i] > 1:
            hidden[inside] = True
    return n_covered, hidden
