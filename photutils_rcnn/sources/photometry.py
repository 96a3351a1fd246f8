# Licensed under a 3-clause BSD style license - see LICENSE
"""
Pixels for photometry: background subtraction and total errors.
"""

__all__ = ['Pixels', 'band_pixels', 'detection_pixels', 'measure']

from dataclasses import dataclass

import numpy as np
from photutils.segmentation import SourceCatalog
from photutils.utils import calc_total_error

from photutils_rcnn._row_blocks import CACHED_ROWS, row_blocks
from photutils_rcnn.preprocessing.binned_map import map_like


@dataclass(frozen=True)
class Pixels:
    """
    What `~photutils.segmentation.SourceCatalog` needs besides the segments.

    Parameters
    ----------
    data : (ny, nx) float64 `~numpy.ndarray`
        The background-subtracted pixels.
    error : (ny, nx) float64 `~numpy.ndarray`
        The total 1-sigma errors.
    mask : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels to ignore.
    """

    data: np.ndarray
    error: np.ndarray
    mask: np.ndarray


def band_pixels(frame, band):
    """
    The pixels of one band.

    Errors are those of the data. Where these have none, they are the noise of
    the empty sky and, if the gain is known, the photon noise of the sources
    (`~photutils.utils.calc_total_error`).

    Parameters
    ----------
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.
    band : int
        The index of the band.

    Returns
    -------
    pixels : `Pixels`
        The pixels, in the unit of the data.
    """
    cube = frame.cube
    data = cube.data[band].astype(float)
    error = np.empty(data.shape)
    background = map_like(frame.background, cube.data.shape)
    for rows in row_blocks(len(data)):
        data[rows] -= background[band, rows]
        error[rows] = _total_error(cube, _sky_noise(frame, rows), band, rows, data[rows])
    return Pixels(data, error, cube.invalid[band])


def _sky_noise(frame, rows):
    """
    The noise of the empty sky in rows, or one number for each band, (n_bands, 1, 1).
    """
    noise = frame.noise
    if noise.shape[1:] != (1, 1):
        noise = map_like(noise, frame.cube.data.shape)[:, rows]
    return noise.astype(float)


def _total_error(cube, noise, band, rows, data):
    """
    The 1-sigma errors of rows of a band, or one number if they are constant.
    """
    if cube.error is not None:
        return cube.error[band, rows]
    if cube.gain is None:
        return noise[band]
    gain = np.broadcast_to(cube.gain[band], cube.shape)[rows]
    return calc_total_error(data, np.broadcast_to(noise[band], data.shape),
                            gain.astype(float))


def detection_pixels(frame):
    r"""
    The bands combined for one set of measurements.

    The inverse-variance weighted mean of the bands,
    :math:`\sum_b (d_b / \sigma_b^2) / \sum_b \sigma_b^{-2}`, over the
    bands with data at the pixel, where :math:`\sigma_b` is the noise of
    the empty sky. Errors follow. A single band is left as it is.

    Parameters
    ----------
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.

    Returns
    -------
    pixels : `Pixels`
        The pixels, in the unit of the data.
    """
    cube = frame.cube
    if cube.n_bands == 1:
        return band_pixels(frame, 0)
    data = np.empty(cube.shape)
    error = np.empty(cube.shape)
    # relative weights: squares of tiny units would underflow
    scale = float(np.median(frame.noise))
    background = map_like(frame.background, cube.data.shape)
    for rows in row_blocks(len(data), CACHED_ROWS):
        block = (slice(None), rows)
        invalid = cube.invalid[block]
        noise = _sky_noise(frame, rows)
        weight = (scale / noise) ** 2
        if invalid.any():
            weight = np.where(invalid, 0.0, weight)
        total = weight.sum(axis=0)
        total[total == 0] = 1.0
        subtracted = cube.data[block].astype(float) - background[block]
        data[rows] = (weight * subtracted).sum(axis=0) / total
        errors = np.stack([
            _total_error(cube, noise, band, rows, subtracted[band])
            for band in range(cube.n_bands)])
        variance = ((weight * (errors / scale)) ** 2).sum(axis=0)
        error[rows] = scale * np.sqrt(variance) / total
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
        error = error << unit
    return SourceCatalog(data, segmentation_image, error=error,
                         mask=pixels.mask, wcs=wcs,
                         detection_catalog=detection_catalog)
