# Licensed under a 3-clause BSD style license - see LICENSE
"""
Celestial WCS of FITS images.
"""

__all__ = ['celestial_wcs', 'check_same_sky']

import warnings

import numpy as np
from astropy.io.fits import HDUList
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from astropy.wcs import WCS, NoConvergence

# Bands whose corners lie further apart do not show the same sky, pixels.
MAX_OFFSET = 1.


def celestial_wcs(header, hdus, source):
    """
    The celestial WCS, if there is one.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        The header; other axes, of spectra or polarization, are dropped.
    hdus : `~astropy.io.fits.HDUList` or list
        The file, which may hold distortions.
    source : str
        Where it comes from, for the warning.

    Returns
    -------
    wcs : `~astropy.wcs.WCS` or `None`
        The WCS.

    Warns
    -----
    AstropyUserWarning
        If it cannot be used.
    """
    try:
        wcs = WCS(header, hdus if isinstance(hdus, HDUList) else None)
    except (AstropyWarning, ValueError, KeyError, TypeError) as exc:
        warnings.warn(f'{source}: the WCS cannot be used ({exc})',
                      AstropyUserWarning, stacklevel=3)
        return None
    return wcs.celestial if wcs.has_celestial else None


def check_same_sky(wcs, first, shape, source, first_source):
    """
    Check that two images have the same sky in their corners.

    Parameters
    ----------
    wcs, first : `~astropy.wcs.WCS`
        The WCS of the images.
    shape : tuple of int
        Their shape (ny, nx).
    source, first_source : str
        Where they come from, for the message.

    Raises
    ------
    ValueError
        If the corners lie more than a pixel apart.
    """
    y, x = (corner * (n - 1) for corner, n in zip(
        np.array([[0, 0, 1, 1], [0, 1, 0, 1]]), shape, strict=True))
    try:
        there = first.world_to_pixel_values(*wcs.pixel_to_world_values(x, y))
        offset = np.hypot(there[0] - x, there[1] - y).max()
    except NoConvergence:  # far from the image
        offset = np.inf
    if not offset <= MAX_OFFSET:
        msg = (f'the images must show the same sky: {source} lies '
               f'{offset:.1f} pixels from {first_source} by their WCS; '
               'chips of a mosaic are frames of their own, and bands must be '
               'on one grid')
        raise ValueError(msg)
