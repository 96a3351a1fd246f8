# Licensed under a 3-clause BSD style license - see LICENSE
"""
Table of sources: classes, scores, positions, boxes and flags.
"""

__all__ = ['attribute_columns', 'detection_flags', 'probability_columns', 'source_table']

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from photutils_rcnn.sources.instances import RCNN_FLAGS


def probability_columns(class_names):
    """
    The columns with the probabilities of the classes.

    Parameters
    ----------
    class_names : sequence of str
        The K classes.

    Returns
    -------
    names : list of str
        ``prob_<class>`` for each class; of two classes for the first alone, as
        the other is what is left to one.
    """
    names = [f'prob_{name}' for name in class_names]
    return names[:1] if len(names) == 2 else names


def attribute_columns(instances):
    """
    The columns of attribute heads.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources.

    Returns
    -------
    names : tuple of str
        Their names; none for models without such heads.
    """
    return () if instances.attributes is None else instances.attributes.dtype.names


def source_table(instances, footprints, label_of_source, positions, *,
                 wcs=None, meta=None):
    """
    One row for each source.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The N sources.
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        Their footprints.
    label_of_source : (N,) `~numpy.ndarray` of int
        Their labels, 0 for a source without a pixel of its own.
    positions : tuple of two (N,) `~numpy.ndarray`
        Their x and y in pixels.
    wcs : WCS object, optional
        The celestial WCS.
    meta : dict, optional
        The meta data of the table.

    Returns
    -------
    table : `~astropy.table.QTable`
        The table; see `photutils_rcnn.RCNNResult.table` for the columns.
    """
    table = QTable(meta=meta)
    class_ids = instances.class_ids
    table['label'] = label_of_source.astype(np.int32)
    table['class_name'] = np.array(
        instances.class_names, dtype='U16')[class_ids - 1]
    table['class_id'] = class_ids.astype(np.int32)
    table['score'] = instances.scores.astype(float)
    for k, name in enumerate(probability_columns(instances.class_names)):
        table[name] = instances.class_probabilities[:, k].astype(float)
    if instances.log_bayes_factors is not None:
        table['log_bayes_factor'] = instances.log_bayes_factors.astype(float)
    for name in attribute_columns(instances):
        table[name] = instances.attributes[name]
    table['x'], table['y'] = positions
    if wcs is not None:
        sky = wcs.pixel_to_world(table['x'], table['y'])
        if isinstance(sky, SkyCoord):
            table['sky_center'] = sky
    boxes = footprints.boxes
    table['bbox_xmin'], table['bbox_xmax'] = boxes[:, 1], boxes[:, 3] - 1
    table['bbox_ymin'], table['bbox_ymax'] = boxes[:, 0], boxes[:, 2] - 1
    table['area'] = footprints.areas * u.pix**2
    table['detection_flags'] = detection_flags(instances, label_of_source)
    return table


def detection_flags(instances, label_of_source):
    """
    The flags of sources, those without a pixel of their own included.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The N sources.
    label_of_source : (N,) `~numpy.ndarray` of int
        Their labels.

    Returns
    -------
    flags : (N,) int32 `~numpy.ndarray`
        See `~photutils_rcnn.sources.instances.decode_rcnn_flags`.
    """
    lost = np.where(label_of_source == 0, RCNN_FLAGS['no_pixels'], 0)
    return (instances.flags | lost).astype(np.int32)
