# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF models for photometry: effective PSFs of the stars of a frame.
"""

__all__ = ['build_psf', 'build_varying_psf']

import warnings

import numpy as np
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning
from photutils.psf import EPSFBuilder, EPSFStar, EPSFStars, GriddedPSFModel, MoffatPSF

N_STARS = 25  # the brightest; more take longer and change little
FEWEST = 5
EXTENT = 8.0  # the width of the image in units of the FWHM
FEWEST_PIXELS = 0.7  # of a star that no neighbor hides
CORE = 1.5  # FWHM; the radius where none may
LEAST_SNR = 20.0  # of the core: all stars count alike, those faint in the band, too
OVERSAMPLING = 2
MOFFAT_BETA = 3.0
# Of a PSF that varies there is one for each cell of the frame, of which there are more
# the way that it varies more.
MORE_CELLS, FEWER_CELLS = 3, 2
N_STARS_OF_CELL = 8


def build_psf(pixels, labels, stars, fwhm, name, *, neighbors=None, stacklevel=2):
    """
    Build the PSF of a band from its stars.

    It is the effective PSF (Anderson & King 2000, PASP 112, 1360) of up to 25
    stars with a signal-to-noise ratio of 20 or more in the band, as
    `~photutils.psf.EPSFBuilder` makes it, without other sources.
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
    neighbors : callable, optional
        ``neighbors(label, window, noise)`` is the light of all sources but one in a window of
        the frame, and the pixels that it hides. It is subtracted, and these are left out; by
        default all pixels of other sources are left out.
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
    cutouts = _cutouts(pixels, labels, stars, fwhm, fwhm, N_STARS, neighbors)
    if len(cutouts) < FEWEST:
        reason = (f'has {len(cutouts)} isolated bright stars, too few for an '
                  'effective PSF')
        return _moffat(fwhm, name, reason, stacklevel)
    try:
        return _effective_psf(cutouts, fwhm)
    except ValueError as exc:
        failure = str(exc).rstrip('.')
    return _moffat(fwhm, name, f'has no effective PSF ({failure})', stacklevel)


def build_varying_psf(pixels, labels, stars, fwhm, name, *, slopes, neighbors=None,
                      stacklevel=2):
    """
    Build the PSF of a band that varies over the frame.

    The frame is divided into 2 x 3 cells, three the way that the FWHM varies more, and
    each has an effective PSF of up to eight of its stars, see `build_psf`. Unless each has
    five or more, one PSF is built of all stars.

    Parameters
    ----------
    pixels : `~photutils_rcnn.sources.photometry.Pixels`
        The band.
    labels : (ny, nx) `~numpy.ndarray` of int
        The label image.
    stars : (N, 2) `~numpy.ndarray` of int
        The pixels (y, x) of the peaks of stars, the brightest first.
    fwhm : float
        The FWHM of the PSF in the middle of the frame in pixels.
    name : str
        The band, for the warning.
    slopes : (2,) array_like
        How much the logarithm of the FWHM rises from edge to edge in y and x.
    neighbors : callable, optional
        See `build_psf`.
    stacklevel : int, optional
        Whose warnings these are: 2 is the caller.

    Returns
    -------
    psf : `~photutils.psf.GriddedPSFModel`, `~photutils.psf.ImagePSF` or \
            `~photutils.psf.MoffatPSF`
        The model, of unit flux.

    Warns
    -----
    AstropyUserWarning
        See `build_psf`.
    """
    steepness = np.abs(slopes)
    n_cells = [MORE_CELLS if one == steepness.max() else FEWER_CELLS for one in steepness]
    widest = fwhm * np.exp(steepness.sum() / 2)
    sides = np.divide(labels.shape, n_cells)
    cells = (stars // sides).astype(int)
    images, places = [], []
    for cell in np.ndindex(*n_cells):
        own = stars[(cells == cell).all(axis=1)]
        cutouts = _cutouts(pixels, labels, own, fwhm, widest, N_STARS_OF_CELL, neighbors)
        try:
            if len(cutouts) < FEWEST:
                raise ValueError
            images.append(_effective_psf(cutouts, fwhm).data)
        except ValueError:
            return build_psf(pixels, labels, stars, fwhm, name, neighbors=neighbors,
                             stacklevel=stacklevel + 1)
        places.append(tuple(((np.array(cell) + 0.5) * sides - 0.5)[::-1]))
    return GriddedPSFModel(NDData(np.array(images), meta={
        'grid_xypos': places, 'oversampling': OVERSAMPLING}))


def _cutouts(pixels, labels, stars, fwhm, widest, count, neighbors):
    """
    At most so many stars that tell the PSF, in cutouts as wide as the widest needs.
    """
    half = int(np.ceil(0.5 * EXTENT * widest))
    cutouts = []
    for y, x in stars:
        star = _cutout(pixels, labels, y, x, half, fwhm, neighbors)
        if star is not None:
            cutouts.append(star)
        if len(cutouts) == count:
            break
    return cutouts


def _effective_psf(cutouts, fwhm):
    """
    The effective PSF of stars; a ValueError if none can be fitted.
    """
    box = max(2 * round(fwhm / 2) + 1, 5)
    builder = EPSFBuilder(oversampling=OVERSAMPLING, progress_bar=False,
                          fit_shape=box, recentering_boxsize=(box, box))
    with warnings.catch_warnings():
        # single stars that cannot be fitted are left out
        warnings.simplefilter('ignore', AstropyUserWarning)
        psf, _ = builder(EPSFStars(cutouts))
    return psf


def _moffat(fwhm, name, reason, stacklevel):
    """
    The profile in place of an effective PSF, with a warning.
    """
    msg = (f'Band {name!r} {reason}: its PSF is a Moffat profile with a FWHM of '
           f'{fwhm:.2f} pixels.')
    warnings.warn(msg, AstropyUserWarning, stacklevel=stacklevel + 1)
    alpha = 0.5 * fwhm / np.sqrt(2**(1 / MOFFAT_BETA) - 1)
    return MoffatPSF(alpha=alpha, beta=MOFFAT_BETA)


def _cutout(pixels, labels, y, x, half, fwhm, neighbors):
    """
    A star with its weights, `None` if it is at the border, not alone, or faint.
    """
    ny, nx = labels.shape
    if min(y, x, ny - 1 - y, nx - 1 - x) < half:
        return None
    window = np.s_[y - half:y + half + 1, x - half:x + half + 1]
    data, error = pixels.data[window], pixels.error[window]
    if neighbors is None or labels[y, x] == 0:
        others = (labels[window] != 0) & (labels[window] != labels[y, x])
    else:
        light, others = neighbors(labels[y, x], window, error)
        data = data - light
    good = ~(others | pixels.mask[window])
    axis = np.arange(-half, half + 1)
    core = np.hypot(axis[:, None], axis) < CORE * fwhm
    if not good[core].all() or good.mean() < FEWEST_PIXELS:
        return None
    if data[core].sum() < LEAST_SNR * np.sqrt(np.sum(error[core]**2)):
        return None
    weights = np.where(good, 1 / np.where(good, error, 1), 0)
    return EPSFStar(np.where(good, data, 0), weights=weights,
                    cutout_center=(half, half))
