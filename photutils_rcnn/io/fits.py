# Licensed under a 3-clause BSD style license - see LICENSE
"""
FITS images: the bands of a frame, and label images.
"""

__all__ = ['FrameFile', 'read_frame', 'wcs_header', 'write_segmentation']

import math
import re
import warnings
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from photutils.segmentation import SegmentationImage

from photutils_rcnn._units import check_linear
from photutils_rcnn._unpacking import drop_unit_axes, refuse_bands_last
from photutils_rcnn.io.companions import find_errors, find_flags
from photutils_rcnn.io.extensions import band_name, extension_kind
from photutils_rcnn.io.flags import bit_names, flags_to_mask
from photutils_rcnn.io.gain import header_gain
from photutils_rcnn.io.opening import open_fits
from photutils_rcnn.io.selection import select_images
from photutils_rcnn.io.sky import celestial_wcs, check_same_sky
from photutils_rcnn.io.uncertainties import WORDS, error_kind, to_errors
from photutils_rcnn.io.units import pixel_unit


@dataclass(frozen=True)
class FrameFile:
    """
    A frame read from one or several FITS files.

    Parameters
    ----------
    data : list of 2D `~numpy.ndarray`
        The images, one per band.
    bands : tuple of str or `None`
        Their names, if the files tell them.
    unit : `~astropy.units.Unit` or `None`
        The unit of the data.
    wcs : `~astropy.wcs.WCS` or `None`
        The celestial WCS of the first image that has one.
    sources : tuple of str
        Where the images come from: file and extension.
    errors : list of 2D `~numpy.ndarray` or `None`, optional
        The 1-sigma errors that lie beside the images, in their unit.
    masks : list of 2D bool `~numpy.ndarray` or `None`, optional
        `True` for bad pixels, from flags that lie beside the images; or
        from the data, if these are flags.
    gain : list of float or `None`, optional
        The gain of each band in electrons per count.
    notes : tuple of str, optional
        Where errors, masks and gain come from, in words, and what was not
        used.
    """

    data: list
    bands: tuple | None
    unit: object
    wcs: object
    sources: tuple
    errors: list | None = None
    masks: list | None = None
    gain: list | None = None
    notes: tuple = ()


def read_frame(paths, hdus=None, *, holding='images', errors=True,
               masks=True, mask_bits=None, data_unit=None):
    """
    Read a frame from FITS files.

    Each image is one band; a 3D image is one per plane; axes of length one
    are dropped. Of a multi-extension file all images are taken but those
    whose name, or keyword ``IMAGETYP`` or ``PRODTYPE``, says that they hold
    something else; beside extensions named ``SCI`` no others, and of images
    without a filter of their own the largest. The bands are named by the
    header keywords ``FILTER``, ``BAND``, ``FILTER1``, ``FILTER2`` or
    ``FILTNAM``, the name of the extension or that of the file, where all are
    different known filters.

    Beside images, their errors, variances or inverse variances, their flags
    and their gain are read, if the names of the extensions and the header
    tell which they are.

    Parameters
    ----------
    paths : path-like, HDU, `~astropy.io.fits.HDUList` or sequence of these
        The files. A path may end in an extension: ``image.fits[1]``,
        ``image.fits[SCI,1]``.
    hdus : sequence of int, str or (str, int), optional
        The numbers or names of the extensions to read from each file.
    holding : {'images', 'errors', 'variance', 'ivar', 'flags'}, optional
        What to read of a multi-extension file. For ``'images'`` (default)
        extensions named as weights, errors, flags or the like are left out.
        Uncertainties and flags are looked for by the names of extensions.
        Without such a name the only image of a file is taken for errors,
        and all for flags, unless it is named as science. Variances and
        inverse variances are turned into standard deviations.
    errors, masks : bool, optional
        Whether to read the errors and flags beside images. The default is
        `True`.
    mask_bits : str or int, optional
        The bits of flags that mean bad pixels; see
        `~photutils_rcnn.io.flags.flags_to_mask`.
    data_unit : `~astropy.units.Unit`, optional
        The unit of the data that uncertainties belong to.

    Returns
    -------
    frame : `FrameFile`
        The frame.

    Raises
    ------
    OSError
        If a file cannot be read as FITS.
    ValueError
        If a file has no image, or none that is named as what is asked for;
        if the images differ in shape, in unit or in the sky they show, are
        chips of a mosaic, or magnitudes; if flags cannot be understood.

    Warns
    -----
    AstropyUserWarning
        If a header has a WCS that cannot be used or a unit that is not
        known; if images are left out for their size or beside ``SCI``; if
        it is not clear which errors or flags belong to which image.
    """
    if isinstance(paths, fits.HDUList) or not isinstance(
            paths, (list, tuple)):
        paths = [paths]
    parts = _Parts()
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyWarning)
            with open_fits(path) as opened:
                warnings.filterwarnings('always', re.escape(opened.path))
                chosen = select_images(opened, hdus, holding)
                for hdu in chosen:
                    _read_image(hdu, opened, holding, mask_bits, data_unit,
                                parts)
                # weights that were asked for have none
                if holding == 'images' and all(
                        extension_kind(hdu) == 'images' for hdu in chosen):
                    _read_companions(chosen, opened, errors, masks, mask_bits,
                                     parts)
    shapes = [image.shape for image in parts.images]
    if len(set(shapes)) > 1:
        msg = f'the images must have the same shape, got {shapes}'
        raise ValueError(msg)
    if len(set(parts.units)) > 1:
        msg = f'the images must have the same unit (BUNIT), got {parts.units}'
        raise ValueError(msg)
    names = parts.names
    known = None not in names and len(set(names)) == len(names)
    unit = parts.units[0]
    return FrameFile(
        parts.images, tuple(names) if known else None,
        None if isinstance(unit, str) else unit, parts.wcs,
        tuple(parts.sources), parts.all_errors(), parts.all_masks(),
        parts.all_gains(), tuple(dict.fromkeys(parts.notes)))


class _Parts:
    """
    What was read so far, one item per band but for units and notes.
    """

    def __init__(self):
        self.images, self.names, self.units, self.sources = [], [], [], []
        self.errors, self.masks, self.gains, self.notes = [], [], [], []
        self.wcs = self.wcs_source = None

    def all_errors(self):
        if all(error is None for error in self.errors):
            return None
        if any(error is None for error in self.errors):
            self.notes.append('errors: not used, some images have none')
            return None
        return self.errors

    def all_masks(self):
        if all(mask is None for mask in self.masks):
            return None
        return [np.zeros(image.shape, bool) if mask is None else mask
                for image, mask in zip(self.images, self.masks, strict=True)]

    def all_gains(self):
        if not any(self.gains):
            return None
        if not all(self.gains):
            self.notes.append('gain: not used, some images tell none')
        return self.gains


def _planes(hdu, opened):
    """
    The images of an extension, one per plane.
    """
    planes = drop_unit_axes(hdu.data)
    if planes.ndim > 3:
        msg = (f'{opened.path}: expected 2D or 3D images, got shape '
               f'{hdu.data.shape}')
        raise ValueError(msg)
    refuse_bands_last(planes.shape, opened.source(hdu))
    return np.array(planes, ndmin=3)


def _read_image(hdu, opened, holding, mask_bits, data_unit, parts):
    source = opened.source(hdu)
    planes = _planes(hdu, opened)
    unit = pixel_unit(hdu.header, source)
    n_planes = len(planes)
    if holding in WORDS:
        kind = error_kind(hdu, holding, source)
        planes, unit = to_errors(planes, kind, unit, data_unit, source)
        parts.notes.append(_error_note(source, hdu, kind))
    elif holding == 'flags':
        mask, note = flags_to_mask(
            planes, bit_names(hdu.header, opened.primary), mask_bits, source)
        parts.masks.extend(mask)
        parts.notes.append(_mask_note(source, hdu, note, mask))
        unit = None
    else:
        check_linear(unit, f'{source}: the unit (BUNIT)')
        gain = header_gain(hdu.header, opened.primary, unit)
        parts.gains.extend([gain] * n_planes)
        if gain is not None:
            parts.notes.append(f'gain: {gain:g} electrons per count, from '
                               f'{source}')
    parts.images.extend(planes)
    parts.names.extend([band_name(hdu, opened.path, opened.primary)]
                       * n_planes)
    parts.units.append(unit)
    parts.sources.extend([source] * n_planes)
    own = celestial_wcs(hdu.header, opened.hdus, source)
    if parts.wcs is None:
        parts.wcs, parts.wcs_source = own, source
    elif own is not None:
        check_same_sky(own, parts.wcs, planes.shape[1:], source,
                       parts.wcs_source)


def _read_companions(images, opened, errors, masks, mask_bits, parts):
    """
    Read the errors and flags that lie beside images.
    """
    unit = parts.units[-1]
    counts = [math.prod(drop_unit_axes(hdu.data).shape[:-2])
              for hdu in images]
    found, kind, note = (find_errors(images, opened, unit) if errors
                         else (None, None, ''))
    if note:
        parts.notes.append(f'errors: {note}')
    for i, (hdu, count) in enumerate(zip(images, counts, strict=True)):
        if not found:
            parts.errors.extend([None] * count)
            continue
        own, source = found[i], opened.source(found[i])
        values, _ = to_errors(_planes(own, opened), kind,
                              pixel_unit(own.header, source), unit, source)
        parts.errors.extend(_as_many(values, count, source, hdu))
        parts.notes.append(f'errors: {_error_note(source, own, kind)}')
    found = find_flags(images, opened) if masks else None
    for i, (hdu, count) in enumerate(zip(images, counts, strict=True)):
        if not found:
            parts.masks.extend([None] * count)
            continue
        own, source = found[i], opened.source(found[i])
        values, note = flags_to_mask(
            _planes(own, opened), bit_names(own.header, opened.primary),
            mask_bits, source)
        parts.masks.extend(_as_many(values, count, source, hdu))
        parts.notes.append(f'mask: {_mask_note(source, own, note, values)}')


def _as_many(planes, count, source, image):
    if len(planes) not in (1, count):
        msg = (f'{source}: expected one plane or {count}, as the image '
               f'{image.name}, got {len(planes)}')
        raise ValueError(msg)
    return list(planes) * (count // len(planes))


def _error_note(source, hdu, kind):
    return f'{source} {hdu.name}'.rstrip() + f', {WORDS[kind]}'


def _mask_note(source, hdu, note, mask):
    words = [f'{source} {hdu.name}'.rstrip(), *([note] if note else []),
             f'{100 * mask.mean():.2g} % of the pixels']
    return ', '.join(words)


def write_segmentation(path, labels, *, wcs=None, meta=None, overwrite=False):
    """
    Write a label image to a FITS file.

    Parameters
    ----------
    path : str or path-like
        The file.
    labels : `~photutils.segmentation.SegmentationImage` or 2D int \
            `~numpy.ndarray`
        The label image; stored as int32.
    wcs : `~astropy.wcs.WCS`, optional
        The WCS for the header.
    meta : dict, optional
        The ``meta`` of a result, for the header.
    overwrite : bool, optional
        Whether to replace an existing file. The default is `False`.

    Raises
    ------
    OSError
        If the file exists and ``overwrite`` is `False`.
    """
    if isinstance(labels, SegmentationImage):
        labels = labels.data
    header = wcs_header(wcs)
    meta = meta or {}
    for keyword, name in (('RCNNVER', 'photutils_rcnn_version'),
                          ('RCNNMOD', 'model'), ('RCNNSHA', 'model_sha256'),
                          ('RCNNSCR', 'score_threshold'),
                          ('RCNNNMS', 'nms_threshold'),
                          ('RCNNBKG', 'background')):
        if meta.get(name) is not None:
            header[keyword] = meta[name]
    hdu = fits.PrimaryHDU(np.asarray(labels, dtype=np.int32), header)
    hdu.writeto(path, overwrite=overwrite)


def wcs_header(wcs):
    """
    A WCS as FITS header.

    Parameters
    ----------
    wcs : WCS object or `None`
        The WCS.

    Returns
    -------
    header : `~astropy.io.fits.Header`
        The header; empty if there is no WCS.

    Warns
    -----
    AstropyUserWarning
        If the WCS is of a kind that has no FITS header, or has distortions
        in look-up tables, which headers do not hold.
    """
    if wcs is None:
        return fits.Header()
    if not hasattr(wcs, 'to_header'):
        msg = (f'the WCS is not written: a {type(wcs).__name__} has no FITS '
               'header')
        warnings.warn(msg, AstropyUserWarning, stacklevel=3)
        return fits.Header()
    if any(getattr(wcs, name, None) is not None
           for name in ('cpdis1', 'cpdis2', 'det2im1', 'det2im2')):
        warnings.warn('the WCS is written without its distortions in look-up '
                      'tables', AstropyUserWarning, stacklevel=3)
    return wcs.to_header(relax=True)
