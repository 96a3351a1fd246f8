# Licensed under a 3-clause BSD style license - see LICENSE
"""
The width of the PSF, from the image itself.
"""

__all__ = ['estimate_fwhm']

import warnings

import numpy as np
from astropy.stats import gaussian_sigma_to_fwhm
from photutils.detection import find_peaks
from photutils.utils.exceptions import NoDetectionsWarning
from scipy import ndimage

HALF = 14
N_PEAKS = 400
# Peaks above the first of these signal-to-noise ratios that gives enough.
LEVELS = (40., 20., 10.)
ENOUGH = 25
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


def estimate_fwhm(snr, invalid):
    """
    Estimate the FWHM of the PSF.

    The widths of bright peaks are measured with adaptive Gaussian moments
    (Bernstein & Jarvis 2002, AJ 123, 583, section 3). Stars all have the
    same; galaxies are wider, each differently. So the estimate is the
    narrowest width at which widths pile up. With few sources a pile has to
    be significant. If none is, there may be no star at all, and the
    narrowest source is the best upper limit.

    Parameters
    ----------
    snr : (n_bands, ny, nx) `~numpy.ndarray`
        Background-subtracted images in units of their noise.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data.

    Returns
    -------
    fwhm : float or `None`
        The FWHM in pixels, averaged over the bands; `None` if there are
        too few bright sources.
    """
    image = np.where(invalid, 0, np.nan_to_num(snr, posinf=0, neginf=0)
                     .mean(axis=0)) * np.sqrt(len(snr))
    smooth = ndimage.gaussian_filter(image, 1.)
    if min(image.shape) <= 2 * HALF:
        return None
    near_bad = ndimage.binary_dilation(invalid, iterations=3)
    for level in LEVELS:
        # Smoothing lowers peaks and noise; the level refers to the image.
        peaks = _peaks(smooth, level / 2, near_bad)
        if len(peaks) >= ENOUGH:
            break
    widths = _adaptive_fwhm(image, peaks)
    widths = np.sort(widths[(widths > SHARPEST) & (widths < WIDEST)])
    if len(widths) < FEWEST:
        return None
    logs = np.log(widths)
    counts = np.searchsorted(logs, logs + WINDOW, 'right') - np.arange(
        len(logs))
    dense = max(0.33 * counts.max(), min(3, counts.max()))
    first = np.flatnonzero(counts >= dense)[0]
    if len(widths) >= ENOUGH or _stands_out(logs, first, counts[first]):
        width = np.median(widths[first:first + counts[first]])
    else:
        width = widths[0]
    return float(width / WINGS)


def _stands_out(logs, first, count):
    """
    Whether a pile is more than chance, by the density of widths beyond it.
    """
    beyond = (np.searchsorted(logs, logs[first] + 4 * WINDOW, 'right')
              - first - count)
    expected = beyond / 3
    return count >= FEWEST_PILED and (
        count - expected >= SIGNIFICANCE * np.sqrt(max(expected, 1)))


def _peaks(smooth, level, near_bad):
    """
    The brightest local maxima away from the border and from bad pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', NoDetectionsWarning)
        table = find_peaks(smooth, level, box_size=9, mask=near_bad,
                           border_width=HALF, n_peaks=N_PEAKS)
    if table is None:
        return np.zeros((0, 2), dtype=int)
    return np.stack([table['y_peak'], table['x_peak']], axis=1)


def _adaptive_fwhm(image, peaks, n_iterations=25):
    """
    The FWHM of the Gaussian that matches each peak.

    NaN where the iteration finds no positive, finite width, or the source
    is far from round.
    """
    offsets = np.arange(-HALF, HALF + 1)
    rows = peaks[:, 0, None] + offsets
    cols = peaks[:, 1, None] + offsets
    stamps = image[rows[:, :, None], cols[:, None, :]]
    y, x = np.meshgrid(offsets, offsets, indexing='ij')
    center = np.zeros((len(peaks), 2))
    variance = np.full(len(peaks), 2.5)
    with np.errstate(all='ignore'):
        for _ in range(n_iterations):
            dy = y - center[:, 0, None, None]
            dx = x - center[:, 1, None, None]
            weight = stamps * np.exp(
                -(dy**2 + dx**2) / (2 * variance[:, None, None]))
            total = weight.sum(axis=(1, 2))
            # A Gaussian seen through its own likeness has half its
            # variance and half its offset.
            center += 2 * np.stack([(weight * dy).sum(axis=(1, 2)),
                                    (weight * dx).sum(axis=(1, 2))],
                                   axis=1) / total[:, None]
            moment = (weight * (dy**2 + dx**2)).sum(axis=(1, 2)) / total
            variance = np.clip(moment, 0.2, HALF**2 / 4)
        yy = (weight * dy**2).sum(axis=(1, 2)) / total
        xx = (weight * dx**2).sum(axis=(1, 2)) / total
        xy = (weight * dy * dx).sum(axis=(1, 2)) / total
        distortion = np.hypot(yy - xx, 2 * xy) / (yy + xx)
    good = (np.isfinite(variance) & (total > 0) & (distortion < 0.3)
            & (np.abs(center) < 2).all(axis=1))
    # Pixels widen what they sample by a variance of 1/12 each way, which
    # is part of the PSF that the network knows.
    return np.where(good, gaussian_sigma_to_fwhm * np.sqrt(variance), np.nan)
