# Licensed under a 3-clause BSD style license - see LICENSE
"""
Reading the extensions of a FITS file: images, and what lies beside them.
"""

__all__ = ['Parts', 'read_companions', 'read_image']

import math

import numpy as np

from photutils_rcnn._units import check_linear
from photutils_rcnn.io.companions import find_errors, find_flags
from photutils_rcnn.io.extensions import band_name
from photutils_rcnn.io.flags import bit_names, flags_to_mask
from photutils_rcnn.io.gain import header_gain
from photutils_rcnn.io.sky import celestial_wcs, check_same_sky
from photutils_rcnn.io.uncertainties import WORDS, error_kind, to_errors
from photutils_rcnn.io.units import pixel_unit
from photutils_rcnn.preprocessing.containers import drop_unit_axes, refuse_bands_last


class Parts:
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


def read_image(hdu, opened, holding, mask_bits, data_unit, parts):
    """
    Read what an extension holds into the parts of a frame.

    Parameters
    ----------
    hdu : HDU
        The extension.
    opened : `~photutils_rcnn.io.opening.Opened`
        The file.
    holding, mask_bits, data_unit
        See `~photutils_rcnn.io.fits.read_frame`.
    parts : `Parts`
        What was read so far; what is read is added.
    """
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


def read_companions(images, opened, errors, masks, mask_bits, parts):
    """
    Read the errors and flags that lie beside images.

    Parameters
    ----------
    images : list of HDU
        The images, which were read.
    opened : `~photutils_rcnn.io.opening.Opened`
        The file.
    errors, masks, mask_bits
        See `~photutils_rcnn.io.fits.read_frame`.
    parts : `Parts`
        What was read so far; what is read is added.
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
