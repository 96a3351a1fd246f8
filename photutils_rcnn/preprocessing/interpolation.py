# Licensed under a 3-clause BSD style license - see LICENSE
"""
Interpolation of images to more pixels.
"""

__all__ = ['magnify']

from scipy import ndimage

SPLINE_ORDER = 3


def magnify(image, factor):
    """
    An image with more pixels, interpolated by splines.

    Parameters
    ----------
    image : 2D `~numpy.ndarray`
        The image.
    factor : int
        The pixels each way for one.

    Returns
    -------
    magnified : 2D `~numpy.ndarray`
        The image; those for one pixel are centered on it.
    """
    return ndimage.zoom(image, factor, order=SPLINE_ORDER, mode='nearest', grid_mode=True)
