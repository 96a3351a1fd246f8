# Licensed under a 3-clause BSD style license - see LICENSE
"""
Attributes of sources: what the attribute heads of a model say, calibrated.
"""

__all__ = ['UNSURE', 'attribute_columns', 'attribute_inputs', 'evaluated',
           'measure_attributes']

import warnings

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from numpy.lib import recfunctions
from scipy import special

from photutils_rcnn.detection.attribute_stamps import (
    source_numbers,
    source_sizes,
    source_stamps,
)
from photutils_rcnn.sources.source_table import probability_columns

UNSURE = 'unsure'
UNCALIBRATED = {'scale': 1., 'offset': 0., 'least': 0.75,
                'center': 0., 'spread': 1., 'error_scale': 1.}


def attribute_inputs(attribute, instances, chosen, normalized, fwhm, stretch_scale):
    """
    What an attribute head is given of sources of a frame.

    Parameters
    ----------
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.
    instances : `~photutils_rcnn.sources.instances.Instances`
        All sources of the frame. Where others have their footprints, but a source has not,
        it is shown empty sky.
    chosen : (N,) `~numpy.ndarray` of int
        The sources that the head is given.
    normalized : `~photutils_rcnn.preprocessing.normalization.NormalizedCube`
        The frame as the network sees it.
    fwhm : (n_bands,) `~numpy.ndarray` or `None`
        The FWHM of the PSF of the frame's bands, pixels.
    stretch_scale : float
        Undoes the stretch of the frame.

    Returns
    -------
    inputs : dict of `~numpy.ndarray` or `None`
        ``stamps`` and ``numbers`` of
        `~photutils_rcnn.models.detector.Detector.predict_attribute`, and ``pooled`` for
        a head with features of the trunk. `None` if the frame lacks a band that the head
        needs.
    """
    cube, image = normalized.frame.cube, normalized.image
    if not set(attribute.bands) <= set(cube.bands):
        return None
    bands = [cube.bands.index(band) for band in attribute.bands]

    def pixels(window):
        if not bands:
            return np.sinh(image[window] * stretch_scale)
        invalid = cube.invalid[:, *window][bands]
        snr = normalized.frame.snr[:, *window][bands]
        return np.moveaxis(np.where(invalid | ~np.isfinite(snr), 0, snr), 0, -1)

    grid = attribute.stamp_size, attribute.stamp_extent
    if fwhm is not None and bands:
        fwhm = np.asarray(fwhm)[bands]
    boxes = instances.boxes[chosen]
    inputs = {'stamps': source_stamps(pixels, cube.shape, boxes, *grid,
                                      _neighbors(instances, chosen)),
              'numbers': source_numbers(boxes, fwhm, *grid)}
    if attribute.trunk_features:
        inputs['pooled'] = instances.features[chosen]
    return inputs


def _neighbors(instances, chosen):
    """
    A function of a chosen source and a window: the pixels of other sources alone.
    """
    footprints = instances.footprints()
    covered = np.zeros(instances.shape, dtype=bool)
    for i, mask in enumerate(footprints.masks):
        covered[footprints.slices(i)] |= mask

    def hidden(k, window):
        others = covered[window].copy()
        rows, cols = footprints.slices(chosen[k])
        y, x = (part.start for part in window)
        top, left = max(rows.start, y), max(cols.start, x)
        bottom, right = min(rows.stop, window[0].stop), min(cols.stop, window[1].stop)
        if bottom > top and right > left:
            own = footprints.masks[chosen[k]][top - rows.start:bottom - rows.start,
                                              left - cols.start:right - cols.start]
            others[top - y:bottom - y, left - x:right - x] &= ~own
        return others

    return hidden


def evaluated(attribute, instances, fwhm):
    """
    The sources that an attribute head is asked about.

    Parameters
    ----------
    attribute, instances, fwhm
        See `attribute_inputs`.

    Returns
    -------
    is_asked : (N,) `~numpy.ndarray` of bool
        `True` for sources of the class of the attribute that are bright and large enough.
    has : (N,) `~numpy.ndarray` of bool
        `True` for all sources of this class.
    """
    has = np.ones(len(instances), dtype=bool)
    if attribute.of_class is not None:
        has = (np.array(instances.class_names)[instances.class_ids - 1]
               == attribute.of_class)
    is_asked = has & (source_sizes(instances.boxes, fwhm) >= attribute.least_size)
    if instances.snr is not None:
        is_asked &= instances.snr >= attribute.least_snr
    return is_asked, has


def attribute_columns(attribute, outputs, calibration, has=None):
    """
    The columns that the outputs of an attribute head stand for.

    Parameters
    ----------
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.
    outputs : (N, K) `~numpy.ndarray`
        Its outputs; NaN for sources that it was not asked about.
    calibration : dict
        Of a classification ``scale`` and ``offset`` of its logits (Guo et al. 2017,
        arXiv:1706.04599, section 4.2) and ``least``, the probability below which the
        class is ``'unsure'``; of a regression ``center`` and ``spread`` of the values
        it was trained on, and ``error_scale``.
    has : (N,) `~numpy.ndarray` of bool, optional
        The sources that have the attribute; by default those with outputs.

    Returns
    -------
    columns : (N,) structured `~numpy.ndarray`
        Of a classification the class ``<name>``, empty for sources that do not have
        one, and ``prob_<class>``, of two classes for the first alone; of a regression
        ``<name>`` and ``<name>_err``. Of sources that have the attribute, but no outputs,
        the class is unsure, and all classes are equally probable.
    """
    fit = {**UNCALIBRATED, **calibration}
    name, known = attribute.name, np.isfinite(outputs).all(axis=1)
    if not attribute.classes:
        columns = np.zeros(len(outputs), dtype=[(name, 'f4'), (f'{name}_err', 'f4')])
        columns[name] = fit['center'] + fit['spread'] * outputs[:, 0]
        columns[f'{name}_err'] = (fit['error_scale'] * fit['spread']
                                  * np.exp(0.5 * outputs[:, 1]))
        return columns
    probabilities = special.softmax(
        fit['scale'] * outputs.astype(float) + fit['offset'], axis=1)
    if has is not None:
        probabilities[has & ~known] = 1 / len(attribute.classes)
    names = np.array([*attribute.classes, UNSURE, ''])
    best = np.full(len(outputs), len(names) - 1)
    if has is not None:
        best[has] = len(names) - 2
    best[known] = np.where(
        probabilities[known].max(axis=1, initial=0) < fit['least'],
        len(names) - 2, np.argmax(probabilities[known], axis=1))
    columns = np.zeros(len(outputs), dtype=[(name, names.dtype), *(
        (column, 'f4') for column in probability_columns(attribute.classes))])
    columns[name] = names[best]
    for k, column in enumerate(columns.dtype.names[1:]):
        columns[column] = probabilities[:, k]
    return columns


def measure_attributes(model, instances, normalized, fwhm, stacklevel=2):
    """
    The attributes of sources.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        A model with attribute heads.
    instances, normalized, fwhm
        See `attribute_inputs`.
    stacklevel : int, optional
        Whose warnings these are: 2 is the caller.

    Returns
    -------
    attributes : (N,) structured `~numpy.ndarray`
        The columns of all heads, see `attribute_columns`.

    Warns
    -----
    AstropyUserWarning
        If the frame lacks bands that a head needs, whose columns are empty then.
    """
    parts = []
    for attribute in model.config.attributes:
        chosen, has = evaluated(attribute, instances, fwhm)
        outputs = np.full((len(instances), attribute.n_outputs), np.nan, np.float32)
        inputs = attribute_inputs(attribute, instances, np.flatnonzero(chosen), normalized,
                                  fwhm, model.config.stretch_scale)
        if inputs is None:
            warnings.warn(
                f'attribute {attribute.name!r} needs the bands {attribute.bands}, got '
                f'{normalized.frame.cube.bands}; its columns are empty.',
                AstropyUserWarning, stacklevel=stacklevel)
            has[:] = False
        elif chosen.any():
            outputs[chosen] = model.detector.predict_attribute(
                attribute.name, inputs.pop('pooled', None), **inputs)
        parts.append(attribute_columns(
            attribute, outputs, model.attribute_calibration(attribute.name), has))
    return recfunctions.merge_arrays(parts, flatten=True)
