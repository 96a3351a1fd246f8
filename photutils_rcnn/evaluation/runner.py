# Licensed under a 3-clause BSD style license - see LICENSE
"""
Running methods over scenes with known truth.
"""

__all__ = ['evaluate']

from collections.abc import Mapping
from numbers import Real

import numpy as np
from tqdm.auto import tqdm

from photutils_rcnn.evaluation.baselines import DEFAULT_RUNS, GRID_RUNS, DetectionImage
from photutils_rcnn.evaluation.detections import Detections
from photutils_rcnn.evaluation.records import TruthRecord, record_scene
from photutils_rcnn.evaluation.report import MAIN, EvaluationReport
from photutils_rcnn.result import RCNNResult

_BASELINES = {None: {}, 'default': DEFAULT_RUNS, 'grid': GRID_RUNS}
LOWEST_SCORE = 0.05  # detections below do not enter any curve
_SIZE = 'positive and finite', lambda x: 0 < x < np.inf


def evaluate(segment, scenes, *, baselines='default', score_threshold=0.5,
             ranking='class', radius=None, max_separation=2.0,
             progress_bar=False):
    """
    Compare detections with the truth of simulated scenes.

    Parameters
    ----------
    segment : callable
        Called with a scene; returns a
        `~photutils_rcnn.evaluation.detections.Detections`, an
        `~photutils_rcnn.RCNNResult` or `None` for no detection. It
        should return detections down to low scores (0.05 or less):
        thresholds are applied here.
    scenes : iterable of `~photutils_rcnn.simulation.scene.Scene`
        The scenes; only one is held at a time.
    baselines : {'default', 'grid', None} or mapping, optional
        The methods to run beside: photutils and sep with their defaults
        (default), also on a grid of options, none, or a mapping of names
        to callables of a
        `~photutils_rcnn.evaluation.baselines.DetectionImage` that return
        what ``segment`` may return. The name ``'photutils_rcnn'`` is that of
        ``segment``.
    score_threshold : float or None, optional
        The smallest score that enters the paper's average precision, the
        confusion, completeness, purity and blend tables of ``segment``.
        Default is 0.5, `None` for all. It does not apply to the baselines.
    ranking : {'class', 'source'}, optional
        What ranks the detections in the average precision: the score times
        the probability of the class (default) or the score alone.
    radius : float, optional
        The radius within which positions match (pixels). Default is the
        largest of the FWHM, the half-light radius of the source and a
        quarter of the radius of a circle of the area of its footprint.
    max_separation : float, optional
        The separation below which two sources are a close pair (FWHM).
        Default is 2.
    progress_bar : bool, optional
        Whether to show a progress bar. Default is `False`.

    Returns
    -------
    report : `~photutils_rcnn.evaluation.report.EvaluationReport`
        The tables.

    Raises
    ------
    TypeError
        If ``baselines`` is none of these, or a method returns anything else.
    ValueError
        If there is no scene, or an option is unknown or out of range.
    """
    if ranking not in ('class', 'source'):
        msg = f"ranking must be 'class' or 'source', got {ranking!r}"
        raise ValueError(msg)
    if score_threshold is not None:
        score_threshold = _check_number('score_threshold', score_threshold,
                                        'in [0, 1]', lambda x: 0 <= x <= 1)
    if radius is not None:
        radius = _check_number('radius', radius, *_SIZE)
    max_separation = _check_number('max_separation', max_separation, *_SIZE)
    baselines = _as_runs(baselines)
    records = {name: [] for name in (MAIN, *baselines)}
    presets = set()
    for scene in tqdm(scenes, desc='evaluating', disable=not progress_bar):
        presets.add(getattr(scene, 'preset', ''))
        truth = TruthRecord.from_scene(scene, radius=radius,
                                       max_separation=max_separation)
        records[MAIN].append(record_scene(
            scene, truth,
            _as_detections(segment(scene), scene, 'segment',
                           score_threshold),
            score_threshold=score_threshold, ranking=ranking))
        if baselines:
            image = DetectionImage.from_scene(scene)
        for name, run in baselines.items():
            found = _as_detections(run(image), scene, f'baselines[{name!r}]')
            records[name].append(record_scene(scene, truth, found))
    if not records[MAIN]:
        msg = 'scenes must hold at least one scene'
        raise ValueError(msg)
    return EvaluationReport(records, {
        'n_scenes': len(records[MAIN]), 'presets': sorted(presets),
        'score_threshold': score_threshold,
        'ranking': ranking, 'max_separation_fwhm': max_separation,
        'radius_pixels': 'max(FWHM, half-light, footprint / 4)'
        if radius is None else radius})


def _check_number(name, value, allowed, is_allowed):
    """
    An option as a float, which no file of a report refuses.
    """
    if not (isinstance(value, Real) and is_allowed(value)):
        msg = f'{name} must be {allowed}, got {value!r}'
        raise ValueError(msg)
    return float(value)


def _as_runs(baselines):
    """
    The methods to run beside, by name.
    """
    named = baselines is None or isinstance(baselines, str)
    if named and baselines in _BASELINES:
        return _BASELINES[baselines]
    if not isinstance(baselines, Mapping):
        msg = (f"baselines must be 'default', 'grid', None or a mapping, "
               f'got {baselines!r}')
        raise (ValueError if named else TypeError)(msg)
    for name, run in baselines.items():
        if not isinstance(name, str) or not callable(run):
            msg = (f'baselines must map names to callables, got {name!r}: '
                   f'{run!r}')
            raise TypeError(msg)
    if MAIN in baselines:
        msg = f'baselines must not use the name of segment, got {MAIN!r}'
        raise ValueError(msg)
    return baselines


def _as_detections(result, scene, name, score_threshold=None):
    """
    What a method returned, as detections.
    """
    if result is None:
        return Detections.empty(scene.footprints.shape)
    if isinstance(result, RCNNResult):
        return Detections.from_result(result, score_threshold)
    if not isinstance(result, Detections):
        msg = (f'{name} must return Detections, an RCNNResult or None, got '
               f'{type(result).__name__}')
        raise TypeError(msg)
    return result
