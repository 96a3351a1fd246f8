# Licensed under a 3-clause BSD style license - see LICENSE
"""
Residual sky: what is left of the background between the models of the sources.
"""

__all__ = ['residual_sky']

import warnings

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from photutils.background import Background2D

from photutils_rcnn.preprocessing.background import expand_mesh, filter_mesh

SMALLEST_BOX = 32  # pixels
BOX = 8.0  # FWHM
CLIP, N_CLIPS = 3.0, 10  # standard deviations, at most so many times
# Pixels where models are brighter than this, in units of the noise, tell nothing.
FAINT = 0.5
EXCLUDE = 80.0  # percent of masked pixels, above which a box is interpolated


def residual_sky(residual, model, noise, bad, fwhm):
    """
    Estimate the sky from what the models leave.

    Backgrounds are estimated before sources are known, and the outskirts of these raise or
    the clipping of them lowers it by a fraction of the noise, which counts in the flux of
    large sources.

    Parameters
    ----------
    residual, model, noise : (ny, nx) `~numpy.ndarray`
        What the models leave, the models, and the noise.
    bad : (ny, nx) `~numpy.ndarray` of bool
        Pixels without data.
    fwhm : float
        The FWHM of the PSF in pixels.

    Returns
    -------
    sky : (ny, nx) `~numpy.ndarray`
        The sky; 0 where no box of the frame has enough empty pixels.
    error : float
        Its error, from the differences of neighboring boxes.
    """
    mask = bad | (model > FAINT * noise)
    box = min(max(SMALLEST_BOX, round(BOX * fwhm)), *residual.shape)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyUserWarning)
            mesh = filter_mesh(Background2D(
                residual, box, mask=mask, filter_size=1, exclude_percentile=EXCLUDE,
                sigma_clip=None, bkg_estimator=_clipped_median,
                bkg_rms_estimator=_no_scatter).background_mesh)
    except ValueError:  # no box is empty enough
        return np.zeros(residual.shape), 0.
    steps = np.concatenate([np.diff(mesh, axis=k).ravel() for k in (0, 1)])
    # two boxes differ by sqrt(2) of the error of each; structure within boxes adds to it
    error = np.sqrt(2 * np.mean(steps**2)) if len(steps) else 0.
    return expand_mesh(mesh, box, residual.shape), float(error)


def _clipped_median(boxes, axis):
    """
    The medians of `~astropy.stats.SigmaClip` of boxes, whose pixels are sorted once in place
    of a median for each round.
    """
    axes = range(boxes.ndim) if axis is None else np.atleast_1d(axis)
    boxes = np.moveaxis(boxes, axes, range(-len(axes), 0))
    shape = boxes.shape[:boxes.ndim - len(axes)]
    values = np.sort(boxes.reshape(-1, np.prod(boxes.shape[len(shape):])))  # nan are last
    n_boxes = len(values)
    known = np.where(np.isnan(values), 0, values)
    sums, squares = (np.pad(np.cumsum(part, axis=1, dtype=float), ((0, 0), (1, 0)))
                     for part in (known, known * known))
    row = np.arange(n_boxes)
    first, last = np.zeros(n_boxes, int), np.count_nonzero(~np.isnan(values), axis=1)
    center = _middle(values, first, last)
    for _ in range(N_CLIPS):
        n = np.maximum(last - first, 1)
        mean, square = ((total[row, last] - total[row, first]) / n
                        for total in (sums, squares))
        limit = CLIP * np.sqrt(np.maximum(square - mean**2, 0))
        above = np.count_nonzero(values < (center - limit)[:, None], axis=1)
        below = np.count_nonzero(values <= (center + limit)[:, None], axis=1)
        settled = np.array_equal(above, first) and np.array_equal(below, last)
        first, last = np.maximum(first, above), np.minimum(last, below)
        if settled:
            break
        center = _middle(values, first, last)
    return center.reshape(shape)


def _middle(values, first, last):
    """
    The medians of parts of sorted rows; not a number of empty ones.
    """
    row = np.arange(len(values))
    low, high = (np.clip(at, 0, values.shape[1] - 1) for at in (
        (first + last - 1) // 2, (first + last) // 2))
    return np.where(last > first, 0.5 * (values[row, low] + values[row, high]), np.nan)


def _no_scatter(boxes, axis):
    """
    In place of the scatter of boxes, which is not used.
    """
    return np.zeros_like(boxes.sum(axis=axis))
