# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tiles with halos and disjoint cores. Geometry only.
"""

__all__ = ['Tile', 'choose_tile_shape', 'make_tiles']

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Tile:
    """
    A rectangle of the frame and the part of it that it answers for.

    Every pixel of the frame lies in the core of exactly one tile. A source
    belongs to the tile whose core holds the cell of its anchor.

    Parameters
    ----------
    start : (2,) tuple of int
        The first row and column. All tiles of a frame have one shape, and
        may reach beyond the upper and right borders of the frame.
    shape : (2,) tuple of int
        The shape (ny, nx).
    core : (4,) tuple of int
        The half-open core ``(y1, x1, y2, x2)``, in pixels of the frame.
    """

    start: tuple
    shape: tuple
    core: tuple

    def owns(self, y, x):
        """
        Whether pixels of the frame lie in the core.

        Parameters
        ----------
        y, x : array_like of int
            The rows and columns.

        Returns
        -------
        owned : `~numpy.ndarray` of bool
            `True` inside the core.
        """
        y, x = np.asarray(y), np.asarray(x)
        y1, x1, y2, x2 = self.core
        return (y >= y1) & (y < y2) & (x >= x1) & (x < x2)


def _round_up(n, stride):
    return -(-n // stride) * stride


def _axis_side(n, n_tiles, halo, stride):
    """
    The smallest side with which ``n_tiles`` overlapping by two halos cover
    ``n`` pixels.
    """
    if n_tiles == 1:
        return _round_up(n, stride)
    return _round_up(-(-(n + 2 * halo * (n_tiles - 1)) // n_tiles), stride)


def _axis_tiles(n, side, halo, stride):
    """
    The starts of tiles along an axis and the borders between their cores.
    """
    if n <= side:
        return [0], [0, n]
    last = _round_up(n, stride) - side
    step = side - 2 * halo
    n_tiles = -(-last // step) + 1
    # Neighbors overlap by two halos, the last pair by more.
    starts = [min(i * step, last) for i in range(n_tiles)]
    borders = [(low + side + high) // 2
               for low, high in pairwise(starts)]
    return starts, [0, *borders, n]


def choose_tile_shape(shape, halo, stride, max_pixels):
    """
    The tile shape that computes the fewest pixels.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape of the frame.
    halo : int
        The width of the overlap that is thrown away, pixels; a multiple
        of ``stride``.
    stride : int
        The sides of tiles are multiples of it.
    max_pixels : int
        The largest area of a tile, which bounds the memory. It is exceeded
        only where a tile could not otherwise be wider than its halos.

    Returns
    -------
    tile_shape : (2,) tuple of int
        The shape (ny, nx) of all tiles.
    """
    smallest = 3 * halo
    options = []
    for n in shape:
        sides = {_axis_side(n, k, halo, stride)
                 for k in range(1, max(n // max(halo, stride), 1) + 1)}
        whole = _round_up(n, stride)
        options.append([(side, len(_axis_tiles(n, side, halo, stride)[0]))
                        for side in sides
                        if side >= min(smallest, whole)])
    candidates = [(ny * nx * sy * sx, sy * sx, (sy, sx))
                  for sy, ny in options[0] for sx, nx in options[1]]
    fitting = [c for c in candidates if c[1] <= max_pixels]
    return (min(fitting) if fitting
            else min(candidates, key=lambda c: c[1]))[-1]


def make_tiles(shape, tile_shape, halo, stride):
    """
    Cover a frame with tiles of one shape.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    tile_shape : (2,) tuple of int
        The shape of a tile, multiples of ``stride``.
    halo : int
        A core keeps this distance from the borders of its tile, except
        where the border is that of the frame; a multiple of ``stride``.
    stride : int
        Tiles start at multiples of it, so that the cells of the network's
        feature maps are those of the whole frame.

    Returns
    -------
    tiles : list of `Tile`
        Row by row. A frame that fits into a tile gives one tile.

    Raises
    ------
    ValueError
        If sides or halo are not multiples of the stride, or tiles are not
        wider than two halos.
    """
    for side, n in zip(tile_shape, shape, strict=True):
        if side % stride or halo % stride:
            msg = (f'tile_shape and halo must be multiples of {stride}, got '
                   f'{tile_shape} and {halo}')
            raise ValueError(msg)
        if side < n and side <= 2 * halo:
            msg = (f'tile_shape must exceed two halos of {halo} pixels, got '
                   f'{tile_shape}')
            raise ValueError(msg)
    ys, y_borders = _axis_tiles(shape[0], tile_shape[0], halo, stride)
    xs, x_borders = _axis_tiles(shape[1], tile_shape[1], halo, stride)
    return [Tile((y, x), tuple(tile_shape),
                 (y_borders[i], x_borders[j],
                  y_borders[i + 1], x_borders[j + 1]))
            for i, y in enumerate(ys) for j, x in enumerate(xs)]
