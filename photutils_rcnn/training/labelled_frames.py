# Licensed under a 3-clause BSD style license - see LICENSE
"""
Frames with labels of their sources, for attribute heads.
"""

__all__ = ['LabelledFrame', 'labelled_files', 'labelled_frames']

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io.registry import IORegistryError
from astropy.table import Table

from photutils_rcnn.io.frames import from_files
from photutils_rcnn.io.pictures import read_picture
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.simulation.scene import Scene

ARGUMENTS = ('error', 'mask', 'wcs', 'bands', 'gain')
PICTURES = ('.jpg', '.jpeg', '.png')


@dataclass(frozen=True)
class LabelledFrame:
    """
    A frame and what is known of its sources.

    Parameters
    ----------
    image : object
        Anything that `~photutils_rcnn.RCNNSegmenter.segment` takes, a dictionary of its
        arguments ``data``, ``bands`` and so on, the path of a color picture or of a
        simulated scene, or a `~photutils_rcnn.simulation.scene.Scene`.
    labels : object
        The label of the source in the middle; a table with the columns ``x`` and
        ``y`` in pixels and that of the attribute; or a function that makes the labels of
        the truth of a scene.
    """

    image: object
    labels: object

    @property
    def is_picture(self):
        """
        Whether the image is a color picture.
        """
        return (isinstance(self.image, str | os.PathLike)
                and Path(self.image).suffix.lower() in PICTURES)

    def read(self, name):
        """
        The frame and its labels.

        Parameters
        ----------
        name : str
            The attribute.

        Returns
        -------
        cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
            The frame.
        x, y : (N,) `~numpy.ndarray` of float
            The positions of the sources, pixels.
        labels : (N,) `~numpy.ndarray`
            Their labels.

        Raises
        ------
        TypeError, ValueError
            If the image cannot be read, or the labels do not fit.
        """
        cube, scene = self._read_image()
        if callable(self.labels):
            if scene is None:
                msg = 'labels can be a function only for simulated scenes'
                raise ValueError(msg)
            return (cube, *(np.asarray(scene.truth[axis], float) for axis in 'xy'),
                    np.asarray(self.labels(scene)))
        if isinstance(self.labels, Table):
            missing = {'x', 'y', name} - set(self.labels.colnames)
            if missing:
                msg = (f'labels must be tables with the columns x, y and {name}, got '
                       f'{self.labels.colnames}')
                raise ValueError(msg)
            try:
                x, y = (np.ma.asarray(self.labels[axis]).astype(float).filled(np.nan)
                        for axis in 'xy')
            except ValueError as exc:
                msg = f'x and y of labels must be numbers: {exc}'
                raise ValueError(msg) from exc
            return cube, x, y, np.ma.asarray(self.labels[name])
        ny, nx = cube.shape
        return (cube, np.array([(nx - 1) / 2]), np.array([(ny - 1) / 2]),
                np.array([self.labels]))

    def _read_image(self):
        """
        The checked frame, and the scene, if it is one, or `None`.
        """
        image = self.image
        if isinstance(image, str | os.PathLike):
            if self.is_picture:
                return prepare_inputs(read_picture(image)), None
            if Path(image).suffix.lower() == '.npz':
                image = Scene.read(image)
        if isinstance(image, Scene):
            cube = prepare_inputs(image.data, mask=image.mask, bands=image.bands)
            return cube, image
        given = dict.fromkeys(ARGUMENTS)
        if isinstance(image, Mapping):
            unknown = set(image) - {'data', *ARGUMENTS}
            if unknown or 'data' not in image:
                msg = ('images that are dictionaries must have data and may have '
                       f'{ARGUMENTS}, got {sorted(image)}')
                raise ValueError(msg)
            given.update(image)
            image = given.pop('data')
        data, given = from_files(image, **given)
        return prepare_inputs(data, **given), None


def labelled_frames(images, labels):
    """
    Frames of images and labels.

    Parameters
    ----------
    images : sequence
        The images, see `LabelledFrame`.
    labels : sequence or callable
        The labels of each image, or one function for all.

    Returns
    -------
    frames : list of `LabelledFrame`
        The frames, not yet read.

    Raises
    ------
    ValueError
        If there is none, or not one entry of ``labels`` for each image.
    """
    images = list(images)
    labels = [labels] * len(images) if callable(labels) else list(labels)
    if not images or len(images) != len(labels):
        msg = (f'labels must have one entry for each of the images, got {len(labels)} '
               f'for {len(images)}')
        raise ValueError(msg)
    return [LabelledFrame(*pair) for pair in zip(images, labels, strict=True)]


def labelled_files(table, name, folder=None):
    """
    Files and labels that a table lists.

    Parameters
    ----------
    table : path-like
        A table with the columns ``file`` and that of the attribute; with ``x`` and
        ``y`` in pixels it has a row for each source, else one for each file, whose
        label is that of the source in the middle.
    name : str
        The attribute.
    folder : path-like, optional
        The folder of the files; by default that of the table.

    Returns
    -------
    images : list of `~pathlib.Path`
        The files.
    labels : list
        Their labels, see `LabelledFrame`.
    classes : tuple of str
        The different labels, if they are strings; else empty.

    Raises
    ------
    ValueError
        If the table cannot be read, lacks a column, or lists a file that is not there.
    """
    path = Path(table)
    try:
        table = Table.read(path)
    except (IORegistryError, ValueError) as exc:
        msg = f'table must be a file of a table, CSV, ECSV, FITS or VOTable, got {path}'
        raise ValueError(msg) from exc
    missing = {'file', name} - set(table.colnames)
    if missing:
        msg = f'table must have the columns file and {name}, got {table.colnames}'
        raise ValueError(msg)
    folder = path.parent if folder is None else Path(folder)
    column, classes = table[name], ()
    if column.dtype.kind in 'OSU':
        known = np.ma.filled(np.ma.asarray(column).astype(np.str_), '')
        classes = tuple(sorted(set(known.tolist()) - {''}))
    if {'x', 'y'} <= set(table.colnames):
        groups = table.group_by('file').groups
        files, labels = groups.keys['file'], list(groups)
    else:
        files = table['file']
        labels = [None if label is np.ma.masked else label for label in column]
    images = [folder / str(file) for file in files]
    lost = [image for image in images if not image.is_file()]
    if lost:
        msg = f'file of the table must be a file in {folder}, got {lost[0].name}'
        raise ValueError(msg)
    return images, labels, classes
