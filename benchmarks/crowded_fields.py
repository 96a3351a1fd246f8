# Licensed under a 3-clause BSD style license - see LICENSE
"""
Stars of crowded fields, beside DAOFIND.

Scenes of the preset ``crowded`` with a given FWHM, in one band and with white noise: no
colors and no resampling, as DAOFIND presumes. DAOFIND
(`~photutils.detection.DAOStarFinder`) gets the true FWHM and noise, and the threshold
of a grid with the largest sum of completeness and purity over all scenes of that FWHM;
the network gets the scene alone, and all that it finds counts, whatever its class.
Detections are matched to true stars within half a FWHM, the best first; galaxies are
ignored, found or not.
"""

import argparse
import warnings

import numpy as np
from astropy.table import Table
from photutils.detection import DAOStarFinder

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.simulation import draw_settings, make_scene
from photutils_rcnn.sources.classes import STAR

THRESHOLDS = (2, 3, 5, 8, 13, 21, 34, 55)
LEAST_SCORE = 0.1
FIRST_SEED = 7_800_000
NOISE = 20.  # of a pixel, electrons
ZERO_POINT = 30.  # magnitude of one electron


class Outcomes:
    """
    The stars that a method finds in scenes, cut at any score.
    """

    def __init__(self):
        self.scores, self.true, self.counts = [], [], []
        self.n_truth = 0

    def add(self, scene, x, y, scores):
        ignore = np.asarray(scene.truth['ignore'] | (scene.truth['class_id'] != STAR))
        matches = match_positions(
            x, y, scene.truth['x'], scene.truth['y'],
            0.5 * float(np.mean(scene.psf_fwhm)), scores=scores, ignore=ignore)
        self.scores.append(scores)
        self.true.append(matches.hits)
        self.counts.append(~matches.ignored)
        self.n_truth += np.count_nonzero(~ignore)

    def rates(self, least=0.):
        """
        Completeness and purity.
        """
        scores, true, counts = (np.concatenate(values) for values in (
            self.scores, self.true, self.counts))
        chosen = (scores >= least) & counts
        n_true = np.count_nonzero(true & chosen)
        return n_true / self.n_truth, n_true / max(np.count_nonzero(chosen), 1)

    def completeness_at(self, purity):
        """
        The largest completeness of at least a purity.
        """
        scores, true, counts = (np.concatenate(values) for values in (
            self.scores, self.true, self.counts))
        order = np.argsort(-scores[counts], kind='stable')
        n_true = np.cumsum(true[counts][order])
        pure = n_true / np.arange(1, len(order) + 1) >= purity
        return n_true[pure].max(initial=0) / self.n_truth


def scene_options(fwhm, seed, side):
    """
    What makes a scene of the preset one of a given FWHM, in one band with white noise.
    """
    options = {'bands': ('r',), 'wavelengths': (622.,), 'fwhm': (fwhm,),
               'zero_points': (ZERO_POINT,), 'variance': (NOISE**2,),
               'components': (),
               'shifts': (), 'shape': (side, side), 'missing': '',
               'kernel': ((1.,), (1.,)), 'structure': ''}
    settings = draw_settings('crowded', np.random.default_rng(seed))
    # sources keep their signal-to-noise ratios
    shift = ZERO_POINT - settings.zero_points[0] + 2.5 * np.log10(
        settings.fwhm[0] / fwhm * np.sqrt(settings.variance[0]) / NOISE)
    options['star_range'] = tuple(m + shift for m in settings.star_range)
    options['galaxy_range'] = tuple(m + shift for m in settings.galaxy_range)
    if settings.turn_off is not None:
        options['turn_off'] = settings.turn_off + shift
    return options


def compare(fwhm, n_scenes, side, segmenter):
    """
    A row of the table.
    """
    network = Outcomes()
    daofind = {threshold: Outcomes() for threshold in THRESHOLDS}
    for seed in range(FIRST_SEED, FIRST_SEED + n_scenes):
        scene = make_scene('crowded', seed, **scene_options(fwhm, seed, side))
        result = segmenter.segment(scene.data[0])
        table = result.table
        network.add(scene, table['x'].value, table['y'].value,
                    np.asarray(table['score']))
        data = scene.data[0] - np.median(scene.data[0])
        for threshold, outcomes in daofind.items():
            stars = DAOStarFinder(threshold * NOISE, fwhm)(data)
            # None if there are none
            x, y, flux = np.zeros((3, 0)) if stars is None else (
                np.asarray(stars[name], dtype=float)
                for name in ('x_centroid', 'y_centroid', 'flux'))
            outcomes.add(scene, x, y, flux)
    best = max(daofind.values(), key=lambda outcomes: sum(outcomes.rates()))
    completeness, purity = best.rates()
    own, own_purity = network.rates(segmenter.model.thresholds['score'])
    return {'FWHM': fwhm, 'stars': network.n_truth,
            'DAOFIND completeness': completeness, 'DAOFIND purity': purity,
            'network at this purity': network.completeness_at(purity),
            'network completeness': own, 'network purity': own_purity,
            'purity at score 0.9': network.rates(0.9)[1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='default')
    parser.add_argument('--fwhm', type=float, nargs='+', default=[2., 4., 7.])
    parser.add_argument('-n', type=int, default=12, help='scenes for each FWHM')
    parser.add_argument('--side', type=int, default=256)
    args = parser.parse_args()
    segmenter = RCNNSegmenter(args.model, score_threshold=LEAST_SCORE)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        table = Table([compare(fwhm, args.n, args.side, segmenter)
                       for fwhm in args.fwhm])
    for name in table.colnames[2:]:
        table[name].format = '.3f'
    table.pprint(max_width=-1)


if __name__ == '__main__':
    main()
