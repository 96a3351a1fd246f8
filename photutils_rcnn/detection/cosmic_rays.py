# Licensed under a 3-clause BSD style license - see LICENSE
"""
Cosmic rays: light sharper than the PSF allows.

Laplacian edge detection (L.A.Cosmic, van Dokkum 2001, PASP 113, 1420) with a filter that
knows the PSF. Whatever the sky shows is a sum of PSFs, none of them negative. What the
best such sum leaves of a short track is a kernel that answers to the track, and to no
star at any position within a pixel, nor to anything wider, by more than the noise.
"""

__all__ = ['find_cosmic_rays', 'in_one_band']

from functools import lru_cache

import numpy as np
from astropy.stats import gaussian_fwhm_to_sigma
from scipy import ndimage, optimize

HALF = 4  # pixels; half the side of the kernels,
GROWTH_HALF = 3  # and of what the light beneath a pixel is told from
# Short tracks, offsets (y, x); they are turned and mirrored, too.
TRACKS = (
    ((0, 0),),
    ((0, 0), (0, 1)), ((0, 0), (1, 1)),
    ((0, -1), (0, 0), (0, 1)), ((-1, -1), (0, 0), (1, 1)), ((-1, -1), (0, 0), (0, 1)),
    ((0, -2), (0, -1), (0, 0), (0, 1), (0, 2)),
    ((-2, -2), (-1, -1), (0, 0), (1, 1), (2, 2)),
    ((-1, -2), (-1, -1), (0, 0), (1, 1), (1, 2)),
    ((0, -2), (0, -1), (0, 0), (1, 1), (1, 2)),
)
# The sharpest profile that may be a star: this much of the FWHM that was measured, and
# the core of a Moffat profile with wings.
SHARPEST = 0.8
BETA = 2.5
PIXEL = 0.85  # the FWHM of one, which that of stars has in it
BRIGHT = 3.5  # pixels that may be hit, in units of the noise of the sky
# As much brighter than the pixels two away, in one direction.
STANDS_OUT = 0.5
DISTANCE = 2
THRESHOLD = 4.  # of the answer of a kernel, in units of its noise
# The noise of bright pixels, without a gain: photons are counted as if the noise of the
# sky were so many electrons; and the PSF of single pixels is known no better than this.
ELECTRONS = 30.
PSF_ERROR = 0.06
NEAR_SATURATED = 2  # pixels, where charge bleeds and nothing is known
# Growth along tracks, in units of the noise: beside a hit pixel, and across its corner.
N_STEPS = 6
GROW, GROW_CORNER = 2.2, 2.7
INTERPOLATION_ERROR = 0.15  # of the light beneath a pixel
FEWEST_WEIGHTS = 0.15  # of those around it
SKY = 1.5  # the light beneath a pixel that is none, in units of the noise
ON_SOURCE = 1.5  # of the answer of a kernel, where there is some
LEAST_SNR = 5.5  # of a track
SHARED = 0.5  # of a track, at most, is hit in other bands, too
EIGHT = np.ones((3, 3), dtype=bool)


def find_cosmic_rays(image, invalid, saturated, fwhm):
    """
    Find the pixels of one band that cosmic rays hit.

    Parameters
    ----------
    image : 2D `~numpy.ndarray`
        The background-subtracted pixels in units of the noise of the sky.
    invalid : 2D bool `~numpy.ndarray`
        `True` for pixels without data.
    saturated : 2D bool `~numpy.ndarray`
        `True` for saturated pixels; none of the pixels beside them is found.
    fwhm : float
        The FWHM of the PSF in pixels, the smallest in the frame.

    Returns
    -------
    hit : 2D bool `~numpy.ndarray`
        `True` for pixels with charge that no source explains.
    """
    closed = invalid | _around(saturated, NEAR_SATURATED)
    padded = np.pad(np.where(invalid, np.nan, image), HALF, constant_values=np.nan)
    # rounded, so that few kernels are made
    kernels = _kernels(round(float(fwhm), 1))
    hit = np.zeros(image.shape, dtype=bool)
    places = _candidates(image, padded, closed)
    answers = _answers(padded, places, kernels, THRESHOLD)
    hit[tuple(axis[answers > THRESHOLD] for axis in places)] = True
    if not hit.any():
        return hit
    for _ in range(N_STEPS):
        if not _grow(hit, image, padded, closed, fwhm, kernels):
            break
    y, x, track = _tracks(hit)
    snr = np.bincount(track, image[y, x]) / np.sqrt(np.maximum(np.bincount(track), 1))
    hit[y, x] = snr[track] > LEAST_SNR
    return hit


def in_one_band(hits):
    """
    Drop tracks that several bands have: stars, of a PSF sharper than was measured.

    Parameters
    ----------
    hits : (n_bands, ny, nx) bool `~numpy.ndarray`
        What `find_cosmic_rays` found in each band; tracks are dropped in place.

    Returns
    -------
    hits : (n_bands, ny, nx) bool `~numpy.ndarray`
        The tracks of which no more than half is hit in another band.
    """
    shared = hits.sum(axis=0) > 1
    if shared.any():
        for hit in hits:
            y, x, track = _tracks(hit)
            part = np.bincount(track, shared[y, x]) / np.maximum(np.bincount(track), 1)
            hit[y, x] = part[track] <= SHARED
    return hits


def _tracks(hit):
    """
    The pixels that are hit, y and x, and the tracks that they are of, from 1.
    """
    y, x = np.nonzero(hit)
    return y, x, ndimage.label(hit, EIGHT)[0][y, x]


@lru_cache(maxsize=32)
def _kernels(fwhm):
    """
    The kernels for all tracks, turned and mirrored, of unit norm, (side**2, n).
    """
    stars = _sharpest_stars(SHARPEST * np.sqrt(max(fwhm**2 - PIXEL**2, 0.5)))
    side = 2 * HALF + 1
    found = {}
    for track in TRACKS:
        target = np.zeros((side, side))
        target[tuple(np.transpose(track) + HALF)] = 1
        weights, _ = optimize.nnls(stars, target.ravel())
        left = (target.ravel() - stars @ weights).reshape(side, side)
        for turns in range(4):
            turned = np.rot90(left, turns)
            for kernel in (turned, turned[:, ::-1]):
                found[kernel.round(6).tobytes()] = kernel.ravel() / np.linalg.norm(kernel)
    return np.stack(list(found.values()), axis=1).astype(np.float32)


def _sharpest_stars(fwhm):
    """
    Stars at all places in and around a kernel, and a flat sky, (side**2, n).
    """
    step = 0.5 if fwhm > 2 else 0.25
    places = np.arange(-HALF - 1, HALF + 1 + step, step)
    alpha = 0.5 * fwhm / np.sqrt(2 ** (1 / BETA) - 1)
    side = 2 * HALF + 1
    # the mean over a pixel is that of its thirds
    axis = (np.arange(3 * side) + 0.5) / 3 - 0.5 - HALF
    squares = (axis - places[:, None])**2 / alpha**2
    stars = (1 + squares[:, None, :, None] + squares[None, :, None, :])**-BETA
    stars = stars.reshape(len(places)**2, side, 3, side, 3).mean(axis=(2, 4))
    stars = stars.reshape(len(places)**2, side**2).T
    return np.column_stack([stars / stars.max(axis=0), np.ones(side**2)])


def _candidates(image, padded, closed):
    """
    The pixels (y, x) that are brighter than others near them in some direction.
    """
    y, x = np.nonzero((image > BRIGHT) & ~closed)
    height = image[y, x]
    lowest = np.full(len(y), np.inf)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        dy, dx = DISTANCE * dy, DISTANCE * dx
        ends = np.fmax(padded[y + HALF + dy, x + HALF + dx],
                       padded[y + HALF - dy, x + HALF - dx])
        lowest = np.fmin(lowest, np.nan_to_num(ends))
    chosen = height - lowest > STANDS_OUT * height
    return y[chosen], x[chosen]


def _around(mask, half):
    """
    The squares around few pixels; a dilation of the whole frame takes far longer.
    """
    around = np.zeros(np.add(mask.shape, 2 * half), dtype=bool)
    np.lib.stride_tricks.sliding_window_view(
        around, (2 * half + 1,) * 2, writeable=True)[mask] = True
    return around[half:-half, half:-half]


def _windows(padded, places, half):
    """
    The pixels around each of N places, (N, side**2), of an image with a border.
    """
    views = np.lib.stride_tricks.sliding_window_view(padded, (2 * half + 1,) * 2)
    return views[places].reshape(len(places[0]), -1)


def _answers(padded, places, kernels, least, hit=None):
    """
    The largest answer of a kernel at each place, in units of its noise, if above ``least``.
    """
    answers = np.zeros(len(places[0]))
    # in blocks that stay in the processor's cache
    for start in range(0, len(answers), 4096):
        block = slice(start, start + 4096)
        own = tuple(axis[block] for axis in places)
        pixels = _windows(padded, own, HALF)
        unknown = np.isnan(pixels)
        if hit is not None:
            unknown |= _windows(np.pad(hit, HALF), own, HALF)
        # What is not known may be as bright as the pixel in the middle, of a source.
        middle = pixels[:, pixels.shape[1] // 2, None]
        pixels = np.where(unknown, middle, pixels).astype(np.float32)
        raw = pixels @ kernels
        rows = np.flatnonzero(raw.max(axis=1, initial=0) > least)
        pixels = pixels[rows]
        variance = 1 + np.maximum(pixels, 0) / ELECTRONS + (PSF_ERROR * pixels)**2
        answers[start + rows] = (raw[rows] / np.sqrt(variance @ kernels**2)).max(axis=1)
    return answers


def _grow(hit, image, padded, closed, fwhm, kernels):
    """
    Add the pixels beside those hit that are brighter than the light beneath, in place;
    whether there are any.
    """
    beside = _around(hit, 1) & ~hit & ~closed & (image > GROW)
    places = np.nonzero(beside)
    if not len(places[0]):
        return False
    beneath = _light_beneath(image, places, hit | beside | closed, fwhm)
    noise = np.sqrt(1 + np.maximum(beneath, 0) / ELECTRONS
                    + (INTERPOLATION_ERROR * beneath)**2)
    sides = _windows(np.pad(hit, 1), places, 1)[:, 1::2]
    least = np.where(sides.any(axis=1), GROW, GROW_CORNER)
    found = image[places] - beneath > least * noise
    # The peak of a source is brighter than the light around it, too.
    unsure = found & (beneath >= SKY)
    found[unsure] = _answers(padded, tuple(axis[unsure] for axis in places), kernels,
                             ON_SOURCE, hit) > ON_SOURCE
    hit[tuple(axis[found] for axis in places)] = True
    return bool(found.any())


def _light_beneath(image, places, left_out, fwhm):
    """
    The mean of the pixels around places, weighted by the PSF; infinite if hardly any is
    left.
    """
    axis = np.arange(-GROWTH_HALF, GROWTH_HALF + 1)
    sigma = gaussian_fwhm_to_sigma * max(fwhm, 2.)
    psf = np.exp(-0.5 * (axis[:, None]**2 + axis**2) / sigma**2).ravel()
    pixels = _windows(np.pad(np.where(left_out, 0, image), GROWTH_HALF), places, GROWTH_HALF)
    weights = psf * ~_windows(np.pad(left_out, GROWTH_HALF, constant_values=True),
                              places, GROWTH_HALF)
    total = weights.sum(axis=1)
    return np.where(total > FEWEST_WEIGHTS * psf.sum(),
                    (weights * pixels).sum(axis=1) / np.maximum(total, 1e-9), np.inf)
