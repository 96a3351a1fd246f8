# Licensed under a 3-clause BSD style license - see LICENSE
"""
Contours of soft masks.
"""

__all__ = ['contours_on_sky', 'mask_contours']

import numpy as np
from contourpy import contour_generator


def mask_contours(instances, levels):
    """
    Trace where the probability of the mask of each source reaches given levels.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The N sources.
    levels : float or sequence of float
        The probabilities, between 0 and 1. The ``mask_threshold`` of ``instances``
        bounds the footprints.

    Returns
    -------
    contours : list of list of list of (M, 2) float64 `~numpy.ndarray`
        For each source and level the closed lines as x, y in pixels, 0 at the center
        of the first pixel. Islands and holes have lines of their own.

    Raises
    ------
    ValueError
        If a level is no number between 0 and 1.
    """
    levels = _check_levels(levels)
    contours = []
    for (rows, cols), values in instances.paste_all():
        if values.size == 0:
            contours.append([[] for _ in levels])
            continue
        # beyond the mask is no source, so that lines close
        generator = contour_generator(z=np.pad(values, 1))
        corner = cols.start - 1, rows.start - 1
        contours.append([[line + corner for line in generator.lines(level)]
                         for level in levels])
    return contours


def contours_on_sky(contours, wcs):
    """
    Contours in sky coordinates.

    Parameters
    ----------
    contours : list of list of list of (M, 2) float64 `~numpy.ndarray`
        From `mask_contours`.
    wcs : WCS object
        The celestial WCS.

    Returns
    -------
    contours : list of list of list of `~astropy.coordinates.SkyCoord`
        The same lines, each of M coordinates.
    """
    lines = [line for of_source in contours for of_level in of_source
             for line in of_level]
    if not lines:
        return contours
    # a call of the WCS for each line would take most of the time
    points = wcs.pixel_to_world(*np.concatenate(lines).T)
    ends = np.cumsum([len(line) for line in lines])
    on_sky = (points[end - len(line):end]
              for line, end in zip(lines, ends, strict=True))
    return [[[next(on_sky) for _ in of_level] for of_level in of_source]
            for of_source in contours]


def _check_levels(levels):
    """
    The levels as a list.
    """
    try:
        values = np.atleast_1d(np.asarray(levels, dtype=float))
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if values.ndim > 1 or not ((values > 0) & (values < 1)).all():
        msg = f'levels must be numbers between 0 and 1, got {levels!r}'
        raise ValueError(msg)
    return values.tolist()
