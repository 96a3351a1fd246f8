# Licensed under a 3-clause BSD style license - see LICENSE
"""
Scenes of labelled images: footprints, classes, PSF and noise.
"""

__all__ = ['label_footprints', 'scene_from_labels']

from collections.abc import Mapping

import numpy as np
from astropy.io import fits
from astropy.table import Table
from photutils.segmentation import SegmentationImage

from photutils_rcnn._wording import count
from photutils_rcnn.io.frames import from_files
from photutils_rcnn.io.opening import is_fits, open_fits
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import normalize_cube
from photutils_rcnn.preprocessing.psf import check_fwhm, find_psf_stars, given_fwhm
from photutils_rcnn.simulation.truth import LIMITING_SNR, MIN_AREA
from photutils_rcnn.sources.classes import CLASS_NAMES, check_spelling
from photutils_rcnn.sources.footprints import Footprints


def scene_from_labels(scene_class, data, labels, classes, *, mask=None, bands=None,
                      background='auto', psf_fwhm='auto', class_names=None):
    """
    The scene of a labelled image; see
    `~photutils_rcnn.simulation.scene.Scene.from_labels`.
    """
    check_fwhm(psf_fwhm)
    data, given = from_files(data, mask=mask, bands=bands)
    cube = prepare_inputs(data, **given)
    footprints, ids, listed = label_footprints(labels)
    if footprints.shape != cube.shape:
        msg = (f'labels must have the shape of the image, {cube.shape}, got '
               f'{footprints.shape}')
        raise ValueError(msg)
    names = label_classes(classes, ids, listed)
    class_names = _class_names(names, class_names)
    frame = normalize_cube(cube, background=background).frame
    fwhm = given_fwhm(psf_fwhm, cube)
    if fwhm is None and psf_fwhm is not None:
        fwhm, _ = find_psf_stars(frame.snr, cube.invalid)
    if fwhm is None:
        fwhm = np.full(cube.n_bands, np.nan)
    light = np.where(cube.invalid, 0, cube.data - np.asarray(frame.background))
    noise = np.mean(np.broadcast_to(frame.noise, cube.data.shape), axis=(1, 2))
    truth = _measure(light, noise, cube, footprints)
    class_ids = [class_names.index(name) + 1 if name else 1 for name in names]
    truth.add_column(np.array(class_ids, dtype=np.int32), name='class_id', index=2)
    truth['ignore'] |= np.array([name is None for name in names], dtype=bool)
    truth['label'] = ids
    truth.meta.update(reference_band=cube.bands[0], class_names=class_names)
    return scene_class(
        data=light.astype(np.float32), noise=noise.astype(np.float32),
        mask=cube.mask, bands=cube.bands, psf_fwhm=np.asarray(fwhm, dtype=float),
        pixel_scale=np.nan, zero_points=np.full(cube.n_bands, np.nan), preset='labels',
        seed=0, truth=truth, footprints=footprints)


def label_footprints(labels):
    """
    The footprints of labelled sources.

    Parameters
    ----------
    labels : (ny, nx) array_like of int, \
            `~photutils.segmentation.SegmentationImage`, path-like, HDU, \
            (N, ny, nx) array_like of bool or \
            `~photutils_rcnn.sources.footprints.Footprints`
        A label image, 0 for background, or a mask for each source.

    Returns
    -------
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The footprints; masks without a pixel are left out.
    ids : (N,) `~numpy.ndarray` of int
        Their labels; those of masks count from 1.
    listed : (M,) `~numpy.ndarray` of int
        The labels that a list of classes has names for: those of masks without a pixel,
        too.

    Raises
    ------
    ValueError
        If they are of another shape or kind, or negative.
    """
    if isinstance(labels, Footprints):
        ids = np.arange(1, len(labels) + 1)
        return labels, ids, ids
    if is_fits(labels):
        labels = _read_labels(labels)
    elif isinstance(labels, SegmentationImage):
        labels = labels.data
    labels = np.asarray(labels)
    if labels.ndim == 3 and (labels.dtype == bool or np.isin(labels, (0, 1)).all()):
        return _mask_footprints(labels.astype(bool))
    whole = labels.dtype.kind in 'iu' or (
        labels.dtype.kind == 'f' and (labels == np.round(labels)).all())
    if labels.ndim != 2 or not whole or labels.min(initial=0) < 0:
        least = f' from {labels.min()}' if labels.size and labels.dtype.kind in 'iuf' else ''
        msg = ('labels must be an image of whole numbers from 0 or a stack of masks, got '
               f'{labels.dtype}{least} of shape {labels.shape}')
        raise ValueError(msg)
    # label images may be sparse: labels of the whole survey on one cutout
    ids, rank = np.unique(labels, return_inverse=True)
    rank = rank.reshape(labels.shape) + (ids[0] != 0 if len(ids) else 0)
    ids = ids[ids != 0].astype(int)
    return Footprints.from_labels(rank), ids, ids


def _mask_footprints(masks):
    """
    The footprints of masks (N, ny, nx), which may overlap.
    """
    shape = masks.shape[1:]
    found = [Footprints.from_full(mask, (0, 0), shape) for mask in masks]
    kept = [i for i, (box, _) in enumerate(found) if box is not None]
    footprints = Footprints([found[i][0] for i in kept], [found[i][1] for i in kept], shape)
    return footprints, np.array(kept, dtype=int) + 1, np.arange(len(masks)) + 1


def _read_labels(given):
    """
    The first image of whole numbers of a FITS file.
    """
    with open_fits(given) as opened:
        chosen = (opened.hdus if opened.chosen is None
                  else [opened.hdus[key] for key in opened.chosen])
        for hdu in chosen:
            if isinstance(hdu, (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)) and (
                    hdu.header.get('NAXIS') == 2):
                return np.array(hdu.data)
    msg = f'labels: no 2D image in {opened.path}'
    raise ValueError(msg)


def label_classes(classes, ids, listed):
    """
    The class of each label.

    Parameters
    ----------
    classes : mapping, `~astropy.table.Table` or sequence of str
        See `~photutils_rcnn.simulation.scene.Scene.from_labels`.
    ids, listed : `~numpy.ndarray` of int
        The labels, and those that a list has names for, see `label_footprints`.

    Returns
    -------
    names : list of str or `None`
        The name of the class of each, `None` where it is not known.

    Raises
    ------
    TypeError, ValueError
        If a label has no entry or several, or an entry is no name.
    """
    if isinstance(classes, Table):
        missing = {'label', 'class_name'} - set(classes.colnames)
        if missing:
            msg = (f'classes must have the columns label and class_name, got '
                   f'{classes.colnames}')
            raise ValueError(msg)
        labels, counts = np.unique(classes['label'], return_counts=True)
        if (counts > 1).any():
            msg = ('classes must have one row for each label, got several for '
                   f'{labels[counts > 1][:5].tolist()}')
            raise ValueError(msg)
        classes = dict(zip(classes['label'].tolist(), classes['class_name'].tolist(),
                           strict=True))
    if isinstance(classes, str):
        classes = dict.fromkeys(ids.tolist(), classes)
    if not isinstance(classes, Mapping):
        classes = np.ma.asarray(classes, dtype=object).ravel().tolist()
        if len(classes) != len(listed):
            msg = (f'classes must have a name for each of {count(len(listed), "label")}, got '
                   f'{len(classes)}')
            raise ValueError(msg)
        classes = dict(zip(listed.tolist(), classes, strict=True))
    unknown = [label for label in ids.tolist() if label not in classes]
    if unknown:
        msg = f'classes must have the labels of the image, got none for {unknown[:5]}'
        raise ValueError(msg)
    return [_class_name(classes[label], label) for label in ids.tolist()]


def _class_name(value, label):
    """
    A name, or `None` for what stands for no value in tables.
    """
    if value is None or value is np.ma.masked or value != value or value in ('', '--'):
        return None
    if isinstance(value, (bytes, np.bytes_)):
        value = value.decode()
    if not isinstance(value, str):
        msg = f'classes must be names, got {value!r} for the label {label}'
        raise TypeError(msg)
    return str(value)


def _class_names(names, given):
    """
    All classes: those of the shipped model, or given ones, and new ones.
    """
    found = sorted({name for name in names if name} - set(given or CLASS_NAMES))
    if given is not None and found:
        msg = f'classes must be of class_names {tuple(given)}, got {found}'
        raise ValueError(msg)
    check_spelling((*CLASS_NAMES, *found))
    return (*(given or CLASS_NAMES), *found)


def _measure(light, noise, cube, footprints):
    """
    What the pixels say of sources, and which are too small or faint to count.
    """
    n = len(footprints)
    flux = np.zeros((n, cube.n_bands))
    center, bad = np.zeros((n, 2)), np.zeros(n)
    for i, mask in enumerate(footprints.masks):
        slices = footprints.slices(i)
        values = light[:, *slices] * mask
        flux[i] = values.sum(axis=(1, 2))
        weight = np.maximum(np.tensordot(1 / noise, values, axes=1), 0)
        weight = weight if weight.any() else mask.astype(float)
        center[i] = [(axis * weight).sum() / weight.sum() + part.start
                     for axis, part in zip(np.indices(mask.shape), slices, strict=True)]
        bad[i] = np.mean(cube.mask[slices][mask])
    area = footprints.areas
    snr = np.sqrt(np.sum((np.maximum(flux, 0) / noise)**2, axis=1) / np.maximum(area, 1))
    truth = Table({'x': center[:, 1], 'y': center[:, 0],
                   **{f'flux_{band}': flux[:, i] for i, band in enumerate(cube.bands)},
                   'mag': np.full(n, np.nan), 'snr': snr,
                   'half_light_radius': np.full(n, np.nan)})
    truth['ignore'] = (snr < LIMITING_SNR) | (area < MIN_AREA) | (bad > 0.5)
    return truth
