# Licensed under a 3-clause BSD style license - see LICENSE
"""
Smooth and disc galaxies: the labels of simulated scenes.
"""

__all__ = ['CLASSES', 'smooth_or_disc']

import numpy as np

from photutils_rcnn.sources.classes import GALAXY

CLASSES = ('smooth', 'disc')
# Between these fractions of the bulge a person would see either.
LARGEST_DISC_BULGE = 0.4
LEAST_SMOOTH_BULGE = 0.6
# Of fainter galaxies nobody could tell.
LEAST_SNR = 10.


def smooth_or_disc(truth):
    """
    Whether the bulge or the disc dominates a galaxy.

    Parameters
    ----------
    truth : `~astropy.table.Table`
        The truth of a scene.

    Returns
    -------
    labels : (N,) `~numpy.ndarray` of str
        ``'disc'`` for a fraction of the bulge below 0.4, ``'smooth'`` above 0.6; empty
        between, for stars and below S/N 10.
    """
    bulge = np.asarray(truth['bulge_fraction'])
    labels = np.where(bulge < LARGEST_DISC_BULGE, 'disc',
                      np.where(bulge > LEAST_SMOOTH_BULGE, 'smooth', ''))
    known = ((np.asarray(truth['class_id']) == GALAXY)
             & (np.asarray(truth['snr']) >= LEAST_SNR) & ~np.asarray(truth['ignore']))
    return np.where(known, labels, '')
