# Licensed under a 3-clause BSD style license - see LICENSE
"""
Overlaps (intersection over union) of masks and boxes.
"""

__all__ = ['Overlaps', 'box_iou', 'box_overlaps', 'mask_overlaps']

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Overlaps:
    """
    The overlapping pairs of a detected and a true set of sources.

    Parameters
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


def as_flags(ignore, n, name='ignore'):
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


def mask_overlaps(detected, truth, *, ignore=None):
    """
    The mask intersections over union of detected and true footprints.

    Parameters
    ----------
    detected, truth : `~photutils_rcnn.sources.footprints.Footprints`
        N detections and M true sources on the same frame.
    ignore : (M,) array_like of bool, optional
        The truth that counts neither as found nor as missed. Default is
        none.

    Returns
    -------
    overlaps : `Overlaps`
        The pairs with at least one common pixel. A detection with more than
        half of its pixels on ignored truth, and whose best overlap is with
        an ignored truth, is marked in ``on_ignored``.

    Raises
    ------
    ValueError
        If the frames or lengths differ.
    """
    ignore = as_flags(ignore, len(truth))
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
    on_ignored = (2 * covered > areas) & (best[1] > best[0])
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
    on_ignored = as_flags(on_ignored, iou.shape[0], 'on_ignored')
    return Overlaps(first, second, iou[first, second], *iou.shape, on_ignored)
