# Licensed under a 3-clause BSD style license - see LICENSE
"""
What the extensions of a FITS file hold, by their names and headers.
"""

__all__ = ['band_name', 'file_stem', 'image_hdus', 'pixel_unit']

import re
import warnings
from pathlib import Path

from astropy import units as u
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.bands import filter_wavelength

FITS_SUFFIXES = ('.fits', '.fit', '.fts', '.gz', '.fz', '.bz2', '.xz', '.zip')
FILTER_KEYWORDS = ('FILTER', 'BAND', 'FILTER1', 'FILTER2', 'FILTNAM')
# Words in the names of extensions; the first three letters may belong to a
# band or an object ('GERR', 'CRMASK'), as may the last one ('ERRG').
_KINDS = {
    'errors': r'\w{0,3}ERR\w?|RMS\w?|ERRORS?|SIG(MA)?|STD(DEV)?|STDEV|NOISE|'
              r'UNC(ERT(AINT(Y|IES))?)?|(RMS|ERR(OR)?|NOISE|SIGMA)MAP',
    'flags': r'\w{0,3}(MASK|MSK|DQ)\w?|MASKS|MASKBITS|FLAGS?|BPM|BAD(PIX)?|'
             r'QUAL(ITY)?|(FLAG|BAD)MAP',
    'others': r'\w{0,3}(VAR|WHT)\w?|VARIANCE|INVVAR|STAT|WEIGHTS?|WGH?T|WT|CTX|'
              r'CON|CONF(IDENCE)?|CONTEXT|AREA|PSF(IMAGE)?|BKG|BACK(GROUND)?|'
              r'BACKGND|SKY|SEG(M|MENTATION)?|EXP(TIME|OSURE)?|COV(ERAGE)?|'
              r'N(EXP|OBS)|CHI2?|DEPTH|SNR|MODEL|RESID(UAL)?S?|\w+MAP|'
              r'D2IMARR|WCSDVARR',
}
_KINDS = {kind: re.compile(f'({words})[0-9]*', re.IGNORECASE)
          for kind, words in _KINDS.items()}
_LOOKS = {'images': 'an image of the sky', 'errors': '1-sigma errors (weights '
          'and variances are not)', 'flags': 'flags of bad pixels'}
_SCIENCE = re.compile('SCI(ENCE)?[0-9]*', re.IGNORECASE)
# What files say in capitals or in the plural.
_UNIT_WORDS = re.compile(r'\b(adu|dn|electron|count)s?\b', re.IGNORECASE)


def image_hdus(hdu_list, path, hdus, holding):
    """
    The extensions that hold the images.

    Parameters
    ----------
    hdu_list : `~astropy.io.fits.HDUList`
        The extensions of a file.
    path : path-like
        The file, for messages.
    hdus : sequence of int or str or `None`
        The numbers or names of those to take; `None` to go by their names.
    holding : {'images', 'errors', 'flags'}
        What to look for.

    Returns
    -------
    chosen : list of HDU
        Those with what is looked for.

    Raises
    ------
    OSError
        If an image is damaged.
    ValueError
        If there is none.
    """
    if hdus is not None:
        try:
            chosen = [hdu_list[key] for key in hdus]
        except (KeyError, IndexError) as exc:
            msg = f'{path}: no such extension: {exc}'
            raise ValueError(msg) from exc
    else:
        present = [hdu for hdu in hdu_list if _has_image(hdu)]
        chosen = ([hdu for hdu in present if _kind(hdu) == holding]
                  or [hdu for hdu in present if _kind(hdu) == 'images'])
        if holding == 'flags' and len(present) == 1:
            chosen = present  # a map of segments, say
        if present and not chosen:
            msg = (f'{path}: none of the extensions '
                   f'{_names(present, hdu_list)} looks like '
                   f'{_LOOKS[holding]} by its name')
            if holding == 'images':
                msg += '; choose with hdus (--hdu)'
            raise ValueError(msg)
        chosen = _without_others(chosen, hdu_list, path, holding)
    try:
        usable = bool(chosen) and all(
            _has_image(hdu) and hdu.data is not None for hdu in chosen)
    except (OSError, TypeError, ValueError) as exc:
        msg = f'{path}: the image cannot be read, the file is damaged ({exc})'
        raise OSError(msg) from exc
    if not usable:
        msg = f'{path}: there is no image in the file'
        raise ValueError(msg)
    return chosen


def _names(chosen, hdu_list):
    return [hdu.name or hdu_list.index(hdu) for hdu in chosen]


def _without_others(chosen, hdu_list, path, holding):
    """
    The images of science, and no thumbnails or PSFs.
    """
    kept = [hdu for hdu in chosen if any(map(_SCIENCE.fullmatch, _words(hdu)))
            ] or chosen
    largest = max(map(_area, kept), default=0)
    # Small images of other bands are bands that do not fit.
    there = {None, *(band_name(hdu) for hdu in kept if _area(hdu) == largest)}
    kept = [hdu for hdu in kept if _area(hdu) == largest
            or band_name(hdu) not in there]
    if len(kept) < len(chosen):
        left_out = _names([hdu for hdu in chosen if hdu not in kept],
                          hdu_list)
        msg = (f'{path}: the extensions {left_out} are left out, they are '
               'small or beside others named SCI')
        if holding == 'images':
            msg += '; choose with hdus (--hdu)'
        warnings.warn(msg, AstropyUserWarning, stacklevel=4)
    return kept


def _area(hdu):
    return hdu.shape[-2] * hdu.shape[-1]


def _words(hdu):
    told = f'{hdu.name} {hdu.header.get("IMAGETYP", "")}'
    return re.split(r'[^A-Za-z0-9]+', told)


def _kind(hdu):
    """
    What an image holds, by the name of its extension, or by what cutouts of
    the Legacy Surveys have in place of one.
    """
    for word in _words(hdu):
        for kind, pattern in _KINDS.items():
            if pattern.fullmatch(word):
                return kind
    return 'images'


def _has_image(hdu):
    return bool(hdu.is_image) and len(hdu.shape or ()) >= 2


def file_stem(path):
    """
    The name of a FITS file without what says that it is one.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    stem : str
        The name without endings such as ``.fits``, ``.fit.gz`` or
        ``.fits.fz``; other dots, those of coordinates say, stay.
    """
    path = Path(path)
    while path.suffix.lower() in FITS_SUFFIXES:
        path = path.with_suffix('')
    return path.name


def band_name(hdu, path=''):
    """
    The name of the filter, if it is told.

    Parameters
    ----------
    hdu : HDU
        The extension.
    path : path-like, optional
        The file, whose name may tell, too.

    Returns
    -------
    name : str or `None`
        The first word in the header, in the name of the extension or in that
        of the file which is a known filter.
    """
    told = [hdu.header.get(keyword) for keyword in FILTER_KEYWORDS]
    for name in (*told, hdu.name, file_stem(path)):
        for word in re.split(r'[\s._:/-]+', str(name or '')):
            if filter_wavelength(word) is not None:
                return word
    return None


def pixel_unit(header, source):
    """
    The unit of the pixels.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        The header.
    source : str
        Where it comes from, for the warning.

    Returns
    -------
    unit : `~astropy.units.Unit`, str or `None`
        What ``BUNIT`` says; its text if astropy does not know it, with a
        warning.
    """
    told = str(header.get('BUNIT', '')).strip()
    if not told:
        return None
    usual = _UNIT_WORDS.sub(lambda word: word[1].lower(), told)
    usual = re.sub(r'/ *S(EC)?$', '/s', usual, flags=re.IGNORECASE)
    for text in (told, usual):
        try:
            return u.Unit(text)
        except ValueError:
            continue
    warnings.warn(f'{source}: the unit {told!r} (BUNIT) is not known and left '
                  'out', AstropyUserWarning, stacklevel=3)
    return told
