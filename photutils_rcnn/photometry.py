# Licensed under a 3-clause BSD style license - see LICENSE
"""
The pixels catalogs are measured on: the user's own, background subtracted.
"""

__all__ = ['Pixels', 'band_pixels', 'detection_pixels', 'measure']

from dataclasses import dataclass

import numpy as np
from photutils.segmentation import SourceCatalog

from photutils_rcnn._compat import catalog_keywords
from photutils_rcnn.binned_map import map_like
from photutils_rcnn.tiling import row_blocks


@dataclass(frozen=True)
class Pixels:
    """
    What `~photutils.segmentation.SourceCatalog` needs besides the segments.

    Parameters
    ----------
    data : (ny, nx) float64 `~numpy.ndarray`
        The background-subtracted pixels.
    error : (ny, nx) float64 `~numpy.ndarray` or `None`
        The 1-sigma errors.
    mask : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels to ignore.
    """

    data: np.ndarray
    error: np.ndarray | None
    mask: np.ndarray


def band_pixels(cube, background, band):
    """
    The pixels of one band.

    Parameters
    ----------
    cube : `~photutils_rcnn.inputs.ImageCube`
        The frame.
    background : `~numpy.ndarray` or `~photutils_rcnn.binned_map.BinnedMap`
        Its background; the first axis is that of the bands.
    band : int
        The index of the band.

    Returns
    -------
    pixels : `Pixels`
        The pixels, in the unit of the data.
    """
    data = cube.data[band].astype(float)
    background = map_like(background, cube.data.shape)
    for rows in row_blocks(len(data)):
        data[rows] -= background[band, rows]
    error = None if cube.error is None else cube.error[band].astype(float)
    return Pixels(data, error, cube.invalid[band])


def detection_pixels(cube, background, noise):
    r"""
    The bands combined for one set of measurements.

    The inverse-variance weighted mean of the bands,
    :math:`\sum_b (d_b / \sigma_b^2) / \sum_b \sigma_b^{-2}`, over the
    bands with data at the pixel, where :math:`\sigma_b` is the noise of
    the empty sky. Errors follow. A single band is left as it is.

    Parameters
    ----------
    cube : `~photutils_rcnn.inputs.ImageCube`
        The frame.
    background, noise : `~numpy.ndarray` or `~photutils_rcnn.binned_map.BinnedMap`
        Its background and noise; the first axis is that of the bands.

    Returns
    -------
    pixels : `Pixels`
        The pixels, in the unit of the data.
    """
    if cube.n_bands == 1:
        return band_pixels(cube, background, 0)
    data = np.empty(cube.shape)
    error = None if cube.error is None else np.empty(cube.shape)
    # relative weights: squares of tiny units would underflow
    scale = float(np.median(noise))
    background, noise = (map_like(values, cube.data.shape)
                         for values in (background, noise))
    for rows in row_blocks(len(data)):
        block = (slice(None), rows)
        weight = np.where(cube.invalid[block], 0.0,
                          (scale / noise[block].astype(float)) ** 2)
        total = weight.sum(axis=0)
        total[total == 0] = 1.0
        data[rows] = (weight * (cube.data[block].astype(float)
                                - background[block])).sum(axis=0) / total
        if error is not None:
            variance = (weight * (cube.error[block] / scale)) ** 2
            error[rows] = scale * np.sqrt(variance.sum(axis=0)) / total
    return Pixels(data, error, cube.mask)


def measure(pixels, segmentation_image, *, unit=None, wcs=None,
            detection_catalog=None):
    """
    Measure the sources.

    Parameters
    ----------
    pixels : `Pixels`
        The pixels.
    segmentation_image : `~photutils.segmentation.SegmentationImage`
        The segments.
    unit : `~astropy.units.Unit`, optional
        The unit of the pixels.
    wcs : WCS object, optional
        The celestial WCS.
    detection_catalog : `~photutils.segmentation.SourceCatalog`, optional
        The catalog to take shapes, centroids and apertures from.

    Returns
    -------
    catalog : `~photutils.segmentation.SourceCatalog`
        The catalog.
    """
    data, error = pixels.data, pixels.error
    if unit is not None:
        data = data << unit
        error = None if error is None else error << unit
    return SourceCatalog(data, segmentation_image, error=error,
                         mask=pixels.mask, wcs=wcs,
                         detection_catalog=detection_catalog,
                         **catalog_keywords())
