# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF image: a stack of the stars of a frame, on the grid of the profile head.
"""

__all__ = ['measure_psf_profile']

import numpy as np

FEWEST = 2
N_STARS = 60  # the brightest
LEAST_SNR = 5.  # the mean of the middle of a star, in units of the noise
# Brighter stars count no more than this: there it is the PSF that varies.
LARGEST_SNR = 100.
# In units of the FWHM: where profiles are scaled, where they are compared, and
# beyond which the median resists neighbors.
SCALED_RADIUS = 0.75
COMPARED_RADIUS = 1.5
MEAN_RADIUS = 1.
OUTLIER = 2.5  # times the median difference


def measure_psf_profile(image, stars, psf_fwhm, detector):
    """
    Stack the PSF from stars.

    Parameters
    ----------
    image : (ny, nx, n_bands) `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.normalization.NormalizedImage`
        The frame as the network sees it.
    stars : (N, 2) `~numpy.ndarray` of int
        The pixels (y, x) of the peaks of stars, the brightest first.
    psf_fwhm : (n_bands,) `~numpy.ndarray`
        The FWHM of the PSF in pixels.
    detector : `~photutils_rcnn.models.detector.Detector`
        Samples the stars on the grid of its network.

    Returns
    -------
    psf : (S, S, n_bands) float32 `~numpy.ndarray`
        The profile, 1 in the middle; 0 if a band has fewer than two stars.
    """
    config = detector.config
    size, n_bands = config.profile_size, config.n_bands
    psf = np.zeros((size, size, n_bands), dtype=np.float32)
    half = int(np.ceil(0.5 * config.profile_extent * np.max(psf_fwhm) + 3))
    ny, nx = image.shape[:2]
    inside = ((stars >= half) & (stars < (ny - half, nx - half))).all(axis=1)
    stars = stars[inside][:N_STARS]
    if len(stars) < FEWEST:
        return psf
    windows = np.stack([image[y - half:y + half + 1, x - half:x + half + 1]
                        for y, x in stars])
    n = len(windows)
    boxes = np.tile(np.float32([0, 0, 2 * half + 1, 2 * half + 1]), (n, 1))
    profiles = detector.sample_profiles(windows, boxes, np.arange(n), psf_fwhm)
    axis = ((np.arange(size) + 0.5) / size - 0.5) * config.profile_extent
    radius = np.hypot(axis[:, None], axis)
    for band in range(n_bands):
        stack = _stack(profiles[..., band], radius)
        if stack is None:
            return np.zeros_like(psf)
        psf[..., band] = stack
    return psf


def _stack(profiles, radius):
    """
    The mean profile of stars, in the outskirts the median; `None` of too few.
    """
    light = profiles[:, radius < SCALED_RADIUS].mean(axis=1)
    bright = light > LEAST_SNR
    if np.count_nonzero(bright) < FEWEST:
        return None
    scaled = profiles[bright] / light[bright, None, None]
    median = np.median(scaled, axis=0)
    differences = np.abs(scaled - median)[:, radius < COMPARED_RADIUS].mean(
        axis=1)
    keep = differences <= OUTLIER * np.median(differences)
    weight = np.minimum(light[bright], LARGEST_SNR)[keep]**2
    mean = np.average(scaled[keep], axis=0, weights=weight)
    stack = np.where(radius < MEAN_RADIUS, mean,
                     np.median(scaled[keep], axis=0))
    return stack / stack.max()
