# Licensed under a 3-clause BSD style license - see LICENSE
"""
Artifacts of single exposures: cosmic rays, saturated pixels and satellite trails.
"""

__all__ = ['ResultArtifacts', 'drop_artifacts', 'find_artifacts']

from functools import cached_property

import numpy as np

from photutils_rcnn.detection.cosmic_rays import find_cosmic_rays, in_one_band
from photutils_rcnn.detection.satellite_trails import find_satellite_trails
from photutils_rcnn.preprocessing.psf import find_psf_stars
from photutils_rcnn.sources.artifacts import ARTIFACT_KINDS, Artifacts
from photutils_rcnn.sources.instances import RCNN_FLAGS

SATURATED_SNR = 50.  # at least
# At the saturation level pixels pile up: so many within 2 percent, as many as within the 4
# percent below, and at least half of those that are as bright or brighter. The top of a
# star is smaller, and that of a galaxy rounder.
PILE, BELOW = 0.02, 0.04
FEWEST_PILED, PILED_AREA = 6, 0.1  # the latter in units of the FWHM squared
PILED_PART = 0.5
MOSTLY = 0.5  # of the light of a detection
LEAST_SNR = 5.  # of the rest, if it is a source
# Light of these makes detections; stars are saturated.
OF_NO_SOURCE = ARTIFACT_KINDS['cosmic_ray'] | ARTIFACT_KINDS['satellite_trail']
# Where no star tells, nothing that is as sharp as the best sampled PSFs is a cosmic ray.
UNKNOWN_FWHM = 1.5


def find_artifacts(frame, fwhm=None, slopes=(0., 0.)):
    """
    Find the artifacts of a frame, in each band by itself. What several bands have is no
    cosmic ray.

    Parameters
    ----------
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.
    fwhm : (n_bands,) array_like, optional
        The FWHM of the PSF in pixels; by default it is measured.
    slopes : (2,) array_like, optional
        How much the logarithm of the FWHM rises from edge to edge in y and x.

    Returns
    -------
    artifacts : `~photutils_rcnn.sources.artifacts.Artifacts`
        The artifacts.
    """
    cube, snr = frame.cube, frame.snr
    if fwhm is None:
        fwhm, _ = find_psf_stars(snr, cube.invalid)
    if fwhm is None:
        fwhm = np.full(cube.n_bands, UNKNOWN_FWHM)
    narrowest = np.asarray(fwhm) * np.exp(-0.5 * np.abs(slopes).sum())
    masks = np.zeros(snr.shape, dtype=np.uint8)
    hits = np.zeros(snr.shape, dtype=bool)
    for band, (mask, width) in enumerate(zip(masks, narrowest, strict=True)):
        image = snr[band]
        invalid = cube.invalid[band] | ~np.isfinite(image)
        image[invalid] = 0
        saturated = find_saturated(image, width)
        hits[band] = find_cosmic_rays(image, invalid, saturated, width)
        trail = find_satellite_trails(image, invalid | saturated | hits[band])
        mask[saturated] |= ARTIFACT_KINDS['saturated']
        mask[trail] |= ARTIFACT_KINDS['satellite_trail']
    masks[in_one_band(hits)] |= ARTIFACT_KINDS['cosmic_ray']
    parts = []
    for band, mask in enumerate(masks):
        places = np.nonzero(mask)
        pixels = snr[band][places]
        known = np.isfinite(pixels) & ~cube.invalid[band][places]
        parts.append(np.where(known, pixels, 0))
    return Artifacts.from_masks(masks, cube.bands, parts)


def find_saturated(image, fwhm):
    """
    Find the saturated pixels of one band, with the charge that bled from them.

    Parameters
    ----------
    image : 2D `~numpy.ndarray`
        The background-subtracted pixels in units of the noise of the sky, 0 where there
        are none.
    fwhm : float
        The FWHM of the PSF in pixels.

    Returns
    -------
    saturated : 2D bool `~numpy.ndarray`
        `True` for pixels at the level where pixels pile up, and above.
    """
    values = np.sort(image[image > SATURATED_SNR])
    n_within = np.searchsorted(values, (1 + PILE) * values, side='right') - np.arange(
        len(values))
    n_above = len(values) - np.arange(len(values))
    n_below = np.arange(len(values)) - np.searchsorted(values, (1 - BELOW) * values)
    piled = (n_within >= n_below) & (n_within >= max(FEWEST_PILED, PILED_AREA * fwhm**2)) & (
        n_within >= PILED_PART * n_above)
    if not piled.any():
        return np.zeros(image.shape, dtype=bool)
    # the lower edge of the densest pile
    level = values[np.argmax(np.where(piled, n_within, 0))]
    return image >= level


def drop_artifacts(instances, artifacts, snr, invalid):
    """
    Drop detections that are artifacts, and flag sources that touch some.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The detections.
    artifacts : `~photutils_rcnn.sources.artifacts.Artifacts`
        The artifacts.
    snr : `~photutils_rcnn.preprocessing.frame.SignalToNoise`
        The bands in units of their noise.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data.

    Returns
    -------
    sources : `~photutils_rcnn.sources.instances.Instances`
        The sources. A detection is none if cosmic rays and satellite trails have more
        than half of the light in its footprint, and the S/N of the rest is below 5.
    """
    n = len(instances)
    source, y, x = instances.footprints().pixels()
    touched = (artifacts.masks.max(axis=0) > 0)[y, x]
    flags = np.where(np.bincount(source, touched, n) > 0, RCNN_FLAGS['touches_artifact'], 0)
    instances.flags = (instances.flags | flags).astype(np.int32)
    other, rest, area = np.zeros(n), np.zeros(n), np.zeros(n)
    for band, mask in enumerate(artifacts.masks):
        valid = ~invalid[band][y, x]
        pixels = np.where(valid, snr[band][y, x], 0)
        free = valid & (mask[y, x] & OF_NO_SOURCE == 0)
        other += np.bincount(source, pixels * (valid & ~free), n)
        rest += np.bincount(source, pixels * free, n)
        area += np.bincount(source, free, n)
    is_source = (other <= MOSTLY * (other + np.maximum(rest, 0))) | (
        rest >= LEAST_SNR * np.sqrt(np.maximum(area, 1)))
    return instances if is_source.all() else instances[is_source]


class ResultArtifacts:
    """
    What `~photutils_rcnn.RCNNResult` tells of the artifacts of the frame.
    """

    @cached_property
    def artifacts(self):
        """
        The `~photutils_rcnn.sources.artifacts.Artifacts` of the frame: cosmic rays,
        saturated pixels with the charge that bled from them, and trails of satellites.

        They are found when first asked for, unless ``segment(..., artifacts=True)``
        found them; that alone drops detections and sets flags. Of a result that was read
        from a file without its pixels it is a `ValueError`.
        """
        if self._whole is not None:
            return self._whole.artifacts
        return find_artifacts(self._frame('artifacts'), self.meta.get('psf_fwhm'),
                              self.meta.get('psf_slopes', (0., 0.)))
