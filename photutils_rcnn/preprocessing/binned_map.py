# Licensed under a 3-clause BSD style license - see LICENSE
"""
Binned maps: sums over bins, and smooth maps that take little memory.
"""

__all__ = ['BinnedMap', 'bin_sums', 'map_like']

import numpy as np


class BinnedMap:
    """
    A map of each band that is constant in squares, indexed like its pixels.

    Parameters
    ----------
    bins : (n_bands, my, mx) `~numpy.ndarray`
        The values of the squares.
    side : int
        The side of a square in pixels.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame; the last squares may reach beyond
        it.
    """

    def __init__(self, bins, side, shape):
        self.bins = bins
        self.side = side
        self.shape = (len(bins), *shape)

    def __getitem__(self, index):
        """
        The values of pixels, by up to three integers or slices, or by a band
        and arrays of rows and columns.
        """
        index = index if isinstance(index, tuple) else (index,)
        band, *window = (*index, *[slice(None)] * (3 - len(index)))
        y, x = (np.arange(n)[pixels] // self.side for n, pixels
                in zip(self.shape[1:], window, strict=True))
        if not any(isinstance(pixels, slice) for pixels in window):
            return self.bins[band, y, x]
        # Several times as fast as index arrays.
        return self.bins[band].take(y, axis=-2).take(x, axis=-1)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[:], dtype=dtype)


def map_like(values, shape):
    """
    A map with the shape of the data, without its memory.

    Parameters
    ----------
    values : `BinnedMap` or array_like
        The map, or values that broadcast to it.
    shape : tuple of int
        The shape of the data.

    Returns
    -------
    values : `BinnedMap` or read-only `~numpy.ndarray`
        What can be indexed like the data.
    """
    if isinstance(values, BinnedMap):
        return values
    return np.broadcast_to(values, shape)


def bin_sums(values, side, dtype=None):
    """
    The sums of an image over squares.

    Parameters
    ----------
    values : (ny, nx) `~numpy.ndarray`
        The image; beyond it are zeros, where the last squares reach there.
    side : int
        The side of a square in pixels.
    dtype : dtype, optional
        The type of the sums, by default that of the image; any, of bool.

    Returns
    -------
    sums : (my, mx) `~numpy.ndarray`
        The sums.
    """
    beyond = [(0, -n % side) for n in values.shape]
    sums = np.pad(values, beyond) if np.any(beyond) else values
    # Many times as fast as a sum over two axes of blocks.
    for rows in (True, False):
        parts = [sums[k::side] if rows else sums[:, k::side] for k in range(side)]
        sums = parts[0].astype(values.dtype if dtype is None else dtype)
        for part in parts[1:]:
            sums += part
    return sums
