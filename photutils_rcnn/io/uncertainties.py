# Licensed under a 3-clause BSD style license - see LICENSE
"""
Variances and inverse variances of FITS files as 1-sigma errors.
"""

__all__ = ['error_kind', 'to_errors']

import warnings

import numpy as np
from astropy.units import UnitBase, UnitConversionError
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.io.extensions import extension_kind

# The power of the values that is an error, and its name.
POWERS = {'errors': 1, 'variance': 0.5, 'ivar': -0.5}
WORDS = {'errors': '1-sigma errors', 'variance': 'variances',
         'ivar': 'inverse variances'}


def error_kind(hdu, holding, source):
    """
    The kind of uncertainty that an extension holds.

    Parameters
    ----------
    hdu : HDU
        The extension.
    holding : {'errors', 'variance', 'ivar'}
        What the user says it is; ``'errors'`` leaves it to the name whether
        they are variances.
    source : str
        Where it comes from, for the message.

    Returns
    -------
    kind : {'errors', 'variance', 'ivar'}
        The kind.

    Raises
    ------
    ValueError
        If the name of the extension says something else.
    """
    kind = extension_kind(hdu)
    if kind in POWERS:
        if holding not in ('errors', kind):
            msg = (f'{source}: expected {WORDS[holding]}, got {WORDS[kind]} '
                   f'by the name {hdu.name!r}')
            raise ValueError(msg)
        return kind
    if kind == 'weights' and holding != 'ivar':
        msg = (f'{source}: expected {WORDS[holding]}, got weights by the name '
               f'{hdu.name!r}; if they are inverse variances, say --ivar')
        raise ValueError(msg)
    return holding


def to_errors(values, kind, unit, data_unit, source):
    """
    Turn uncertainties into 1-sigma errors in the unit of the data.

    Parameters
    ----------
    values : `~numpy.ndarray`
        The uncertainties.
    kind : {'errors', 'variance', 'ivar'}
        What they are.
    unit, data_unit : `~astropy.units.UnitBase`, str or `None`
        The units of the uncertainties and of the data. Without one of their
        own, uncertainties are in that of the data, its square or the
        inverse of this.
    source : str
        Where they come from, for messages.

    Returns
    -------
    errors : `~numpy.ndarray`
        The errors; not finite where an inverse variance is 0 or a variance
        negative.
    unit : `~astropy.units.UnitBase` or `None`
        Their unit: that of the data, if this is known.

    Raises
    ------
    ValueError
        If the unit does not fit the data.

    Warns
    -----
    AstropyUserWarning
        If variances have the unit of the data, which is taken for its
        square.
    """
    power = POWERS[kind]
    if power != 1:
        with np.errstate(divide='ignore', invalid='ignore'):
            values = np.asarray(values, dtype=np.result_type(
                values.dtype, np.float32)) ** power
    if not isinstance(unit, UnitBase):
        return values, data_unit if isinstance(data_unit, UnitBase) else None
    own = unit if power == 1 else unit ** power
    if not isinstance(data_unit, UnitBase):
        return values, own
    try:
        factor = own.to(data_unit)
    except UnitConversionError as exc:
        # Headers are copied from the image
        if power != 1 and unit == data_unit:
            msg = (f'{source}: {WORDS[kind]} have the unit {unit} of the data '
                   f'(BUNIT), which is taken for that of the errors')
            warnings.warn(msg, AstropyUserWarning, stacklevel=3)
            return values, data_unit
        msg = (f'{source}: the unit {unit} (BUNIT) does not fit '
               f'{WORDS[kind]} of data in {data_unit}')
        raise ValueError(msg) from exc
    return (values if factor == 1 else values * factor), data_unit
