# Licensed under a 3-clause BSD style license - see LICENSE
"""
The units of FITS images, also in spellings that astropy does not know.
"""

__all__ = ['parse_unit', 'pixel_unit']

import re
import warnings

from astropy import units as u
from astropy.utils.exceptions import AstropyUserWarning

# Words as files spell them, in lower case. Prefixes in capitals are left
# alone: MJY may be mJy or MJy.
_WORDS = {
    'adu': 'adu', 'adus': 'adu', 'dn': 'DN', 'dns': 'DN', 'ct': 'ct',
    'cts': 'ct', 'count': 'ct', 'counts': 'ct', 'electron': 'electron',
    'electrons': 'electron', 'photon': 'ph', 'photons': 'ph', 'jy': 'Jy',
    'jansky': 'Jy', 'janskys': 'Jy', 'ujy': 'uJy', 'njy': 'nJy',
    'beam': 'beam', 'sr': 'sr', 'erg': 'erg', 'ergs': 'erg', 's': 's',
    'sec': 's', 'second': 's', 'seconds': 's', 'cm': 'cm', 'm': 'm',
    'a': 'Angstrom', 'ang': 'Angstrom', 'angstrom': 'Angstrom',
    'angstroms': 'Angstrom', 'hz': 'Hz', 'k': 'K', 'kelvin': 'K',
    'pix': 'pix', 'pixel': 'pix', 'pixels': 'pix', 'arcsec': 'arcsec',
    'mag': 'mag', 'mags': 'mag', 'nmgy': 'nmgy', 'nanomaggy': 'nmgy',
    'nanomaggies': 'nmgy', 'maggy': 'mgy', 'maggies': 'mgy', 'mgy': 'mgy',
}
_MEGAJANSKY = re.compile('MJY(?= */ *SR| +SR)')
_WORD = re.compile(r'(?<![A-Za-z0-9.])[A-Za-z]+(?![A-Za-z])')
# '10-17', '10**(-17)', '10^-17', '1E-17' in front of the unit
_SCALE = re.compile(
    r'(?:10 *(?:\*\*|\^)? *\(? *([+-] *\d+) *\)?|1(?:\.0*)?[eE]([+-]?\d+))'
    r'[ *]*(?=[A-Za-z])')
_POWER = re.compile(r'\((.+)\) *(?:\*\*|\^)? *\(?([+-]?\d+)\)?')


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
        What ``BUNIT`` says; its text if it is not understood, with a
        warning.
    """
    text = str(header.get('BUNIT', '')).strip()
    if not text:
        return None
    try:
        return parse_unit(text)
    except ValueError:
        warnings.warn(f'{source}: the unit {text!r} (BUNIT) is not known and '
                      'left out', AstropyUserWarning, stacklevel=3)
        return text


def parse_unit(text):
    """
    The unit that a text of a FITS header names.

    Parameters
    ----------
    text : str
        The text: what astropy understands; words in capitals or in the
        plural, ``e-`` for electrons, ``A`` for Angstroms beside energies,
        powers of ten in front, and powers of all in parentheses.

    Returns
    -------
    unit : `~astropy.units.Unit`
        The unit.

    Raises
    ------
    ValueError
        If the text is not understood.
    """
    text = text.strip()
    whole = _POWER.fullmatch(text)
    if whole and ')' not in re.sub(r'\([^()]*\)', '', whole[1]):
        return parse_unit(whole[1]) ** int(whole[2])
    # astropy takes them for amperes and siemens
    text = re.sub(r'(?<![A-Za-z])A(?![A-Za-z])', 'Angstrom', text)
    text = re.sub(r'(?<![A-Za-z])S(?![A-Za-z])', 's', text)
    with warnings.catch_warnings():
        # several slashes, or units that are not in the standard
        warnings.simplefilter('ignore', u.UnitsWarning)
        return _parse(text)


def _parse(text):
    try:
        return u.Unit(text)
    except ValueError:
        pass
    scale = _SCALE.match(text)
    factor = 1
    if scale:
        factor = 10. ** int((scale[1] or scale[2]).replace(' ', ''))
        text = text[scale.end():]
    text = re.sub(r'\be-(?!\d)', 'electron', text, flags=re.IGNORECASE)
    text = _MEGAJANSKY.sub('MJy', text)
    text = _WORD.sub(lambda word: _WORDS.get(word[0].lower(), word[0])
                     if word[0] not in ('MJy', 'M', 'm') else word[0], text)
    unit = u.Unit(text)
    return unit if factor == 1 else u.Unit(factor * unit)
