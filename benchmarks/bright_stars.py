# Licensed under a 3-clause BSD style license - see LICENSE
"""
Bright stars: found once, as stars, and alone.

Stars with a signal-to-noise ratio of 300 and more in simulated scenes, saturated or not.
*found* have a detection whose middle is within a FWHM, *star* are called so, *alone* have
no other detection within three FWHM that has no true source within one FWHM of its own
middle, be it listed to be ignored.
"""

import argparse
import warnings

import numpy as np
from astropy.table import Table
from scipy.spatial import cKDTree
from tqdm.auto import tqdm

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.sources.classes import STAR

SCENES = {'universal': 80, 'sdss': 40, 'hsc': 20, 'lsst': 20, 'decam': 20, 'nearby': 20}
FIRST_SEED = 14_000_000
MIN_SNR = 300.
LARGEST_RADIUS = 3.  # FWHM


def judge(scene, result):
    """
    A row for each bright star: S/N, saturated, and what became of it.
    """
    truth, fwhm = scene.truth, float(np.mean(scene.psf_fwhm))
    bright = np.flatnonzero((truth['class_id'] == STAR) & (truth['snr'] >= MIN_SNR)
                            & ~truth['ignore'])
    if len(bright) == 0 or len(result) == 0:
        return [(truth['snr'][i], truth['saturated'][i], False, False, True) for i in bright]
    table = result.table
    true = cKDTree(np.column_stack([truth['x'], truth['y']]))
    places = np.column_stack([table['x'].value, table['y'].value])
    found = cKDTree(places)
    rows = []
    for i in bright:
        distance, own = found.query(true.data[i])
        near = np.setdiff1d(found.query_ball_point(true.data[i], LARGEST_RADIUS * fwhm), own)
        spurious = [j for j in near if true.query(places[j])[0] > fwhm]
        # The star itself is no source of another detection.
        spurious += [j for j in near if j not in spurious and true.query(places[j])[1] == i]
        rows.append((truth['snr'][i], truth['saturated'][i], distance <= fwhm,
                     table['class_name'][own] == 'star', not spurious))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='default')
    parser.add_argument('--fraction', type=float, default=1., help='of the 200 scenes')
    args = parser.parse_args()
    segmenter = RCNNSegmenter(args.model)
    rows = []
    for preset, n_scenes in SCENES.items():
        for i in tqdm(range(round(args.fraction * n_scenes)), desc=preset):
            scene = make_scene(preset, FIRST_SEED + i)
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                result = segmenter.segment(scene.data, mask=scene.mask, bands=scene.bands)
            rows += [(preset, *row) for row in judge(scene, result)]
    table = Table(rows=rows, names=('preset', 'snr', 'saturated', 'found', 'star', 'alone'))
    for name, part in [*((preset, table[table['preset'] == preset]) for preset in SCENES),
                       ('saturated', table[table['saturated']]), ('all', table)]:
        print(f'{name:>10} {len(part):5}',
              *(f'{column} {np.mean(part[column]):.3f}' for column in ('found', 'star', 'alone')))


if __name__ == '__main__':
    main()
