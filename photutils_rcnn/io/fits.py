# Licensed under a 3-clause BSD style license - see LICENSE
"""
FITS images: the bands of a frame, and label images.
"""

__all__ = ['FrameFile', 'read_frame', 'write_segmentation']

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS

from photutils_rcnn.bands import filter_wavelength

FILTER_KEYWORDS = ('FILTER', 'BAND', 'FILTER1', 'FILTER2', 'FILTNAM')
_NO_SCIENCE = re.compile(
    r'ERR|RMS|SIG|VAR|IVAR|INVVAR|WHT|WEIGHT|WT|MASK|DQ|FLAG|BPM|BAD|QUAL|'
    r'CTX|CON|AREA|PSF|BKG|BACK|SEG|EXP', re.IGNORECASE)
# what cutouts of the Legacy Surveys call their extensions, which have no name
_NO_SCIENCE_TYPES = ('invvar', 'maskbits')


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
    """

    data: list
    bands: tuple | None
    unit: object
    wcs: object


def read_frame(paths, hdus=None, *, science=True):
    """
    Read a frame from FITS files.

    Each image is one band; a 3D image is one per plane. Of a multi-extension
    file all images are taken but those whose name, or keyword ``IMAGETYP``,
    says that they hold weights, errors or flags. The bands are named by the
    header keywords ``FILTER`` or ``BAND``, the name of the extension or that
    of the file, where all are known filters.

    Parameters
    ----------
    paths : sequence of str or path-like
        The files.
    hdus : sequence of int or str, optional
        The numbers or names of the extensions to read from each file.
    science : bool, optional
        Whether to leave out images that hold weights, errors or flags. The
        default is `True`.

    Returns
    -------
    frame : `FrameFile`
        The frame.

    Raises
    ------
    OSError
        If a file cannot be read as FITS.
    ValueError
        If a file has no image, or the images differ in shape or unit.
    """
    images, names, units, wcs = [], [], [], None
    for path in map(Path, paths):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyWarning)
            with _open(path) as hdu_list:
                for hdu in _image_hdus(hdu_list, path, hdus,
                                       science):
                    planes = np.array(hdu.data, ndmin=3)
                    if planes.ndim > 3:
                        msg = (f'{path}: expected 2D or 3D images, got '
                               f'shape {hdu.data.shape}')
                        raise ValueError(msg)
                    images.extend(planes)
                    names.extend([_band_name(hdu, path)] * len(planes))
                    units.append(_unit(hdu.header))
                    wcs = _wcs(hdu.header) if wcs is None else wcs
    shapes = [image.shape for image in images]
    if len(set(shapes)) > 1:
        msg = f'the images must have the same shape, got {shapes}'
        raise ValueError(msg)
    if len(set(units)) > 1:
        msg = f'the images must have the same unit (BUNIT), got {units}'
        raise ValueError(msg)
    known = None not in names and len(set(names)) == len(names)
    return FrameFile(images, tuple(names) if known else None, units[0], wcs)


def write_segmentation(path, labels, *, wcs=None, meta=None, overwrite=False):
    """
    Write a label image to a FITS file.

    Parameters
    ----------
    path : str or path-like
        The file.
    labels : 2D `~numpy.ndarray` of int32
        The label image.
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
    header = fits.Header()
    if hasattr(wcs, 'to_header'):
        header.update(wcs.to_header(relax=True))
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


def _image_hdus(hdu_list, path, hdus, science):
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
        chosen = [hdu for hdu in hdu_list if _has_image(hdu)
                  and (_holds_science(hdu) or not science)]
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


def _holds_science(hdu):
    """
    Whether nothing says that an image holds weights, errors or flags.
    """
    kind = str(hdu.header.get('IMAGETYP', '')).strip().lower()
    return not (_NO_SCIENCE.search(hdu.name) or kind in _NO_SCIENCE_TYPES)


def _has_image(hdu):
    return bool(hdu.is_image) and len(hdu.shape or ()) >= 2


def _band_name(hdu, path):
    """
    The name of the filter, if it is told.
    """
    told = [hdu.header.get(keyword) for keyword in FILTER_KEYWORDS]
    for name in (*told, hdu.name, path.name.split('.')[0]):
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


def _wcs(header):
    """
    The celestial WCS, if there is one.
    """
    try:
        wcs = WCS(header)
    except (AstropyWarning, ValueError, KeyError, TypeError):
        return None
    return wcs.celestial if wcs.has_celestial else None
