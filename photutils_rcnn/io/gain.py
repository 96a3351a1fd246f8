# Licensed under a 3-clause BSD style license - see LICENSE
"""
The gain of FITS images.
"""

__all__ = ['header_gain']

from numbers import Real

import numpy as np
from astropy import units as u

KEYWORDS = ('GAIN', 'EGAIN')
#: The units of which a gain makes electrons.
COUNTS = (None, u.adu, u.DN, u.ct)


def header_gain(header, primary, unit):
    """
    The gain that a header tells.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        The header of the image.
    primary : `~astropy.io.fits.Header`
        The header of the file, which tells where that of the image does
        not.
    unit : `~astropy.units.UnitBase`, str or `None`
        The unit of the image.

    Returns
    -------
    gain : float or `None`
        The electrons per count by ``GAIN`` or ``EGAIN``; `None` if none is
        positive, or the unit is not one of counts.
    """
    if unit not in COUNTS:
        return None
    for source in (header, primary):
        for keyword in KEYWORDS:
            value = source.get(keyword)
            if (isinstance(value, Real) and not isinstance(value, bool)
                    and np.isfinite(value) and value > 0):
                return float(value)
    return None
