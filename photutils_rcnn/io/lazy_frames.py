# Licensed under a 3-clause BSD style license - see LICENSE
"""
FITS images that are read window by window.
"""

__all__ = ['open_lazily', 'open_planes']

from pathlib import Path

import numpy as np
from astropy.io import fits

from photutils_rcnn._units import check_linear
from photutils_rcnn.io.companions import find_errors, find_flags
from photutils_rcnn.io.extensions import band_name
from photutils_rcnn.io.flags import bit_names, flags_to_mask
from photutils_rcnn.io.gain import header_gain
from photutils_rcnn.io.opening import Opened, split_extension
from photutils_rcnn.io.selection import select_images
from photutils_rcnn.io.sky import celestial_wcs, check_same_sky
from photutils_rcnn.io.uncertainties import error_kind, to_errors
from photutils_rcnn.io.units import pixel_unit

COMPRESSED = ('.gz', '.bz2', '.xz', '.Z', '.zip')


class _Plane:
    """
    An image of an extension, which is read where it is asked for.
    """

    def __init__(self, hdu, index, path, convert, unit=None):
        self._section, self._convert = hdu.section, convert
        self.path = path
        self._index = index
        self.unit = unit
        self.shape, self.dtype = tuple(hdu.shape[-2:]), hdu.section.dtype

    def __getitem__(self, window):
        return self._convert(np.asarray(self._section[*self._index, *window]))


def _planes(hdu, opened, convert, unit=None):
    """
    The images of an extension.
    """
    outer = hdu.shape[:-2]
    long = [n for n in outer if n > 1]
    if len(long) > 1:
        msg = f'{opened.path}: expected 2D or 3D images, got shape {hdu.shape}'
        raise ValueError(msg)
    return [_Plane(hdu, np.unravel_index(i, outer) if outer else (), Path(opened.path),
                   convert, unit)
            for i in range(int(np.prod(outer, dtype=int)))]


def open_lazily(paths, stack, *, hdus=None, errors=True, masks=True, mask_bits=None,
                wcs=None, bands=None, gain=None):
    """
    Open the files of a frame, and what belongs to it.

    Images, errors, flags, WCS, bands, unit and gain are found as
    `~photutils_rcnn.io.fits.read_frame` does.

    Parameters
    ----------
    paths : path-like or list of path-like
        The files, one or one for each band.
    stack : `contextlib.ExitStack`
        What closes the files.
    hdus, errors, masks, mask_bits
        See `~photutils_rcnn.io.fits.read_frame`.
    wcs, bands, gain
        What the user gave, which wins.

    Returns
    -------
    images : list
        One for each band, with a shape and a unit; slices are read.
    given : dict
        ``error``, ``mask``, ``wcs``, ``bands`` and ``gain``, as
        `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>` takes them.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read by windows, or the images do not fit each other.
    """
    found = {name: [] for name in ('images', 'names', 'units', 'errors', 'masks', 'gains')}
    own_wcs = None
    for path in paths if isinstance(paths, (list, tuple)) else [paths]:
        opened = _open(path, stack)
        chosen = select_images(opened, hdus, read=False)
        first_unit = pixel_unit(chosen[0].header, opened.source(chosen[0]))
        beside, kind, _ = find_errors(chosen, opened, first_unit) if errors else (
            None, None, '')
        flags = find_flags(chosen, opened) if masks else None
        for i, hdu in enumerate(chosen):
            source = opened.source(hdu)
            unit = pixel_unit(hdu.header, source)
            check_linear(unit, f'{source}: the unit (BUNIT)')
            found['units'].append(str(unit))
            unit = None if isinstance(unit, str) else unit
            images = _planes(hdu, opened, _with_unit(unit), unit)
            n_planes = len(images)
            found['images'] += images
            found['names'] += [band_name(hdu, opened.path, opened.primary)] * n_planes
            found['gains'] += [header_gain(hdu.header, opened.primary, unit)] * n_planes
            found['errors'] += _as_many(beside and _errors(beside[i], opened, kind, unit),
                                        n_planes)
            found['masks'] += _as_many(flags and _flags(flags[i], opened, mask_bits), n_planes)
            sky = celestial_wcs(hdu.header, opened.hdus, source)
            if own_wcs is not None and sky is not None:
                check_same_sky(sky, own_wcs, hdu.shape[-2:], source, str(paths))
            own_wcs = sky if own_wcs is None else own_wcs
    if len(set(found['units'])) > 1:
        msg = f'the images must have the same unit (BUNIT), got {found["units"]}'
        raise ValueError(msg)
    names = found['names']
    known = None not in names and len(set(names)) == len(names)
    given = {'error': _all(found['errors']), 'mask': _all_masks(found),
             'wcs': own_wcs if wcs is None else wcs,
             'bands': tuple(names) if bands is None and known else bands,
             'gain': _all(found['gains']) if gain is None else gain}
    return found['images'], given


def open_planes(paths, stack, holding, *, mask_bits=None, data_unit=None):
    """
    Open files of errors or flags.

    Parameters
    ----------
    paths : list of path-like
        The files.
    stack : `contextlib.ExitStack`
        What closes them.
    holding, mask_bits, data_unit
        See `~photutils_rcnn.io.fits.read_frame`.

    Returns
    -------
    planes : list
        The images, with a shape; slices are read as 1-sigma errors in their unit or as
        bool arrays.
    """
    planes = []
    for path in paths:
        opened = _open(path, stack)
        for hdu in select_images(opened, None, holding, read=False):
            planes += (_flags(hdu, opened, mask_bits) if holding == 'flags'
                       else _errors(hdu, opened, holding, data_unit))
    return planes


def _open(path, stack):
    path, key = split_extension(path)
    if path.suffix in COMPRESSED:
        msg = (f'{path}: a file that is compressed as a whole cannot be read in parts; '
               'uncompress it, or compress its images (fpack)')
        raise ValueError(msg)
    if not path.is_file():
        msg = f'{path}: no such file'
        raise OSError(msg)
    try:
        # mapped pages would count as memory of the process
        hdus = stack.enter_context(fits.open(path, memmap=False))
    except OSError as exc:
        msg = f'{path}: not a readable FITS file ({exc})'
        raise OSError(msg) from exc
    return Opened(hdus, str(Path(path)), None if key is None else [key])


def _with_unit(unit):
    return lambda values: values if unit is None else values << unit


def _errors(hdu, opened, kind, data_unit):
    source = opened.source(hdu)
    kind = error_kind(hdu, kind, source)
    unit = pixel_unit(hdu.header, source)

    def convert(values):
        errors, own = to_errors(values, kind, unit, data_unit, source)
        return errors if own is None else errors << own

    return _planes(hdu, opened, convert)


def _flags(hdu, opened, mask_bits):
    source = opened.source(hdu)
    names = bit_names(hdu.header, opened.primary)

    def convert(values):
        if mask_bits is None and not names:
            return values != 0
        return flags_to_mask(values, names, mask_bits, source)[0]

    return _planes(hdu, opened, convert)


def _as_many(planes, count):
    """
    One for each image; `None` for each if there are none.
    """
    if not planes:
        return [None] * count
    if len(planes) not in (1, count):
        msg = f'expected one plane of errors or flags or {count}, got {len(planes)}'
        raise ValueError(msg)
    return planes * (count // len(planes))


def _all(values):
    return None if any(value is None for value in values) else values


def _all_masks(found):
    """
    The masks; images without one have all pixels.
    """
    masks = found['masks']
    if all(mask is None for mask in masks):
        return None
    return [_NoFlags(image.shape) if mask is None else mask
            for image, mask in zip(found['images'], masks, strict=True)]


class _NoFlags:
    def __init__(self, shape):
        self.shape, self.dtype = shape, np.dtype(bool)

    def __getitem__(self, window):
        return np.broadcast_to(False, self.shape)[window]
