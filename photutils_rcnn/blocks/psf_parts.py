# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF that is given for a frame, in a window of it.
"""

__all__ = ['psf_of_window']

from collections.abc import Mapping

import numpy as np
from astropy.nddata import NDData
from photutils.psf import GriddedPSFModel


def psf_of_window(psf, start):
    """
    Move a PSF that varies over the frame.

    Parameters
    ----------
    psf : object
        As `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>` takes it.
    start : (2,) tuple of int
        The x and y of the first pixel of the window.

    Returns
    -------
    psf : object
        The same; grids of PSFs with their positions on the window.
    """
    if isinstance(psf, Mapping):
        return {name: psf_of_window(model, start) for name, model in psf.items()}
    if isinstance(psf, (list, tuple)):
        return [psf_of_window(model, start) for model in psf]
    if not isinstance(psf, GriddedPSFModel):
        return psf
    meta = {**psf.meta, 'grid_xypos': np.asarray(psf.grid_xypos) - start,
            'oversampling': psf.oversampling}
    return GriddedPSFModel(NDData(psf.data, meta=meta), flux=psf.flux, x_0=psf.x_0,
                           y_0=psf.y_0, fill_value=psf.fill_value)
