# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF image on the grid of the profile head: a stack of the stars of a frame, or given.
"""

__all__ = ['given_psf_map', 'make_psf_map', 'measure_psf_profile']

from itertools import product

import numpy as np

from photutils_rcnn.detection.psf_map import PSFMap
from photutils_rcnn.preprocessing.interpolation import magnify
from photutils_rcnn.preprocessing.normalization import to_model_bands, to_model_fwhm
from photutils_rcnn.preprocessing.psf_trend import relative_width

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
# A given PSF is sampled as stars are, without noise: of this height in units of the
# noise, and at so many places within a pixel each way.
GIVEN_HEIGHT = 1000.
N_PHASES = 4
# Of a PSF that is given on more nodes each way so many are used.
MOST_NODES = 12


def make_psf_map(image, psf_fwhm, detector, *, given=None, profile=None, stars=None,
                 slopes=(0, 0)):
    """
    The PSF over a frame, as it was given or as stars show it.

    Parameters
    ----------
    image : (ny, nx, n_bands) `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.normalization.NormalizedImage`
        The frame as the network sees it.
    psf_fwhm : float or (n_bands,) array_like
        The FWHM of the PSF in the middle of the frame in pixels.
    detector : `~photutils_rcnn.models.detector.Detector`
        Samples the stars on the grid of its network.
    given : `~photutils_rcnn.preprocessing.given_psf.GivenPSF`, optional
        The PSF, with models, where a user gave it; then it alone counts.
    profile : (S, S, n_bands) `~numpy.ndarray`, optional
        The image of the PSF from `measure_psf_profile`, where it is known; then the stars
        have no effect.
    stars : (N, 2) `~numpy.ndarray` of int, optional
        The pixels (y, x) of the peaks of stars, the brightest first. Without them the
        image of the PSF is not known.
    slopes : (2,) array_like, optional
        How much the logarithm of the FWHM rises from edge to edge in y and x. The
        default is no change.

    Returns
    -------
    psf : `~photutils_rcnn.detection.psf_map.PSFMap`
        The PSF.
    """
    config, shape = detector.config, image.shape[:2]
    size = config.profile_size
    if given is not None and size:
        return given_psf_map(given, shape, detector)
    fwhm = np.broadcast_to(psf_fwhm, config.n_bands)
    if profile is not None:
        return PSFMap.with_slopes(fwhm, profile, slopes, shape)
    profile = np.zeros((size, size, config.n_bands))
    if stars is not None and size:
        at_stars = relative_width(slopes, stars, shape)[:, None] * fwhm
        profile = measure_psf_profile(image, stars, at_stars, detector)
    return PSFMap.with_slopes(fwhm, profile, slopes, shape)


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
    psf_fwhm : (n_bands,) or (N, n_bands) `~numpy.ndarray`
        The FWHM of the PSF in pixels, also at each star if it varies.
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
    if len(stars) < FEWEST:
        return psf
    half = int(np.ceil(0.5 * config.profile_extent * np.max(psf_fwhm) + 3))
    ny, nx = image.shape[:2]
    inside = ((stars >= half) & (stars < (ny - half, nx - half))).all(axis=1)
    psf_fwhm = np.broadcast_to(psf_fwhm, (len(stars), n_bands))[inside][:N_STARS]
    stars = stars[inside][:N_STARS]
    if len(stars) < FEWEST:
        return psf
    windows = np.stack([image[y - half:y + half + 1, x - half:x + half + 1]
                        for y, x in stars])
    profiles = _sample(windows, psf_fwhm, detector)
    axis = ((np.arange(size) + 0.5) / size - 0.5) * config.profile_extent
    radius = np.hypot(axis[:, None], axis)
    for band in range(n_bands):
        stack = _stack(profiles[..., band], radius)
        if stack is None:
            return np.zeros_like(psf)
        psf[..., band] = stack
    return psf


def _sample(windows, psf_fwhm, detector):
    """
    The profiles of sources in the middle of windows, (N, S, S, n_bands).
    """
    n, side = windows.shape[:2]
    boxes = np.tile(np.float32([0, 0, side, side]), (n, 1))
    return detector.sample_profiles(windows, boxes, np.arange(n), psf_fwhm)


def given_psf_map(given, shape, detector):
    """
    The PSF of a frame from the models of a user.

    Parameters
    ----------
    given : `~photutils_rcnn.preprocessing.given_psf.GivenPSF`
        The PSF, with models.
    shape : (2,) tuple of int
        The shape (ny, nx) of the image.
    detector : `~photutils_rcnn.models.detector.Detector`
        Samples the PSF on the grid of its network.

    Returns
    -------
    psf : `~photutils_rcnn.detection.psf_map.PSFMap`
        The PSF. Of bands that make up one of the model it is the mean.
    """
    x, y = (_nodes(given.grids(axis), shape[1 - axis]) for axis in (0, 1))
    fwhm, profiles = [], []
    for place in product(y, x):
        at = place[::-1]
        own = to_model_fwhm(given.fwhm_at(at) if given.varies else given.fwhm,
                            detector.config.n_bands)
        fwhm.append(own)
        profiles.append(_given_profile(given, at, own, detector))
    grid = len(y), len(x)
    return PSFMap(y, x, np.reshape(fwhm, (*grid, -1)),
                  np.reshape(profiles, (*grid, *profiles[0].shape)))


def _nodes(grids, side):
    """
    Where to take a PSF that is given on grids, along a side of the frame.
    """
    if not grids:
        return np.array([side / 2])
    nodes = np.unique(np.clip(np.concatenate(grids), 0, side))
    return nodes if len(nodes) <= MOST_NODES else np.linspace(
        nodes[0], nodes[-1], MOST_NODES)


def _given_profile(given, place, psf_fwhm, detector):
    """
    The profile of the PSF at a place (x, y), (S, S, n_bands).
    """
    config = detector.config
    half = int(np.ceil(0.5 * config.profile_extent * np.max(psf_fwhm) + 3))
    half = -(-half // given.scale)
    axis = np.arange(-half, half + 1.)
    steps = (np.arange(N_PHASES) + 0.5) / N_PHASES - 0.5
    stars = [given.values(*np.meshgrid(axis - dx, axis - dy), place)
             for dy, dx in product(steps, steps)]
    if given.scale > 1:  # as the pixels of the stars are
        stars = [[magnify(one, given.scale) for one in bands] for bands in stars]
    # as rows of one image
    side = given.scale * len(axis)
    stars = np.swapaxes(stars, 0, 1).reshape(len(given.models), -1, side)
    stars = to_model_bands(stars, np.ones(stars.shape, dtype=bool), config.n_bands)
    stars *= GIVEN_HEIGHT / stars.max(axis=(1, 2), keepdims=True)
    windows = np.moveaxis(stars.reshape(config.n_bands, -1, side, side), 0, -1)
    profile = _sample(np.arcsinh(windows) / config.stretch_scale, psf_fwhm,
                      detector).mean(axis=0)
    return profile / profile.max(axis=(0, 1))


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
