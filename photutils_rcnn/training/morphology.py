# Licensed under a 3-clause BSD style license - see LICENSE
"""
Smooth and disc galaxies: the labels of simulated scenes.
"""

__all__ = ['CLASSES', 'smooth_or_disc']

import numpy as np

from photutils_rcnn.sources.classes import GALAXY

CLASSES = ('smooth', 'disc')
# Arms and knots show a disc if their light has this S/N and the half-light radius, in
# FWHM, is so large; with less they are there, but hardly seen.
LEAST_STRUCTURE_SNR = 10.
FAINT_STRUCTURE_SNR = 4.
LEAST_RADIUS = 1.
# A disc shows from the side, too, if its axis ratio is smaller; a galaxy without any of
# this is smooth if it is rounder than the second or the bulge dominates.
LARGEST_AXIS_RATIO = 0.35
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
        ``'disc'`` for galaxies with a half-light radius of at least one FWHM and arms and
        knots of S/N 10, or of at least 0.7 FWHM and a disc of axis ratio below 0.35 that
        is brighter than the bulge; ``'smooth'`` for those with arms and knots below S/N 4
        and an axis ratio above 0.5 or a bulge with more than 0.6 of the light; empty
        between, for stars, below S/N 10 and for sources to be ignored.
    """
    truth = scene.truth
    bulge, structure, ratio, snr, radius = (np.asarray(truth[name]) for name in (
        'bulge_fraction', 'structure_fraction', 'disc_axis_ratio', 'snr',
        'half_light_radius'))
    radius = radius / np.mean(scene.psf_fwhm)
    seen = structure * snr
    from_the_side = (ratio < LARGEST_AXIS_RATIO) & (bulge < 0.5)
    disc = (((seen >= LEAST_STRUCTURE_SNR) & (radius >= LEAST_RADIUS))
            | (from_the_side & (radius >= 0.7 * LEAST_RADIUS)))
    smooth = (seen < FAINT_STRUCTURE_SNR) & ((ratio > LEAST_AXIS_RATIO) | (bulge > LEAST_BULGE))
    known = ((np.asarray(truth['class_id']) == GALAXY) & ~np.asarray(truth['ignore'])
             & (snr >= LEAST_SNR))
    return np.where(known & disc, 'disc', np.where(known & smooth & ~disc, 'smooth', ''))
