# Licensed under a 3-clause BSD style license - see LICENSE
"""
Smooth and disc galaxies: the labels of simulated scenes.
"""

__all__ = ['CLASSES', 'smooth_or_disc']

import numpy as np

from photutils_rcnn.sources.classes import GALAXY

CLASSES = ('smooth', 'disc')
# Arms and knots are seen if they make this much of the light asymmetric and stand out from
# the noise; spheroids stay below the lower limit. Between are those few would agree on.
LEAST_ASYMMETRY, LARGEST_ASYMMETRY = 0.03, 0.015
LEAST_STRUCTURE_SNR = 10.
# A disc is seen from the side if it is flatter, and all flatter galaxies are no spheroids.
LARGEST_AXIS_RATIO, LEAST_AXIS_RATIO = 0.42, 0.48
LARGEST_BULGE = 0.5
# Lenticulars seen from above look smooth: their bulges have 0.34 +- 0.15 of the light (Gao
# et al. 2018, arXiv:1806.06350).
LEAST_BULGE = 0.25
# Of fainter and smaller galaxies nobody could tell; radii in FWHM.
LEAST_SNR = 20.
LEAST_RADIUS = 0.6
LARGEST_BLENDEDNESS = 0.3


def smooth_or_disc(scene):
    """
    Whether a person would call a galaxy smooth, or see a disc.

    As in Galaxy Zoo (Lintott et al. 2008, MNRAS 389, 1179), arms, knots and a view from
    the side tell a disc. What counts is the light as seen through the PSF: see
    ``axis_ratio`` and ``asymmetry`` of `~photutils_rcnn.simulation.scene.Scene`.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.

    Returns
    -------
    labels : (N,) `~numpy.ndarray` of str
        ``'disc'`` for galaxies with an asymmetry of 0.03 or more at S/N 10, and for those
        with more light in the disc than in the bulge and an axis ratio of at most 0.42;
        ``'smooth'`` for those with a quarter of the light or more in the bulge, as
        ellipticals and lenticulars have, an asymmetry of at most 0.015 and an axis ratio
        of 0.48 or more. Empty for others, among them face-on discs with little or no bulge
        and no structure, of which people would disagree; for galaxies below S/N 20,
        with a half-light radius below 0.6 FWHM or with more than 0.3 of the light of
        others on them; for those cut off by the frame, stars, and sources to be ignored.
    """
    truth = scene.truth
    bulge, ratio, asymmetry, structure, snr, radius = (
        np.asarray(truth[name]) for name in (
            'bulge_fraction', 'axis_ratio', 'asymmetry', 'structure_snr', 'snr',
            'half_light_radius'))
    disc = (((asymmetry >= LEAST_ASYMMETRY) & (structure >= LEAST_STRUCTURE_SNR))
            | ((bulge < LARGEST_BULGE) & (ratio <= LARGEST_AXIS_RATIO)))
    smooth = ((bulge >= LEAST_BULGE) & (asymmetry <= LARGEST_ASYMMETRY)
              & (ratio >= LEAST_AXIS_RATIO))
    known = ((np.asarray(truth['class_id']) == GALAXY) & ~np.asarray(truth['ignore'])
             & (np.asarray(truth['blendedness']) <= LARGEST_BLENDEDNESS)
             & (snr >= LEAST_SNR) & (radius >= LEAST_RADIUS * np.mean(scene.psf_fwhm)))
    return np.where(known & disc, 'disc', np.where(known & smooth, 'smooth', ''))
