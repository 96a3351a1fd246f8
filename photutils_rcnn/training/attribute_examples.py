# Licensed under a 3-clause BSD style license - see LICENSE
"""
What an attribute head sees of the sources that a network finds in labelled frames.
"""

__all__ = ['collect_examples', 'encode_labels', 'frame_examples', 'read_examples']

import hashlib
import itertools
import json
import logging
import warnings
from pathlib import Path

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from photutils.segmentation import SourceCatalog
from tqdm.auto import tqdm

from photutils_rcnn._files import atomic_path, open_npz
from photutils_rcnn._wording import count
from photutils_rcnn.detection.attributes import attribute_inputs, evaluated
from photutils_rcnn.detection.pipeline import detect
from photutils_rcnn.models.attribute_transfer import add_attribute
from photutils_rcnn.sources.source_table import probability_columns

# A label is that of a detection if it is so near its center, in units of the shorter
# side of its box, or in pixels; so many sources of a frame count, else a few frames
# would outweigh all others.
MAX_OFFSET = 0.25
MARGIN = 2.
MAX_EXAMPLES = 150
# What tables have beside the properties of photutils' catalogs.
COLUMNS = ('class_name', 'class_id', 'score', 'log_bayes_factor', 'x', 'y', 'sky_center',
           'detection_flags')

log = logging.getLogger(__name__)


def encode_labels(labels, attribute):
    """
    Labels as numbers.

    Parameters
    ----------
    labels : (N,) array_like
        The names of classes, or values. Empty names, `None`, NaN and masked entries are
        not known.
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.

    Returns
    -------
    values : (N,) `~numpy.ndarray` of float
        Classes counted from 0, or the values; NaN where the label is not known.

    Raises
    ------
    ValueError
        If a label is no class of the attribute, or no number.
    """
    if not attribute.classes:
        try:
            return np.ma.filled(np.ma.asarray(labels).astype(float), np.nan)
        except (TypeError, ValueError) as exc:
            msg = f'labels of {attribute.name!r} must be numbers, got {labels!r}'
            raise ValueError(msg) from exc
    code = {name: i for i, name in enumerate(attribute.classes)}
    labels = np.ma.asarray(labels, dtype=object)
    values = np.full(len(labels), np.nan)
    for i in np.flatnonzero(~np.ma.getmaskarray(labels)):
        label = labels[i]
        if label is None or label == '' or label != label:  # NaN differs from itself
            continue
        if str(label) not in code:
            msg = (f'labels of {attribute.name!r} must be among {attribute.classes}, '
                   f'got {label!r}')
            raise ValueError(msg)
        values[i] = code[str(label)]
    return values


def _matches(instances, x, y):
    """
    The source of each position, -1 for none: the one whose center is nearest, if the
    position is near it in units of its box.
    """
    boxes = instances.boxes
    reach = np.maximum(MAX_OFFSET * (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf),
                       MARGIN)
    matched = np.full(len(x), -1)
    if len(instances) == 0:
        return matched
    centers = instances.centers
    for i, position in enumerate(zip(x, y, strict=True)):
        distance = np.hypot(*(centers - position).T)
        best = np.argmin(distance / reach)
        if distance[best] <= reach[best]:
            matched[i] = best
    # of several sources of a detection none is sure to be meant by the label
    taken, counts = np.unique(matched, return_counts=True)
    matched[np.isin(matched, taken[counts > 1])] = -1
    return matched


def _cutouts(image, boxes, side):
    """
    Square cutouts of a normalized image around boxes, without data beyond the image.
    """
    middle = ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(int)
    cutouts = np.zeros((len(boxes), side, side, image.shape[-1]), dtype=np.float16)
    for cutout, corner in zip(cutouts, middle - side // 2, strict=True):
        low, high = np.maximum(corner, 0), np.minimum(corner + side, image.shape[:2])
        pixels = image[low[0]:high[0], low[1]:high[1]]
        start = low - corner
        cutout[start[0]:start[0] + pixels.shape[0],
               start[1]:start[1] + pixels.shape[1]] = pixels
    return cutouts, boxes - np.tile(middle - side // 2, 2)


def frame_examples(model, attribute, read, rng, cutout_side=None):
    """
    The examples of a frame.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        A model; with this head, if the head sees features of the trunk.
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.
    read : tuple
        The frame and its labels, from
        `~photutils_rcnn.training.labelled_frames.LabelledFrame.read`.
    rng : `numpy.random.Generator`
        Chooses among too many sources.
    cutout_side : int, optional
        The side of cutouts of the frame around the sources, pixels.

    Returns
    -------
    examples : dict of `~numpy.ndarray`
        For R labelled sources, ``stamps``, ``numbers`` and ``pooled`` of
        `~photutils_rcnn.detection.attributes.attribute_inputs`, and ``values`` of
        `encode_labels`; with ``cutout_side`` also ``cutouts`` (R, n, n, n_bands) of the
        normalized image and the ``boxes`` (R, 4) on them.
    n_labels : int
        The labels that are known.

    Raises
    ------
    ValueError
        If the labels do not fit, or the frame lacks a band.
    """
    cube, x, y, labels = read
    values = encode_labels(labels, attribute)
    known = np.isfinite(values)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', AstropyUserWarning)
        found = detect(model, cube, 'auto', star_fraction=None, keep_features=True,
                       score_threshold=model.thresholds['score'])
    # Sources without a label are matched, too, lest theirs is that of a neighbor.
    matched = _matches(found.instances, x, y)
    asked, _ = evaluated(attribute, found.instances, found.psf.fwhm)
    chosen = np.flatnonzero(known & (matched >= 0))
    chosen = chosen[asked[matched[chosen]]]
    chosen = np.sort(rng.permutation(chosen)[:MAX_EXAMPLES])
    inputs = attribute_inputs(attribute, found.instances, matched[chosen], found.unrefined,
                              found.psf.fwhm, model.config.stretch_scale)
    if inputs is None:
        msg = (f'images must have the bands {attribute.bands} of the attribute, got '
               f'{cube.bands}')
        raise ValueError(msg)
    inputs['stamps'] = inputs['stamps'].astype(np.float16)
    if cutout_side is not None:
        inputs['cutouts'], inputs['boxes'] = _cutouts(
            found.seen.image, found.instances.boxes[matched[chosen]], cutout_side)
    return {**inputs, 'values': values[chosen]}, np.count_nonzero(known)


def collect_examples(model, attribute, frames, folder, *, cutout_side=None, seed=0,
                     progress_bar=False):
    """
    Write the examples of frames, one file each.

    Frames whose file is there, with the same pixels and labels, are left out, so that an
    interrupted collection goes on.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model that the head is to be added to.
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.
    frames : sequence of `~photutils_rcnn.training.labelled_frames.LabelledFrame`
        The frames.
    folder : path-like
        The folder of the files; it is made if it does not exist.
    cutout_side : int, optional
        See `frame_examples`.
    seed : int, optional
        The seed of the choice among too many sources.
    progress_bar : bool, optional
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If a frame does not fit, see `frame_examples`, the folder holds the examples
        of another network, or the tables have columns of the name of the attribute.
    """
    _check_columns(model, attribute)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _check_origin(folder, model, attribute, cutout_side)
    if attribute.trunk_features:
        model = add_attribute(model, attribute)
    model = model.with_runtime('auto')
    for i, frame in enumerate(tqdm(frames, desc='Examples', unit='frame',
                                   disable=not progress_bar)):
        path = folder / f'{i:06d}.npz'
        try:
            read = frame.read(attribute.name)
            source = _digest(read, attribute)
            if path.exists() and _source(path) == source:
                continue
            examples, n_labels = frame_examples(model, attribute, read,
                                                np.random.default_rng((seed, i)),
                                                cutout_side)
        except (OSError, TypeError, ValueError) as exc:
            msg = f'image {i}: {exc}'
            raise ValueError(msg) from exc
        with atomic_path(path) as temporary, temporary.open('wb') as stream:
            np.savez(stream, n_labels=n_labels, source=source, **examples)


def _digest(read, attribute):
    """
    The checksum of a frame and its labels.
    """
    cube, x, y, labels = read
    digest = hashlib.sha256(repr(cube.bands).encode())
    for values in (cube.data, cube.invalid, cube.error, x, y,
                   encode_labels(labels, attribute)):
        if values is not None:
            digest.update(np.ascontiguousarray(values))
    return digest.hexdigest()


def _source(path):
    """
    The checksum of what the examples of a file are of.
    """
    with open_npz(path, 'file of examples') as stored:
        return str(stored['source'])


def _check_columns(model, attribute):
    """
    Refuse an attribute whose columns others of the tables would be lost to.
    """
    others = [other for other in model.config.attributes if other.name != attribute.name]
    taken = {*COLUMNS, *probability_columns(model.config.class_names),
             *itertools.chain(*map(_columns, others))}
    both = [name for name in _columns(attribute)
            if name in taken or hasattr(SourceCatalog, name)]
    if both:
        msg = (f'the columns of the attribute {attribute.name!r} must differ from others of '
               f'the tables, got {both}: give the attribute or its classes other names')
        raise ValueError(msg)


def _columns(attribute):
    if not attribute.classes:
        return attribute.name, f'{attribute.name}_err'
    return attribute.name, *probability_columns(attribute.classes)


def _check_origin(folder, model, attribute, cutout_side):
    """
    Note which network and stamps the examples are of, or compare.
    """
    known = {'model': model.sha256, 'name': attribute.name, 'classes': attribute.classes,
             'bands': attribute.bands, 'stamp': [attribute.stamp_size,
                                                 attribute.stamp_extent],
             'least': [attribute.least_snr, attribute.least_size],
             'trunk_features': attribute.trunk_features,
             'cutout_side': cutout_side}
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    path = folder / 'origin.txt'
    if path.exists() and path.read_text() != digest:
        msg = (f'{folder} holds the examples of another model or attribute: use another '
               'folder')
        raise ValueError(msg)
    with atomic_path(path) as temporary:
        temporary.write_text(digest)


def read_examples(folder, n_frames):
    """
    Read the examples of frames.

    Parameters
    ----------
    folder : path-like
        From `collect_examples`.
    n_frames : int
        The number of frames.

    Returns
    -------
    examples : dict of `~numpy.ndarray`
        See `frame_examples`, and ``frame``, the number of the frame of each.

    Raises
    ------
    ValueError
        If no labelled source was found.

    Warns
    -----
    AstropyUserWarning
        If labelled sources were not found.
    """
    parts, n_labels = [], 0
    for i in range(n_frames):
        with open_npz(Path(folder) / f'{i:06d}.npz', 'file of examples') as stored:
            part = dict(stored)
        del part['source']
        n_labels += int(part.pop('n_labels'))
        parts.append({**part, 'frame': np.full(len(part['values']), i)})
    examples = {name: np.concatenate([part[name] for part in parts])
                for name in parts[0]}
    n_found = len(examples['values'])
    if n_found == 0:
        msg = (f'labels must be those of sources that the model finds, got {n_labels} in '
               f'{count(n_frames, "image")}, and found none of them')
        raise ValueError(msg)
    if n_found < n_labels:
        log.warning('%d of %d labelled sources were found, and are trained on',
                    n_found, n_labels)
    return examples
