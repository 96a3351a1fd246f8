# Licensed under a 3-clause BSD style license - see LICENSE
"""
Probability calibration (Platt and vector scaling).
"""

__all__ = ['calibrate_model', 'collect_outcomes', 'fit_calibration',
           'fit_scaling']

import json
import logging
from pathlib import Path

import numpy as np
from astropy.table import Table, vstack
from scipy import optimize, special

from photutils_rcnn.evaluation.detections import segment_scene
from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.segmenter import RCNNSegmenter
from photutils_rcnn.sources.classes import CLASS_NAMES
from photutils_rcnn.training.mask_calibration import count_mask_pixels, fit_mask_scale
from photutils_rcnn.training.star_mix import fit_star_mix, typical_star_log_odds

log = logging.getLogger(__name__)

# A detection is right if its mask overlaps a source's by this much.
MIN_IOU = 0.5
# The weight of the proposal network's opinion. Of 2, 3, 4, 6 and 8 completeness at equal
# purity in crowded and deep validation scenes rises up to 8, and falls with more than 4 in
# those of random instruments.
OBJECTNESS_WEIGHT = 4.
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
    outcomes : `~astropy.table.Table`
        A row for each detection: ``score``; ``probabilities`` of the
        classes; ``snr``; ``class_id``, the true class, 0 where there is no source;
        ``mask_counts``, see `~photutils_rcnn.training.mask_calibration.count_mask_pixels`;
        ``scene``, its number; ``weight``: those of a scene sum to one, so that
        crowded fields do not outvote the others.
    """
    tables = []
    for number, scene in enumerate(scenes):
        found = segment_scene(segmenter, scene).instances
        ignore = np.asarray(scene.truth['ignore'])
        overlaps = mask_overlaps(found.footprints(), scene.footprints,
                                 ignore=ignore)
        matches = match_overlaps(overlaps, found.scores, MIN_IOU,
                                 ignore=ignore)
        truth = np.append(np.asarray(scene.truth['class_id']), 0)
        counts = ~matches.ignored
        n = np.count_nonzero(counts)
        tables.append(Table({
            'score': found.scores[counts].astype(float),
            'probabilities': found.class_probabilities[counts].astype(float),
            'snr': found.snr[counts].astype(float),
            'class_id': truth[matches.truth_of_detection][counts],
            'mask_counts': count_mask_pixels(
                found[counts], scene.footprints, matches.truth_of_detection[counts]),
            'scene': np.full(n, number),
            'weight': np.full(n, 1 / max(n, 1))}))
    return vstack(tables)


def fit_calibration(outcomes):
    """
    The scales and offsets of logits with the largest likelihood.

    Parameters
    ----------
    outcomes : `~astropy.table.Table`
        From `collect_outcomes`.

    Returns
    -------
    calibration : dict
        ``source_scale``, ``source_offset``, ``class_scale`` and
        ``class_offset`` of `~photutils_rcnn.models.model.Model`. With a warning
        in the log, nothing if no detection or all detections are right, and
        nothing of the classes if one of them is missing.
    """
    score = np.clip(outcomes['score'], 1e-9, 1 - 1e-9)
    is_source = np.asarray(outcomes['class_id'] > 0)
    if is_source.all() or not is_source.any():
        log.warning('scores are not calibrated: %d of %d detections are '
                    'right', np.count_nonzero(is_source), len(is_source))
        return {}
    scale, offset = fit_scaling(
        np.column_stack([np.zeros(len(score)), special.logit(score)]),
        is_source.astype(int), outcomes['weight'])
    sources = outcomes[is_source]
    fit = {'source_scale': scale, 'source_offset': offset[1]}
    n_classes = sources['probabilities'].shape[1]
    missing = set(range(1, n_classes + 1)) - set(sources['class_id'])
    if missing:
        log.warning('classes are not calibrated: no detection shows a source '
                    'of class %s', sorted(missing))
        return fit
    class_scale, class_offset = fit_scaling(
        np.log(np.maximum(sources['probabilities'], 1e-9)),
        sources['class_id'] - 1, sources['weight'])
    return {**fit, 'class_scale': class_scale, 'class_offset': class_offset}


def fit_scaling(logits, classes, weights):
    """
    A scale and the offsets of classes, the first of them 0.

    Vector scaling with one scale, Guo et al. (2017, arXiv:1706.04599),
    section 4.2.

    Parameters
    ----------
    logits : (N, K) `~numpy.ndarray`
        The logits.
    classes, weights : (N,) `~numpy.ndarray`
        The true classes, counted from 0, and how much they count.

    Returns
    -------
    scale : float
        The factor of the logits.
    offsets : (K,) list of float
        What is added then.
    """
    def negative_log_likelihood(values):
        scaled = logits * values[0] + np.append(0, values[1:])
        chosen = special.log_softmax(scaled, axis=1)[
            np.arange(len(classes)), classes]
        return -np.average(chosen, weights=weights)

    start = np.append(1., np.zeros(logits.shape[1] - 1))
    fit = optimize.minimize(negative_log_likelihood, start)
    scale, *offsets = np.round(fit.x, 4).tolist()
    return scale, [0., *offsets]


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
        See `fit_calibration`, `~photutils_rcnn.training.star_mix` and
        `~photutils_rcnn.training.mask_calibration.fit_mask_scale` (``mask_scale``), and
        the weight of the ``objectness``.

    Raises
    ------
    ValueError
        If footprints of the model are no isophotes, as those of Astro R-CNN.
    """
    model = load_model(folder)
    if not model.isophotal:
        msg = (f'{model.name!r} must be a model of isophotal footprints to be '
               'calibrated: others have no signal-to-noise ratio')
        raise ValueError(msg)
    path = Path(folder) / 'config.json'
    settings = json.loads(path.read_text())
    weight = {'objectness': OBJECTNESS_WEIGHT}
    model.settings['calibration'] = weight
    segmenter = RCNNSegmenter(model, score_threshold=MIN_SCORE, runtime='keras')
    outcomes = collect_outcomes(segmenter, scenes)
    fit = fit_calibration(outcomes)
    if tuple(model.config.class_names) == CLASS_NAMES and 'class_scale' in fit:
        fit['class_scale'], fit['star_log_odds'] = fit_star_mix(outcomes)
        fit['class_offset'] = [0., 0.]
        fit['typical_star_log_odds'] = typical_star_log_odds(outcomes)
    fit['mask_scale'] = fit_mask_scale(outcomes['mask_counts'])
    calibration = {**weight, **fit}
    settings['calibration'] = {**calibration, **{
        name: value for name, value in settings.get('calibration', {}).items()
        if name == 'attributes'}}
    path.write_text(json.dumps(settings, indent=2) + '\n')
    return calibration
