# Licensed under a 3-clause BSD style license - see LICENSE
"""
Bright peaks of a frame, among which the stars that tell the PSF are found.
"""

__all__ = ['ENOUGH', 'HALF', 'BrightPeaks', 'choose_bright_peaks', 'find_bright_peaks',
           'is_flat', 'merge_bright_peaks']

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, special

from photutils_rcnn.preprocessing.normalization import mean_image
from photutils_rcnn.preprocessing.smoothing import gaussian_smooth

HALF = 14
N_PEAKS = 400
PEAK_REACH = 4  # pixels, each way, of which a peak is the brightest
# Peaks above the first of these signal-to-noise ratios that gives enough.
LEVELS = (40., 20., 10.)
ENOUGH = 25
# The scatter of white noise after smoothing by one pixel, and up to how many times this
# the noise of images is taken to be as white.
SMOOTH_NOISE = 1 / np.sqrt(4 * np.pi)
WHITE = 1.5
N_SKY_PIXELS = 100_000
# The pixels around a peak that may equal it but for so much of its height, if
# it is not one of a saturated star: a PSF of 8 pixels falls by 4 %.
N_LEVEL = 4
FLAT = 0.005


@dataclass(frozen=True)
class BrightPeaks:
    """
    Peaks of an image, the brightest first, and the pixels around them.

    Parameters
    ----------
    peaks : (N, 2) `~numpy.ndarray` of int
        The pixels (y, x).
    heights : (N,) `~numpy.ndarray`
        The mean of the bands there, smoothed, in units of the noise.
    stamps : (n_bands, N, 2 HALF + 1, 2 HALF + 1) `~numpy.ndarray`
        The pixels around them in each band.
    usable : (n_bands, N) bool `~numpy.ndarray`
        Whether a band has most of these.
    sky : (M,) `~numpy.ndarray`
        Values of the smoothed image below zero, of a sample of its pixels.
    """

    peaks: np.ndarray
    heights: np.ndarray
    stamps: np.ndarray
    usable: np.ndarray
    sky: np.ndarray

    def __getitem__(self, index):
        return BrightPeaks(self.peaks[index], self.heights[index], self.stamps[:, index],
                           self.usable[:, index], self.sky)


def find_bright_peaks(snr, invalid, n_pixels=None):
    """
    Find the peaks of a frame.

    Parameters
    ----------
    snr : (n_bands, ny, nx) `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.frame.SignalToNoise`
        Background-subtracted images in units of their noise.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data; so are those not finite.
    n_pixels : int, optional
        The pixels of a frame of which this is a part, for `merge_bright_peaks`.

    Returns
    -------
    found : `BrightPeaks`
        The 400 brightest above a signal-to-noise ratio of 40 or, where these are fewer
        than 25, of 20 or 10; of a part all those that may count for the frame.
    """
    image, valid = mean_image(snr, invalid)
    smooth = gaussian_smooth(image, 1.)
    near_bad = ~valid
    if near_bad.any():
        near_bad = ndimage.binary_dilation(near_bad, iterations=3)
    stride = int(np.ceil(np.sqrt((n_pixels or smooth.size) / N_SKY_PIXELS)))
    sky = smooth[::stride, ::stride][valid[::stride, ::stride]]
    sky = sky[sky < 0]
    # The noise of the frame is at least as wide as white noise.
    levels, correlation = (LEVELS, _correlation(sky)) if n_pixels is None else (
        LEVELS[-1:], 1.)
    for level in levels:
        peaks = _peaks(smooth, _least_height(level, correlation), near_bad, snr, invalid)
        if len(peaks) >= ENOUGH:
            break
    return BrightPeaks(peaks, smooth[*peaks.T], *_band_stamps(snr, invalid, peaks), sky)


def merge_bright_peaks(parts):
    """
    Put the peaks of parts of a frame together.

    Parameters
    ----------
    parts : sequence of `BrightPeaks`
        Those of one or more parts, at their places on the frame.

    Returns
    -------
    found : `BrightPeaks`
        The 400 brightest, for `choose_bright_peaks`.
    """
    found = BrightPeaks(*(np.concatenate([getattr(part, name) for part in parts], axis)
                          for name, axis in (('peaks', 0), ('heights', 0), ('stamps', 1),
                                             ('usable', 1), ('sky', 0))))
    return found[np.lexsort((*found.peaks.T[::-1], -found.heights))[:N_PEAKS]]


def choose_bright_peaks(found):
    """
    The peaks that count for a frame.

    Parameters
    ----------
    found : `BrightPeaks`
        From `merge_bright_peaks`.

    Returns
    -------
    chosen : `BrightPeaks`
        As `find_bright_peaks` finds them on the frame.
    """
    correlation = _correlation(found.sky)
    for level in LEVELS:
        n_bright = np.count_nonzero(found.heights > _least_height(level, correlation))
        if n_bright >= ENOUGH:
            break
    return found[:n_bright]


def _least_height(level, correlation):
    """
    Smoothing lowers peaks and noise; the level refers to the image.
    """
    return correlation * level / 2


def _correlation(negative):
    """
    By how much the noise of a smoothed image exceeds what white noise would have, from
    its values below zero.

    Where neighboring pixels share their noise, as in magnified images, its peaks are as
    high as those of faint stars, and as wide.
    """
    if len(negative) == 0:
        return 1.
    scatter = -np.median(negative) / special.ndtri(0.75)
    return max(1., float(scatter) / (WHITE * SMOOTH_NOISE))


def _band_stamps(snr, invalid, peaks):
    """
    The pixels around each peak in each band, (n_bands, N, side, side), and
    whether a band has most of them, (n_bands, N).
    """
    stamps, usable = [], []
    core = np.s_[:, HALF - 4:HALF + 5, HALF - 4:HALF + 5]
    for band in range(len(invalid)):
        pixels = _stamps(snr, band, peaks)
        good = np.isfinite(pixels) & ~_stamps(invalid, band, peaks)
        usable.append(good[core].mean(axis=(1, 2)) > 0.75)
        if not good.all():
            pixels = np.where(good, pixels, 0)
            around, fraction = (ndimage.gaussian_filter(values, (0, 1, 1))
                                for values in (pixels, good.astype(float)))
            filled = np.where(fraction > 0.1, around / np.maximum(fraction, 0.1), 0)
            pixels = np.where(good, pixels, filled)
        stamps.append(pixels)
    return np.array(stamps), np.array(usable)


def _peaks(smooth, level, near_bad, snr, invalid):
    """
    The brightest local maxima away from the border and from bad pixels that
    are not saturated in any band.
    """
    y, x = _local_maxima(smooth, level)
    good = ~near_bad[y, x]
    peaks = np.stack([y[good], x[good]], axis=1)
    flat = np.zeros(len(peaks), dtype=bool)
    for band in range(len(invalid)):
        flat |= is_flat(np.where(_stamps(invalid, band, peaks, 1), np.nan,
                                 _stamps(snr, band, peaks, 1)))
    peaks = peaks[~flat]
    order = np.argsort(-smooth[*peaks.T], kind='stable')
    return peaks[order[:N_PEAKS]]


def _local_maxima(image, level):
    """
    The pixels above a level, away from the border, of which none within ``PEAK_REACH``
    is brighter: `~photutils.detection.find_peaks`, without a filter of the frame.
    """
    y, x = HALF + np.stack(np.nonzero(image[HALF:-HALF, HALF:-HALF] > level))
    offsets = np.indices((2 * PEAK_REACH + 1,) * 2).reshape(2, -1).T - PEAK_REACH
    # the nearest first: they leave few pixels to compare with the others
    for dy, dx in offsets[np.argsort(np.abs(offsets).sum(axis=1), kind='stable')]:
        keep = ~(image[y, x] < image[y + dy, x + dx])
        y, x = y[keep], x[keep]
    return y, x


def is_flat(cores):
    """
    Whether the middle of saturated stars is seen: values that are all but equal.

    Parameters
    ----------
    cores : (N, 3, 3) `~numpy.ndarray`
        The pixels around peaks, NaN for bad ones.

    Returns
    -------
    flat : (N,) bool `~numpy.ndarray`
        Which of them are flat.
    """
    with np.errstate(invalid='ignore'):
        height = np.fmax.reduce(cores, axis=(1, 2))
        level = cores >= (1 - FLAT) * height[:, None, None]
    return (level.sum(axis=(1, 2)) > N_LEVEL + 1) & (height > 0)


def _stamps(cube, band, peaks, half=HALF):
    """
    The pixels around each peak in a band.
    """
    offsets = np.arange(-half, half + 1)
    rows = peaks[:, 0, None] + offsets
    cols = peaks[:, 1, None] + offsets
    return cube[band, rows[:, :, None], cols[:, None, :]]
