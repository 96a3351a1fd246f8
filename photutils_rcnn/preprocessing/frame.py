# Licensed under a 3-clause BSD style license - see LICENSE
"""
Frame: pixels, background, noise and signal-to-noise ratio.
"""

__all__ = ['Frame', 'SignalToNoise']

from dataclasses import dataclass

import numpy as np

from photutils_rcnn.preprocessing.binned_map import BinnedMap, map_like
from photutils_rcnn.preprocessing.inputs import ImageCube


class SignalToNoise:
    """
    A frame in units of its noise, computed where it is asked for.

    It has the shape of the data and is indexed and iterated like them.

    Parameters
    ----------
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The frame.
    background, noise : float32 `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.binned_map.BinnedMap`
        Its background and noise, of shapes that broadcast to the data.
    """

    def __init__(self, cube, background, noise):
        self._data = cube.data
        self.shape = cube.data.shape
        self._background = map_like(background, self.shape)
        self._noise = map_like(noise, self.shape)

    def __getitem__(self, index):
        pixels = self._data[index] - self._background[index]
        with np.errstate(over='ignore'):
            pixels /= self._noise[index]
        return pixels


@dataclass(frozen=True)
class Frame:
    """
    A frame, what is subtracted from it, and its noise.

    Parameters
    ----------
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The pixels.
    background : float32 `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.binned_map.BinnedMap`
        The background per band in the unit of the data, of the shape
        (n_bands, ny, nx), or (n_bands, 1, 1) if constant.
    noise : float32 `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.binned_map.BinnedMap`
        The noise of the empty sky per band, in the unit of the data, of the
        same kinds of shape.
    """

    cube: ImageCube
    background: np.ndarray | BinnedMap
    noise: np.ndarray | BinnedMap

    @property
    def snr(self):
        """
        The `SignalToNoise` of the pixels.
        """
        return SignalToNoise(self.cube, self.background, self.noise)
