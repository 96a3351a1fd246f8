# Licensed under a 3-clause BSD style license - see LICENSE
"""
Running methods over scenes with known truth.
"""

__all__ = ['evaluate']

from photutils_rcnn.evaluation.baselines import (
    DEFAULT_RUNS,
    GRID_RUNS,
    DetectionImage,
)
from photutils_rcnn.evaluation.detections import Detections
from photutils_rcnn.evaluation.records import TruthRecord, record_scene
from photutils_rcnn.evaluation.report import MAIN, EvaluationReport

_BASELINES = {None: {}, 'default': DEFAULT_RUNS, 'grid': GRID_RUNS}


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
    baselines : {'default', 'grid', None} or dict, optional
        The methods to run beside: photutils and sep with their defaults
        (default), also on a grid of thresholds, none, or a mapping of names
        to callables of a
        `~photutils_rcnn.evaluation.baselines.DetectionImage`.
    score_threshold : float, optional
        The smallest score that enters the paper's average precision, the
        confusion, completeness, purity and blend tables of ``segment``.
        Default is 0.5. It does not apply to the baselines.
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
        Whether to show a progress bar; needs tqdm. Default is `False`.

    Returns
    -------
    report : `~photutils_rcnn.evaluation.report.EvaluationReport`
        The tables.

    Raises
    ------
    ValueError
        If there is no scene or an option is unknown.
    """
    if ranking not in ('class', 'source'):
        msg = f"ranking must be 'class' or 'source', got {ranking!r}"
        raise ValueError(msg)
    if not isinstance(baselines, dict):
        if baselines not in _BASELINES:
            msg = (f"baselines must be 'default', 'grid', None or a dict, "
                   f'got {baselines!r}')
            raise ValueError(msg)
        baselines = _BASELINES[baselines]
    records = {name: [] for name in (MAIN, *baselines)}
    for scene in _progress(scenes, progress_bar):
        truth = TruthRecord.from_scene(scene, radius=radius,
                                       max_separation=max_separation)
        records[MAIN].append(record_scene(
            scene, truth,
            _as_detections(segment(scene), scene, score_threshold),
            score_threshold=score_threshold, ranking=ranking))
        if baselines:
            image = DetectionImage.from_scene(scene)
        for name, run in baselines.items():
            records[name].append(record_scene(scene, truth, run(image)))
    if not records[MAIN]:
        msg = 'scenes must hold at least one scene'
        raise ValueError(msg)
    return EvaluationReport(records, {
        'n_scenes': len(records[MAIN]), 'score_threshold': score_threshold,
        'ranking': ranking, 'max_separation_fwhm': max_separation,
        'radius_pixels': 'max(FWHM, half-light, footprint / 4)' if radius is None
        else float(radius)})


def _as_detections(result, scene, score_threshold):
    if result is None:
        return Detections.empty(scene.footprints.shape)
    if isinstance(result, Detections):
        return result
    return Detections.from_result(result, score_threshold)


def _progress(scenes, progress_bar):
    if not progress_bar:
        return scenes
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        msg = 'tqdm is required for progress_bar=True: pip install tqdm'
        raise ImportError(msg) from error
    return tqdm(scenes, desc='evaluating')
