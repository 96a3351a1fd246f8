# Licensed under a 3-clause BSD style license - see LICENSE
"""
Selection of the image extensions of a FITS file.
"""

__all__ = ['select_images']

import re
import warnings

from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.io.extensions import band_name, extension_kind, has_image, is_named_science

#: The kinds of extensions that hold what is looked for, best first.
KINDS = {'images': ('images',), 'errors': ('errors', 'variance', 'ivar'),
         'variance': ('variance',), 'ivar': ('ivar', 'weights'),
         'flags': ('flags',)}
_LOOKS = {'images': 'an image of the sky', 'errors': '1-sigma errors, '
          'variances or inverse variances (of weights that are, say --ivar)',
          'variance': 'variances', 'ivar': 'inverse variances or weights',
          'flags': 'flags of bad pixels'}
# Names and keywords of the detectors of one mosaic.
_CHIP_NAME = re.compile(r'(CCD|CHIP|AMP|IM|DET|SCA|QUAD|EXT|SEXT|N|S)'
                        r'[ _.-]?\d+[A-Z]?', re.IGNORECASE)
_CHIP_KEYWORDS = ('CCDNUM', 'CCDCHIP', 'CHIPID', 'CCDID', 'CCDNAME', 'CHIP',
                  'AMPNAME', 'AMPID', 'IMAGEID', 'DETSEC', 'DETNAME',
                  'ESO DET CHIP1 ID', 'ESO DET CHIP ID')


def select_images(opened, hdus=None, holding='images', *, read=True):
    """
    The extensions that hold the images.

    Parameters
    ----------
    opened : `~photutils_rcnn.io.opening.Opened`
        The file.
    hdus : sequence of int, str or (str, int), optional
        The extensions to take; by default to go by their names.
    holding : {'images', 'errors', 'variance', 'ivar', 'flags'}, optional
        What to look for. The default is ``'images'``.
    read : bool, optional
        Whether to read the pixels, so that a damaged file is told now. The default is
        `True`.

    Returns
    -------
    chosen : list of HDU
        Those with what is looked for.

    Raises
    ------
    OSError
        If an image is damaged.
    ValueError
        If there is none; if several images are those of the chips of a
        mosaic.

    Warns
    -----
    AstropyUserWarning
        If images are left out for their size or beside ``SCI``.
    """
    keys = opened.chosen or hdus
    if keys is not None:
        try:
            chosen = [opened.hdus[key] for key in keys]
        except (KeyError, IndexError) as exc:
            msg = f'{opened.path}: no such extension: {exc}'
            raise ValueError(msg) from exc
    else:
        chosen = _by_name(opened, holding)
        chosen = _without_others(chosen, opened, holding)
        if holding == 'images':
            _refuse_chips(chosen, opened)
    try:
        usable = bool(chosen) and all(
            has_image(hdu) and (not read or hdu.data is not None) for hdu in chosen)
    except (OSError, TypeError, ValueError) as exc:
        msg = (f'{opened.path}: the image cannot be read, the file is '
               f'damaged ({exc})')
        raise OSError(msg) from exc
    if not usable:
        msg = f'{opened.path}: there is no image in the file'
        raise ValueError(msg)
    return chosen


def _by_name(opened, holding):
    present = [hdu for hdu in opened.hdus if has_image(hdu)]
    kinds = [extension_kind(hdu) for hdu in present]
    for wanted in KINDS[holding]:
        chosen = [hdu for hdu, kind in zip(present, kinds, strict=True)
                  if kind == wanted]
        if chosen:
            return chosen
    if holding in ('errors', 'variance', 'ivar'):
        # pixels of the sky are no errors
        chosen = [hdu for hdu, kind in zip(present, kinds, strict=True)
                  if kind == 'images' and len(present) == 1
                  and not is_named_science(hdu)]
    elif holding == 'flags':
        chosen = [hdu for hdu, kind in zip(present, kinds, strict=True)
                  if kind == 'images' and not is_named_science(hdu)]
        if len(present) == 1 and kinds[0] != 'images':
            chosen = present  # a map of segments, say
    if present and not chosen:
        msg = (f'{opened.path}: none of the extensions '
               f'{_names(present, opened)} looks like {_LOOKS[holding]} by '
               'its name; choose with '
               + ('hdus (--hdu)' if holding == 'images'
                  else f'{opened.path}[NAME]'))
        raise ValueError(msg)
    return chosen


def _names(chosen, opened):
    names = [hdu.name for hdu in chosen]
    return [name if name and names.count(name) == 1
            else opened.hdus.index(hdu)
            for name, hdu in zip(names, chosen, strict=True)]


def _without_others(chosen, opened, holding):
    """
    The images of science, and no thumbnails or PSFs.
    """
    kept = [hdu for hdu in chosen if re.search(
        r'(?<![A-Z0-9])SCI(ENCE)?[0-9]*(?![A-Z0-9])', hdu.name,
        re.IGNORECASE)] or chosen
    largest = max(map(_area, kept), default=0)
    # Small images of other bands are bands that do not fit.
    there = {None, *(band_name(hdu) for hdu in kept if _area(hdu) == largest)}
    kept = [hdu for hdu in kept if _area(hdu) == largest
            or band_name(hdu) not in there]
    if len(kept) < len(chosen):
        left_out = _names([hdu for hdu in chosen if hdu not in kept], opened)
        msg = (f'{opened.path}: the extensions {left_out} are left out, they '
               'are small or beside others named SCI')
        if holding == 'images':
            msg += '; choose with hdus (--hdu)'
        warnings.warn(msg, AstropyUserWarning, stacklevel=4)
    return kept


def _area(hdu):
    return hdu.shape[-2] * hdu.shape[-1]


def _refuse_chips(chosen, opened):
    """
    Refuse the chips or amplifiers of a mosaic as bands of one sky.
    """
    bands = [band_name(hdu) for hdu in chosen]
    if len(chosen) < 2 or (None not in bands
                           and len(set(bands)) == len(bands)):
        return
    differing = [keyword for keyword in _CHIP_KEYWORDS
            if all(keyword in hdu.header for hdu in chosen)
            and len({hdu.header[keyword] for hdu in chosen}) > 1]
    if differing or all(_CHIP_NAME.fullmatch(hdu.name) for hdu in chosen):
        reason = differing[0] if differing else 'their names'
        msg = (f'{opened.path}: the extensions {_names(chosen, opened)} are '
               f'chips of a mosaic by {reason}, and frames of their own; '
               f'choose one, with hdus (--hdu) or as {opened.path}'
               f'[{_names(chosen, opened)[0]}]')
        raise ValueError(msg)
