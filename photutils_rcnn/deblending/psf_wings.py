# Licensed under a 3-clause BSD style license - see LICENSE
"""
Profiles of the wings of the PSF.
"""

__all__ = ['aureole', 'moffat']

import numpy as np

MOFFAT_BETA = 3.5
# The aureole falls as radius**-2.5 outside the seeing (King 1971, PASP 83, 199, measured -2;
# Racine 1996, PASP 108, 699).
AUREOLE_SCALE = 3.0  # FWHM
AUREOLE_BETA = 1.25


def aureole(half, fwhm):
    """
    The light of an aureole of unit flux.

    Parameters
    ----------
    half : int
        The image has ``2 half + 1`` samples a side.
    fwhm : float
        The FWHM of the PSF in samples.

    Returns
    -------
    image : 2D `~numpy.ndarray`
        The light of each sample.
    """
    return _profile(half, AUREOLE_SCALE * fwhm, AUREOLE_BETA)


def moffat(half, fwhm):
    """
    A Moffat profile of unit flux.

    Parameters
    ----------
    half : int
        The image has ``2 half + 1`` samples a side.
    fwhm : float
        The FWHM in samples.

    Returns
    -------
    image : 2D `~numpy.ndarray`
        The light of each sample.
    """
    return _profile(half, 0.5 * fwhm / np.sqrt(2**(1 / MOFFAT_BETA) - 1), MOFFAT_BETA)


def _profile(half, scale, beta):
    axis = np.arange(-half, half + 1)
    r2 = axis[:, None]**2 + axis**2
    return (beta - 1) / (np.pi * scale**2) * (1 + r2 / scale**2)**-beta
