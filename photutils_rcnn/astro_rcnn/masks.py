# Licensed under a 3-clause BSD style license - see LICENSE
"""
Mask recipes of the training sets: from images of single objects to masks.
"""

__all__ = ['MASK_RECIPES', 'astro_rcnn_mask', 'majority_filter',
           'noise_mask', 'nonzero_mask']

import numpy as np
from scipy import ndimage

from photutils_rcnn.sources.classes import STAR

MARGIN = 4  # pixels that majority_filter looks at on each side
STAR_LEVEL = 0.005
GALAXY_LEVEL = 0.08
# In units of noise / FWHM: the level of the truth of simulated scenes.
NOISE_LEVEL = 3.0


def majority_filter(mask):
    """
    Keep the pixels where a smoothed mask is at least one half.

    The smoothing is a Gaussian of sigma 2 pixels on 9 x 9 pixels, with
    reflected borders. Squares up to 4 x 4 pixels vanish.

    Parameters
    ----------
    mask : 2D bool `~numpy.ndarray`
        The mask.

    Returns
    -------
    mask : 2D bool `~numpy.ndarray`
        The smoothed mask.

    Notes
    -----
    It differs from OpenCV's 8-bit filter only where the smoothed value lies
    within 0.002 of one half.
    """
    return ndimage.gaussian_filter(mask.astype(float), 2, mode='mirror',
                                   radius=MARGIN) >= 0.5


def astro_rcnn_mask(counts, class_id, **_):
    """
    The mask of Burke et al. (2019): a fraction of the object's maximum.

    Pixels above 0.005 (stars) or 0.08 (galaxies) of the maximum, then
    `majority_filter`.

    Parameters
    ----------
    counts : 2D `~numpy.ndarray`
        The light of the object alone.
    class_id : int
        The class, 1 star, 2 galaxy.

    Returns
    -------
    mask : 2D bool `~numpy.ndarray`
        The mask; it may be empty.
    """
    level = STAR_LEVEL if class_id == STAR else GALAXY_LEVEL
    return majority_filter(counts / counts.max() > level)


def noise_mask(counts, class_id=None, *, noise, fwhm):
    """
    The mask of this package's simulated scenes: light above the noise.

    The pixels connected to the brightest one, without holes, above ``3
    noise / fwhm``. One band takes the place of their sum.

    Parameters
    ----------
    counts, class_id
        See `astro_rcnn_mask`; the class is not used.
    noise : float
        The standard deviation of the sky, in the unit of ``counts``.
    fwhm : float
        The FWHM of the PSF in pixels.

    Returns
    -------
    mask : 2D bool `~numpy.ndarray`
        The mask; it may be empty.
    """
    mask = counts > NOISE_LEVEL * noise / fwhm
    labels, _ = ndimage.label(mask)
    peak = labels[np.unravel_index(np.argmax(counts), counts.shape)]
    if peak == 0:
        return np.zeros_like(mask)
    return ndimage.binary_fill_holes(labels == peak)


def nonzero_mask(counts, class_id=None, **_):
    """
    Every pixel with light: for objects stored as masks.

    Parameters and result are those of `astro_rcnn_mask`; the class is not used.
    """
    return counts > 0


MASK_RECIPES = {'astro_rcnn': astro_rcnn_mask, 'noise': noise_mask,
                'nonzero': nonzero_mask}
