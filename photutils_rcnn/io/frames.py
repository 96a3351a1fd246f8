# Licensed under a 3-clause BSD style license - see LICENSE
"""
Frames read from FITS files as arguments of the segmenter.
"""

__all__ = ['frame_arguments', 'from_files']

import numpy as np

from photutils_rcnn.io.fits import read_frame
from photutils_rcnn.io.opening import is_fits


def frame_arguments(frame):
    """
    What a frame gives to `~photutils_rcnn.preprocessing.inputs.prepare_inputs`.

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


def from_files(data, **given):
    """
    Read data that are named by paths or HDUs, and what belongs to them.

    Parameters
    ----------
    data : object
        What a user gave; anything but paths and HDUs stays as it is.
    **given
        The arguments of `~photutils_rcnn.preprocessing.inputs.prepare_inputs` that the
        user may have given; those that are `None` are taken from the files.

    Returns
    -------
    data : object
        The data.
    given : dict
        The arguments.
    """
    if not is_fits(data):
        return data, given
    found = frame_arguments(read_frame(
        data, **{f'{name}s': name in given and given[name] is None
                 for name in ('error', 'mask')}))
    return found['data'], {name: found[name] if value is None else value
                          for name, value in given.items()}
