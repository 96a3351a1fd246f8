# Licensed under a 3-clause BSD style license - see LICENSE
"""
FITS images: the bands of a frame, and label images.
"""

__all__ = ['FrameFile', 'read_frame', 'wcs_header', 'write_segmentation']

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.units import UnitBase
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from astropy.wcs import WCS, NoConvergence
from photutils.segmentation import SegmentationImage

from photutils_rcnn.io.extensions import band_name, image_hdus, pixel_unit

# Bands whose corners lie further apart do not show the same sky, pixels.
MAX_OFFSET = 1.
# From the kinds of uncertainty of astropy to standard deviations.
_POWERS = {'StdDevUncertainty': 1, 'VarianceUncertainty': 0.5,
           'InverseVariance': -0.5}


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
    says that they hold something else; beside extensions named ``SCI`` no
    others, and of images without a filter of their own the largest. The
    bands are named by the header keywords ``FILTER``, ``BAND``, ``FILTER1``,
    ``FILTER2`` or ``FILTNAM``, the name of the extension or that of the file,
    where all are different known filters.

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
        where none is named so, those that are not named as anything else
        are taken. Errors are turned into standard deviations if the keyword
        ``UTYPE`` tells that they are variances or inverse variances, as in
        files of `~astropy.nddata.CCDData`.

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
        if the images differ in shape, in unit or in the sky they show.

    Warns
    -----
    AstropyUserWarning
        If a header has a WCS that cannot be used or a unit that astropy
        does not know; if images are left out for their size or beside
        ``SCI``.
    """
    images, names, units, sources, wcs = [], [], [], [], None
    for path in map(Path, paths):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyWarning)
            warnings.filterwarnings('always', f'{re.escape(str(path))}')
            with _open(path) as hdu_list:
                for hdu in image_hdus(hdu_list, path, hdus, holding):
                    planes = np.array(hdu.data, ndmin=3)
                    source = f'{path}[{hdu_list.index(hdu)}]'
                    unit = pixel_unit(hdu.header, source)
                    if holding == 'errors':
                        planes, unit = _standard_deviations(
                            planes, unit, hdu.header.get('UTYPE'))
                    if planes.ndim > 3:
                        msg = (f'{path}: expected 2D or 3D images, got '
                               f'shape {hdu.data.shape}')
                        raise ValueError(msg)
                    images.extend(planes)
                    names.extend([band_name(hdu, path)] * len(planes))
                    units.append(unit)
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
    unit = None if isinstance(units[0], str) else units[0]
    return FrameFile(images, tuple(names) if known else None, unit, wcs,
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


def _standard_deviations(planes, unit, kind):
    """
    Errors of a kind that astropy stores, as standard deviations.
    """
    if kind not in _POWERS:
        # Others mean something else by this keyword.
        if str(kind).endswith('Uncertainty'):
            msg = (f'errors must be of one of the kinds {list(_POWERS)}, got '
                   f'UTYPE {kind!r}')
            raise ValueError(msg)
        return planes, unit
    power = _POWERS[kind]
    if power != 1:
        with np.errstate(divide='ignore', invalid='ignore'):  # not finite
            planes = planes**power
        if isinstance(unit, UnitBase):
            unit = unit**power
    return planes, unit


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
