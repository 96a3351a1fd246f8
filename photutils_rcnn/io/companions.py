# Licensed under a 3-clause BSD style license - see LICENSE
"""
Companion extensions: errors and flags beside the images of a FITS file.
"""

__all__ = ['find_companions', 'find_errors', 'find_flags']

import re
import warnings

from astropy.units import UnitBase
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.io.extensions import band_name, extension_kind, extension_words, has_image
from photutils_rcnn.io.uncertainties import POWERS, WORDS
from photutils_rcnn.io.units import pixel_unit


def find_companions(images, kind, opened):
    """
    The extensions of a kind that belong to images.

    Parameters
    ----------
    images : list of HDU
        The images.
    kind : {'errors', 'variance', 'ivar', 'weights', 'flags'}
        What to look for.
    opened : `~photutils_rcnn.io.opening.Opened`
        The file.

    Returns
    -------
    found : list of HDU or `None`
        One for each image, of its size: by the rest of their names and
        ``EXTVER``, by their filters, by ``EXTVER``, or by their place behind
        it. `None` if there is none for some image or a choice.
    candidates : list of HDU
        The extensions of this kind and size.
    """
    shapes = {hdu.shape[-2:] for hdu in images}
    candidates = [hdu for hdu in opened.hdus if has_image(hdu)
                  and hdu.shape[-2:] in shapes and hdu not in images
                  and extension_kind(hdu) == kind]
    if len(images) == len(candidates) == 1:
        return candidates, candidates

    def place(hdu):
        # the number of the image that it stands behind
        here = opened.hdus.index(hdu)
        return sum(opened.hdus.index(image) <= here for image in images)

    for key in (_name_and_version, band_name, lambda hdu: hdu.ver, place):
        found = [[hdu for hdu in candidates if key(image) is not None
                  and key(hdu) == key(image)] for image in images]
        if all(len(fitting) == 1 for fitting in found):
            return [hdu for hdu, in found], candidates
    return None, candidates


def find_errors(images, opened, unit):
    """
    The uncertainties that belong to images.

    Parameters
    ----------
    images, opened
        See `find_companions`.
    unit : `~astropy.units.UnitBase`, str or `None`
        The unit of the images.

    Returns
    -------
    found : list of HDU or `None`
        Those that belong to them: errors, else variances, else inverse
        variances, else weights that say by their unit that they are these.
    kind : {'errors', 'variance', 'ivar'} or `None`
        What they hold.
    note : str
        What was not used and why; empty for nothing.

    Warns
    -----
    AstropyUserWarning
        If it is not clear which of them belongs to which image.
    """
    for kind in POWERS:
        found, candidates = find_companions(images, kind, opened)
        if found:
            return found, kind, ''
        if candidates:
            _warn_unclear(candidates, WORDS[kind], '--error', opened)
            return None, None, ''
    found, candidates = find_companions(images, 'weights', opened)
    if found and isinstance(unit, UnitBase) and all(
            _is_inverse_square(hdu, unit, opened) for hdu in found):
        return found, 'ivar', ''
    if candidates:
        note = (f'{_names(candidates, opened)}: not used, weights may be '
                'inverse variances (--ivar takes them as these) or exposure '
                'times')
        return None, None, note
    return None, None, ''


def find_flags(images, opened):
    """
    The flags that belong to images.

    Parameters
    ----------
    images, opened
        See `find_companions`.

    Returns
    -------
    found : list of HDU or `None`
        Those that belong to them; one may belong to all.

    Warns
    -----
    AstropyUserWarning
        If it is not clear which of them belongs to which image.
    """
    found, candidates = find_companions(images, 'flags', opened)
    if found:
        return found
    if len(candidates) == 1:
        return candidates * len(images)
    if candidates:
        _warn_unclear(candidates, 'flags', '--mask', opened)
    return None


def _is_inverse_square(hdu, unit, opened):
    own = pixel_unit(hdu.header, opened.source(hdu))
    return isinstance(own, UnitBase) and own.is_equivalent(unit ** -2)


def _name_and_version(hdu):
    """
    The words of a name that do not tell what it holds, and the version.
    """
    words = [word.lower() for name in extension_words(hdu)
             for word in re.split(r'[^A-Za-z0-9]+', name)]
    common = r'(sci(ence)?|image|data|err|error|var|variance|ivar|invvar|'\
        r'wht|weight|rms|sigma|mask|dq|flags?)'
    rest = [word for word in words if not re.fullmatch(common, word)]
    return tuple(filter(None, rest)), hdu.ver


def _names(candidates, opened):
    return ', '.join(f'{opened.source(hdu)} {hdu.name}'.rstrip()
                     for hdu in candidates)


def _warn_unclear(candidates, words, option, opened):
    msg = (f'{_names(candidates, opened)}: not used, these may be {words}, '
           f'but of which image is not clear; say so with {option}')
    warnings.warn(msg, AstropyUserWarning, stacklevel=4)
