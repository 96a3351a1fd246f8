# Licensed under a 3-clause BSD style license - see LICENSE
"""
Layers of a frame: sources that do not overlap, without the light of all others.
"""

__all__ = ['find_layers', 'measure_layers']

import numpy as np
import photutils
from astropy.table import QTable, vstack
from photutils.segmentation import SegmentationImage

from photutils_rcnn.preprocessing.binned_map import map_like
from photutils_rcnn.sources.photometry import Pixels, band_pixels, measure


def find_layers(boxes):
    """
    Sort boxes into layers of boxes that do not overlap.

    Boxes are colored greedily, the largest first.

    Parameters
    ----------
    boxes : (N, 4) `~numpy.ndarray`
        The boxes y1, x1, y2, x2, the ends exclusive.

    Returns
    -------
    layers : (N,) `~numpy.ndarray` of int
        The layer of each box, from 0.
    """
    y1, x1, y2, x2 = boxes.T
    layers = np.full(len(boxes), -1)
    for i in np.argsort(-(y2 - y1) * (x2 - x1), kind='stable'):
        overlaps = (y1 < y2[i]) & (y1[i] < y2) & (x1 < x2[i]) & (x1[i] < x2)
        taken = np.zeros(len(boxes) + 1, dtype=bool)
        taken[layers[overlaps]] = True  # the last are those without a layer yet
        layers[i] = np.argmin(taken)
    return layers


def measure_layers(light, frame, footprints, band, wcs=None):
    """
    Measure each source of a band without the light of the others.

    The pixels of a source are the data without the models of all others and without their
    part of what the models leave, which is the fraction that is theirs of the light there,
    or of the noise where that is brighter. So a source that stands alone is measured on
    the data.

    Parameters
    ----------
    light : `~photutils_rcnn.deblending.light.DeblendedLight`
        The models of N sources.
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The footprints.
    band : int
        The index of the band.
    wcs : WCS object, optional
        The celestial WCS.

    Returns
    -------
    table : `~astropy.table.QTable`
        The default columns of `~photutils.segmentation.SourceCatalog` and
        ``half_flux_radius``, that of half of the Kron flux, of the N sources in their
        order, with labels from 1.
    """
    pixels = band_pixels(frame, band)
    model = light.model_image(band)
    residual = pixels.data - light.sky[band] - model
    noise = map_like(frame.noise, frame.cube.data.shape)[band]
    brightness = np.maximum(model, noise)
    layers = find_layers(_boxes(light, footprints))
    tables = []
    for layer in np.unique(layers):
        chosen = layers == layer
        own = light.model_image(band, chosen)
        labels = np.zeros(model.shape, dtype=np.int32)
        for i in np.flatnonzero(chosen):
            labels[footprints.slices(i)][footprints.masks[i]] = i + 1
        alone = Pixels(own + residual * (1 - (model - own) / brightness), pixels.error,
                       pixels.mask)
        with photutils.use_future_column_names():
            catalog = measure(alone, SegmentationImage(labels), unit=frame.cube.unit, wcs=wcs)
            tables.append(catalog.to_table())
            tables[-1]['half_flux_radius'] = catalog.flux_radius(0.5)
    if not tables:
        return QTable({'label': np.zeros(0, dtype=np.int32)})
    table = vstack(tables, metadata_conflicts='silent')
    table.sort('label')
    return table


def _boxes(light, footprints):
    """
    The boxes around the stamps and footprints of sources.
    """
    boxes = np.array(footprints.boxes)
    for group in light.groups:
        starts = np.stack([group.y1, group.x1], axis=1)
        boxes[group.index, :2] = np.minimum(boxes[group.index, :2], starts)
        boxes[group.index, 2:] = np.maximum(boxes[group.index, 2:], starts + group.side)
    return boxes
