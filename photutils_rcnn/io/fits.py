# Licensed under a 3-clause BSD style license - see LICENSE
"""
FITS images: the bands of a frame, and label images.
"""

__all__ = ['FrameFile', 'read_frame', 'segmentation_header', 'wcs_header', 'write_bands',
           'write_segmentation']

import re
import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from photutils.segmentation import SegmentationImage

from photutils_rcnn.io.extensions import extension_kind
from photutils_rcnn.io.opening import open_fits
from photutils_rcnn.io.parts import Parts, read_companions, read_image
from photutils_rcnn.io.selection import select_images


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
    errors : list of 2D `~numpy.ndarray` or `None`, optional
        The 1-sigma errors that lie beside the images, in their unit.
    masks : list of 2D bool `~numpy.ndarray` or `None`, optional
        `True` for bad pixels, from flags that lie beside the images; or
        from the data, if these are flags.
    gain : list of float or `None`, optional
        The gain of each band in electrons per count.
    notes : tuple of str, optional
        Where errors, masks and gain come from, in words, and what was not
        used.
    """

    data: list
    bands: tuple | None
    unit: object
    wcs: object
    sources: tuple
    errors: list | None = None
    masks: list | None = None
    gain: list | None = None
    notes: tuple = ()


def read_frame(paths, hdus=None, *, holding='images', errors=True,
               masks=True, mask_bits=None, data_unit=None):
    """
    Read a frame from FITS files.

    Each image is one band; a 3D image is one per plane; axes of length one
    are dropped. Of a multi-extension file all images are taken but those
    whose name, or keyword ``IMAGETYP`` or ``PRODTYPE``, says that they hold
    something else; beside extensions named ``SCI`` no others, and of images
    without a filter of their own the largest. The bands are named by the
    header keywords ``FILTER``, ``BAND``, ``FILTER1``, ``FILTER2`` or
    ``FILTNAM``, the name of the extension or that of the file, where all are
    different known filters.

    Beside images, their errors, variances or inverse variances, their flags
    and their gain are read, if the names of the extensions and the header
    tell which they are.

    Parameters
    ----------
    paths : path-like, HDU, `~astropy.io.fits.HDUList` or sequence of these
        The files. A path may end in an extension: ``image.fits[1]``,
        ``image.fits[SCI,1]``.
    hdus : sequence of int, str or (str, int), optional
        The numbers or names of the extensions to read from each file.
    holding : {'images', 'errors', 'variance', 'ivar', 'flags'}, optional
        What to read of a multi-extension file. For ``'images'`` (default)
        extensions named as weights, errors, flags or the like are left out.
        Uncertainties and flags are looked for by the names of extensions.
        Without such a name the only image of a file is taken for errors,
        and all for flags, unless it is named as science. Variances and
        inverse variances are turned into standard deviations.
    errors, masks : bool, optional
        Whether to read the errors and flags beside images. The default is
        `True`.
    mask_bits : str or int, optional
        The bits of flags that mean bad pixels; see
        `~photutils_rcnn.io.flags.flags_to_mask`.
    data_unit : `~astropy.units.Unit`, optional
        The unit of the data that uncertainties belong to.

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
        if the images differ in shape, in unit or in the sky they show, are
        chips of a mosaic, or magnitudes; if flags cannot be understood.

    Warns
    -----
    AstropyUserWarning
        If a header has a WCS that cannot be used or a unit that is not
        known; if images are left out for their size or beside ``SCI``; if
        it is not clear which errors or flags belong to which image.
    """
    if isinstance(paths, fits.HDUList) or not isinstance(
            paths, (list, tuple)):
        paths = [paths]
    parts = Parts()
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyWarning)
            with open_fits(path) as opened:
                warnings.filterwarnings('always', re.escape(opened.path))
                chosen = select_images(opened, hdus, holding)
                for hdu in chosen:
                    read_image(hdu, opened, holding, mask_bits, data_unit,
                               parts)
                # weights that were asked for have none
                if holding == 'images' and all(
                        extension_kind(hdu) == 'images' for hdu in chosen):
                    read_companions(chosen, opened, errors, masks, mask_bits,
                                    parts)
    shapes = [image.shape for image in parts.images]
    if len(set(shapes)) > 1:
        msg = f'the images must have the same shape, got {shapes}'
        raise ValueError(msg)
    if len(set(parts.units)) > 1:
        msg = f'the images must have the same unit (BUNIT), got {parts.units}'
        raise ValueError(msg)
    names = parts.names
    known = None not in names and len(set(names)) == len(names)
    unit = parts.units[0]
    return FrameFile(
        parts.images, tuple(names) if known else None,
        None if isinstance(unit, str) else unit, parts.wcs,
        tuple(parts.sources), parts.all_errors(), parts.all_masks(),
        parts.all_gains(), tuple(dict.fromkeys(parts.notes)))


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
    hdu = fits.PrimaryHDU(np.asarray(labels, dtype=np.int32), segmentation_header(wcs, meta))
    hdu.writeto(path, overwrite=overwrite)


def segmentation_header(wcs=None, meta=None):
    """
    The header of a label image.

    Parameters
    ----------
    wcs : WCS object, optional
        See `write_segmentation`.
    meta : mapping, optional
        See `write_segmentation`.

    Returns
    -------
    header : `~astropy.io.fits.Header`
        The header.
    """
    header = wcs_header(wcs)
    meta = meta or {}
    for keyword, name in (('RCNNVER', 'photutils_rcnn_version'),
                          ('RCNNMOD', 'model'), ('RCNNSHA', 'model_sha256'),
                          ('RCNNSCR', 'score_threshold'),
                          ('RCNNNMS', 'nms_threshold'),
                          ('RCNNBKG', 'background')):
        if meta.get(name) is not None:
            header[keyword] = meta[name]
    return header


def write_bands(path, images, *, wcs=None, overwrite=False):
    """
    Write images of the bands to a FITS file, one extension for each.

    Parameters
    ----------
    path : str or path-like
        The file.
    images : dict of str to 2D `~numpy.ndarray` or `~astropy.units.Quantity`
        The images by the names of the bands, which are those of the extensions; stored
        as float32, integers as they are.
    wcs : `~astropy.wcs.WCS`, optional
        The WCS for the headers.
    overwrite : bool, optional
        Whether to replace an existing file. The default is `False`.

    Raises
    ------
    OSError
        If the file exists and ``overwrite`` is `False`.
    """
    hdus = [fits.PrimaryHDU()]
    for band, image in images.items():
        header = wcs_header(wcs)
        if isinstance(image, u.Quantity):
            header['BUNIT'] = image.unit.to_string('fits')
            image = image.value
        if np.asarray(image).dtype.kind == 'f':
            image = np.asarray(image, dtype=np.float32)
        hdus.append(fits.ImageHDU(image, header, name=band))
    fits.HDUList(hdus).writeto(path, overwrite=overwrite)


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
