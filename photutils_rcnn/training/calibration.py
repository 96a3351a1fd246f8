# Licensed under a 3-clause BSD style license - see LICENSE
"""
Making scores the frequency of being right.
"""

__all__ = ['collect_outcomes', 'fit_calibration', 'normalized_image']

import numpy as np
from scipy import optimize, special

from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.inference import run_inference
from photutils_rcnn.normalization import get_stretch, to_model_bands

# A detection is right if its mask overlaps a source's by this much.
MIN_IOU = 0.5
# Scores are calibrated down to this.
MIN_SCORE = 0.02


def normalized_image(scene, stretch, n_bands):
    """
    A scene as the network sees it, with its true noise.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.
    stretch : dict
        The name and the parameters of the stretch.
    n_bands : int
        The bands of the network.

    Returns
    -------
    image : (ny, nx, n_bands) `~numpy.ndarray` of float32
        The normalized image.
    """
    params = dict(stretch)
    bad = np.isnan(scene.data) | scene.mask
    snr = np.where(bad, 0, scene.data) / scene.noise[:, None, None]
    snr = to_model_bands(snr, ~bad, n_bands)
    return get_stretch(params.pop('name'), **params)(
        np.moveaxis(snr, 0, -1)).astype(np.float32)


def collect_outcomes(model, scenes):
    """
    What a model says of scenes, and what is true.

    Parameters
    ----------
    model : `~photutils_rcnn.models.zoo.Model`
        The model, not yet calibrated.
    scenes : iterable of `~photutils_rcnn.simulation.scene.Scene`
        Scenes that it was not trained on.

    Returns
    -------
    log_probabilities : (N, n_classes) `~numpy.ndarray`
        The logarithms of the probabilities, background first.
    classes : (N,) `~numpy.ndarray` of int
        The true class of each detection, 0 where there is no source.
    """
    log_probabilities, classes = [], []
    for scene in scenes:
        image = normalized_image(scene, model.stretch,
                                 model.network.config.n_bands)
        found = run_inference(model, image, scene.mask,
                              score_threshold=MIN_SCORE)
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
    return np.concatenate(log_probabilities), np.concatenate(classes)


def fit_calibration(log_probabilities, classes):
    """
    The scales and offsets of logits with the largest likelihood.

    Vector scaling, Guo et al. (2017, arXiv:1706.04599), section 4.2.

    Parameters
    ----------
    log_probabilities : (N, K) `~numpy.ndarray`
        Logits, up to a constant per row.
    classes : (N,) `~numpy.ndarray` of int
        The true classes.

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
        return -chosen.mean()

    start = np.concatenate([np.ones(n_classes), np.zeros(n_classes - 1)])
    fit = optimize.minimize(negative_log_likelihood, start)
    return {'scale': np.round(fit.x[:n_classes], 4).tolist(),
            'offset': [0., *np.round(fit.x[n_classes:], 4).tolist()]}
