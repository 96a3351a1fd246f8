# Licensed under a 3-clause BSD style license - see LICENSE
"""
What users pass in, turned into one `ImageCube`.
"""

__all__ = ['ImageCube', 'prepare_inputs']

import warnings
from dataclasses import dataclass

import numpy as np
from astropy.stats import mad_std
from astropy.utils.exceptions import AstropyUserWarning
from scipy import ndimage

from photutils_rcnn._unpacking import (
    as_mask,
    broadcast,
    is_none,
    to_float32,
    unpack,
)
from photutils_rcnn.bands import wavelength_order

MIN_SIDE = 16
MAX_LEVEL_PIXELS = 100_000


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
    """

    data: np.ndarray
    invalid: np.ndarray
    error: np.ndarray | None
    unit: object
    wcs: object
    bands: tuple
    order: tuple | None = None

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

    @property
    def mask(self):
        """
        2D bool array, `True` where no band has data.
        """
        return self.invalid.all(axis=0)


def prepare_inputs(data, *, error=None, mask=None, wcs=None, bands=None):
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
        band, an image or a cube. Pixels whose error is zero or not
        finite are invalid.
    mask : array_like of bool, optional
        `True` for pixels to ignore; of the shape of the frame, or of the
        cube.
    wcs : WCS object, optional
        The celestial WCS of the frame.
    bands : str or sequence of str, optional
        The names of the bands. If all are known filters
        (`~photutils_rcnn.bands.filter_wavelength`), the bands are sorted
        from blue to red; else their order is kept. ``'grz'`` is
        short for ``('g', 'r', 'z')``.

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
        `~astropy.nddata.NDData` has its own, which is used; if areas of
        zeros, far from the level of the other pixels, or one of several
        bands, with the same value everywhere, are taken to be without data;
        if ``wcs`` has no celestial axes and is ignored; if pixels lose
        their noise, or are lost, in single precision.
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
    sigma = _prepare_error(given.error, cube.shape)
    if sigma is not None:
        bad = ~(np.isfinite(sigma) & (sigma > 0))
        invalid |= bad
        sigma[bad] = 1.0
        if bad.all():
            msg = ('error must be positive and finite somewhere, got '
                   f'none in an array of shape {np.shape(given.error)}')
            raise ValueError(msg)
    cube[invalid] = 0.0
    if invalid.all():
        msg = 'data has no valid pixel: all are masked or not finite'
        raise ValueError(msg)

    _leave_out_dead_bands(cube, invalid)
    for i, blank in enumerate(map(_filling, cube, invalid)):
        if blank is not None:
            msg = (f'{blank.sum()} pixels of band {i + 1} of the data are '
                   'exactly 0 in whole areas, far from the level of the '
                   'others, and are taken to be without data; NaN or a mask '
                   'says so clearly.')
            warnings.warn(msg, AstropyUserWarning, stacklevel=3)
            invalid[i] |= blank

    names, order = _prepare_bands(bands, n_bands)
    if order != list(range(n_bands)):
        cube, invalid = cube[order], invalid[order]
        sigma = None if sigma is None else sigma[order]
    return ImageCube(cube, invalid, sigma, given.unit,
                     _prepare_wcs(given.wcs), names, tuple(order))


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


def _filling(image, invalid):
    """
    Where zeros fill what no exposure covers; `None` if nowhere.

    Zeros of noisy pixels come singly, in sparse counts with others between
    them. Those of data without background are at their level and do no harm.
    """
    zero = (image == 0) & ~invalid
    seen = image[~invalid & ~zero]
    n_zero = np.count_nonzero(zero)
    if n_zero < 0.01 * image.size or len(seen) < 0.1 * image.size:
        return None
    seen = seen[::-(-len(seen) // MAX_LEVEL_PIXELS)]
    if abs(np.median(seen)) <= 5 * mad_std(seen):
        return None
    blank = ndimage.binary_opening(zero, np.ones((5, 5)))
    n_single = n_zero - np.count_nonzero(blank)
    if not blank.any() or n_single > 0.01 * len(seen):
        return None
    return blank


def _prepare_mask(mask, shape):
    """
    The mask, of the shape of the cube.
    """
    if is_none(mask):
        return np.False_
    mask = broadcast(as_mask(mask), shape, 'mask')
    if mask.all():
        msg = 'mask must not be True for all pixels'
        raise ValueError(msg)
    return mask


def _prepare_error(error, shape):
    """
    The errors as a new array of the shape of the cube.
    """
    if error is None:
        return None
    error = np.asarray(error)
    if error.ndim == 0 or error.shape == (shape[0],):
        error = error.reshape(-1, 1, 1)
    else:
        broadcast(error, shape, 'error')
    if (error < 0).any():
        msg = f'error must not be negative, got {error[error < 0][0]}'
        raise ValueError(msg)
    return np.array(np.broadcast_to(error, shape), dtype=np.float32)


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
        msg = f'bands must name {n_bands} bands, one each, got {given!r}'
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
    if getattr(wcs, 'pixel_n_dim', None) == 3 and hasattr(wcs, 'celestial'):
        wcs = wcs.celestial
    if getattr(wcs, 'pixel_n_dim', None) != 2:
        msg = ('wcs must have two pixel axes, got '
               f'{getattr(wcs, "pixel_n_dim", type(wcs).__name__)}')
        raise ValueError(msg)
    return wcs
