# Licensed under a 3-clause BSD style license - see LICENSE
"""
Validation of the input: the `ImageCube`.
"""

__all__ = ['ImageCube', 'prepare_inputs']

import warnings
from dataclasses import dataclass

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn._wording import count
from photutils_rcnn.preprocessing.bands import wavelength_order
from photutils_rcnn.preprocessing.containers import as_mask, broadcast, is_none, to_float32, unpack
from photutils_rcnn.preprocessing.errors import prepare_error, prepare_gain, replace_zero_errors
from photutils_rcnn.preprocessing.fill_values import find_fill
from photutils_rcnn.preprocessing.noise import value_step

MIN_SIDE = 16


@dataclass(frozen=True)
class ImageCube:
    """
    The bands of one frame, checked.

    Parameters
    ----------
    data : (n_bands, ny, nx) float32 `~numpy.ndarray`
        The pixels, 0 where they are invalid.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` where a pixel of a band is masked or not finite.
    error : (n_bands, ny, nx) float32 `~numpy.ndarray` or `None`
        The 1-sigma errors, 1 where they are not positive and finite.
    unit : `~astropy.units.Unit` or `None`
        The unit of the data and the error.
    wcs : WCS object or `None`
        The celestial WCS.
    bands : tuple of str
        The names of the bands.
    order : tuple of int, optional
        The place of each band in the data as given; by default their own.
    gain : float32 `~numpy.ndarray`, optional
        The effective gain in electrons per unit of the data, of the shape
        (n_bands, 1, 1) or that of the data. `None` if it is not known.
    """

    data: np.ndarray
    invalid: np.ndarray
    error: np.ndarray | None
    unit: object
    wcs: object
    bands: tuple
    order: tuple | None = None
    gain: np.ndarray | None = None

    @property
    def shape(self):
        """
        The shape (ny, nx) of the frame.
        """
        return self.data.shape[1:]

    @property
    def n_bands(self):
        """
        The number of bands.
        """
        return len(self.data)

    def in_band_order(self, values):
        """
        Values of the bands as they were given, in the order of the cube.

        Parameters
        ----------
        values : (n_bands, ...) `~numpy.ndarray`
            One entry for each band of the user's.

        Returns
        -------
        ordered : (n_bands, ...) `~numpy.ndarray`
            The same from blue to red.
        """
        return values if self.order is None else values[list(self.order)]

    def in_given_order(self, values):
        """
        The inverse of `in_band_order`.

        Parameters
        ----------
        values : (n_bands, ...) `~numpy.ndarray`
            One entry for each band of the cube.

        Returns
        -------
        given : (n_bands, ...) `~numpy.ndarray`
            The same in the order in which the user gave the bands.
        """
        return values if self.order is None else values[np.argsort(self.order)]

    @property
    def mask(self):
        """
        2D bool array, `True` where no band has data.
        """
        return self.invalid.all(axis=0)


def prepare_inputs(data, *, error=None, mask=None, wcs=None, bands=None,
                   gain=None):
    """
    Turn the user's data into an `ImageCube`.

    The inputs are never changed.

    Parameters
    ----------
    data : array_like, `~astropy.units.Quantity`, \
            `~numpy.ma.MaskedArray` or `~astropy.nddata.NDData`
        An image (ny, nx), bands (n_bands, ny, nx) from blue to red, or a
        list of images of any of these types, one per band. Frames need at
        least 16 x 16 pixels. Pixels that are not finite are invalid.
    error : float, array_like or `~astropy.units.Quantity`, optional
        The 1-sigma errors in the unit of the data: a number, one number per
        band, an image or a cube. Pixels whose error is not finite, and whole
        areas in which it is zero, are invalid. Other zeros, such as those of
        the square root of counts, are replaced by the noise of the sky.
    mask : array_like of bool, optional
        `True` for pixels to ignore; of the shape of the frame, or of the
        cube.
    wcs : WCS object, optional
        The celestial WCS of the frame.
    bands : str or sequence of str, optional
        The names of the bands. If all are known filters
        (`~photutils_rcnn.preprocessing.bands.filter_wavelength`), the bands are sorted
        from blue to red; else their order is kept. ``'grz'`` is
        short for ``('g', 'r', 'z')``.
    gain : float, array_like or `~astropy.units.Quantity`, optional
        The effective gain in electrons per unit of the data (the exposure time
        for data in electrons per second): a number, one per band, an image or
        a cube. Without ``error`` it gives the photon noise of the sources.

    Returns
    -------
    cube : `ImageCube`
        The frame.

    Raises
    ------
    TypeError
        If ``data``, ``error``, ``mask`` or ``bands`` has the wrong type.
    ValueError
        If shapes, units or the number of bands do not match, the frame is
        smaller than 16 x 16 or has no valid pixel.

    Warns
    -----
    AstropyUserWarning
        If ``error``, ``mask`` or ``wcs`` is given and the
        `~astropy.nddata.NDData` has its own, which is used; if areas of one
        value (`~photutils_rcnn.preprocessing.fill_values.find_fill`), or one of several
        bands, with the same value everywhere, are taken to be without data;
        if ``error`` is zero where the data are valid, in areas, which are taken
        to be without data, or singly; if ``wcs`` has no
        celestial axes and is ignored; if pixels lose their noise, or are
        lost, in single precision.
    """
    given = unpack(data, error, mask, wcs)
    cube = given.data if given.fresh else to_float32(given.data)
    cube = cube.reshape(-1, *cube.shape[-2:])
    n_bands, *shape = cube.shape
    if min(shape) < MIN_SIDE:
        msg = (f'data must have at least {MIN_SIDE} x {MIN_SIDE} pixels as '
               f'(ny, nx) or (band, ny, nx), got shape {given.data.shape}')
        raise ValueError(msg)

    invalid = ~np.isfinite(cube)
    invalid |= _prepare_mask(given.mask, cube.shape)
    sigma = prepare_error(given.error, cube.shape)
    if sigma is not None:
        bad = ~np.isfinite(sigma)
        if (bad | (sigma <= 0)).all():
            msg = ('error must be positive and finite somewhere, got '
                   f'none in an array of shape {np.shape(given.error)}')
            raise ValueError(msg)
        invalid |= bad
        sigma[bad] = 1.0
    cube[invalid] = 0.0
    if invalid.all():
        msg = 'data has no valid pixel: all are masked or not finite'
        raise ValueError(msg)

    _leave_out_dead_bands(cube, invalid)
    steps = [value_step(image[~bad]) for image, bad
             in zip(cube, invalid, strict=True)]
    for i, step in enumerate(steps):
        for value, area in find_fill(cube[i], invalid[i], step=step).items():
            msg = (f'{np.count_nonzero(area)} pixels of band {i + 1} of the '
                   f'data have the value {value:g} in whole areas, and are '
                   'taken to be without data; NaN or a mask says so clearly.')
            warnings.warn(msg, AstropyUserWarning, stacklevel=3)
            invalid[i] |= area
            cube[i][area] = 0.0
    if sigma is not None:
        replace_zero_errors(sigma, cube, invalid, steps)

    names, order = _prepare_bands(bands, n_bands)
    if order != list(range(n_bands)):
        cube, invalid = cube[order], invalid[order]
        sigma = None if sigma is None else sigma[order]
    gain = prepare_gain(gain, given.unit, cube.shape)
    if gain is not None:
        gain = gain[order]
    return ImageCube(cube, invalid, sigma, given.unit,
                     _prepare_wcs(given.wcs), names, tuple(order), gain)


def _leave_out_dead_bands(cube, invalid):
    """
    Mark bands that have one value everywhere, unless all have.

    They have no noise, hence no weight that could be given to them.
    """
    low, high = (np.array([
        getattr(image, name)(where=~bad, initial=initial)
        for image, bad in zip(cube, invalid, strict=True)])
        for name, initial in (('min', np.inf), ('max', -np.inf)))
    if not (low < high).any():
        return
    for i in np.flatnonzero(low == high):
        msg = (f'all pixels of band {i + 1} of the data are {low[i]:g}; it '
               'is taken to be without data.')
        warnings.warn(msg, AstropyUserWarning, stacklevel=4)
        invalid[i] = True
        cube[i] = 0.0


def _prepare_mask(mask, shape):
    if is_none(mask):
        return np.False_
    mask = broadcast(as_mask(mask), shape, 'mask')
    if mask.all():
        msg = 'mask must not be True for all pixels'
        raise ValueError(msg)
    return mask


def _prepare_bands(bands, n_bands):
    """
    The names of the bands and their order from blue to red.
    """
    if bands is None:
        names = [f'band{i + 1}' for i in range(n_bands)]
        return tuple(names), list(range(n_bands))
    given = bands
    if isinstance(bands, str):
        bands = [bands] if n_bands == 1 else list(bands)
    if not np.iterable(bands) or not all(
            isinstance(name, str) for name in bands):
        msg = f'bands must be names, got {given!r}'
        raise TypeError(msg)
    bands = list(bands)
    if len(bands) != n_bands:
        msg = f'bands must name {count(n_bands, "band")}, one each, got {given!r}'
        raise ValueError(msg)
    if len(set(bands)) != n_bands:
        msg = f'bands must be different names, got {bands}'
        raise ValueError(msg)
    order = wavelength_order(bands)
    return tuple(bands[i] for i in order), order


def _prepare_wcs(wcs):
    """
    The two celestial axes of a WCS.
    """
    if wcs is None:
        return None
    if getattr(wcs, 'has_celestial', True) is False:
        warnings.warn('wcs has no celestial axes and is ignored.',
                      AstropyUserWarning, stacklevel=4)
        return None
    if (getattr(wcs, 'pixel_n_dim', None) or 0) > 2 and hasattr(
            wcs, 'celestial'):
        wcs = wcs.celestial
    if getattr(wcs, 'pixel_n_dim', None) != 2:
        msg = ('wcs must have two pixel axes, got '
               f'{getattr(wcs, "pixel_n_dim", type(wcs).__name__)}')
        raise ValueError(msg)
    return wcs
