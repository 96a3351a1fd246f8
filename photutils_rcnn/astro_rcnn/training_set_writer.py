# Licensed under a 3-clause BSD style license - see LICENSE
"""
Writing training sets of Astro R-CNN (Burke et al. 2019, MNRAS 490, 3952).
"""

__all__ = ['write_set']

from pathlib import Path

import numpy as np
from astropy.io import fits

from photutils_rcnn.astro_rcnn.training_sets import SUFFIXES
from photutils_rcnn.sources.footprints import Footprints


def write_set(folder, data, bands, class_ids, objects, *, compress=False,
              overwrite=False):
    """
    Write a set that Astro R-CNN can train on.

    Its code of 2019 needs 512 x 512 pixels, the bands g, r and z, and set
    numbers from 0 without gaps.

    Parameters
    ----------
    folder : path-like
        The folder of the set; it is made if it does not exist.
    data : (n_bands, ny, nx) array_like
        The images.
    bands : sequence of str
        The names of the bands.
    class_ids : (N,) array_like of int
        The classes of the objects, 1 star, 2 galaxy.
    objects : `~photutils_rcnn.sources.footprints.Footprints` or iterable of 2D \
            `~numpy.ndarray`
        The light of each object on the frame. Footprints are written as
        images of ones; read them back with the recipe ``'nonzero'``.
        Objects without light are left out.
    compress : bool, optional
        Whether to write ``.fits.gz``. The default is `False`.
    overwrite : bool, optional
        Whether to replace existing files. The default is `False`.

    Raises
    ------
    OSError
        If a file of the set exists, compressed or not, and ``overwrite`` is
        `False`.
    ValueError
        If no object has light, or the shapes do not fit.
    """
    data = np.asarray(data, dtype=np.float32)
    if data.ndim != 3 or len(data) != len(bands):
        msg = (f'data must have one 2D image for each of the bands '
               f'{tuple(bands)}, got shape {data.shape}')
        raise ValueError(msg)
    if isinstance(objects, Footprints):
        objects = _frames(objects)
    hdus = fits.HDUList()
    for class_id, light in zip(class_ids, objects, strict=True):
        light = np.asarray(light, dtype=np.float32)
        if light.shape != data.shape[1:]:
            msg = (f'objects must have the shape {data.shape[1:]}, got '
                   f'{light.shape}')
            raise ValueError(msg)
        if not light.any():
            continue
        hdu = (fits.ImageHDU if hdus else fits.PrimaryHDU)(light)
        hdu.header['CLASS_ID'] = int(class_id)
        hdus.append(hdu)
    if not hdus:
        msg = 'objects must have at least one with light, got none'
        raise ValueError(msg)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = [*(f'img_{band}' for band in bands), 'masks']
    # Of two files of one name, the one not compressed would be read.
    present = [path for name in names for suffix in SUFFIXES
               if (path := folder / f'{name}{suffix}').exists()]
    if present and not overwrite:
        msg = f'File {str(present[0])!r} already exists.'
        raise OSError(msg)
    for path in present:
        path.unlink()
    suffix = SUFFIXES[1 if compress else 0]
    images = [*map(fits.PrimaryHDU, data), hdus]
    for name, hdu in zip(names, images, strict=True):
        hdu.writeto(folder / f'{name}{suffix}')


def _frames(footprints):
    """
    Footprints as images of ones on the frame.
    """
    for i, mask in enumerate(footprints.masks):
        frame = np.zeros(footprints.shape, dtype=np.float32)
        frame[footprints.slices(i)] = mask
        yield frame
