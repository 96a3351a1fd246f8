# Licensed under a 3-clause BSD style license - see LICENSE
"""
Stars of crowded fields by brightness, beside iterative PSF photometry.

The scenes of ``crowded_fields.py``. `~photutils.psf.IterativePSFPhotometry` gets the true
PSF, FWHM and noise, and for each scene the threshold of DAOFIND, of a grid, with the largest
sum of completeness and purity; the network gets the scene alone. Its score is cut, for all
scenes of a FWHM together, where its purity is that of the other. Stars are binned by the
signal-to-noise ratio that they had if they were alone.
"""

import argparse
import warnings
from itertools import pairwise

import numpy as np
from astropy.table import Table
from crowded_fields import FIRST_SEED, LEAST_SCORE, NOISE, Outcomes, scene_options
from photutils.detection import DAOStarFinder
from photutils.psf import ImagePSF, IterativePSFPhotometry, SourceGrouper
from scipy import fft
from tqdm.auto import tqdm

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.simulation import draw_settings, make_scene
from photutils_rcnn.simulation.make import point_spreads_of
from photutils_rcnn.sources.classes import STAR

THRESHOLDS = (3, 5, 8, 13)
EDGES = (5, 10, 20, 50, 100, 300, np.inf)
OVERSAMPLING = 4
PSF_SIDE = 64


def true_psf(settings):
    """
    The PSF of a scene of one band.
    """
    psf, = point_spreads_of(settings)
    image = fft.fftshift(fft.irfft2(psf.transform(PSF_SIDE, OVERSAMPLING)))
    return ImagePSF(image * OVERSAMPLING**2, oversampling=OVERSAMPLING,
                    origin=(image.shape[1] // 2, image.shape[0] // 2))


def iterative_photometry(data, psf, fwhm, threshold):
    """
    Positions and fluxes of the stars that PSF photometry finds and fits.
    """
    side = 2 * int(np.ceil(fwhm)) + 1
    photometry = IterativePSFPhotometry(
        psf, (side, side), DAOStarFinder(threshold * NOISE, fwhm),
        grouper=SourceGrouper(fwhm), aperture_radius=fwhm, maxiters=4)
    table = photometry(data, error=np.full(data.shape, NOISE))
    if table is None:
        return np.zeros((3, 0))
    found = np.array([table[name] for name in ('x_fit', 'y_fit', 'flux_fit')], dtype=float)
    return found[:, np.isfinite(found).all(axis=0) & (found[2] > 0)]


class Binned(Outcomes):
    """
    Outcomes that remember which stars were found.
    """

    def __init__(self):
        super().__init__()
        self.snr, self.best = [], []

    def add(self, scene, x, y, scores):
        super().add(scene, x, y, scores)
        ignore = np.asarray(scene.truth['ignore'] | (scene.truth['class_id'] != STAR))
        matches = match_positions(
            x, y, scene.truth['x'], scene.truth['y'],
            0.5 * float(np.mean(scene.psf_fwhm)), scores=scores, ignore=ignore)
        # The score with which each true star is found, below all others if it is not.
        best = np.full(len(scene.truth), -np.inf)
        best[matches.truth_of_detection[matches.hits]] = scores[matches.hits]
        self.snr.append(np.asarray(scene.truth['snr'])[~ignore])
        self.best.append(best[~ignore])

    def by_brightness(self, least):
        snr, best = np.concatenate(self.snr), np.concatenate(self.best)
        bins = np.digitize(snr, EDGES) - 1
        return [(best[bins == k] >= least).mean() if (bins == k).any() else np.nan
                for k in range(len(EDGES) - 1)]

    def score_at(self, purity):
        """
        The lowest score down to which the purity is at least this.
        """
        scores, true, counts = (np.concatenate(values) for values in (
            self.scores, self.true, self.counts))
        order = np.argsort(-scores[counts], kind='stable')
        pure = np.cumsum(true[counts][order]) / np.arange(1, len(order) + 1) >= purity
        return scores[counts][order][np.flatnonzero(pure)[-1]] if pure.any() else np.inf


def compare(fwhm, n_scenes, side, segmenter):
    """
    Rows of the table: both methods, by brightness.
    """
    network, other = Binned(), Binned()
    for seed in tqdm(range(FIRST_SEED, FIRST_SEED + n_scenes), desc=f'FWHM {fwhm:g}'):
        options = scene_options(fwhm, seed, side)
        scene = make_scene('crowded', seed, **options)
        psf = true_psf(draw_settings('crowded', np.random.default_rng(seed), **options))
        table = segmenter.segment(scene.data[0]).table
        network.add(scene, table['x'].value, table['y'].value, np.asarray(table['score']))
        data = scene.data[0] - np.median(scene.data[0])
        best = None
        for threshold in THRESHOLDS:
            outcomes = Binned()
            found = iterative_photometry(data, psf, fwhm, threshold)
            outcomes.add(scene, *found)
            if best is None or sum(outcomes.rates()) > best[0]:
                best = sum(outcomes.rates()), found
        other.add(scene, *best[1])
    purity = other.rates()[1]
    cut = network.score_at(purity)
    rows = []
    for name, outcomes, least in (('IterativePSFPhotometry', other, 0.),
                                  ('photutils_rcnn', network, cut)):
        values = outcomes.rates(least)
        rows.append((fwhm, name, *values, *outcomes.by_brightness(least)))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='default')
    parser.add_argument('--fwhm', type=float, nargs='+', default=[2., 4., 7.])
    parser.add_argument('-n', type=int, default=8, help='scenes for each FWHM')
    parser.add_argument('--side', type=int, default=128)
    args = parser.parse_args()
    segmenter = RCNNSegmenter(args.model, score_threshold=LEAST_SCORE)
    names = [f'{low:g}-{high:g}' for low, high in pairwise(EDGES)]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        table = Table(rows=[row for fwhm in args.fwhm for row in compare(
            fwhm, args.n, args.side, segmenter)],
            names=('FWHM', 'method', 'complete', 'pure', *names))
    for name in table.colnames[2:]:
        table[name].format = '.3f'
    table.pprint(max_width=-1)


if __name__ == '__main__':
    main()
