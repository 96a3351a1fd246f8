# Licensed under a 3-clause BSD style license - see LICENSE
"""
Blocks of a frame: disjoint cores with margins around them. Geometry only.
"""

__all__ = ['Block', 'grown', 'make_blocks']

from dataclasses import dataclass
from itertools import pairwise

LEAST_SIDE = 64  # pixels; less at the end of a frame belongs to the block before


@dataclass(frozen=True)
class Block:
    """
    A rectangle of the frame and the part of it that it answers for.

    Parameters
    ----------
    index : int
        The number of the block, row by row.
    core, window : (2,) tuple of slice
        The rows and columns without and with the margin.
    """

    index: int
    core: tuple
    window: tuple

    @property
    def start(self):
        """
        The first row and column of the window.
        """
        return tuple(axis.start for axis in self.window)

    @property
    def shape(self):
        """
        The shape (ny, nx) of the window.
        """
        return tuple(axis.stop - axis.start for axis in self.window)


def grown(window, margin, shape):
    """
    A window with a margin around it, as far as the frame reaches.

    Parameters
    ----------
    window : (2,) tuple of slice
        The rows and columns.
    margin : int
        The margin in pixels.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.

    Returns
    -------
    window : (2,) tuple of slice
        The larger window.
    """
    return tuple(slice(max(axis.start - margin, 0), min(axis.stop + margin, n))
                 for axis, n in zip(window, shape, strict=True))


def make_blocks(shape, size, margin):
    """
    Cut a frame into blocks.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    size : int
        The side of the cores in pixels; the last of a row or column may be smaller, or
        larger by less than 64.
    margin : int
        The margin in pixels.

    Returns
    -------
    blocks : list of `Block`
        Row by row.
    """
    rows, cols = (_sides(n, size) for n in shape)
    cores = [(y, x) for y in rows for x in cols]
    return [Block(i, core, grown(core, margin, shape)) for i, core in enumerate(cores)]


def _sides(n, size):
    borders = [*range(0, max(n - LEAST_SIDE, 0) + 1, size), n]
    return [slice(low, high) for low, high in pairwise(borders)]
