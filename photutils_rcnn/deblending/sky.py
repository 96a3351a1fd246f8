# Licensed under a 3-clause BSD style license - see LICENSE
"""
Residual sky: what is left of the background between the models of the sources.
"""

__all__ = ['residual_sky']

import warnings

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from photutils.background import Background2D, MedianBackground

from photutils_rcnn.preprocessing.background import expand_mesh, filter_mesh

SMALLEST_BOX = 32  # pixels
BOX = 8.0  # FWHM
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
                bkg_estimator=MedianBackground()).background_mesh)
    except ValueError:  # no box is empty enough
        return np.zeros(residual.shape), 0.
    steps = np.concatenate([np.diff(mesh, axis=k).ravel() for k in (0, 1)])
    # two boxes differ by sqrt(2) of the error of each; structure within boxes adds to it
    error = np.sqrt(2 * np.mean(steps**2)) if len(steps) else 0.
    return expand_mesh(mesh, box, residual.shape), float(error)
