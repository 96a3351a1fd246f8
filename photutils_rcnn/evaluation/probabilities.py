# Licensed under a 3-clause BSD style license - see LICENSE
"""
How well probabilities rank, and whether they are frequencies.
"""

__all__ = ['expected_calibration_error', 'roc_auc', 'score_calibration_error',
           'star_galaxy_auc']

import numpy as np
from scipy.stats import rankdata

from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.sources.classes import GALAXY, STAR


def expected_calibration_error(probabilities, n_right, n_all=1, *, n_bins=15):
    """
    The expected calibration error (Guo et al. 2017, arXiv:1706.04599, Eq. 3).

    Parameters
    ----------
    probabilities : (N,) array_like
        The probabilities.
    n_right : (N,) array_like
        Whether, or how often, each came true.
    n_all : int or (N,) array_like, optional
        The number of cases of each. The default is 1.
    n_bins : int, optional
        The number of bins of equal width of the probability. The default is 15.

    Returns
    -------
    error : float
        The mean over all cases of the absolute difference between the mean probability
        of a bin and the fraction of it that came true; NaN without cases.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    n_all = np.broadcast_to(n_all, probabilities.shape)
    bins = np.minimum((probabilities * n_bins).astype(int), n_bins - 1)
    excess = np.bincount(bins, n_all * probabilities - n_right)
    total = n_all.sum()
    return float(np.abs(excess).sum() / total) if total else np.nan


def roc_auc(scores, positive):
    """
    The area under the receiver operating characteristic.

    Parameters
    ----------
    scores : (N,) array_like
        What ranks the members of both classes.
    positive : (N,) array_like of bool
        The members of the class that should have the larger scores.

    Returns
    -------
    area : float
        The probability that a member has a larger score than one of the other class,
        ties counted half: the statistic of Mann and Whitney over the number of pairs.
        NaN if a class has no members.
    """
    positive = np.asarray(positive, dtype=bool)
    n = np.count_nonzero(positive)
    n_pairs = n * (len(positive) - n)
    if n_pairs == 0:
        return np.nan
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - n * (n + 1) / 2) / n_pairs)


def score_calibration_error(records, iou=0.5):
    """
    The expected calibration error of scores.

    Parameters
    ----------
    records : list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes, with all detections whatever the score threshold.
    iou : float, optional
        The intersection over union of the masks from which a detection is right. The
        default is 0.5, as in the calibration of models.

    Returns
    -------
    error : float
        The error; NaN without detections that are right or wrong.
    """
    scores, hits = [], []
    for record in records:
        matches = match_overlaps(record.mask.overlaps, record.scores, iou,
                                 ignore=record.truth.ignore)
        scores.append(record.scores[~matches.ignored])
        hits.append(matches.hits[~matches.ignored])
    return expected_calibration_error(np.concatenate(scores), np.concatenate(hits))


def star_galaxy_auc(records, iou=0.5):
    """
    The area under the receiver operating characteristic of stars among galaxies.

    Parameters
    ----------
    records : list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes.
    iou : float, optional
        The smallest intersection over union of a match, as in
        `~photutils_rcnn.evaluation.precision_rows.confusion`. The default is 0.5.

    Returns
    -------
    area : float
        The area for the detections above the score threshold that match; NaN without
        probabilities, or if the true sources are of one class.
    """
    probabilities, classes = [], []
    for record in records:
        image = record.mask
        truth = match_overlaps(
            image.overlaps, record.scores, iou, ignore=image.ignore,
            allowed=record.above[image.overlaps.detection]).truth_of_detection
        matched = truth >= 0
        probabilities.append(record.class_probabilities[matched, STAR - 1])
        classes.append(image.truth_class_ids[truth[matched]])
    probabilities, classes = np.concatenate(probabilities), np.concatenate(classes)
    known = np.isfinite(probabilities) & np.isin(classes, (STAR, GALAXY))
    return roc_auc(probabilities[known], classes[known] == STAR)
