# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF stars and the FWHM of the PSF.
"""

__all__ = ['adaptive_fwhm', 'check_fwhm', 'find_psf_stars', 'find_varying_psf_stars',
           'given_fwhm', 'psf_of_peaks']

import numpy as np
from astropy import units as u
from astropy.stats import gaussian_sigma_to_fwhm

from photutils_rcnn._wording import count
from photutils_rcnn.preprocessing.psf_peaks import ENOUGH, HALF, find_bright_peaks
from photutils_rcnn.preprocessing.psf_trend import find_trend, relative_width

FEWEST = 4
# Among fewer sources than enough, a pile has so many members, so many
# standard deviations more than expected.
FEWEST_PILED = 3
SIGNIFICANCE = 3.
# The spread of the widths of stars, in the logarithm, is below this.
WINDOW = 0.12
# Sharper than this are cosmic rays and bad pixels; the widest PSF known to
# the shipped model is 8 pixels.
SHARPEST, WIDEST = 1.5, 12.
# An adaptive Gaussian is wider than the half maximum of a PSF with wings,
# and some of the pile are galaxies; the median ratio of all this on
# simulated scenes.
WINGS = 1.13
N_MATCHES = 25  # of a Gaussian to a peak


def check_fwhm(psf_fwhm):
    """
    Check that something can be the FWHM of a PSF.

    Parameters
    ----------
    psf_fwhm : 'auto', float, sequence of float, \
            `~astropy.units.Quantity` or `None`
        What a user gave.

    Raises
    ------
    ValueError
        If it is none of these, or not positive and finite.
    """
    if psf_fwhm is None or (isinstance(psf_fwhm, str) and psf_fwhm == 'auto'):
        return
    try:
        values = np.asarray(_in_pixels(psf_fwhm), dtype=float)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.ndim > 1 or not values.size or not (
            (values > 0) & (values < np.inf)).all():
        msg = ("psf_fwhm must be 'auto', a positive number of pixels, one "
               f'for each band, or None, got {psf_fwhm!r}')
        raise ValueError(msg)


def _in_pixels(psf_fwhm):
    """
    A Quantity in pixels as numbers, anything else as it is.
    """
    if isinstance(psf_fwhm, u.Quantity):
        return psf_fwhm.to_value(u.pix)
    return psf_fwhm


def given_fwhm(psf_fwhm, cube):
    """
    The FWHM in each band, as a user gave it.

    Parameters
    ----------
    psf_fwhm : 'auto', float, sequence of float or `None`
        See `check_fwhm`; several are in the order of the data as given.
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The frame.

    Returns
    -------
    fwhm : (n_bands,) `~numpy.ndarray` or `None`
        The FWHM, from blue to red; `None` if it is to be estimated or not
        known.

    Raises
    ------
    ValueError
        If there are more or fewer than the bands.
    """
    if psf_fwhm is None or isinstance(psf_fwhm, str):
        return None
    fwhm = np.asarray(_in_pixels(psf_fwhm), dtype=float)
    if fwhm.ndim and len(fwhm) != cube.n_bands:
        msg = ('psf_fwhm must be one number or one for each of '
               f'{count(cube.n_bands, "band")} of the data, got {len(fwhm)}')
        raise ValueError(msg)
    fwhm = np.broadcast_to(fwhm, cube.n_bands)
    return cube.in_band_order(fwhm)


def find_psf_stars(snr, invalid):
    """
    Find stars, and the FWHM of the PSF.

    The widths of bright peaks are measured with adaptive Gaussian moments
    (Bernstein & Jarvis 2002, AJ 123, 583, section 3). Stars all have the
    same; galaxies are wider, each differently. So the estimate is the
    narrowest width at which widths pile up. With few sources a pile has to
    be significant, and nothing clearly narrower. If none is, there may be
    no star at all, and the narrowest source is the best upper limit.

    Parameters
    ----------
    snr : (n_bands, ny, nx) `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.frame.SignalToNoise`
        Background-subtracted images in units of their noise.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data; so are those not finite.

    Returns
    -------
    fwhm : (n_bands,) `~numpy.ndarray` or `None`
        The FWHM in each band in pixels; `None` if there are too few bright
        sources. The pile is that of the mean image of all bands; bands
        differ by the median ratio of the widths that its members have in
        them, and do not where fewer than three members could be measured.
        Pixels missing in a band are filled from their neighbors; a source
        of which a band misses a quarter is measured in the others.
    stars : (N, 2) `~numpy.ndarray` of int
        The pixels (y, x) of the peaks of the pile, the brightest first.
    """
    return _find(snr, invalid)[:2]


def find_varying_psf_stars(snr, invalid):
    """
    Find stars, and the FWHM of a PSF that may vary over the frame.

    Where most widths agree but for a trend, linear in position
    (`~photutils_rcnn.preprocessing.psf_trend.find_trend`), it is taken out before; else
    the answer is that of `find_psf_stars`.

    Parameters
    ----------
    snr : (n_bands, ny, nx) `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.frame.SignalToNoise`
        See `find_psf_stars`.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        See `find_psf_stars`.

    Returns
    -------
    fwhm : (n_bands,) `~numpy.ndarray` or `None`
        See `find_psf_stars`; that in the middle of the frame.
    stars : (N, 2) `~numpy.ndarray` of int
        See `find_psf_stars`.
    slopes : (2,) `~numpy.ndarray`
        How much the logarithm of the FWHM rises from edge to edge in y and x.
    """
    return _find(snr, invalid, find_trend)


def _find(snr, invalid, find_slopes=None):
    """
    The FWHM, the stars and the slopes of the logarithm of the FWHM.
    """
    if min(snr.shape[1:]) <= 2 * HALF:
        return None, np.zeros((0, 2), dtype=int), np.zeros(2)
    return psf_of_peaks(find_bright_peaks(snr, invalid), snr.shape[1:], find_slopes)


def psf_of_peaks(found, shape, find_slopes=None):
    """
    The FWHM of the PSF and stars, from the peaks of a frame.

    Parameters
    ----------
    found : BrightPeaks
        The peaks.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    find_slopes : callable, optional
        `~photutils_rcnn.preprocessing.psf_trend.find_trend`, if the PSF may vary.

    Returns
    -------
    fwhm, stars, slopes
        See `find_varying_psf_stars`.
    """
    slopes = np.zeros(2)
    nothing = None, np.zeros((0, 2), dtype=int), slopes
    peaks, stamps, usable = found.peaks, found.stamps, found.usable
    measured, longest = adaptive_fwhm(
        (stamps * usable[..., None, None]).sum(axis=0))
    # Galaxies may be as narrow as the PSF one way, not both ways.
    order = np.argsort(longest)
    order = order[(measured[order] > SHARPEST) & (measured[order] < WIDEST)]
    if len(order) < FEWEST:
        return nothing
    if find_slopes is not None:
        slopes = find_slopes(peaks[order], np.log(longest[order]), shape)
    if slopes.any():
        trend = relative_width(slopes, peaks, shape)
        measured, longest = measured / trend, longest / trend
        order = order[np.argsort(longest[order])]
    widths = measured[order]
    logs = np.log(longest[order])
    counts = np.searchsorted(logs, logs + WINDOW, 'right') - np.arange(
        len(logs))
    dense = max(0.33 * counts.max(), min(3, counts.max()))
    first = np.flatnonzero(counts >= dense)[0]
    pile = slice(first, first + counts[first])
    if len(widths) >= ENOUGH or _stands_out(logs, first, counts[first]):
        width = np.median(widths[pile])
    else:
        pile, width = slice(FEWEST), widths[0]
    members = np.sort(order[pile])
    if slopes.any():
        measured = measured * trend
    ratios = _ratios(stamps[:, members], usable[:, members],
                     measured[members])
    return width / WINGS * ratios, peaks[members], slopes


def _ratios(stamps, usable, widths):
    """
    The width of sources in each band, relative to that in the mean image.
    """
    ratios = np.ones(len(stamps))
    for i, pixels in enumerate(stamps):
        own, _ = adaptive_fwhm(pixels)
        good = usable[i] & (own > SHARPEST) & (own < WIDEST)
        if good.sum() >= FEWEST_PILED:
            ratios[i] = np.median(own[good] / widths[good])
    return ratios


def _stands_out(logs, first, count):
    """
    Whether a pile is more than chance, by the density of widths beyond it,
    and no source is clearly narrower: none can be narrower than stars.
    """
    if logs[0] < logs[first] - WINDOW:
        return False
    beyond = (np.searchsorted(logs, logs[first] + 4 * WINDOW, 'right')
              - first - count)
    expected = beyond / 3
    return count >= FEWEST_PILED and (
        count - expected >= SIGNIFICANCE * np.sqrt(max(expected, 1)))


def adaptive_fwhm(stamps):
    """
    The FWHM of the Gaussian that matches the peak in the middle of a stamp.

    Parameters
    ----------
    stamps : (N, 2 HALF + 1, 2 HALF + 1) `~numpy.ndarray`
        Background-subtracted pixels with a peak in the middle.

    Returns
    -------
    fwhm, longest : (N,) `~numpy.ndarray`
        The FWHM in pixels, ``WINGS`` times that of a PSF, and the longer of those of
        an elliptical Gaussian. NaN where the iteration finds no positive, finite
        width, or the source is far from round.
    """
    offsets = np.arange(-HALF, HALF + 1)
    powers = offsets**np.arange(3.)[:, None]
    stamps = stamps.astype(float)
    center = np.zeros((len(stamps), 2))
    variance = np.full(len(stamps), 2.5)
    with np.errstate(all='ignore'):
        for _ in range(N_MATCHES):
            # A Gaussian is the product of one in y and one in x, and so are its moments.
            in_y, in_x = np.moveaxis(powers * np.exp(-(offsets - center[..., None])**2 / (
                2 * variance[:, None, None]))[:, :, None], 1, 0)
            moments = in_y @ stamps @ in_x.transpose(0, 2, 1)
            total = moments[:, 0, 0]
            my, mx, yy, xx, xy = (moments[:, i, j] / total for i, j in (
                (1, 0), (0, 1), (2, 0), (0, 2), (1, 1)))
            # From the middle of the stamps to the center of the Gaussian.
            dy, dx = my - center[:, 0], mx - center[:, 1]
            yy, xx, xy = yy - my**2 + dy**2, xx - mx**2 + dx**2, xy - my * mx + dy * dx
            # A Gaussian seen through its own likeness has half its
            # variance and half its offset.
            center += 2 * np.stack([dy, dx], axis=1)
            variance = np.clip(yy + xx, 0.2, HALF**2 / 4)
        distortion = np.hypot(yy - xx, 2 * xy) / (yy + xx)
    good = (np.isfinite(variance) & (total > 0) & (distortion < 0.3)
            & (np.abs(center) < 2).all(axis=1))
    # Pixels widen what they sample by a variance of 1/12 each way, 5 % of a
    # FWHM of 1.8 pixels. The network was trained with this estimate.
    fwhm = np.where(good, gaussian_sigma_to_fwhm * np.sqrt(variance), np.nan)
    return fwhm, fwhm * np.sqrt(
        1 + 2 * np.where(good, np.maximum(distortion, 0), 0))
