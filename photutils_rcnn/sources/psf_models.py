# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF models for photometry: effective PSFs of the stars of a frame.
"""

__all__ = ['build_psf']

import warnings

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from photutils.psf import EPSFBuilder, EPSFStar, EPSFStars, MoffatPSF

N_STARS = 40  # the brightest
FEWEST = 5
EXTENT = 8.0  # the width of the image in units of the FWHM
FEWEST_PIXELS = 0.7  # of a star that no neighbor hides
CORE = 1.5  # FWHM; the radius where none may
OVERSAMPLING = 2
MOFFAT_BETA = 3.0


def build_psf(pixels, labels, stars, fwhm, name):
    """
    Build the PSF of a band from its stars.

    It is the effective PSF (Anderson & King 2000, PASP 112, 1360) of up to 40
    bright stars, as `~photutils.psf.EPSFBuilder` makes it; pixels of other
    sources are left out. Of fewer than five stars, it is a Moffat profile of
    the FWHM with ``beta = 3``.

    Parameters
    ----------
    pixels : `~photutils_rcnn.sources.photometry.Pixels`
        The band.
    labels : (ny, nx) `~numpy.ndarray` of int
        The label image.
    stars : (N, 2) `~numpy.ndarray` of int
        The pixels (y, x) of the peaks of stars, the brightest first.
    fwhm : float
        The FWHM of the PSF in pixels.
    name : str
        The band, for the warning.

    Returns
    -------
    psf : `~photutils.psf.ImagePSF` or `~photutils.psf.MoffatPSF`
        The model, of unit flux.

    Warns
    -----
    AstropyUserWarning
        If there are too few stars.
    """
    half = int(np.ceil(0.5 * EXTENT * fwhm))
    cutouts = []
    for y, x in stars:
        star = _cutout(pixels, labels, y, x, half, fwhm)
        if star is not None:
            cutouts.append(star)
        if len(cutouts) == N_STARS:
            break
    if len(cutouts) < FEWEST:
        msg = (f'Band {name!r} has {len(cutouts)} isolated stars, too few for an '
               'effective PSF: its PSF is a Moffat profile with a FWHM of '
               f'{fwhm:.2f} pixels.')
        warnings.warn(msg, AstropyUserWarning, stacklevel=3)
        alpha = 0.5 * fwhm / np.sqrt(2**(1 / MOFFAT_BETA) - 1)
        return MoffatPSF(alpha=alpha, beta=MOFFAT_BETA)
    box = max(2 * round(fwhm / 2) + 1, 5)
    builder = EPSFBuilder(oversampling=OVERSAMPLING, progress_bar=False,
                          fit_shape=box, recentering_boxsize=(box, box))
    with warnings.catch_warnings():
        # single stars that cannot be fitted are left out
        warnings.simplefilter('ignore', AstropyUserWarning)
        psf, _ = builder(EPSFStars(cutouts))
    return psf


def _cutout(pixels, labels, y, x, half, fwhm):
    """
    A star with its weights, `None` if it is at the border or not alone.
    """
    ny, nx = labels.shape
    if min(y, x, ny - 1 - y, nx - 1 - x) < half:
        return None
    window = np.s_[y - half:y + half + 1, x - half:x + half + 1]
    others = (labels[window] != 0) & (labels[window] != labels[y, x])
    good = ~(others | pixels.mask[window])
    axis = np.arange(-half, half + 1)
    core = np.hypot(axis[:, None], axis) < CORE * fwhm
    if not good[core].all() or good.mean() < FEWEST_PIXELS:
        return None
    data, error = pixels.data[window], pixels.error[window]
    weights = np.where(good, 1 / np.where(good, error, 1), 0)
    return EPSFStar(np.where(good, data, 0), weights=weights,
                    cutout_center=(half, half))
