# Licensed under a 3-clause BSD style license - see LICENSE
"""
Initial profiles of sources: moments of the label image, sizes of the footprints.
"""

__all__ = ['initial_profiles', 'size_prior']

import numpy as np

from photutils_rcnn.deblending.templates import Shapes

# The natural logarithm of the half-light radius of simulated galaxies against those of the
# radius of the footprint, both in units of FWHM / 2, and of the signal-to-noise ratio:
# coefficients of 1, a, s, a^2, a s, s^2, fitted to 11,857 galaxies of scenes of the presets
# universal and decam, and the scatter about it.
SIZE_COEFFICIENTS = np.array([1.275, 4.229, -1.998, -0.417, -0.089, 0.15])
SNR_RANGE = 5.0, 1000.0
SIZE_RANGE = -2.0, 2.5
SCATTER_SNR = 8.0, 12.0, 20.0, 40.0
SCATTER = 0.5, 0.33, 0.24, 0.18
SPHEROID = 0.25
FILLED = 1.2  # the light of a source in units of that of its pixels


def size_prior(area, snr, fwhm):
    """
    The size that a footprint suggests.

    Parameters
    ----------
    area : (N,) array_like
        The areas of footprints in pixels.
    snr : (N,) array_like
        The signal-to-noise ratios.
    fwhm : float
        The FWHM of the PSF in pixels.

    Returns
    -------
    log_radius, scatter : (N,) `~numpy.ndarray`
        The natural logarithm of the half-light radius in pixels, and its scatter.
    """
    a = np.log(np.sqrt(np.maximum(area, 4) / np.pi) / (0.5 * fwhm))
    s = np.log(np.clip(snr, *SNR_RANGE))
    size = SIZE_COEFFICIENTS @ np.stack([np.ones_like(a), a, s, a * a, a * s, s * s])
    scatter = np.interp(s, np.log(SCATTER_SNR), SCATTER)
    return np.clip(size, *SIZE_RANGE) + np.log(0.5 * fwhm), scatter


def initial_profiles(image, labels, label_of_source, centers, log_radius):
    """
    Where a fit of profiles begins.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        The light.
    labels : (ny, nx) `~numpy.ndarray` of int
        The label image.
    label_of_source : (N,) `~numpy.ndarray` of int
        The label of each source, 0 if it has none.
    centers : (N, 2) `~numpy.ndarray`
        The centers x, y of the boxes, for sources without a label.
    log_radius : (N,) `~numpy.ndarray`
        The natural logarithm of the half-light radius in pixels.

    Returns
    -------
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        The profiles.
    amplitude : (N,) `~numpy.ndarray`
        The fluxes.
    """
    y, x = np.nonzero(labels)
    label = labels[y, x]
    n = labels.max(initial=0) + 1
    light = np.maximum(image[y, x], 0)
    total = np.bincount(label, light, n)
    # sources without light have the moments of their pixels
    light = light + (total <= 0)[label]
    mass = np.maximum(np.bincount(label, light, n), 1e-300)
    x_mean, y_mean = (np.bincount(label, light * values, n) / mass
                      for values in (x, y))
    dx, dy = x - x_mean[label], y - y_mean[label]
    xx, yy, xy = (np.bincount(label, light * values, n) / mass
                  for values in (dx * dx, dy * dy, dx * dy))
    trace = np.maximum(xx + yy, 1e-6)
    has_pixels = label_of_source > 0
    own = label_of_source
    x_start, y_start = np.array(centers, dtype=float).T
    x_start[has_pixels] = x_mean[own[has_pixels]]
    y_start[has_pixels] = y_mean[own[has_pixels]]
    # the PSF makes images rounder than sources, the edge of a segment flatter
    eta1, eta2 = (np.where(has_pixels, (values / trace)[own], 0)
                  for values in (xx - yy, 2 * xy))
    amplitude = np.where(has_pixels, FILLED * total[own], 0)
    return Shapes(x_start, y_start, np.array(log_radius, dtype=float), eta1, eta2,
                  np.full(len(own), SPHEROID)), amplitude
