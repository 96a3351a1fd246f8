# Licensed under a 3-clause BSD style license - see LICENSE
"""
Gaussian smoothing of images.
"""

__all__ = ['gaussian_smooth']

import numpy as np

from photutils_rcnn._row_blocks import CACHED_ROWS, row_blocks


def gaussian_smooth(image, sigma, truncate=4.):
    """
    Smooth an image with a Gaussian.

    The answer is that of `~scipy.ndimage.gaussian_filter` but for rounding errors of
    float32, three to six times as fast.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        The image; beyond its edges it is mirrored.
    sigma : float
        The standard deviation of the Gaussian, pixels.
    truncate : float, optional
        Where the Gaussian ends, standard deviations. The default is 4.

    Returns
    -------
    smooth : (ny, nx) float32 `~numpy.ndarray`
        The smoothed image.
    """
    reach = int(truncate * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(reach + 1) / sigma)**2)
    weights = (weights / (2 * weights.sum() - weights[0])).astype(np.float32)
    padded = np.pad(np.asarray(image, dtype=np.float32), reach, mode='symmetric')
    smooth = np.empty(image.shape, dtype=np.float32)
    for rows in row_blocks(len(smooth), CACHED_ROWS):
        in_y = _along_rows(padded[rows.start:rows.stop + 2 * reach], weights)
        smooth[rows] = _along_rows(in_y.T, weights).T
    return smooth


def _along_rows(values, weights):
    """
    The weighted sum of rows on both sides of each but those near an end.
    """
    reach = len(weights) - 1
    n = len(values) - 2 * reach
    total = values[reach:reach + n] * weights[0]
    both = np.empty_like(total)
    for distance, weight in enumerate(weights[1:], 1):
        np.add(values[reach - distance:reach - distance + n],
               values[reach + distance:reach + distance + n], out=both)
        both *= weight
        total += both
    return total
