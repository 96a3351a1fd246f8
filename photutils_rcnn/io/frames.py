# Licensed under a 3-clause BSD style license - see LICENSE
"""
Frames read from FITS files as arguments of the segmenter.
"""

__all__ = ['frame_arguments']

import numpy as np


def frame_arguments(frame):
    """
    What a frame gives to `~photutils_rcnn.inputs.prepare_inputs`.

    Parameters
    ----------
    frame : `~photutils_rcnn.io.fits.FrameFile`
        The frame.

    Returns
    -------
    arguments : dict
        ``data``, a list of images with their unit, ``error``, ``mask``,
        ``wcs``, ``bands`` and ``gain``; `None` for what the files do not tell
        of each band.
    """
    def with_unit(values):
        return values if frame.unit is None else values << frame.unit

    gain = frame.gain
    return {
        'data': [with_unit(image) for image in frame.data],
        'error': (None if frame.errors is None
                  else with_unit(np.stack(frame.errors))),
        'mask': None if frame.masks is None else np.stack(frame.masks),
        'wcs': frame.wcs, 'bands': frame.bands,
        'gain': None if gain is None or None in gain else gain}
