# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fluxes of results, and Kron fluxes of photutils and sep to compare with.

The latter detect with the defaults of `photutils_rcnn.evaluation.baselines`. Their shapes
and apertures are those of the detection image, and the same in all bands.
"""

__all__ = ['MeasuredFluxes', 'kron_photutils', 'kron_sep', 'result_fluxes']

from dataclasses import dataclass

import numpy as np
from photutils.segmentation import SegmentationImage, SourceCatalog
from photutils.utils import calc_total_error

from photutils_rcnn.evaluation.baselines import detect_photutils, extract_sep

# As MAG_AUTO of SExtractor: Kron radii, and the ellipse in which they are measured.
SEP_KRON = 2.5, 6.0
SEP_LEAST_RADIUS = 1.75  # pixels


@dataclass(frozen=True)
class MeasuredFluxes:
    """
    Positions and fluxes of the N sources of a frame.

    Parameters
    ----------
    x, y : (N,) `~numpy.ndarray`
        The positions (pixels, the center of the first pixel is 0).
    flux, error : (N, n_bands) `~numpy.ndarray`
        The fluxes of each band and their errors, in the unit of the data; NaN where
        there is none.
    """

    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    error: np.ndarray

    @classmethod
    def from_bands(cls, x, y, bands):
        """
        Stack the fluxes of the bands.

        Parameters
        ----------
        x, y : (N,) array_like
            The positions (pixels).
        bands : sequence of pair of (N,) array_like
            Fluxes and errors of each band.

        Returns
        -------
        measured : `MeasuredFluxes`
            The fluxes.
        """
        flux, error = (np.stack([np.asarray(values, dtype=float) for values in part], axis=1)
                       for part in zip(*bands, strict=True))
        return cls(np.asarray(x, dtype=float), np.asarray(y, dtype=float), flux, error)


def result_fluxes(result, kind, bands=None):
    """
    Fluxes of the sources of a result.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result, with its pixels.
    kind : {'deblended', 'kron', 'segment'}
        Those of ``result.deblended``, or of the catalog of each band.
    bands : sequence of str, optional
        The bands. The default is all.

    Returns
    -------
    measured : `MeasuredFluxes`
        The fluxes in the order of ``result.table``; NaN for sources without a label.
    """
    bands = result.bands if bands is None else bands
    if kind == 'deblended':
        table = result.deblended
        fluxes = [(table[f'flux_{band}'], table[f'flux_err_{band}']) for band in bands]
    else:
        catalogs = [result.band_catalog(band) for band in bands]
        fluxes = [[np.append(getattr(catalog, f'{kind}_{column}'), np.nan)[
            result.label_of_source - 1] for column in ('flux', 'flux_err')]
            for catalog in catalogs]
    return MeasuredFluxes.from_bands(result.table['x'].value, result.table['y'].value, fluxes)


def kron_photutils(image, data, noise, *, gain=1.0):
    """
    Kron fluxes of `~photutils.segmentation.SourceCatalog`.

    Parameters
    ----------
    image : `~photutils_rcnn.evaluation.baselines.DetectionImage`
        The image to detect on.
    data : (n_bands, ny, nx) `~numpy.ndarray`
        The background-subtracted bands; NaN is masked.
    noise : (n_bands, ny, nx) `~numpy.ndarray`
        The noise of the sky, in the unit of the data.
    gain : float, optional
        Electrons per unit of the data. The default is 1.

    Returns
    -------
    measured : `MeasuredFluxes`
        The fluxes, without a row if nothing is found.
    """
    footprints = detect_photutils(image).footprints
    if len(footprints) == 0:
        return _nothing(len(data))
    labels = np.zeros(footprints.shape, dtype=np.int32)
    for i, mask in enumerate(footprints.masks):
        labels[footprints.slices(i)][mask] = i + 1
    segments = SegmentationImage(labels)
    detected = SourceCatalog(image.snr, segments, mask=image.mask)
    catalogs = [SourceCatalog(band, segments, error=calc_total_error(band, rms, gain),
                              mask=~np.isfinite(band), detection_catalog=detected)
                for band, rms in zip(data, noise, strict=True)]
    return MeasuredFluxes.from_bands(detected.x_centroid, detected.y_centroid, [
        (catalog.kron_flux, catalog.kron_flux_err) for catalog in catalogs])


def kron_sep(image, data, noise, *, gain=1.0):
    """
    ``MAG_AUTO`` of sep.

    Kron ellipses, and circles of a radius of 1.75 pixels where those are smaller.

    Parameters
    ----------
    image : `~photutils_rcnn.evaluation.baselines.DetectionImage`
        The image to detect on.
    data, noise : (n_bands, ny, nx) `~numpy.ndarray`
        As in `kron_photutils`.
    gain : float, optional
        Electrons per unit of the data. The default is 1.

    Returns
    -------
    measured : `MeasuredFluxes`
        The fluxes, without a row if nothing is found.
    """
    found, labels = extract_sep(image)
    if len(found) == 0:
        return _nothing(len(data))
    import sep

    x, y, a, b, theta = (found[name] for name in ('x', 'y', 'a', 'b', 'theta'))
    theta = np.clip(theta, -np.pi / 2, np.pi / 2)
    of_source = {'segmap': labels, 'seg_id': np.arange(1, len(found) + 1, dtype=np.int32)}
    radius, _ = sep.kron_radius(np.ascontiguousarray(image.snr), x, y, a, b, theta,
                                SEP_KRON[1], mask=image.mask, **of_source)
    small = ~(radius * np.sqrt(a * b) >= SEP_LEAST_RADIUS)
    bands = []
    for band, rms in zip(data, noise, strict=True):
        options = {'err': rms, 'gain': gain, 'mask': ~np.isfinite(band), 'subpix': 1,
                   **of_source}
        band = np.nan_to_num(band)
        ellipses = sep.sum_ellipse(band, x, y, a, b, theta, np.where(
            small, 1, SEP_KRON[0] * radius), **options)
        circles = sep.sum_circle(band, x, y, SEP_LEAST_RADIUS, **options)
        bands.append([np.where(small, circles[k], ellipses[k]) for k in (0, 1)])
    return MeasuredFluxes.from_bands(x, y, bands)


def _nothing(n_bands):
    return MeasuredFluxes(np.zeros(0), np.zeros(0), *np.zeros((2, 0, n_bands)))
