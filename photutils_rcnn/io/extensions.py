# Licensed under a 3-clause BSD style license - see LICENSE
"""
Classification of FITS extensions by their names and headers.
"""

__all__ = ['band_name', 'extension_kind', 'extension_words', 'file_stem',
           'has_image', 'is_named_science']

import re
from pathlib import Path

from photutils_rcnn.preprocessing.bands import filter_wavelength

FITS_SUFFIXES = ('.fits', '.fit', '.fts', '.gz', '.fz', '.bz2', '.xz', '.zip')
FILTER_KEYWORDS = ('FILTER', 'BAND', 'FILTER1', 'FILTER2', 'FILTNAM')
# Words in the names of extensions; the first three letters may belong to a
# band or an object ('GERR', 'CRMASK'), as may the last one ('ERRG').
_KINDS = {
    # parts of the variance, which ERR holds in all
    'others': r'VAR_(POISSON|RNOISE|FLAT)',
    'errors': r'\w{0,3}ERR\w?|RMS\w?|ERRORS?|SIG(MA)?|STD(DEV)?|STDEV|NOISE|'
              r'UNC(ERT(AINT(Y|IES))?)?|(RMS|ERR(OR)?|NOISE|SIGMA)MAP',
    'flags': r'\w{0,3}(MASK|MSK|DQ)\w?|MASKS|MASKBITS|FLAGS?|BPM|BAD(PIX)?|'
             r'QUAL(ITY)?|(FLAG|BAD)MAP',
    'ivar': r'\w{0,3}IVAR\w?|INVVAR(IANCE)?|IVM|INVERSEVAR(IANCE)?',
    'variance': r'\w{0,3}VAR\w?|VARIANCES?|STAT|VARMAP',
    'weights': r'\w{0,3}WHT\w?|WEIGHTS?|WGH?T|WT|WTMAP|WEIGHTMAP',
    'others+': r'CTX|CON|CONF(IDENCE)?|CONTEXT|AREA|PSF(IMAGE)?|BKG|'
               r'BACK(GROUND)?|BACKGND|SKY|SEG(M|MENTATION)?|EXP(TIME|OSURE)?|'
               r'COV(ERAGE)?|N(EXP|OBS)|CHI2?|DEPTH|SNR|MODEL|RESID(UAL)?S?|'
               r'\w+MAP|D2IMARR|WCSDVARR',
}
_KINDS = {kind: re.compile(f'({words})[0-9]*', re.IGNORECASE)
          for kind, words in _KINDS.items()}
_SCIENCE = re.compile('(SCI(ENCE)?|IMAGE|DATA)[0-9]*', re.IGNORECASE)
# What files of CCDData and the convention of ESO say uncertainties are.
_UNCERTAINTIES = {'STDDEVUNCERTAINTY': 'errors', 'RMSE': 'errors',
                  'VARIANCEUNCERTAINTY': 'variance', 'MSE': 'variance',
                  'INVERSEVARIANCE': 'ivar', 'INVMSE': 'ivar'}


def has_image(hdu):
    """
    Whether an extension has an image of at least two axes.
    """
    return bool(hdu.is_image) and len(hdu.shape or ()) >= 2


def extension_words(hdu):
    """
    What an extension says it is: its name, and what cutouts of the Legacy
    Surveys and products of DECam have in place of one.
    """
    return [hdu.name, *(str(hdu.header.get(keyword, ''))
                        for keyword in ('IMAGETYP', 'PRODTYPE'))]


def is_named_science(hdu):
    """
    Whether an extension is named as the image of the sky.
    """
    return any(_SCIENCE.fullmatch(word) for name in extension_words(hdu)
               for word in re.split(r'[^A-Za-z0-9]+', name))


def extension_kind(hdu):
    """
    What an image holds.

    Parameters
    ----------
    hdu : HDU
        The extension.

    Returns
    -------
    kind : {'images', 'errors', 'variance', 'ivar', 'weights', 'flags', \
            'others'}
        By the words of its name or what stands for one; inverse variances
        are ``'ivar'``, ``'weights'`` may be these or exposure times.

    Raises
    ------
    ValueError
        If it is an uncertainty of a kind that cannot be converted.
    """
    declared = str(hdu.header.get('UTYPE', '') or hdu.header.get('HDUCLAS3', ''))
    if declared.upper() in _UNCERTAINTIES:
        return _UNCERTAINTIES[declared.upper()]
    for name in extension_words(hdu):
        for word in (name, *re.split(r'[^A-Za-z0-9]+', name)):
            for kind, pattern in _KINDS.items():
                if pattern.fullmatch(word):
                    if declared.endswith('Uncertainty'):
                        msg = ('errors must be of one of the kinds StdDev'
                               'Uncertainty, VarianceUncertainty and '
                               f'InverseVariance, got UTYPE {declared!r}')
                        raise ValueError(msg)
                    return kind.rstrip('+')
    return 'images'


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
        ``.fits.fz``, and without an extension in brackets behind these;
        other dots, those of coordinates say, stay.
    """
    path = Path(Path(path).name)
    bare = Path(re.sub(r'\[[^\[\]]*\]$', '', path.name))
    if bare.suffix.lower() in FITS_SUFFIXES:
        path = bare
    while path.suffix.lower() in FITS_SUFFIXES:
        path = path.with_suffix('')
    return path.name


def band_name(hdu, path='', primary=None):
    """
    The name of the filter, if it is known.

    Parameters
    ----------
    hdu : HDU
        The extension.
    path : path-like, optional
        The file, whose name may tell, too.
    primary : `~astropy.io.fits.Header`, optional
        The header of the file, which may tell where the extension does not.

    Returns
    -------
    name : str or `None`
        The first word in the header, in the name of the extension, in the
        header of the file or in its name which is a known filter.
    """
    own = [hdu.header.get(keyword) for keyword in FILTER_KEYWORDS]
    of_all = [(primary or {}).get(keyword) for keyword in FILTER_KEYWORDS]
    for name in (*own, hdu.name, *of_all, file_stem(path)):
        for word in re.split(r'[\s._:/-]+', str(name or '')):
            if filter_wavelength(word) is not None:
                return word
    return None
