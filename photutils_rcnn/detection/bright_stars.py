# Licensed under a 3-clause BSD style license - see LICENSE
"""
Bright stars: those that pass for galaxies, told by their core and wings.

Saturation distorts the profile of a star, often in some bands alone, and the halo of
the brightest is as large as a galaxy. Where it is not saturated, its core is as wide as
the PSF, and its wings are as bright as those of other stars; those of a galaxy with a
bright nucleus are brighter.
"""

__all__ = ['confirm_stars', 'usual_wings']

import warnings

import numpy as np
from scipy import ndimage

from photutils_rcnn.preprocessing.normalization import mean_image
from photutils_rcnn.preprocessing.psf import WINGS, adaptive_fwhm
from photutils_rcnn.preprocessing.psf_peaks import HALF

# Height times FWHM, in units of the noise. A Gaussian star has 0.75 times that as
# matched signal-to-noise ratio, here 1500. Wings of fainter ones tell less.
LEAST_HEIGHT = 2000.
LEAST_SIDE = 6.  # of the box, FWHM
# How far from the middle of the box the peak may be: the larger of the two.
LARGEST_OFFSET = 1.  # FWHM
LARGEST_RELATIVE_OFFSET = 0.15  # sides
CORE = 0.75  # radius, FWHM
INNER, OUTER = 1.4, 2.4  # radii of the wings, FWHM
NARROWEST, WIDEST = 0.9, 1.12  # width of the core, in FWHM of the PSF
FAINTEST, BRIGHTEST = 0.85, 1.15  # wings, in units of those of other stars
N_STARS, FEWEST_STARS = 25, 5  # that the wings are compared with
# A few in ten thousand sources of simulated scenes are such, of which most are stars.
STAR_PROBABILITY = 0.8


def confirm_stars(instances, snr, invalid, fwhm, stars, wings=None):
    """
    Correct the classes of bright sources that have the core and the wings of stars.

    Probabilities are those of the network, before the fraction of stars in the
    frame is applied (`~photutils_rcnn.detection.class_prior.apply_star_prior`).

    Parameters
    ----------
    instances, snr, invalid, fwhm
        See `~photutils_rcnn.detection.duplicates.merge_duplicates`.
    stars : (M, 2) `~numpy.ndarray` of int or `None`
        The pixels (y, x) of the peaks of stars, the brightest first. Five are needed.
    wings : (n_bands,) `~numpy.ndarray`, optional
        From `usual_wings`, where they are known; then ``stars`` have no effect.

    Returns
    -------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources in the same order. Those that are like stars in at least one band,
        and whose peak is on no other outline, are stars with a probability of 0.8.
    """
    if fwhm is None or (wings is None and (stars is None or len(stars) < FEWEST_STARS)):
        return instances
    if 'star' not in instances.class_names:
        return instances
    width = float(np.mean(fwhm))
    star = instances.class_names.index('star')
    sides = instances.boxes[:, 2:] - instances.boxes[:, :2]
    large = sides.min(axis=1) > LEAST_SIDE * width
    candidates = np.flatnonzero(large & (instances.class_ids != star + 1))
    peaks = {i: peak for i in candidates
             if (peak := _own_peak(instances, i, snr, invalid, width)) is not None}
    if not peaks:
        return instances
    usual = usual_wings(snr, invalid, fwhm, stars) if wings is None else wings
    confirmed = []
    for i, peak in peaks.items():
        own = _wings(snr, invalid, fwhm, peak)
        alike = (own > FAINTEST * usual) & (own < BRIGHTEST * usual)
        if alike.any():
            widths = _widths(snr, invalid, fwhm, peak)
            if (alike & (widths > NARROWEST) & (widths < WIDEST)).any():
                confirmed.append(i)
    if not confirmed:
        return instances
    classes = instances.class_probabilities.copy()
    classes[confirmed] *= (1 - STAR_PROBABILITY) / (1 - classes[confirmed, star, None])
    classes[confirmed, star] = STAR_PROBABILITY
    corrected = instances[:]
    corrected.class_probabilities = classes
    return corrected


def usual_wings(snr, invalid, fwhm, stars):
    """
    The height of the wings of stars in each band.

    Parameters
    ----------
    snr, invalid, fwhm
        See `~photutils_rcnn.detection.duplicates.merge_duplicates`.
    stars : (M, 2) `~numpy.ndarray` of int
        The pixels (y, x) of the peaks of stars, the brightest first.

    Returns
    -------
    wings : (n_bands,) `~numpy.ndarray` or `None`
        The median in units of the core, NaN for bands without data; `None` of fewer than
        five stars.
    """
    if len(stars) < FEWEST_STARS:
        return None
    wings = [_wings(snr, invalid, fwhm, peak) for peak in stars[:N_STARS]]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # of bands without data
        return np.nanmedian(wings, axis=0)


def _own_peak(instances, i, snr, invalid, fwhm):
    """
    The pixel (y, x) of the bright peak in the middle of a source; `None` if it is faint
    or on another outline, too.
    """
    x, y = instances.centers[i]
    side = (instances.boxes[i, 2:] - instances.boxes[i, :2]).min()
    reach = max(LARGEST_OFFSET * fwhm, LARGEST_RELATIVE_OFFSET * side)
    window = tuple(slice(max(int(c - reach), 0), int(c + reach) + 2) for c in (y, x))
    mean, _ = mean_image(snr[:, *window], invalid[:, *window])
    if not mean.size or mean.max() * fwhm < LEAST_HEIGHT:
        return None
    smooth = ndimage.gaussian_filter(mean, 0.25 * fwhm)
    row, col = np.unravel_index(np.argmax(smooth), smooth.shape)
    if smooth[row, col] * fwhm < LEAST_HEIGHT:
        return None
    row, col = row + window[0].start, col + window[1].start
    footprints = instances.footprints()
    y1, x1, y2, x2 = footprints.boxes.T
    for j in np.flatnonzero((y1 <= row) & (row < y2) & (x1 <= col) & (col < x2)):
        if j != i and footprints.masks[j][row - y1[j], col - x1[j]]:
            return None
    return row, col


def _stamp(snr, invalid, peak, half):
    """
    The pixels around a peak, (n_bands, side, side), NaN where there are none.
    """
    rows, cols = (slice(max(c - half, 0), c + half + 1) for c in peak)
    pixels = snr[:, rows, cols]
    stamp = np.full((len(pixels), 2 * half + 1, 2 * half + 1), np.nan, dtype=np.float32)
    y, x = rows.start - peak[0] + half, cols.start - peak[1] + half
    stamp[:, y:y + pixels.shape[1], x:x + pixels.shape[2]] = np.where(
        invalid[:, rows, cols] | ~np.isfinite(pixels), np.nan, pixels)
    return stamp


def _wings(snr, invalid, fwhm, peak):
    """
    The height of the wings in each band in units of the core; NaN if they are not seen.
    """
    half = int(np.ceil((OUTER + 0.5) * np.max(fwhm)))
    offsets = np.arange(-half, half + 1)
    distance = np.hypot(offsets[:, None], offsets)
    wings = np.full(len(fwhm), np.nan)
    for band, image in enumerate(_stamp(snr, invalid, peak, half)):
        light = np.where(distance < fwhm[band], np.maximum(np.nan_to_num(image), 0), 0)
        total = max(light.sum(), 1e-9)
        dy, dx = (light.sum(axis=axis) @ offsets / total for axis in (1, 0))
        radius = np.hypot(offsets[:, None] - dy, offsets - dx) / fwhm[band]
        core = image[radius < CORE]
        around = image[(radius > INNER) & (radius < OUTER)]
        seen = around[np.isfinite(around)]
        is_seen = len(core) and np.isfinite(core).all() and core.mean() > 0
        if is_seen and len(seen) > 0.5 * len(around):
            wings[band] = np.median(seen) / core.mean()
    return wings


def _widths(snr, invalid, fwhm, peak):
    """
    The width of the core in each band, in units of the FWHM of the PSF.
    """
    stamps = np.nan_to_num(_stamp(snr, invalid, peak, HALF))
    return adaptive_fwhm(stamps)[0] / (WINGS * np.asarray(fwhm))
