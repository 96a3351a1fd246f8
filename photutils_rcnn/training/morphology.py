# Licensed under a 3-clause BSD style license - see LICENSE
"""
Smooth and disc galaxies: the labels of simulated scenes.
"""

__all__ = ['CLASSES', 'smooth_or_disc']

import numpy as np

from photutils_rcnn.sources.classes import GALAXY

CLASSES = ('smooth', 'disc')
# Arms and knots with this fraction of the light show a disc, and so does one that is seen
# from the side.
LEAST_STRUCTURE = 0.04
LARGEST_AXIS_RATIO = 0.35
# Without them a galaxy is smooth if it is rounder than this or the bulge dominates.
LEAST_AXIS_RATIO = 0.5
LEAST_BULGE = 0.6
# Of fainter galaxies nobody could tell.
LEAST_SNR = 10.


def smooth_or_disc(scene):
    """
    Whether a person would call a galaxy smooth, or see a disc.

    As in Galaxy Zoo (Lintott et al. 2008, MNRAS 389, 1179), arms, knots and a view from
    the side tell a disc, and a face-on disc without any of them passes for smooth.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.

    Returns
    -------
    labels : (N,) `~numpy.ndarray` of str
        ``'disc'`` for galaxies with 0.04 of their light or more in arms and knots, or with
        a disc of axis ratio below 0.35 that is brighter than the bulge; ``'smooth'`` for
        those with none of it and an axis ratio above 0.5 or a bulge with more than 0.6 of
        the light; empty between, for stars, below S/N 10 and for sources to be ignored.
    """
    truth = scene.truth
    bulge, structure, ratio = (np.asarray(truth[name]) for name in (
        'bulge_fraction', 'structure_fraction', 'disc_axis_ratio'))
    disc = (structure >= LEAST_STRUCTURE) | ((ratio < LARGEST_AXIS_RATIO) & (bulge < 0.5))
    smooth = (structure == 0) & ((ratio > LEAST_AXIS_RATIO) | (bulge > LEAST_BULGE))
    known = ((np.asarray(truth['class_id']) == GALAXY) & ~np.asarray(truth['ignore'])
             & (np.asarray(truth['snr']) >= LEAST_SNR))
    return np.where(known & disc, 'disc', np.where(known & smooth & ~disc, 'smooth', ''))
