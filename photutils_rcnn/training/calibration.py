# Licensed under a 3-clause BSD style license - see LICENSE
"""
Making scores the frequency of being right.
"""

__all__ = ['calibrate_model', 'collect_outcomes', 'fit_calibration']

import json
import warnings
from pathlib import Path

import numpy as np
from photutils.utils.exceptions import NoDetectionsWarning
from scipy import optimize, special

from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.segmenter import RCNNSegmenter

# A detection is right if its mask overlaps a source's by this much.
MIN_IOU = 0.5
# The weight of the proposal network's opinion. On validation scenes
# completeness at equal purity grew from 0 over 0.5 and 1 to 1.5; 2.5 was
# better still for random instruments and worse for DECam.
OBJECTNESS_WEIGHT = 2.
# Scores are calibrated down to this.
MIN_SCORE = 0.02


def collect_outcomes(segmenter, scenes):
    """
    What a segmenter says of scenes, and what is true.

    Parameters
    ----------
    segmenter : `~photutils_rcnn.RCNNSegmenter`
        A segmenter with a low score threshold.
    scenes : iterable of `~photutils_rcnn.simulation.scene.Scene`
        Scenes that it was not trained on.

    Returns
    -------
    log_probabilities : (N, n_classes) `~numpy.ndarray`
        The logarithms of the probabilities, background first.
    classes : (N,) `~numpy.ndarray` of int
        The true class of each detection, 0 where there is no source.
    weights : (N,) `~numpy.ndarray` of float
        The weight of each detection: those of a scene sum to one, so that
        crowded fields do not outvote the others.
    """
    log_probabilities, classes, weights = [], [], []
    for scene in scenes:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NoDetectionsWarning)
            found = segmenter.segment(scene.data, mask=scene.mask,
                                      bands=scene.bands).detections
        ignore = np.asarray(scene.truth['ignore'])
        overlaps = mask_overlaps(found.footprints(), scene.footprints,
                                 ignore=ignore)
        matches = match_overlaps(overlaps, found.scores, MIN_IOU,
                                 ignore=ignore)
        truth = np.append(np.asarray(scene.truth['class_id']), 0)
        scores = found.scores.astype(float)[:, None]
        probabilities = np.concatenate(
            [1 - scores, scores * found.class_probabilities], axis=1)
        counts = ~matches.ignored
        log_probabilities.append(
            np.log(np.maximum(probabilities, 1e-9))[counts])
        classes.append(truth[matches.truth_of_detection][counts])
        n = np.count_nonzero(counts)
        weights.append(np.full(n, 1 / max(n, 1)))
    return (np.concatenate(log_probabilities), np.concatenate(classes),
            np.concatenate(weights))


def fit_calibration(log_probabilities, classes, weights=None):
    """
    The scales and offsets of logits with the largest likelihood.

    Vector scaling, Guo et al. (2017, arXiv:1706.04599), section 4.2.

    Parameters
    ----------
    log_probabilities : (N, K) `~numpy.ndarray`
        Logits, up to a constant per row.
    classes : (N,) `~numpy.ndarray` of int
        The true classes.
    weights : (N,) `~numpy.ndarray` of float, optional
        The weights of the rows; equal by default.

    Returns
    -------
    calibration : dict
        ``scale`` and ``offset``, lists of K numbers.
    """
    n_classes = log_probabilities.shape[1]

    def negative_log_likelihood(values):
        logits = log_probabilities * values[:n_classes] + np.append(
            0, values[n_classes:])
        chosen = special.log_softmax(logits, axis=1)[
            np.arange(len(classes)), classes]
        return -np.average(chosen, weights=weights)

    start = np.concatenate([np.ones(n_classes), np.zeros(n_classes - 1)])
    fit = optimize.minimize(negative_log_likelihood, start)
    return {'scale': np.round(fit.x[:n_classes], 4).tolist(),
            'offset': [0., *np.round(fit.x[n_classes:], 4).tolist()]}


def calibrate_model(folder, scenes):
    """
    Calibrate a model in its folder.

    Parameters
    ----------
    folder : path-like
        The model's folder; its ``config.json`` is rewritten.
    scenes : iterable of `~photutils_rcnn.simulation.scene.Scene`
        Scenes that it was not trained on.

    Returns
    -------
    calibration : dict
        See `fit_calibration`, and the weight of the ``objectness``.
    """
    path = Path(folder) / 'config.json'
    settings = json.loads(path.read_text())
    model = load_model(folder)
    weight = {'objectness': OBJECTNESS_WEIGHT}
    model.settings['calibration'] = weight
    segmenter = RCNNSegmenter(model, score_threshold=MIN_SCORE)
    fit = fit_calibration(*collect_outcomes(segmenter, scenes))
    settings['calibration'] = calibration = {**weight, **fit}
    path.write_text(json.dumps(settings, indent=2) + '\n')
    return calibration
