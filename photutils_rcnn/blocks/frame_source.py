# Licensed under a 3-clause BSD style license - see LICENSE
"""
Frame that is read window by window.
"""

__all__ = ['FrameSource']

import warnings

import numpy as np
from astropy.io import fits
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.preprocessing.fill_values import fill_areas, find_fill
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.noise import value_step

PROBE = 64  # pixels, the side of the windows that tell what all have in common


class FrameSource:
    """
    A frame of any size, which is read where it is asked for.

    Parameters
    ----------
    data : array_like, HDU or list of these
        An image (ny, nx) or bands (n_bands, ny, nx), or a list of images; anything that
        has a shape and gives an array for slices.
    error, gain, background
        See `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>`; images like
        ``data``.
    mask : array_like of bool, optional
        Likewise.
    wcs, bands
        See `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>`.

    Raises
    ------
    TypeError, ValueError
        If something is no image, or of another shape than the data.
    """

    def __init__(self, data, *, error=None, mask=None, gain=None, background='auto',
                 wcs=None, bands=None):
        self._data = _Images(data, 'data')
        self.shape = self._data.shape
        self._others = {name: _images_or_numbers(values, name, self._data)
                        for name, values in (('error', error), ('mask', mask), ('gain', gain),
                                             ('background', background))}
        self._given = {'wcs': wcs, 'bands': bands}
        self.n_bands = self._data.n_bands
        self.fill = [{} for _ in range(self.n_bands)]

    def describe(self):
        """
        What all windows have in common, from a small one with data.

        Returns
        -------
        cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
            That window, with the WCS of the frame.

        Raises
        ------
        TypeError, ValueError
            If the inputs do not fit, see
            `~photutils_rcnn.preprocessing.inputs.prepare_inputs`; if no pixel is valid.
        """
        step = max(PROBE, max(self.shape) // 32)
        starts = [range(0, max(n - PROBE, 0) + 1, step) for n in self.shape]
        # the middle of the frame first, where mosaics have data
        order = sorted(((y, x) for y in starts[0] for x in starts[1]), key=lambda at: max(
            abs(2 * (a + PROBE // 2) - n) for a, n in zip(at, self.shape, strict=True)))
        for y, x in order:
            window = np.s_[y:min(y + PROBE, self.shape[0]), x:min(x + PROBE, self.shape[1])]
            cube = self._cube(window, quiet=True, **self._given)
            if cube is not None:
                return cube
        msg = 'data has no valid pixel: all are masked or not finite'
        raise ValueError(msg)

    def cube(self, window, *, quiet=False):
        """
        The pixels of a window, checked.

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns.
        quiet : bool, optional
            Whether to leave out warnings. The default is `False`.

        Returns
        -------
        cube : `~photutils_rcnn.preprocessing.inputs.ImageCube` or `None`
            The window, without a WCS; `None` if no pixel is valid.
        """
        return self._cube(window, quiet=quiet, bands=self._given['bands'])

    def _cube(self, window, *, quiet, **given):
        images = self._data[window]
        given.update((name, self._of_window(name, window)) for name in ('error', 'gain'))
        mask = self._bad(images, window)
        error = given['error']
        if mask.all() or (error is not None and not _is_positive(error, mask)):
            return None
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter('ignore', AstropyUserWarning)
            cube = prepare_inputs(images, mask=mask, **given)
        return None if cube.invalid.all() else cube

    def background(self, window):
        """
        What is to be subtracted in a window.

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns.

        Returns
        -------
        background : 'auto', float, `~numpy.ndarray` or `~astropy.units.Quantity`
            As it was given.
        """
        return self._of_window('background', window)

    def find_fill(self, window):
        """
        Look for the fill values of the bands, and know them from now on.

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns.
        """
        images = self._data[window]
        bad = self._bad(images, window)
        for known, image, invalid in zip(self.fill, images, bad, strict=True):
            image = _single(image)
            step = value_step(image[~invalid])
            if not invalid.all():
                known.update(dict.fromkeys(find_fill(image, invalid, step=step), step))

    def _bad(self, images, window):
        """
        The pixels of a window without data in each band, as it was given.
        """
        mask = self._of_window('mask', window)
        bad = np.stack([~np.isfinite(_single(image)) | np.ma.getmaskarray(image)
                        for image in images])
        if mask is not None:
            bad |= np.asarray(mask, dtype=bool)
        for known, image, invalid in zip(self.fill, images, bad, strict=True):
            for value, step in known.items():
                invalid |= fill_areas(_single(image), invalid, value, step=step)
        return bad

    def _of_window(self, name, window):
        values = self._others[name]
        return values.joined(window) if isinstance(values, _Images) else values


def _single(image):
    with np.errstate(over='ignore'):
        return np.asarray(getattr(image, 'value', image)).astype(np.float32, copy=False)


def _is_positive(error, mask):
    error = np.asarray(getattr(error, 'value', error))
    if error.ndim < 2:
        return True
    return bool(((error > 0) & np.isfinite(error) & ~mask).any())


def _images_or_numbers(values, name, data):
    if not _is_image(values):
        return values
    images = _Images(values, name)
    if images.shape != data.shape or images.n_bands not in (1, data.n_bands):
        msg = (f'{name} must have the same shape as the input image, got '
               f'{images.full_shape} for data of shape {data.full_shape}')
        raise ValueError(msg)
    return images


def _is_image(values):
    if isinstance(values, (list, tuple)):
        return any(map(_is_image, values))
    return _ndim(values) >= 2


def _ndim(values):
    return len(getattr(values, 'shape', None) or ())


class _Images:
    """
    Images of one shape, one for each band.
    """

    def __init__(self, values, name):
        parts = [_sliceable(part, name) for part in (
            values if isinstance(values, (list, tuple)) else [values])]
        shapes = [tuple(part.shape) for part in parts]
        is_cube = len(parts) == 1 and len(shapes[0]) == 3
        if not is_cube and (len(set(shapes)) != 1 or len(shapes[0]) != 2):
            msg = (f'{name} must be an image (ny, nx), bands (n_bands, ny, nx) or images of '
                   f'the same shape, got {shapes}')
            raise ValueError(msg)
        self._parts, self._is_cube = parts, is_cube
        self.shape = shapes[0][-2:]
        self.n_bands = shapes[0][0] if is_cube else len(parts)
        self.full_shape = (self.n_bands, *self.shape)

    def __getitem__(self, window):
        """
        The images of a window, a list.
        """
        if self._is_cube:
            return list(_as_array(self._parts[0][:, *window]))
        return [_as_array(part[window]) for part in self._parts]

    def joined(self, window):
        """
        The image of a window, (ny, nx), or those of several bands.
        """
        images = self[window]
        return images[0] if len(images) == 1 else np.stack(images)


def _sliceable(part, name):
    if isinstance(part, (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)):
        return part.data if part.fileinfo() is None else part.section
    if isinstance(part, (NDData, fits.HDUList)) or not (
            _ndim(part) and hasattr(part, '__getitem__')):
        msg = (f'{name} must be FITS images or arrays that can be sliced, got an object of '
               f'type {type(part).__name__}')
        raise TypeError(msg)
    return part


def _as_array(values):
    # Quantities and masked arrays are arrays, those of dask and zarr become some.
    return values if isinstance(values, np.ndarray) and not isinstance(
        values, np.memmap) else np.array(values)
