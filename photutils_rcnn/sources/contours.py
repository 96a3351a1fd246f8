# Licensed under a 3-clause BSD style license - see LICENSE
"""
Contours of soft masks.
"""

__all__ = ['mask_contours']

import numpy as np
from contourpy import contour_generator


def mask_contours(instances, levels=None):
    """
    Trace where the probability of the mask of each source reaches given levels.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The N sources.
    levels : sequence of float, optional
        The probabilities, between 0 and 1; by default the ``mask_threshold``, which
        bounds the footprints.

    Returns
    -------
    contours : list of list of list of (M, 2) float64 `~numpy.ndarray`
        For each source and level the closed lines as x, y in pixels, 0 at the center
        of the first pixel. Islands and holes have lines of their own.
    """
    if levels is None:
        levels = (instances.mask_threshold,)
    contours = []
    for (rows, cols), values in instances._paste_all():
        if values.size == 0:
            contours.append([[] for _ in levels])
            continue
        # beyond the mask is no source, so that lines close
        generator = contour_generator(z=np.pad(values, 1))
        corner = cols.start - 1, rows.start - 1
        contours.append([[line + corner for line in generator.lines(level)]
                         for level in levels])
    return contours
