# Licensed under a 3-clause BSD style license - see LICENSE
"""
Scenes as they are read from color pictures.

Pictures of surveys have an arcsinh stretch (Lupton et al. 2004, PASP 116, 133), 8 bits
and are often magnified; JPEG makes their noise gray and their colors blurred.
"""

__all__ = ['through_picture']

from io import BytesIO

import numpy as np
from astropy.nddata import block_reduce
from PIL import Image
from scipy import ndimage

from photutils_rcnn.io.pictures import WHITE, read_picture

SOFTENING = 8.  # of the pictures of SDSS
# of the sky above black, in units of its noise: few of its pixels are cut off
PEDESTAL = 1.5


def through_picture(data, noise, *, picture_noise, magnification=1, quality=75):
    """
    Three bands as they are read from a JPEG picture of them.

    Parameters
    ----------
    data : (3, ny, nx) `~numpy.ndarray`
        The bands, blue to red, the sky subtracted.
    noise : (3,) `~numpy.ndarray`
        The noise of the sky, by which the bands are weighted.
    picture_noise : float
        The noise of the sky in the picture before the stretch, in units of white.
    magnification : int, optional
        The pixels of the picture for one of the data along each axis, over which the
        picture is averaged again. The default is 1.
    quality : int, optional
        The quality of the JPEG file, 1 to 95. The default is 75.

    Returns
    -------
    data : (3, ny, nx) `~numpy.ndarray` of float32
        The bands in the unit of ``data``.
    """
    noise = np.reshape(noise, (-1, 1, 1))
    colors = _stretch(picture_noise * (data / noise + PEDESTAL))
    colors = ndimage.zoom(colors, (1, magnification, magnification), order=1,
                          mode='nearest', grid_mode=True)
    pixels = np.rint(WHITE * np.clip(colors, 0, 1)).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[::-1].transpose(1, 2, 0))).save(
        file, 'JPEG', quality=quality)
    light = block_reduce(read_picture(file, stretch=SOFTENING),
                         (1, magnification, magnification), np.mean)
    return ((light / picture_noise - PEDESTAL) * noise).astype(np.float32)


def _stretch(light):
    """
    The stretch that `~photutils_rcnn.io.pictures.read_picture` undoes; colors too bright
    for white keep their hue.
    """
    mean = np.maximum(SOFTENING * light.mean(axis=0), 0)
    factor = np.divide(np.arcsinh(mean), mean, out=np.ones_like(mean), where=mean > 0)
    colors = np.maximum(light * factor, 0)
    return colors / np.maximum(colors.max(axis=0), 1)
