# Licensed under a 3-clause BSD style license - see LICENSE
"""
Smooth and disc galaxies: how often the morphology of a model is right.

Usage::

    python benchmarks/morphology.py SCENES [--model MODEL]
        [--pictures DIR --labels FILE --stretch Q]

SCENES is a folder of simulated scenes. The labels of pictures (JPEG, a galaxy in the
middle) are the columns ``file``, without the suffix, and ``label`` of FILE; those that
begin with ``smooth`` are smooth, the others discs.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from astropy.table import Table
from photutils.utils.exceptions import NoDetectionsWarning
from tqdm.auto import tqdm

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection.attributes import UNSURE
from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.io.pictures import read_picture
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.training.morphology import smooth_or_disc

MIN_IOU = 0.5
MIN_SNR, MIN_RADIUS = 50., 1.  # of the half-light radius in FWHM


def of_scenes(segmenter, folder):
    """
    True and told classes of the galaxies in scenes, their S/N and radii in FWHM.
    """
    rows = []
    for path in tqdm(sorted(folder.glob('*.npz')), unit='scene'):
        scene = Scene.read(path)
        found = segmenter.segment(scene.data, mask=scene.mask, bands=scene.bands)
        ignore = np.asarray(scene.truth['ignore'])
        matches = match_overlaps(
            mask_overlaps(found.footprints, scene.footprints, ignore=ignore),
            found.instances.scores, MIN_IOU, ignore=ignore)
        true = smooth_or_disc(scene)
        for row, i in zip(found.table, matches.truth_of_detection, strict=True):
            if i >= 0 and true[i] and row['morphology']:
                rows.append((true[i], row['morphology'], row['prob_smooth'],
                             scene.truth['snr'][i], scene.truth['half_light_radius'][i]
                             / np.mean(scene.psf_fwhm)))
    return Table(rows=rows, names=('true', 'told', 'prob_smooth', 'snr', 'radius'))


def of_pictures(segmenter, folder, labels, stretch):
    """
    The same of the galaxies in the middle of pictures, and how many were not found.
    """
    rows, n_lost = [], 0
    for entry in tqdm(Table.read(labels), unit='picture'):
        data = read_picture(folder / f'{entry["file"]}.jpg', stretch=stretch)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NoDetectionsWarning)
            found = segmenter.segment(data)
        table, middle = found.table, (np.array(data.shape[:0:-1]) - 1) / 2
        distance = np.hypot(table['x'] - middle[0], table['y'] - middle[1])
        if len(table) == 0 or distance.min() > 10 or not table['morphology'][
                distance.argmin()]:
            n_lost += 1
            continue
        row = table[distance.argmin()]
        true = 'smooth' if entry['label'].startswith('smooth') else 'disc'
        rows.append((true, row['morphology'], row['prob_smooth'], entry['label']))
    return Table(rows=rows, names=('true', 'told', 'prob_smooth', 'label')), n_lost


def calibration_error(table):
    """
    The expected calibration error of ``prob_smooth``, both classes alike: in ten bins, the
    mean difference between the probability and the fraction that is smooth.
    """
    return _calibration_error(np.asarray(table['prob_smooth'], float),
                              np.asarray(table['true'] == 'smooth'))


def _calibration_error(probability, smooth):
    weights = np.where(smooth, 0.5 / np.sum(smooth), 0.5 / np.sum(~smooth))
    bins = np.clip((10 * probability).astype(int), 0, 9)
    return np.abs(np.bincount(bins, weights * (probability - smooth))).sum()


def least_calibration_error(table, n_draws=200):
    """
    The mean calibration error of perfect probabilities of so few galaxies.

    Their classes are drawn anew from the probabilities, with the fractions of the classes
    in the table.
    """
    probability = np.asarray(table['prob_smooth'], float)
    fraction = np.mean(table['true'] == 'smooth')
    own = probability * fraction
    own /= own + (1 - probability) * (1 - fraction)
    draws = np.random.default_rng(0).random((n_draws, len(own))) < own
    return np.mean([_calibration_error(probability, draw) for draw in draws
                    if 0 < draw.sum() < len(draw)])


def describe(table):
    """
    The fractions told right, all classes alike, those not sure, and the calibration error.
    """
    # what the head was not asked about is half right
    wanted = np.where(table['true'] == 'smooth', 1, -1)
    credit = (1 + np.sign(wanted * (np.asarray(table['prob_smooth'], float) - 0.5))) / 2
    right = [np.mean(credit[table['true'] == name]) for name in ('smooth', 'disc')]
    sure = table['told'] != UNSURE
    sure_right = [np.mean(credit[sure & (table['true'] == name)])
                  for name in ('smooth', 'disc')]
    return (f'{len(table):6d} galaxies: balanced accuracy {np.mean(right):.3f} '
            f'(smooth {right[0]:.3f}, disc {right[1]:.3f}), of those that are sure '
            f'{np.mean(sure_right):.3f}, not sure {np.mean(~sure):.3f}, '
            f'calibration error {calibration_error(table):.3f} (chance alone '
            f'{least_calibration_error(table):.3f})')


def main():
    """
    Print the table.
    """
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('scenes', type=Path)
    parser.add_argument('--model', default='default')
    parser.add_argument('--pictures', type=Path)
    parser.add_argument('--labels', type=Path)
    parser.add_argument('--stretch', type=float)
    args = parser.parse_args()
    segmenter = RCNNSegmenter(args.model)
    found = of_scenes(segmenter, args.scenes)
    print('all         ', describe(found))
    bright = found[(found['snr'] > MIN_SNR) & (found['radius'] > MIN_RADIUS)]
    print('bright,large', describe(bright))
    if args.pictures is not None:
        table, n_lost = of_pictures(segmenter, args.pictures, args.labels, args.stretch)
        print('pictures    ', describe(table), f'; not found as galaxies {n_lost}')
        for label in np.unique(table['label']):
            part = table[table['label'] == label]
            print(f'    {label}: smooth {np.mean(part["prob_smooth"] > 0.5):.3f}')


if __name__ == '__main__':
    main()
