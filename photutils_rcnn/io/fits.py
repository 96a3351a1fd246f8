# Licensed under a 3-clause BSD style license - see LICENSE
"""
FITS images: the bands of a frame, and label images.
"""

__all__ = ['FrameFile', 'file_stem', 'read_frame', 'wcs_header',
           'write_segmentation']

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from astropy.wcs import WCS, NoConvergence
from photutils.segmentation import SegmentationImage

from photutils_rcnn.bands import filter_wavelength

FITS_SUFFIXES = ('.fits', '.fit', '.fts', '.gz', '.fz', '.bz2', '.xz', '.zip')
FILTER_KEYWORDS = ('FILTER', 'BAND', 'FILTER1', 'FILTER2', 'FILTNAM')
# Words in the names of extensions; the first three letters may belong to a
# band or an object ('GERR', 'CRMASK'), as may the last one ('ERRG').
_KINDS = {
    'errors': r'\w{0,3}ERR\w?|RMS\w?|ERRORS?|SIG(MA)?|STD(DEV)?|STDEV|NOISE|'
              r'UNCERT(AINTY)?',
    'flags': r'\w{0,3}(MASK|DQ)\w?|MASKS|MASKBITS|FLAGS?|BPM|BAD(PIX)?|'
             r'QUAL(ITY)?',
    'others': r'\w{0,3}(VAR|WHT)\w?|VARIANCE|INVVAR|STAT|WEIGHTS?|WT|CTX|CON|'
              r'CONTEXT|AREA|PSF|BKG|BACK(GROUND)?|SKY|SEG(M|MAP|MENTATION)?|'
              r'EXP(MAP|TIME|OSURE)?|COV(ERAGE)?|D2IMARR|WCSDVARR',
}
_KINDS = {kind: re.compile(f'({words})[0-9]*', re.IGNORECASE)
          for kind, words in _KINDS.items()}
# Bands whose corners lie further apart do not show the same sky, pixels.
MAX_OFFSET = 1.


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
    """

    data: list
    bands: tuple | None
    unit: object
    wcs: object
    sources: tuple


def read_frame(paths, hdus=None, *, holding='images'):
    """
    Read a frame from FITS files.

    Each image is one band; a 3D image is one per plane. Of a multi-extension
    file all images are taken but those whose name, or keyword ``IMAGETYP``,
    says that they hold something else. The bands are named by the
    header keywords ``FILTER`` or ``BAND``, the name of the extension or that
    of the file, where all are known filters.

    Parameters
    ----------
    paths : sequence of str or path-like
        The files.
    hdus : sequence of int or str, optional
        The numbers or names of the extensions to read from each file.
    holding : {'images', 'errors', 'flags'}, optional
        What to read of a multi-extension file. For ``'images'`` (default)
        extensions named as weights, errors, flags or the like are left out.
        Errors and flags are looked for by the names of extensions, and
        where none is named so, all images are taken.

    Returns
    -------
    frame : `FrameFile`
        The frame.

    Raises
    ------
    OSError
        If a file cannot be read as FITS.
    ValueError
        If a file has no image, or the images differ in shape, in unit or
        in the sky they show.

    Warns
    -----
    AstropyUserWarning
        If a header has a WCS that cannot be used.
    """
    images, names, units, sources, wcs = [], [], [], [], None
    for path in map(Path, paths):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyWarning)
            warnings.filterwarnings('always', '.*WCS cannot be used')
            with _open(path) as hdu_list:
                for hdu in _image_hdus(hdu_list, path, hdus, holding):
                    planes = np.array(hdu.data, ndmin=3)
                    if planes.ndim > 3:
                        msg = (f'{path}: expected 2D or 3D images, got '
                               f'shape {hdu.data.shape}')
                        raise ValueError(msg)
                    source = f'{path}[{hdu_list.index(hdu)}]'
                    images.extend(planes)
                    names.extend([_band_name(hdu, path)] * len(planes))
                    units.append(_unit(hdu.header))
                    sources.extend([source] * len(planes))
                    own = _wcs(hdu.header, hdu_list, source)
                    if wcs is None:
                        wcs, first = own, source
                    elif own is not None:
                        _check_same_sky(own, wcs, planes.shape[1:], source,
                                        first)
    shapes = [image.shape for image in images]
    if len(set(shapes)) > 1:
        msg = f'the images must have the same shape, got {shapes}'
        raise ValueError(msg)
    if len(set(units)) > 1:
        msg = f'the images must have the same unit (BUNIT), got {units}'
        raise ValueError(msg)
    known = None not in names and len(set(names)) == len(names)
    return FrameFile(images, tuple(names) if known else None, units[0], wcs,
                     tuple(sources))


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
        If the WCS is of a kind that has no FITS header.
    """
    if wcs is None:
        return fits.Header()
    if not hasattr(wcs, 'to_header'):
        msg = (f'the WCS is not written: a {type(wcs).__name__} has no FITS '
               'header')
        warnings.warn(msg, AstropyUserWarning, stacklevel=3)
        return fits.Header()
    return wcs.to_header(relax=True)


def _open(path):
    if path.is_file() and path.stat().st_size == 0:
        msg = f'{path}: the file is empty'
        raise OSError(msg)
    try:
        return fits.open(path)
    except FileNotFoundError as exc:
        msg = f'{path}: no such file'
        raise OSError(msg) from exc
    except OSError as exc:
        msg = f'{path}: not a readable FITS file ({exc})'
        raise OSError(msg) from exc


def _image_hdus(hdu_list, path, hdus, holding):
    """
    The extensions that hold the images.
    """
    if hdus is not None:
        try:
            chosen = [hdu_list[key] for key in hdus]
        except (KeyError, IndexError) as exc:
            msg = f'{path}: no such extension: {exc}'
            raise ValueError(msg) from exc
    else:
        present = [hdu for hdu in hdu_list if _has_image(hdu)]
        chosen = [hdu for hdu in present if _kind(hdu) == holding]
        if present and not chosen:
            if holding == 'images':
                names = [hdu.name or hdu_list.index(hdu) for hdu in present]
                msg = (f'{path}: none of the extensions {names} looks like '
                       'an image of the sky by its name; choose with hdus '
                       '(--hdu)')
                raise ValueError(msg)
            chosen = present
        if len(chosen) > 1:  # small images are thumbnails or PSFs
            largest = max(hdu.shape[-2] * hdu.shape[-1] for hdu in chosen)
            chosen = [hdu for hdu in chosen
                      if hdu.shape[-2] * hdu.shape[-1] == largest]
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


def _kind(hdu):
    """
    What an image holds, by the name of its extension, or by what cutouts of
    the Legacy Surveys have in place of one.
    """
    told = f'{hdu.name} {hdu.header.get("IMAGETYP", "")}'
    for word in re.split(r'[^A-Za-z0-9]+', told):
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


def _band_name(hdu, path):
    """
    The name of the filter, if it is told.
    """
    told = [hdu.header.get(keyword) for keyword in FILTER_KEYWORDS]
    for name in (*told, hdu.name, file_stem(path)):
        for word in re.split(r'[\s._:/-]+', str(name or '')):
            if filter_wavelength(word) is not None:
                return word
    return None


def _unit(header):
    """
    The unit of the pixels, if astropy knows it.
    """
    try:
        return u.Unit(header['BUNIT'])
    except (KeyError, TypeError, ValueError):
        return None


def _wcs(header, hdu_list, source):
    """
    The celestial WCS, if there is one.
    """
    try:
        wcs = WCS(header, hdu_list)
    except (AstropyWarning, ValueError, KeyError, TypeError) as exc:
        warnings.warn(f'{source}: the WCS cannot be used ({exc})',
                      AstropyUserWarning, stacklevel=3)
        return None
    return wcs.celestial if wcs.has_celestial else None


def _check_same_sky(wcs, first, shape, source, first_source):
    """
    Check that two images have the same sky in their corners.
    """
    y, x = (corner * (n - 1) for corner, n in zip(
        np.array([[0, 0, 1, 1], [0, 1, 0, 1]]), shape, strict=True))
    try:
        there = first.world_to_pixel_values(*wcs.pixel_to_world_values(x, y))
        offset = np.hypot(there[0] - x, there[1] - y).max()
    except NoConvergence:  # far from the image
        offset = np.inf
    if not offset <= MAX_OFFSET:
        msg = (f'the images must show the same sky: {source} lies '
               f'{offset:.1f} pixels from {first_source} by their WCS; '
               'chips of a mosaic are frames of their own, and bands must be '
               'on one grid')
        raise ValueError(msg)
