# Licensed under a 3-clause BSD style license - see LICENSE
"""
Color composites of frames.
"""

__all__ = ['rgb_image']

import numpy as np
from astropy.nddata import block_reduce
from astropy.visualization import make_lupton_rgb

from photutils_rcnn._row_blocks import row_blocks
from photutils_rcnn.preprocessing.normalization import to_model_bands


def rgb_image(result, *, bands=None, binning=1):
    """
    A color picture of the frame of a result.

    The bands in units of their noise, red for the reddest, with the
    arcsinh stretch of `~astropy.visualization.make_lupton_rgb`. Any number of
    bands is mapped to three as for the network; one alone is gray.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        A result that has its pixels.
    bands : str or sequence of str, optional
        The name of a band, or of several, in any order. By default all.
    binning : int, optional
        The side in pixels of the squares that are averaged, along an axis
        with fewer pixels all of it; incomplete ones at the upper and right
        borders are left out. The default is 1.

    Returns
    -------
    image : (ny // binning, nx // binning, 3) uint8 `~numpy.ndarray`
        The picture, at least one pixel high and wide.

    Raises
    ------
    ValueError
        If the result has no pixels or there is no such band.
    """
    cube = result.cube
    if cube is None:
        msg = 'the result was stored without its pixels: give an image to plot'
        raise ValueError(msg)
    chosen = band_indices(result, bands)
    frame = result._frame('rgb_image').snr
    height, width = (min(binning, n) for n in cube.shape)
    squares = (1, height, width)
    ny = cube.shape[0] // height * height
    snr, valid = [], []
    for rows in row_blocks(ny, height=max(256 // height, 1) * height):
        snr.append(block_reduce(frame[:, rows][chosen], squares, np.mean))
        valid.append(block_reduce(~cube.invalid[:, rows][chosen], squares, np.all))
    snr, valid = (np.concatenate(parts, axis=1) for parts in (snr, valid))
    blue, green, red = to_model_bands(snr, valid, 3)
    return make_lupton_rgb(red, green, blue, minimum=-2, stretch=15, Q=8)


def band_indices(result, bands=None):
    """
    The bands of a result by their names.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result.
    bands : str or sequence of str, optional
        The names. By default all.

    Returns
    -------
    indices : list of int
        Their indices, from blue to red.

    Raises
    ------
    ValueError
        If there is no such band.
    """
    names = result.bands if bands is None else np.atleast_1d(bands).tolist()
    if not names or not set(names) <= set(result.bands):
        msg = f'bands must name some of {result.bands}, got {bands!r}'
        raise ValueError(msg)
    return [i for i, name in enumerate(result.bands) if name in names]
