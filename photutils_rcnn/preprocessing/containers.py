# Licensed under a 3-clause BSD style license - see LICENSE
"""
Unpacking of data containers: NDData, Quantity, masked arrays.
"""

__all__ = ['Unpacked', 'as_mask', 'broadcast', 'by_band', 'drop_unit_axes', 'is_none',
           'refuse_bands_last', 'same_unit', 'to_float32', 'unpack']

import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.nddata import NDData, StdDevUncertainty
from astropy.stats import mad_std
from astropy.utils.exceptions import AstropyUserWarning
from astropy.utils.masked import Masked

from photutils_rcnn._units import check_linear

# Pixels that tell the level and the scatter of an image.
N_SAMPLE = 100_000
# An axis so many times shorter than the others is that of the bands.
BANDS_LAST = 8


@dataclass
class Unpacked:
    """
    Data as given, apart from its container; ``fresh`` if in a new array.
    """

    data: np.ndarray
    error: object = None
    mask: object = None
    unit: object = None
    wcs: object = None
    fresh: bool = False


def unpack(data, error, mask, wcs):
    """
    Take the data out of its container, with what belongs to it.
    """
    if isinstance(data, NDData):
        given = _unpack_nddata(data, error, mask, wcs)
    elif (isinstance(data, (list, tuple)) and len(data)
            and any(isinstance(item, (NDData, np.ndarray)) for item in data)):
        given = _unpack_list(data, error, mask, wcs)
    else:
        data, own = _split_mask(data)
        given = Unpacked(data, error, mask, None, wcs)
        if isinstance(data, u.Quantity):
            given.data, given.unit = data.value, data.unit
        if own is not None:
            given.mask = own if is_none(mask) else own | broadcast(
                as_mask(mask), own.shape, 'mask')
        check_linear(given.unit, 'the unit of data')
        given.data = drop_unit_axes(_as_numbers(given.data, 'data'))
        refuse_bands_last(given.data.shape, 'data')
        given.error = same_unit(error, given.unit, 'error')
    if given.data.ndim not in (2, 3) or given.data.size == 0:
        msg = ('data must be a 2D image or a 3D (band, y, x) array, got '
               f'shape {given.data.shape}')
        raise ValueError(msg)
    return given


def drop_unit_axes(array):
    """
    An array of more than three axes without those of length one.

    Images of radio telescopes have axes of polarization and frequency.
    """
    if array.ndim <= 3:
        return array
    rest = [n for n in array.shape[:-2] if n != 1]
    return array.reshape(*rest, *array.shape[-2:])


def refuse_bands_last(shape, name):
    """
    Refuse a cube whose bands are its last axis.
    """
    if len(shape) == 3 and 0 < BANDS_LAST * shape[2] <= min(shape[:2]):
        msg = (f'{name} must be (band, y, x), got the shape {shape}, of which '
               'the last axis seems to be that of the bands: use '
               'numpy.moveaxis(data, -1, 0)')
        raise ValueError(msg)


def _unpack_nddata(data, error, mask, wcs):
    """
    Take the attributes of an NDData object, which win over keywords.
    """
    if data.uncertainty is not None:
        try:
            std = data.uncertainty.represent_as(StdDevUncertainty)
        except Exception as exc:
            msg = ('data.uncertainty must be convertible to a standard '
                   f'deviation, got {type(data.uncertainty).__name__}')
            raise TypeError(msg) from exc
        _warn_ignored(error, 'error', 'uncertainty')
        error = std.array
        if data.unit is not None:
            error = u.Quantity(error, std.unit or data.unit)
    if data.mask is not None:
        _warn_ignored(mask, 'mask', 'mask')
        mask = np.asarray(data.mask) != 0
    if data.wcs is not None:
        _warn_ignored(wcs, 'wcs', 'wcs')
        wcs = data.wcs
    values = data.data
    if data.unit is not None:
        values = u.Quantity(values, data.unit, copy=False)
    return unpack(values, error, mask, wcs)


def _split_mask(values):
    """
    The values of a masked array of NumPy or astropy and their mask, `None`
    for other data.
    """
    if isinstance(values, Masked):
        return values.unmasked, np.asarray(values.mask)
    if isinstance(values, np.ma.MaskedArray):
        return values.data, np.ma.getmaskarray(values)
    return values, None


def _warn_ignored(keyword, name, attribute):
    """
    Warn that a keyword loses against an attribute.
    """
    if not is_none(keyword):
        msg = (f'The {name} keyword was ignored: the {attribute} attribute '
               'of the input NDData is used.')
        warnings.warn(msg, AstropyUserWarning, stacklevel=5)


def _unpack_list(images, error, mask, wcs):
    """
    Stack images given as a list, one per band.
    """
    per_band = [unpack(image, None, None, None) for image in images]
    first = per_band[0]
    shapes = [band.data.shape for band in per_band]
    if len(set(shapes)) > 1 or first.data.ndim != 2:
        msg = f'data must hold 2D images of the same shape, got {shapes}'
        raise ValueError(msg)
    if len({band.unit is None for band in per_band}) > 1:
        msg = 'the images in data must all have the same units, or none'
        raise ValueError(msg)
    factors = [1.0 if first.unit is None
               else _conversion(band.unit, first.unit, 'data')
               for band in per_band]
    cube = np.empty((len(per_band), *shapes[0]), dtype=np.float32)
    for plane, band, factor in zip(cube, per_band, factors, strict=True):
        to_float32(band.data if factor == 1
                   else band.data * np.float64(factor), out=plane)
    given = Unpacked(cube, same_unit(error, first.unit, 'error'), mask,
                     first.unit, wcs, fresh=True)

    if any(band.error is not None for band in per_band):
        if any(band.error is None for band in per_band):
            msg = 'all images in data must have an uncertainty, or none'
            raise ValueError(msg)
        _warn_ignored(error, 'error', 'uncertainty')
        given.error = np.stack(
            [_of_band(np.asarray(band.error), shapes[0], 'error') * factor
             for band, factor in zip(per_band, factors, strict=True)])
    if not all(is_none(band.mask) for band in per_band):
        own = np.stack([np.zeros(shapes[0], bool) if is_none(band.mask)
                        else _of_band(as_mask(band.mask), shapes[0], 'mask')
                        for band in per_band])
        given.mask = own if is_none(mask) else own | broadcast(
            as_mask(mask), own.shape, 'mask')
    own_wcs = next((band.wcs for band in per_band if band.wcs is not None),
                   None)
    if own_wcs is not None:
        _warn_ignored(wcs, 'wcs', 'wcs')
        given.wcs = own_wcs
    return given


def _of_band(values, shape, name):
    """
    A number or an image as an image of a band.
    """
    if values.ndim == 0:
        return np.broadcast_to(values, shape)
    return broadcast(values, shape, name)


def to_float32(values, out=None):
    """
    A copy in single precision, with a warning if that costs more than digits.
    """
    lost = []
    if out is None:
        out = np.empty(values.shape, dtype=np.float32)
    with np.errstate(over='call', call=lambda *_: lost.append(True)):
        out[...] = values
    if lost:
        msg = ('data has pixels beyond the range of single precision, '
               f'{np.finfo(np.float32).max:.2g}, which are taken as not '
               'finite.')
        warnings.warn(msg, AstropyUserWarning, stacklevel=4)
    if values.dtype.itemsize > 4 or values.dtype.kind in 'iu':
        for single, image in zip(
                out.reshape(-1, *out.shape[-2:]),
                values.reshape(-1, *values.shape[-2:]), strict=True):
            _warn_coarse(single, image)
    return out


def _warn_coarse(single, values):
    """
    Warn where the steps of single precision hide the noise.
    """
    step = max(1, values.size // N_SAMPLE)
    sample = single.flat[::step]
    finite = np.isfinite(sample)
    if not finite.any():
        return
    scatter = mad_std(values.flat[::step][finite].astype(float))
    spacing = np.spacing(abs(np.median(sample[finite])))
    if 0 < scatter < 2 * spacing:
        msg = (f'data has the level {np.median(sample[finite]):.6g} and '
               f'scatters by {scatter:.2g}, which single precision holds in '
               f'steps of {spacing:.2g} only: subtract a constant before.')
        warnings.warn(msg, AstropyUserWarning, stacklevel=5)


def is_none(value):
    return value is None or value is np.ma.nomask


def _as_numbers(values, name):
    """
    A real-valued array, without copying if possible.
    """
    try:
        array = np.asarray(values)
    except ValueError as exc:
        msg = f'{name} must be a regular array of numbers: {exc}'
        raise ValueError(msg) from exc
    if array.dtype.kind not in 'iuf':
        msg = f'{name} must hold real numbers, got dtype {array.dtype}'
        raise TypeError(msg)
    return array


def _conversion(unit, target, name):
    """
    The factor from one unit to another.
    """
    try:
        return unit.to(target)
    except u.UnitConversionError as exc:
        msg = (f'{name} has the unit {unit}, data {target}: they must all '
               'have the same units')
        raise ValueError(msg) from exc


def same_unit(values, unit, name):
    """
    Numbers in the unit of the data, NaN where they are masked.
    """
    if values is None:
        return None
    if isinstance(values, (list, tuple)) and any(
            isinstance(item, u.Quantity) for item in values):
        try:
            values = u.Quantity(values)
        except (TypeError, ValueError) as exc:
            msg = f'{name} must hold quantities of the same kind: {exc}'
            raise ValueError(msg) from exc
    values, mask = _split_mask(values)
    if mask is not None:
        # What is masked is not known: not finite.
        values = np.where(mask, np.nan, values)
    own = getattr(values, 'unit', None)
    if (own is None) != (unit is None):
        msg = (f'{name} has the unit {own}, data {unit}: they must all have '
               'the same units')
        raise ValueError(msg)
    if unit is None:
        return _as_numbers(values, name)
    return _as_numbers(values.value, name) * _conversion(own, unit, name)


def as_mask(mask):
    """
    A bool array.
    """
    array = np.asarray(mask)
    if array.dtype.kind not in 'biu':
        msg = f'mask must be a bool array, got dtype {array.dtype}'
        raise TypeError(msg)
    return array.astype(bool)


def broadcast(array, shape, name):
    """
    Check that a 2D or 3D array belongs to data of a 2D or 3D shape.
    """
    array = drop_unit_axes(array)
    if array.shape not in (shape, shape[-2:]):
        msg = (f'{name} must have the same shape as the input image, got '
               f'{array.shape} for data of shape {shape}')
        raise ValueError(msg)
    return np.broadcast_to(array, shape)


def by_band(values, shape, name):
    """
    A number, one for each band, an image or a cube, of a shape that broadcasts to data of
    the 3D shape and has an entry for each band.
    """
    if values.ndim == 0 or values.shape == (shape[0],):
        return np.broadcast_to(values.reshape(-1, 1, 1), (shape[0], 1, 1))
    return broadcast(values, shape, name)
