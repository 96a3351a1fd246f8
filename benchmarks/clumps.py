# Licensed under a 3-clause BSD style license - see LICENSE
"""
Star-forming clumps of galaxies: completeness and purity of a model.

On simulated scenes of the preset ``clumps``, and on pictures of galaxies in SDSS
Stripe 82 with the clumps of Mehta et al. (2021, ApJ 912, 49) from the folder
``gzh_s82_clumps`` in PHOTUTILS_RCNN_SHARED_DATA, if that is set. There only clumps of
the galaxy in the middle count, the only one with a catalog.
"""

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
from astropy.nddata import block_reduce
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.io.pictures import read_picture
from photutils_rcnn.sources.classes import CLUMP

MATCH_RADIUS = 0.75  # FWHM of the PSF
# The softening of composites of SDSS, with which stars of all brightnesses have
# the same FWHM.
SOFTENING = 8.
LEAST_RATIO_SIMULATED, LEAST_RATIO_REAL = 0.03, 0.01
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
MIDDLE = 0.1  # of the side, within which the galaxy of a picture is


def find_clumps(segmenter, data, bands=None):
    """
    The result of a frame, and its clumps.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', AstropyUserWarning)
        result = segmenter.segment(data, bands=bands)
    return result, result.clumps


class Counts:
    """
    Matches at several score thresholds, summed over images.
    """

    def __init__(self):
        self.rows = {threshold: np.zeros(4, dtype=int) for threshold in THRESHOLDS}

    def add(self, found, x, y, radius, counted):
        """
        Match the detections of an image to its clumps, of which some count.
        """
        for threshold, row in self.rows.items():
            kept = found[np.asarray(found['score']) >= threshold]
            matches = match_positions(kept['x'], kept['y'], x, y, radius,
                                      scores=kept['score'], ignore=~counted)
            row += [np.count_nonzero(part) for part in (
                matches.hits, counted, matches.hits | matches.ignored,
                ~matches.hits & ~matches.ignored)]

    def report(self, title):
        """
        Print completeness, of the clumps that count, and purity: the fraction of the
        detections that are clumps, also of those that do not count.
        """
        print(title)
        for threshold, (hits, n, right, unmatched) in self.rows.items():
            print(f'  score >= {threshold}: completeness {hits / max(n, 1):.3f} '
                  f'({hits} of {n}), purity {right / max(right + unmatched, 1):.3f}, '
                  f'{unmatched} unmatched', flush=True)


def judge_simulated(segmenter, n_scenes, seed):
    """
    Completeness and purity on simulated scenes.
    """
    from photutils_rcnn.simulation import make_scene

    counts = Counts()
    for k in range(n_scenes):
        scene = make_scene('clumps', seed + k)
        _, found = find_clumps(segmenter, scene.data, bands=scene.bands)
        truth = scene.truth[np.asarray(scene.truth['class_id'] == CLUMP)]
        ratio = np.asarray(truth[f'flux_ratio_{scene.bands[0]}'])
        counts.add(found, truth['x'], truth['y'],
                   MATCH_RADIUS * float(np.mean(scene.psf_fwhm)),
                   ~np.asarray(truth['ignore']) & (ratio >= LEAST_RATIO_SIMULATED))
        if (k + 1) % 50 == 0:
            counts.report(f'{k + 1} of {n_scenes} simulated scenes')
    return counts


def of_middle_galaxy(result, clumps):
    """
    The clumps of the galaxies nearest to the middle of the frame.
    """
    ny, nx = result.labels.shape
    table = result.table[np.asarray(result.table['class_name'] == 'galaxy', dtype=bool)]
    distance = np.hypot(table['x'] - nx / 2, table['y'] - ny / 2)
    middle = table['label'][distance < MIDDLE * min(ny, nx)]
    return clumps[np.isin(clumps['host_label'], middle)]


def judge_real(segmenter, folder, sampling, pictures=None):
    """
    Completeness on pictures of real galaxies, and what else is found on the galaxy in
    the middle, with pixels averaged in blocks to a FWHM of ``sampling``.
    """
    catalog = Table.read(folder / 'clumps.ecsv')
    counts = Counts()
    for path in sorted(folder.glob('*.jpg')):
        own = catalog[catalog['id'] == int(path.stem)]
        data = read_picture(path, stretch=SOFTENING)
        fwhm = float(own['psf_fwhm_px'][0])
        block = max(round(fwhm / sampling), 1)
        found = of_middle_galaxy(*find_clumps(
            segmenter, block_reduce(data, (1, block, block), np.mean)))
        for name in ('x', 'y'):
            found[name] = (found[name] + 0.5) * block - 0.5
        counts.add(found, own['x'], own['y'], MATCH_RADIUS * fwhm,
                   np.asarray(own['flux_ratio_u']) >= LEAST_RATIO_REAL)
        if pictures is not None:
            draw(path, own, found, fwhm, pictures)
    return counts


def draw(path, own, found, fwhm, folder):
    """
    A picture with the catalogued clumps (green, thin below the limit) and those found
    (magenta).
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle

    figure = Figure(figsize=(8, 4), layout='tight')
    for axes, marks in zip(figure.subplots(1, 2), (False, True), strict=True):
        axes.imshow(read_picture(path)[::-1].transpose(1, 2, 0))
        axes.set(xlim=(92, 332), ylim=(332, 92), xticks=[], yticks=[])
        if not marks:
            continue
        for row in own:
            axes.add_patch(Circle((row['x'], row['y']), MATCH_RADIUS * fwhm, fill=False,
                                  color='lime', lw=1.5 if row['flux_ratio_u']
                                  >= LEAST_RATIO_REAL else 0.5))
        for row in found:
            axes.plot(row['x'], row['y'], '+', color='magenta', ms=8)
            axes.annotate(f'{row["score"]:.1f}', (row['x'], row['y']), color='white',
                          fontsize=6, xytext=(3, 3), textcoords='offset points')
    Path(folder).mkdir(parents=True, exist_ok=True)
    figure.savefig(Path(folder) / f'{path.stem}.png', dpi=90)


def main():
    """
    Run the command line.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', help='name or folder of a model')
    parser.add_argument('-n', type=int, default=200, help='number of simulated scenes')
    parser.add_argument('--seed', type=int, default=8000000, help='seed of the first')
    parser.add_argument('--sampling', type=float, default=3., help='FWHM in pixels to '
                        'which real pictures are averaged (infinity: not at all)')
    parser.add_argument('--pictures', type=Path, help='folder for pictures of the '
                        'real galaxies with what was found')
    args = parser.parse_args()
    segmenter = RCNNSegmenter(args.model, score_threshold=min(THRESHOLDS))
    shared = os.environ.get('PHOTUTILS_RCNN_SHARED_DATA')
    if shared is not None:
        judge_real(segmenter, Path(shared, 'gzh_s82_clumps'), args.sampling,
                   args.pictures).report(
            f'real galaxies, catalogued clumps of ratio >= {LEAST_RATIO_REAL}')
    if args.n:
        judge_simulated(segmenter, args.n, args.seed).report(
            f'{args.n} simulated scenes, ratio >= {LEAST_RATIO_SIMULATED}')


if __name__ == '__main__':
    main()
