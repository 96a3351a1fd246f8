# Licensed under a 3-clause BSD style license - see LICENSE
"""
Stamps of sources on a frame, in groups of one size.
"""

__all__ = ['Canvas', 'StampGroup', 'group_stamps']

from dataclasses import dataclass

import numpy as np

from photutils_rcnn.deblending.templates import SIDES

# Sources that are rendered together, of 32 x 32 pixels: few enough for the cache, and enough
# that the time is that of pixels and not of calls.
BLOCK = 96


class Canvas:
    """
    A frame with a margin, so that no stamp reaches beyond it.

    Parameters
    ----------
    frame : (ny, nx) `~numpy.ndarray`
        The values of the frame, which are copied; 0 on the margin.
    margin : int
        The side of the largest stamp.
    dtype : dtype, optional
        The type of the values. The default is float.
    """

    def __init__(self, frame, margin, dtype=float):
        self.margin = margin
        self._values = np.pad(np.asarray(frame, dtype=dtype), margin)

    @property
    def frame(self):
        """
        The frame without its margin.
        """
        inner = slice(self.margin, -self.margin)
        return self._values[inner, inner]

    def add(self, group, stamps):
        """
        Add stamps.

        Parameters
        ----------
        group : `StampGroup`
            Where they lie.
        stamps : (R, side, side) `~numpy.ndarray`
            Their values.
        """
        stamps = stamps.astype(self._values.dtype, copy=False)
        for y, x, stamp in zip((group.y1 + self.margin).tolist(),
                               (group.x1 + self.margin).tolist(), stamps, strict=True):
            self._values[y:y + group.side, x:x + group.side] += stamp

    def cut(self, group):
        """
        Cut stamps.

        Parameters
        ----------
        group : `StampGroup`
            Where they lie.

        Returns
        -------
        stamps : (R, side, side) `~numpy.ndarray`
            Copies of their pixels.
        """
        windows = np.lib.stride_tricks.sliding_window_view(
            self._values, (group.side, group.side))
        return windows[group.y1 + self.margin, group.x1 + self.margin]


@dataclass(frozen=True)
class StampGroup:
    """
    Sources with stamps of one size.

    Parameters
    ----------
    index : (R,) `~numpy.ndarray` of int
        The sources.
    y1, x1 : (R,) `~numpy.ndarray` of int
        The pixel of the frame under the first pixel of each stamp; it may be outside.
    side : int
        The side in pixels.
    """

    index: np.ndarray
    y1: np.ndarray
    x1: np.ndarray
    side: int

    def __getitem__(self, chosen):
        return StampGroup(self.index[chosen], self.y1[chosen], self.x1[chosen], self.side)

    @classmethod
    def join(cls, groups):
        """
        Join groups of one size.

        Parameters
        ----------
        groups : sequence of `StampGroup`
            The groups, all of the same side.

        Returns
        -------
        group : `StampGroup`
            Their sources, in this order.
        """
        parts = ([getattr(group, name) for group in groups] for name in ('index', 'y1', 'x1'))
        return cls(*map(np.concatenate, parts), groups[0].side)

    def blocks(self):
        """
        Cut the group into blocks that are rendered together.

        Yields
        ------
        block : slice
            The sources of each block.
        """
        step = max(1, BLOCK * 32**2 // self.side**2)
        for start in range(0, len(self.index), step):
            yield slice(start, start + step)

    def pixels(self, shape):
        """
        Where the stamps lie in the flat frame.

        Parameters
        ----------
        shape : (2,) tuple of int
            The shape of the frame.

        Returns
        -------
        pixels : (R, side, side) `~numpy.ndarray` of int
            The index of each pixel; beyond the frame ``shape[0] * shape[1]``.
        """
        ny, nx = shape
        rows = self.y1[:, None] + np.arange(self.side)
        cols = self.x1[:, None] + np.arange(self.side)
        pixels = rows[:, :, None] * nx + cols[:, None, :]
        inside = (((rows >= 0) & (rows < ny))[:, :, None]
                  & ((cols >= 0) & (cols < nx))[:, None, :])
        return np.where(inside, pixels, ny * nx)

    def in_stamps(self, shapes):
        """
        The profiles of these sources, with positions on their stamps.

        Parameters
        ----------
        shapes : `~photutils_rcnn.deblending.templates.Shapes`
            Those of all sources, on the frame.

        Returns
        -------
        shapes : `~photutils_rcnn.deblending.templates.Shapes`
            Positions are relative to the middle pixels.
        """
        some = shapes[self.index]
        some.x = some.x - self.x1 - self.side // 2
        some.y = some.y - self.y1 - self.side // 2
        return some


def group_stamps(x, y, reach, is_star):
    """
    Lay stamps around sources, stars and others in groups of their own.

    Parameters
    ----------
    x, y : (N,) `~numpy.ndarray`
        The positions in pixels.
    reach : (N,) `~numpy.ndarray`
        How far the light of each is to be followed, pixels; the largest stamps may
        hold less.
    is_star : (N,) `~numpy.ndarray` of bool
        Which are point sources.

    Returns
    -------
    groups : list of `StampGroup`
        The stamps, each source in one group.
    """
    size = np.searchsorted(SIDES, 2 * reach + 1).clip(max=len(SIDES) - 1)
    ix, iy = np.round(x).astype(int), np.round(y).astype(int)
    groups = []
    for kind, k in np.unique(np.stack([is_star, size], axis=1), axis=0):
        side = SIDES[k]
        chosen = np.flatnonzero((size == k) & (is_star == kind))
        group = StampGroup(chosen, iy[chosen] - side // 2, ix[chosen] - side // 2, side)
        groups.extend(group[block] for block in group.blocks())
    return groups
