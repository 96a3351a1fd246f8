# Licensed under a 3-clause BSD style license - see LICENSE
"""
Accuracy, classes, fluxes, calibration and speed in one table.
"""

__all__ = ['benchmark']

import copy
import time
import warnings
from importlib.util import find_spec

import numpy as np
from astropy.table import QTable
from astropy.utils.exceptions import AstropyWarning
from tqdm.auto import tqdm

from photutils_rcnn.evaluation.baselines import DEFAULT_RUNS, DetectionImage, valid_bands
from photutils_rcnn.evaluation.fluxes import kron_photutils, kron_sep, result_fluxes
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.evaluation.probabilities import score_calibration_error, star_galaxy_auc
from photutils_rcnn.evaluation.report import MAIN
from photutils_rcnn.evaluation.runner import LOWEST_SCORE, evaluate

LEAST_SNR = 20.  # in all bands together, of sources whose fluxes are compared
BLENDED = 0.05  # the blendedness from which a source is a blend


def benchmark(segmenter, scenes, *, progress_bar=False):
    """
    Measure the package, photutils and, if it is installed, sep on the same scenes.

    Parameters
    ----------
    segmenter : `~photutils_rcnn.RCNNSegmenter`
        The segmenter.
    scenes : list of `~photutils_rcnn.simulation.scene.Scene`
        The scenes; the unit of their data is the electron.
    progress_bar : bool, optional
        Whether to show a progress bar. The default is `False`.

    Returns
    -------
    table : `~astropy.table.QTable`
        A row for each method.

        * ``completeness``, ``purity`` and ``balanced_accuracy`` are those of
          `~photutils_rcnn.evaluation.EvaluationReport` at the score threshold of the
          segmenter, ``AP`` and ``AP50`` those of COCO for masks, blind to classes;
        * ``AUC`` and ``ECE`` are those of
          `~photutils_rcnn.evaluation.star_galaxy_auc` and
          `~photutils_rcnn.evaluation.score_calibration_error`;
        * ``kron_error`` and ``deblended_error`` are medians of the absolute error over
          the true total flux in the reference band, of the ``n_fluxes`` unsaturated
          sources with a signal-to-noise ratio above 20 that all methods find, and
          ``*_blends`` of the ``n_blends`` with a blendedness above 0.05 among them;
        * ``seconds`` is the median time of a scene from pixels to Kron fluxes in the
          reference band, without deblending, and ``time_ratio`` that over the one of
          photutils; all else is the same each time.

        NaN stands for what is not defined.
    """
    others = ['photutils', *(['sep'] if find_spec('sep') else [])]
    with warnings.catch_warnings():
        # nothing found is a result here
        warnings.simplefilter('ignore', AstropyWarning)
        report = evaluate(
            _detect(segmenter), scenes, score_threshold=segmenter.score_threshold,
            baselines={name: DEFAULT_RUNS[name] for name in others},
            progress_bar=progress_bar)
        # after the network has run
        fluxes = _FluxComparison(segmenter, others)
        for scene in tqdm(scenes, desc='measuring', disable=not progress_bar):
            fluxes.add(scene)
    return QTable(rows=[{'method': name, **_accuracy_row(report, name), **fluxes.row(name)}
                        for name in (MAIN, *others)])


def _detect(segmenter):
    """
    The detections of a scene down to low scores, for curves.
    """
    low = copy.copy(segmenter)
    low.score_threshold = min(LOWEST_SCORE, segmenter.score_threshold)

    def segment(scene):
        return low.segment(scene.data, mask=scene.mask, bands=scene.bands)

    return segment


def _accuracy_row(report, name):
    """
    The figures of a method in the report, as fractions.
    """
    tables = report.tables()
    summary, = tables['summary'][tables['summary']['method'] == name]
    average = tables['coco_ap']
    average, = average[(average['method'] == name) & (average['kind'] == 'mask')
                       & (average['class'] == 'any')]
    row = {column: summary[column] for column in ('n_truth', 'completeness', 'purity')}
    row.update({column: average[column] / 100 for column in ('AP', 'AP50')})
    if name != MAIN:  # no classes, and scores that are no probabilities
        return {**row, 'balanced_accuracy': np.nan, 'AUC': np.nan, 'ECE': np.nan}
    return {**row,
            'balanced_accuracy': tables['classification']['balanced_accuracy'][0] / 100,
            'AUC': star_galaxy_auc(report.records[name]),
            'ECE': score_calibration_error(report.records[name])}


class _FluxComparison:
    """
    Fluxes of each method in scenes, and the times that they take.
    """

    def __init__(self, segmenter, others):
        self._segmenter = segmenter
        self._others = {name: {'photutils': _run_photutils, 'sep': _run_sep}[name]
                        for name in others}
        self._seconds = {name: [] for name in (MAIN, *others)}
        self._errors = {(name, 'kron'): [] for name in self._seconds}
        self._errors[MAIN, 'deblended'] = []
        self._use, self._blended = [], []

    def add(self, scene):
        """
        Measure a scene.
        """
        truth, bands = scene.truth, list(scene.bands)
        i = bands.index(truth.meta['reference_band'])
        found = {}
        start = time.perf_counter()
        result = self._segmenter.segment(scene.data, mask=scene.mask, bands=bands, gain=1.0)
        if result.labels.any():
            found[MAIN, 'kron'] = result_fluxes(result, 'kron', [bands[i]])
        self._seconds[MAIN].append(time.perf_counter() - start)
        if result.labels.any() and result._deblend():
            found[MAIN, 'deblended'] = result_fluxes(result, 'deblended', [bands[i]])
        # Not the meshes of the others, which take light of the sources.
        bad = ~np.isfinite(scene.data[i]) | scene.mask
        data = np.where(bad, np.nan, scene.data[i] - result.background[i]).astype(float)
        noise = np.array(np.broadcast_to(result.noise[i], data.shape), dtype=float)
        for name, run in self._others.items():
            start = time.perf_counter()
            found[name, 'kron'] = run(scene, data[None], noise[None])
            self._seconds[name].append(time.perf_counter() - start)
        for key, errors in self._errors.items():
            errors.append(_relative_errors(found.get(key), scene, bands[i]))
        self._use.append(~np.asarray(truth['ignore'] | truth['saturated'])
                         & (np.asarray(truth['snr']) > LEAST_SNR))
        self._blended.append(np.asarray(truth['blendedness']) > BLENDED)

    def row(self, name):
        """
        The figures of a method.
        """
        errors = {key: np.concatenate(values) for key, values in self._errors.items()}
        use = np.concatenate(self._use) & np.all(
            [np.isfinite(errors[method, 'kron']) for method in self._seconds], axis=0)
        blended = use & np.concatenate(self._blended)
        row = {'n_fluxes': np.count_nonzero(use), 'n_blends': np.count_nonzero(blended)}
        for kind in ('kron', 'deblended'):
            values = errors.get((name, kind), np.full(len(use), np.nan))
            row[f'{kind}_error'] = _median(values[use])
            row[f'{kind}_error_blends'] = _median(values[blended])
        seconds = {method: np.median(times) for method, times in self._seconds.items()}
        return {**row, 'seconds': seconds[name],
                'time_ratio': seconds[name] / seconds['photutils']}


def _run_photutils(scene, data, noise):
    return kron_photutils(DetectionImage.from_scene(scene), data, noise)


def _run_sep(scene, data, noise):
    """
    With the background of sep, which is faster.
    """
    import sep

    bands, rms = [], []
    for band, bad in valid_bands(scene):
        band = np.where(bad, 0, band).astype(float)
        background = sep.Background(band, mask=bad)
        bands.append(band - background.back())
        rms.append(background.rms())
    image = DetectionImage.from_arrays(bands, rms, np.mean(scene.psf_fwhm), mask=scene.mask)
    return kron_sep(image, data, noise)


def _relative_errors(found, scene, band):
    """
    The error of the flux of each true source; NaN where it is not found.
    """
    truth = scene.truth
    if found is None:
        return np.full(len(truth), np.nan)
    match = match_positions(
        found.x, found.y, truth['x'], truth['y'], float(np.mean(scene.psf_fwhm)),
        ignore=np.asarray(truth['ignore'])).detection_of_truth
    flux = np.append(found.flux[:, 0], np.nan)[match]
    return np.abs(flux / np.asarray(truth[f'flux_{band}'], dtype=float) - 1)


def _median(values):
    return float(np.nanmedian(values)) if np.isfinite(values).any() else np.nan
