# Licensed under a 3-clause BSD style license - see LICENSE
"""
Average precision: per image as in Burke et al. (2019), and pooled as COCO.

The two are different numbers:

====================  =======================  ========================
..                    paper                    COCO
====================  =======================  ========================
recall points         51                       101
pooling               per image, then mean     all images, one curve
score cut             >= 0.5                   none
====================  =======================  ========================

Burke et al. 2019, MNRAS 490, 3952, Eq. 5; Lin et al. 2014, arXiv:1405.0312.
"""

__all__ = ['COCO_SIZE_BINS', 'IOU_THRESHOLDS', 'PAPER_SIZE_BINS',
           'AveragePrecision', 'ImageOverlaps', 'coco_average_precision',
           'interpolated_precision', 'label_detections', 'paper_average_precision']

from dataclasses import dataclass

import numpy as np

from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.evaluation.overlaps import Overlaps

IOU_THRESHOLDS = tuple(np.arange(50, 100, 5) / 100)

# half-open ranges of box area (paper) and mask area (COCO), in pixels
PAPER_SIZE_BINS = {'S': (0, 16**2), 'M': (16**2, 32**2), 'L': (32**2, np.inf)}
COCO_SIZE_BINS = {'S': (0, 32**2), 'M': (32**2, 96**2), 'L': (96**2, np.inf)}

RECALL_TOLERANCE = 1e-12


@dataclass(frozen=True)
class ImageOverlaps:
    """
    What the average precision needs to know of one image.

    Parameters
    ----------
    overlaps : `~photutils_rcnn.evaluation.overlaps.Overlaps`
        The pairs of N detections and M true sources, by mask or box.
    scores : (N,) `~numpy.ndarray` of float
        The scores that rank the detections.
    cut_scores : (N,) `~numpy.ndarray` of float
        The scores to which a score cut applies.
    class_ids, truth_class_ids : (N,), (M,) `~numpy.ndarray` of int
        The classes.
    box_areas, truth_box_areas : (N,), (M,) `~numpy.ndarray`
        The areas of the boxes (pixels).
    mask_areas, truth_mask_areas : (N,), (M,) `~numpy.ndarray`
        The areas of the masks (pixels).
    ignore : (M,) `~numpy.ndarray` of bool
        The truth that counts neither way, whatever its class.
    """

    overlaps: Overlaps
    scores: np.ndarray
    cut_scores: np.ndarray
    class_ids: np.ndarray
    truth_class_ids: np.ndarray
    box_areas: np.ndarray
    truth_box_areas: np.ndarray
    mask_areas: np.ndarray
    truth_mask_areas: np.ndarray
    ignore: np.ndarray


@dataclass(frozen=True)
class AveragePrecision:
    """
    An average precision with its curve.

    Parameters
    ----------
    value : float
        The average precision in [0, 1], NaN without any truth.
    recall, precision : (R,) `~numpy.ndarray` of float
        The (averaged) interpolated curve.
    n_images : int
        The number of images that entered: those with counted truth (paper)
        or all (COCO).
    n_truth : int
        The number of counted true sources.
    """

    value: float
    recall: np.ndarray
    precision: np.ndarray
    n_images: int
    n_truth: int

    def precision_at(self, recall):
        """
        The precision of the curve at one of its recall points.

        Parameters
        ----------
        recall : float
            The recall in [0, 1].

        Returns
        -------
        precision : float
            The precision in [0, 1], NaN without any truth.

        Raises
        ------
        ValueError
            If ``recall`` is not a point of the curve.
        """
        index = np.flatnonzero(np.isclose(self.recall, recall))
        if len(index) == 0:
            msg = f'recall must be a point of the curve, got {recall}'
            raise ValueError(msg)
        return float(self.precision[index[0]])


def label_detections(image, iou, *, classes='combined', area='box',
                     area_range=None, score_cut=None):
    """
    The right and wrong detections of an image, best first.

    Parameters
    ----------
    image : `ImageOverlaps`
        The image.
    iou : float
        The smallest intersection over union of a match.
    classes : int, 'combined' or 'any', optional
        One class identifier; or all classes pooled with matches between
        equal classes only ('combined', default) or whatever the classes
        ('any').
    area : {'box', 'mask'}, optional
        The kind of area of ``area_range``.
    area_range : (2,) tuple of float, optional
        The half-open range of areas that count (pixels). As in COCO, truth
        outside is ignored, as are unmatched detections outside.
    score_cut : float, optional
        Detections with a cut score below this do not enter.

    Returns
    -------
    scores : (K,) `~numpy.ndarray` of float
        The decreasing scores of the detections that count.
    hits : (K,) `~numpy.ndarray` of bool
        Whether they match.
    n_truth : int
        The number of counted true sources.
    """
    overlaps = image.overlaps
    use = np.ones(overlaps.n_detections, dtype=bool)
    counted = ~image.ignore
    if score_cut is not None:
        use &= image.cut_scores >= score_cut
    allowed = np.ones(len(overlaps.iou), dtype=bool)
    if classes != 'any':
        allowed = image.ignore[overlaps.truth] | (
            image.class_ids[overlaps.detection]
            == image.truth_class_ids[overlaps.truth])
        if classes != 'combined':
            use &= image.class_ids == classes
            counted = counted & (image.truth_class_ids == classes)
    allowed &= use[overlaps.detection]
    outside = np.zeros(overlaps.n_detections, dtype=bool)
    if area_range is not None:
        low, high = area_range
        areas = getattr(image, f'{area}_areas')
        truth_areas = getattr(image, f'truth_{area}_areas')
        outside = (areas < low) | (areas >= high)
        counted = counted & (truth_areas >= low) & (truth_areas < high)
    matches = match_overlaps(overlaps, image.scores, iou, ignore=~counted,
                             allowed=allowed)
    use &= matches.hits | ~(matches.ignored | outside)
    chosen = np.flatnonzero(use)
    chosen = chosen[np.argsort(-image.scores[chosen], kind='stable')]
    return image.scores[chosen], matches.hits[chosen], int(counted.sum())


def interpolated_precision(hits, n_truth, n_points=51):
    """
    The interpolated precision at equally spaced recalls.

    Parameters
    ----------
    hits : (K,) array_like of bool
        Whether the detections match, best scores first.
    n_truth : int
        The number of true sources, above zero.
    n_points : int, optional
        The number of recalls from 0 to 1. Default is 51.

    Returns
    -------
    precision : (n_points,) `~numpy.ndarray` of float
        The largest precision at this or a higher recall; 0 beyond the
        recall that is reached.
    """
    hits = np.asarray(hits, dtype=bool)
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    index = np.searchsorted(found / n_truth + RECALL_TOLERANCE,
                            np.linspace(0, 1, n_points))
    return np.append(envelope, 0.0)[index]


def paper_average_precision(images, iou=0.5, *, classes='combined',
                            size=None, score_cut=0.5):
    """
    The average precision of Burke et al. (2019) at one overlap threshold.

    It is computed per image with 51 recall points and averaged over the
    images that contain counted truth.

    Parameters
    ----------
    images : sequence of `ImageOverlaps`
        The images.
    iou : float, optional
        The smallest intersection over union of a match. Default is 0.5.
    classes : int, 'combined' or 'any', optional
        See `label_detections`. The paper does not define its combined rows;
        here both classes are pooled and equal classes match.
    size : {None, 'S', 'M', 'L'}, optional
        A bin of box area, below 16**2, to 32**2 and above. The paper does
        not say what becomes of the others; here the COCO rule holds.
    score_cut : float, optional
        The smallest score that enters. Default is 0.5.

    Returns
    -------
    result : `AveragePrecision`
        The mean over images and the averaged curve.
    """
    curves, total = [], 0
    area_range = None if size is None else PAPER_SIZE_BINS[size]
    for image in images:
        _, hits, n_truth = label_detections(
            image, iou, classes=classes, area='box', area_range=area_range,
            score_cut=score_cut)
        total += n_truth
        if n_truth:
            curves.append(interpolated_precision(hits, n_truth))
    curve = np.mean(curves, axis=0) if curves else np.full(51, np.nan)
    return AveragePrecision(float(curve.mean()), np.linspace(0, 1, 51), curve,
                            len(curves), total)


def coco_average_precision(images, iou=0.5, *, classes='combined', size=None):
    """
    The pooled average precision of COCO at one overlap threshold.

    All detections of all images form one curve, sampled at 101 recalls.

    Parameters
    ----------
    images : sequence of `ImageOverlaps`
        The images.
    iou : float, optional
        The smallest intersection over union of a match. Default is 0.5.
    classes : int, 'combined' or 'any', optional
        See `label_detections`.
    size : {None, 'S', 'M', 'L'}, optional
        A bin of mask area, below 32**2, to 96**2 and above.

    Returns
    -------
    result : `AveragePrecision`
        The pooled value and curve, without a limit per image.
    """
    area_range = None if size is None else COCO_SIZE_BINS[size]
    labeled = [label_detections(image, iou, classes=classes, area='mask',
                                area_range=area_range) for image in images]
    total = sum(item[2] for item in labeled)
    recall = np.linspace(0, 1, 101)
    if total == 0:
        return AveragePrecision(np.nan, recall, np.full(101, np.nan),
                                len(labeled), 0)
    scores = np.concatenate([item[0] for item in labeled])
    hits = np.concatenate([item[1] for item in labeled])
    hits = hits[np.argsort(-scores, kind='stable')]
    curve = interpolated_precision(hits, total, 101)
    return AveragePrecision(float(curve.mean()), recall, curve, len(labeled),
                            total)
