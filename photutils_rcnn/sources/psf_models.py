# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF models for photometry: effective PSFs of the stars of a frame.
"""

__all__ = ['build_psf']

import warnings

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from photutils.psf import EPSFBuilder, EPSFStar, EPSFStars, MoffatPSF

N_STARS = 25  # the brightest; more take longer and change little
FEWEST = 5
EXTENT = 8.0  # the width of the image in units of the FWHM
FEWEST_PIXELS = 0.7  # of a star that no neighbor hides
CORE = 1.5  # FWHM; the radius where none may
LEAST_SNR = 20.0  # of the core: all stars count alike, those faint in the band, too
OVERSAMPLING = 2
MOFFAT_BETA = 3.0


def build_psf(pixels, labels, stars, fwhm, name, *, stacklevel=2):
    """
    Build the PSF of a band from its stars.

    It is the effective PSF (Anderson & King 2000, PASP 112, 1360) of up to 25
    stars with a signal-to-noise ratio of 20 or more in the band, as
    `~photutils.psf.EPSFBuilder` makes it; pixels of other sources are left out.
    Of fewer than five stars, or if none can be fitted, it is a Moffat profile of the
    FWHM with ``beta = 3``.

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
    stacklevel : int, optional
        Whose warning it is: 2 is the caller.

    Returns
    -------
    psf : `~photutils.psf.ImagePSF` or `~photutils.psf.MoffatPSF`
        The model, of unit flux.

    Warns
    -----
    AstropyUserWarning
        If there are too few stars, or none can be fitted.
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
        reason = (f'has {len(cutouts)} isolated bright stars, too few for an '
                  'effective PSF')
        return _moffat(fwhm, name, reason, stacklevel)
    box = max(2 * round(fwhm / 2) + 1, 5)
    builder = EPSFBuilder(oversampling=OVERSAMPLING, progress_bar=False,
                          fit_shape=box, recentering_boxsize=(box, box))
    with warnings.catch_warnings():
        # single stars that cannot be fitted are left out
        warnings.simplefilter('ignore', AstropyUserWarning)
        try:
            psf, _ = builder(EPSFStars(cutouts))
        except ValueError as exc:
            failure = str(exc).rstrip('.')
        else:
            return psf
    return _moffat(fwhm, name, f'has no effective PSF ({failure})', stacklevel)


def _moffat(fwhm, name, reason, stacklevel):
    """
    The profile in place of an effective PSF, with a warning.
    """
    msg = (f'Band {name!r} {reason}: its PSF is a Moffat profile with a FWHM of '
           f'{fwhm:.2f} pixels.')
    warnings.warn(msg, AstropyUserWarning, stacklevel=stacklevel + 1)
    alpha = 0.5 * fwhm / np.sqrt(2**(1 / MOFFAT_BETA) - 1)
    return MoffatPSF(alpha=alpha, beta=MOFFAT_BETA)


def _cutout(pixels, labels, y, x, half, fwhm):
    """
    A star with its weights, `None` if it is at the border, not alone, or faint.
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
    if data[core].sum() < LEAST_SNR * np.sqrt(np.sum(error[core]**2)):
        return None
    weights = np.where(good, 1 / np.where(good, error, 1), 0)
    return EPSFStar(np.where(good, data, 0), weights=weights,
                    cutout_center=(half, half))
