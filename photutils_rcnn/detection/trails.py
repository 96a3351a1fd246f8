# Licensed under a 3-clause BSD style license - see LICENSE
"""
Bleed trails: charge of saturated stars along the columns, or rows, of a detector.
"""

__all__ = ['is_on_trail']

import numpy as np

REACH = 8  # pixels that a trail goes on beyond a footprint, on both sides,
LONG_REACH = 24  # or on one side, at its end
HALF_WIDTH = 6  # pixels; half the width of what is compared across the trail
CONTINUES = 0.6  # of the light across the middle of the footprint
DARK = 0.3  # of the trail's level: the light beside it
LEVEL = 20.  # in units of the noise


def is_on_trail(image, box, shape):
    """
    Whether a footprint is a piece of a bleed trail.

    Along a trail the light across it stays the same on both sides beyond the
    footprint, with little beside it. At the star that bled, and at a source on the
    trail that is brighter than the trail is, there is more of it than beyond.

    Parameters
    ----------
    image : 2D `~numpy.ndarray`, or what is indexed like one
        The pixels in units of the noise.
    box : (4,) array_like of int
        The half-open box ``[y1, x1, y2, x2]`` of the footprint.
    shape : (2,) tuple of int
        The shape of the frame.

    Returns
    -------
    answer : bool
        `True` if it is, along columns or along rows.
    """
    y1, x1, y2, x2 = (int(value) for value in box)
    columns = _continues((y1, y2), (x1, x2), shape,
                         lambda rows, cols: image[rows, cols])
    return columns or _continues((x1, x2), (y1, y2), shape[::-1],
                                 lambda cols, rows: image[rows, cols].T)


def _continues(along, across, shape, window):
    """
    Whether light goes on along the first axis.
    """
    return (_lasts(along, across, shape, window, REACH, (True, True))
            or _lasts(along, across, shape, window, LONG_REACH, (True, False))
            or _lasts(along, across, shape, window, LONG_REACH, (False, True)))


def _lasts(along, across, shape, window, reach, sides):
    """
    Whether light goes on so many pixels, before and after or on one side.
    """
    start, stop = along
    before, after = (max(reach, (stop - start) // 2) + 2 if side else 0
                     for side in sides)
    middle = sum(across) // 2
    left, right = middle - HALF_WIDTH, middle + HALF_WIDTH + 1
    if (start - before < 0 or stop + after > shape[0] or left < 4
            or right > shape[1] - 4):
        return False
    pixels = window(slice(start - before, stop + after),
                    slice(left - 4, right + 4))
    n = stop - start
    rows = np.r_[:max(before - 2, 0), before + n + min(after, 2):len(pixels)]
    level = pixels[rows, 4:-4].max(axis=1)
    # Most footprints are told by this, and medians take long.
    if not level.min() > LEVEL:
        return False
    light = pixels[:, 4:-4].sum(axis=1)
    center = before + n // 2
    inside = np.median(light[max(center - 1, 0):center + 2])
    beside = np.concatenate([pixels[rows, :3], pixels[rows, -3:]], axis=1)
    return bool(inside > LEVEL and light[rows].min() > CONTINUES * inside
                and np.median(beside) < DARK * np.median(level))
