# Licensed under a 3-clause BSD style license - see LICENSE
"""
Filter names: their order in wavelength.
"""

__all__ = ['filter_wavelength', 'wavelength_order']

import re

# Approximate effective wavelengths in micrometers; only their order matters.
_LETTERS = {'FUV': 0.153, 'NUV': 0.227, 'u': 0.36, 'U': 0.365, 'B': 0.445,
            'g': 0.48, 'G': 0.48, 'V': 0.551, 'r': 0.62, 'R': 0.658,
            'VIS': 0.72, 'i': 0.76, 'I': 0.806, 'z': 0.9, 'Z': 0.9,
            'y': 0.99, 'Y': 1.02, 'J': 1.22, 'H': 1.63, 'Ks': 2.15,
            'K': 2.19, 'W1': 3.4, 'W2': 4.6, 'W3': 12.0, 'W4': 22.0,
            'zs': 0.87, 'r2': 0.62, 'i2': 0.76}
# Those of Sloan are written g' or, by observatories without quotes, gp; rp, which may be that
# of Gaia in small letters, is redder than bp as well.
_LETTERS |= {letter + prime: _LETTERS[letter] for letter in 'ugriz' for prime in "'p"}

# Numbers above 199 count nanometers in HST names and hundredths of a
# micrometer in JWST and Roman names; these are the latter.
_INFRARED = {200, 210, 212, 213, 277, 322, 323, 335, 356, 360, 405, 410, 430,
             444, 460, 466, 470, 480, 560, 770}
# HST has wide filters of these numbers, JWST medium ones; F1042M, long-pass
# (LP) and extremely wide (X) ones are of HST.
_INFRARED_MEDIUM = {250, 300, 380}
# Names in which a letter stands for something else.
_SPECIAL = {r'h[\s_-]*a(lpha)?': 0.656, r'h[\s_-]*b(eta)?': 0.486,
            r'g?[\s_-]*bp': 0.51, r'(g[\s_-]*rp|(?-i:RP))': 0.78}
_NUMBERED = re.compile(r'^F(\d{3,4})(W2|LP|[CLMNWX])?$', re.IGNORECASE)


def filter_wavelength(name):
    """
    The approximate wavelength of a filter, by its name.

    Broad-band letters (``'g'``, ``'Ks'``), HST, JWST and Roman names
    (``'F105W'``) and names that contain one of them as a word are known
    (``'HSC-G'``, ``'decam_z'``, ``'Y_E'``), and H alpha, H beta and the two
    photometers of Gaia; so are Sloan filters with a prime (``"r'"``, ``'rp'``). Names that
    HST and JWST share (``'F410M'``) are taken for those of JWST.

    Parameters
    ----------
    name : str
        The name of the filter.

    Returns
    -------
    wavelength : float or `None`
        The wavelength in micrometers, good enough to sort by; `None` if
        the name is not known.
    """
    for pattern, wavelength in _SPECIAL.items():
        if re.search(rf'(?<![a-z0-9]){pattern}(?![a-z0-9])', name,
                     re.IGNORECASE):
            return wavelength
    for word in re.split(r'[\s._:/-]+', name.strip()):
        numbered = _NUMBERED.match(word)
        if numbered:
            number = int(numbered.group(1))
            kind = (numbered.group(2) or '').upper()
            infrared = (number >= 1000 or number < 200 or number in _INFRARED
                        or (number in _INFRARED_MEDIUM and kind == 'M'))
            if number == 1042 or kind in ('X', 'LP'):
                infrared = False
            return number / (100. if infrared else 1000.)
        if word in _LETTERS:
            return _LETTERS[word]
    return None


def wavelength_order(names):
    """
    The order of filters from blue to red.

    Parameters
    ----------
    names : sequence of str
        The names of the filters.

    Returns
    -------
    order : list of int
        The indices that sort the names by wavelength. If any of the names
        is not known, the given order is kept.
    """
    wavelengths = [filter_wavelength(name) for name in names]
    if None in wavelengths:
        return list(range(len(names)))
    return sorted(range(len(names)), key=wavelengths.__getitem__)
