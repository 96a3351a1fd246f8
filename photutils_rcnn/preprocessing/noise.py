# Licensed under a 3-clause BSD style license - see LICENSE
"""
Noise estimation.
"""

__all__ = ['center_and_scatter', 'clipped_rms', 'error_scale', 'estimate_noise',
           'pixel_scatter', 'sample_stride', 'scaled_noise', 'sky_error', 'sky_pixels',
           'sky_rms', 'value_step']

import warnings
from functools import partial

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from scipy import ndimage, special

from photutils_rcnn.preprocessing.binned_map import map_like

N_NOISE_PIXELS = 2_000_000
N_STEP_PIXELS = 50_000
ZERO_AREA = 31  # pixels; the side of squares of zeros
CLIP, N_CLIPS = 3., 5  # standard deviations, at most so many times
MAD_TO_STD = float(1 / special.ndtri(0.75))
# Of the scatter of the sky to the errors. Sources and structure widen it up to
# 1.5 times, resampled images scatter less than their errors tell.
LARGEST_RATIO = 3.
SMALLEST_RATIO = 0.3
NOISELESS = 0.03
LARGEST_FACTOR = 1.5  # from errors that fit to noise


def estimate_noise(cube, background, check_error=True):
    """
    Estimate the noise of the empty sky in each band.

    Without errors, the noise of a band is one number: the smaller of the
    sigma-clipped MAD standard deviation of the background-subtracted
    pixels and of their negative half mirrored, which sources do not
    widen. Pixels with few different values, such as counts, are spread evenly
    over the steps between them before.

    With errors, it is a map. Errors often include the photon noise of the
    sources, on which the network must not depend, so an error counts at
    most as much as the median of its 64 x 64 pixel box. And errors of
    resampled images often allow for the correlation of pixels, up to twice
    the scatter that is seen, so the map is scaled to the scatter of the
    sky, by a factor of 1.5 at most. Errors that differ from it by more than a
    factor of 3 are wrong: they are scaled with a warning, or taken as they are
    if the data have no noise, or if it is the light of crowded sources that scatters:
    from pixel to pixel it does by at most 1.5 times the error.

    Parameters
    ----------
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The frame.
    background : `~numpy.ndarray` or `~photutils_rcnn.preprocessing.binned_map.BinnedMap`
        Its background, of a shape that broadcasts to the data.
    check_error : bool, optional
        Whether to warn of errors that do not fit the data. The default is
        `True`.

    Returns
    -------
    noise : float32 `~numpy.ndarray`
        Shape (n_bands, ny, nx), or (n_bands, 1, 1) without errors.

    Warns
    -----
    AstropyUserWarning
        If the errors and the scatter of the sky differ by more than a factor of 3.
    """
    background = map_like(background, cube.data.shape)
    stride = sample_stride(cube.shape)
    thin = np.s_[::stride, ::stride]
    levels = []
    for i, (image, invalid) in enumerate(zip(cube.data, cube.invalid,
                                             strict=True)):
        sky, step = sky_pixels(image, invalid, thin)
        residual = (image[thin] - background[i, *thin])[sky]
        if cube.error is None:
            levels.append(np.full((1, 1), sky_rms(residual, step)))
        else:
            error = sky_error(cube.error[i], invalid)
            levels.append(error * error_scale(
                residual, step, error[thin][sky],
                partial(pixel_scatter, image[::stride], invalid[::stride], error[::stride]),
                i if check_error else None))
    return np.stack(levels).astype(np.float32)


def sample_stride(shape):
    """
    The step each way between the pixels of a frame that tell its noise.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.

    Returns
    -------
    stride : int
        The step, which leaves two millions at most.
    """
    return int(np.ceil(np.sqrt(np.prod(shape, dtype=float) / N_NOISE_PIXELS)))


def sky_pixels(image, invalid, thin):
    """
    The pixels of a sample that may be sky.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        The pixels of a band.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels to leave out.
    thin : (2,) tuple of slice
        The sample.

    Returns
    -------
    sky : 2D bool `~numpy.ndarray`
        Which pixels of the sample are neither invalid nor exactly zero.
    step : float
        See `value_step`.
    """
    sky = ~invalid[thin]
    step = value_step(image[thin][sky])
    # Exact zeros are the usual filling of mosaics outside the exposures,
    # but in counts a value like others, if not in whole areas.
    zero = image == 0
    if step:
        zero = ndimage.maximum_filter(
            ndimage.minimum_filter(zero, ZERO_AREA), ZERO_AREA)
    sky &= ~zero[thin]
    return sky, step


def scaled_noise(cube, level):
    """
    The noise of a part of a frame whose level is known.

    Parameters
    ----------
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The part, which begins at multiples of 64 pixels where there are errors.
    level : (n_bands,) `~numpy.ndarray`
        The noise; what errors are multiplied with, where there are some.

    Returns
    -------
    noise : float32 `~numpy.ndarray`
        As `estimate_noise` gives it.
    """
    level = np.reshape(level, (-1, 1, 1))
    if cube.error is not None:
        level = level * np.stack(list(map(sky_error, cube.error, cube.invalid)))
    return level.astype(np.float32)


def value_step(values):
    """
    The step between the values of pixels that have few, such as counts.

    Parameters
    ----------
    values : (N,) `~numpy.ndarray`
        The pixels.

    Returns
    -------
    step : float
        The step; 0 if there are many different values.
    """
    values = values[::max(len(values) // N_STEP_PIXELS, 1)]
    unique, counts = np.unique(values, return_counts=True)
    if len(unique) < 2 or len(unique) > 0.01 * len(values):
        return 0.0
    # between neighbors: where the sky varies, the two most common values of
    # all may be far apart
    both_common = np.argmax(np.minimum(counts[1:], counts[:-1]))
    return float(unique[both_common + 1] - unique[both_common])


def _spread(residual, step):
    """
    Pixels with few values, spread evenly over the steps between them, which
    medians need.
    """
    if step:
        return residual + step * np.random.default_rng(0).uniform(
            -0.5, 0.5, len(residual))
    return residual


def error_scale(residual, step, error, neighbor_scatter, band=None):
    """
    The factor from errors to noise, by the ratio of the scatter of the sky to them.

    Parameters
    ----------
    residual : (N,) `~numpy.ndarray`
        Pixels of the sky, background-subtracted.
    step : float
        See `value_step`.
    error : (N,) `~numpy.ndarray`
        Their errors, from `sky_error`.
    neighbor_scatter : callable
        What `pixel_scatter` says of the frame; called if the sky scatters too much.
    band : int, optional
        The band that a warning is to tell of; by default there is none.

    Returns
    -------
    scale : float
        The factor.
    """
    ratio = _scatter(_spread(residual, step).astype(float) / error)
    if ratio > LARGEST_RATIO and neighbor_scatter() < LARGEST_FACTOR:
        ratio = 1.
    if ratio > LARGEST_RATIO:
        outcome = 'the noise is taken to be that much larger'
    elif NOISELESS < ratio < SMALLEST_RATIO:
        outcome = 'the noise is taken to be that much smaller'
    elif ratio <= NOISELESS:
        outcome = 'the data hardly have noise, the error is taken as it is'
    else:
        return min(ratio, LARGEST_FACTOR)
    if band is not None:
        msg = (f'error of band {band + 1} does not fit the data: the sky scatters '
               f'by {ratio:.2g} times the error; for detection {outcome}, errors '
               'of fluxes are those given. Is it a standard deviation, in the '
               'unit of the data?')
        warnings.warn(msg, AstropyUserWarning, stacklevel=3)
    return 1.0 if ratio <= NOISELESS else ratio


def sky_rms(residual, step):
    """
    The scatter of the sky.

    Parameters
    ----------
    residual : (N,) `~numpy.ndarray`
        Pixels of the sky, background-subtracted.
    step : float
        See `value_step`.

    Returns
    -------
    rms : float
        The standard deviation, positive.
    """
    residual = _spread(residual, step)
    if len(residual) == 0:
        return 1.0
    return _scatter(residual) or residual.std(dtype=float) or 1.0


def _scatter(residual):
    """
    The scatter of the sky, 0 if it has no noise.
    """
    if len(residual) == 0:
        return 1.0
    residual = np.sort(residual).astype(float)
    estimates = [clipped_rms(residual, is_sorted=True)]
    negative = residual[:np.searchsorted(residual, 0)]
    if len(negative) > 0.05 * len(residual):
        estimates.append(-1.4826 * _middle(negative))
    estimates = [value for value in estimates if value > 0]
    return min(estimates, default=0.0)


def pixel_scatter(image, invalid, error):
    """
    The scatter of pixels about the mean of their neighbors in the row.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        Rows of a band.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels to leave out.
    error : (ny, nx) `~numpy.ndarray`
        The errors of the pixels.

    Returns
    -------
    scatter : float
        In units of the errors, scaled to that of white noise; infinite where none has
        both neighbors.
    """
    middle = np.s_[:, 1:-1]
    difference = image[middle] - 0.5 * (image[:, :-2] + image[:, 2:])
    bad = invalid[middle] | invalid[:, :-2] | invalid[:, 2:]
    if bad.all():
        return np.inf
    return clipped_rms((difference / error[middle])[~bad].astype(float)) / np.sqrt(1.5)


def sky_error(error, invalid):
    """
    Errors, limited to the median of their surroundings.

    Parameters
    ----------
    error : (ny, nx) `~numpy.ndarray`
        The errors of a band.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels to leave out.

    Returns
    -------
    error : (ny, nx) `~numpy.ndarray`
        The same, at most the median of their box of 64 x 64 pixels.
    """
    side = 64
    limit = np.empty_like(error)
    for y in range(0, error.shape[0], side):
        for x in range(0, error.shape[1], side):
            box = np.s_[y:y + side, x:x + side]
            good = error[box][~invalid[box]]
            limit[box] = np.median(good) if good.size else np.inf
    return np.minimum(error, limit)


def clipped_rms(values, *, is_sorted=False):
    """
    The MAD standard deviation after sigma clipping.

    It is that of `~astropy.stats.SigmaClip` and `~astropy.stats.mad_std`, of values that
    are sorted once in place of a median for each round.

    Parameters
    ----------
    values : (N,) `~numpy.ndarray`
        The pixels.
    is_sorted : bool, optional
        Whether they are by increasing value. The default is `False`.

    Returns
    -------
    rms : float
        The standard deviation in the unit of the pixels.
    """
    values = values[np.isfinite(values)]
    kept = values if is_sorted else np.sort(values)
    for _ in range(N_CLIPS):
        n, center, limit = len(kept), _middle(kept), CLIP * kept.std()
        kept = kept[np.searchsorted(kept, center - limit):
                    np.searchsorted(kept, center + limit, 'right')]
        if len(kept) == n:
            break
    return center_and_scatter(kept)[1]


def center_and_scatter(values):
    """
    The median and the MAD standard deviation of sorted values.

    NumPy sorts in a fraction of the time in which it finds a median.

    Parameters
    ----------
    values : (N,) `~numpy.ndarray`
        One or more values by increasing value.

    Returns
    -------
    center, scatter : float
        The median and the standard deviation (`~astropy.stats.mad_std`).
    """
    center = _middle(values)
    # Of two sorted halves, which this sort merges.
    distance = np.sort(np.abs(values - center), kind='stable')
    return center, MAD_TO_STD * _middle(distance)


def _middle(values):
    """
    The median of sorted values.
    """
    return 0.5 * (values[(len(values) - 1) // 2] + values[len(values) // 2])
