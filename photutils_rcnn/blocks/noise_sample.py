# Licensed under a 3-clause BSD style license - see LICENSE
"""
Sample of the pixels of a frame, from which its noise is estimated.
"""

__all__ = ['NoiseSample']

import numpy as np

from photutils_rcnn.preprocessing.background import BIN
from photutils_rcnn.preprocessing.binned_map import map_like
from photutils_rcnn.preprocessing.noise import (
    error_scale,
    pixel_scatter,
    sample_stride,
    sky_error,
    sky_pixels,
    sky_rms,
    value_step,
)


class NoiseSample:
    """
    Every n-th pixel of a frame each way, collected block by block.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    n_bands : int
        The number of bands.
    """

    def __init__(self, shape, n_bands):
        self._stride = sample_stride(shape)
        self._places = [np.arange(0, n, self._stride) for n in shape]
        sides = (n_bands, *map(len, self._places))
        self._pixels = np.zeros(sides, dtype=np.float32)
        self._good = np.zeros(sides, dtype=bool)
        self._sky = np.zeros(sides, dtype=bool)
        self._errors = None
        self._scatters = [[] for _ in range(n_bands)]

    def add(self, cube, window, background=None):
        """
        Take the pixels of a block.

        Parameters
        ----------
        cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
            The block.
        window : (2,) tuple of slice
            Its rows and columns; no other block has any of them. With errors they begin
            at multiples of 64.
        background : `~numpy.ndarray`, optional
            The background, if it is given.
        """
        first = [-(-axis.start // self._stride) for axis in window]
        part = tuple(slice(low, -(-axis.stop // self._stride))
                     for low, axis in zip(first, window, strict=True))
        thin = tuple(slice(low * self._stride - axis.start, None, self._stride)
                     for low, axis in zip(first, window, strict=True))
        if cube.error is not None and self._errors is None:
            self._errors = np.ones_like(self._pixels)
        for band, (image, invalid) in enumerate(zip(cube.data, cube.invalid, strict=True)):
            self._sky[band, *part], _ = sky_pixels(image, invalid, thin)
            self._good[band, *part] = ~invalid[thin]
            level = 0. if background is None else map_like(
                background, cube.data.shape)[band, *thin]
            self._pixels[band, *part] = image[thin] - level
            if cube.error is not None:
                error = sky_error(cube.error[band], invalid)
                self._errors[band, *part] = error[thin]
                rows = thin[0]
                self._scatters[band].append(pixel_scatter(
                    image[rows], invalid[rows], error[rows]))

    def levels(self, backgrounds):
        """
        The noise of the frame.

        Parameters
        ----------
        backgrounds : list of `~photutils_rcnn.blocks.mesh.MeshBackground` or `None`
            The background of each band; `None` if it was subtracted.

        Returns
        -------
        levels : (n_bands,) `~numpy.ndarray`
            See `~photutils_rcnn.preprocessing.noise.scaled_noise`.

        Warns
        -----
        AstropyUserWarning
            If errors do not fit the scatter of the sky.
        """
        levels = []
        for band, (pixels, sky) in enumerate(zip(self._pixels, self._sky, strict=True)):
            step = value_step(pixels[self._good[band]])
            residual = pixels
            if backgrounds is not None:
                residual = pixels - backgrounds[band].bins(
                    tuple(places // BIN for places in self._places))
            residual = residual[sky]
            if self._errors is None:
                levels.append(sky_rms(residual, step))
            else:
                levels.append(error_scale(
                    residual, step, self._errors[band][sky],
                    lambda band=band: np.median(self._scatters[band]), band))
        return np.array(levels)
