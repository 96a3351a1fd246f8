# Licensed under a 3-clause BSD style license - see LICENSE
"""
How galaxies look through the PSF: axis ratio and asymmetry of their light.
"""

__all__ = ['measure_appearance']

import numpy as np
from scipy import ndimage

# Within so many FWHM of the center, interpolation misses the peak of steep profiles.
CORE = 0.5


def measure_appearance(light, mask, fwhm):
    """
    The axis ratio of an image without noise, and its asymmetry about the major axis.

    An image that is elliptical, whatever its profile, is its own mirror image about its
    major axis; arms, which wind one way, and knots are not.

    Parameters
    ----------
    light : 2D `~numpy.ndarray`
        The light of one source, convolved with the PSF.
    mask : 2D bool `~numpy.ndarray`
        Where it is seen.
    fwhm : float
        The FWHM of the PSF in pixels.

    Returns
    -------
    axis_ratio : float
        The square root of the ratio of the second moments along the minor and the major
        axis. NaN if the source is cut off at the edge of the image or has no width.
    asymmetry : float
        Half of the sum of the absolute differences from the mirror image, in units of
        the light; NaN likewise.
    residual : float
        The square root of the sum of squares of half of these differences; 0 then.
    """
    y, x = np.nonzero(mask)
    if (len(y) < 2 or min(y.min(), x.min()) == 0
            or y.max() == mask.shape[0] - 1 or x.max() == mask.shape[1] - 1):
        return np.nan, np.nan, 0.
    flux = light[mask].astype(float)
    offsets = np.stack([y, x]).astype(float)
    center = offsets @ flux / flux.sum()
    offsets -= center[:, None]
    widths, axes = np.linalg.eigh((offsets * flux) @ offsets.T / flux.sum())
    if widths[0] <= 0:
        return np.nan, np.nan, 0.
    major = axes[:, 1:]
    mirrored = 2 * major @ (major.T @ offsets) - offsets
    mirror = ndimage.map_coordinates(light, mirrored + center[:, None])
    outside = np.hypot(*offsets) > CORE * fwhm
    half = np.where(outside, flux - mirror, 0) / 2
    return (float(np.sqrt(widths[0] / widths[1])), float(np.abs(half).sum() / flux.sum()),
            float(np.sqrt(np.sum(half**2))))
