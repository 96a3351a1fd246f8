# Licensed under a 3-clause BSD style license - see LICENSE
"""
Trend of the width of the PSF over a frame, linear in position.

Stars all have one width but for the trend, galaxies have any. So the trend is the slope
for which most widths agree, if clearly more agree than without one.
"""

__all__ = ['find_trend', 'relative_width']

import numpy as np

LEAST_SIDE = 1000  # of the longer side of a frame, pixels
# Widths that agree are within this in the logarithm. Those of stars scatter by a
# third of it.
WINDOW = 0.06
FEWEST = 25  # that agree
SIGNIFICANCE = 4.  # of how many more agree, in units of the square root of their number
# The slopes that are tried, from edge to edge, in the logarithm of the width.
STEEPEST, STEP = 0.48, 0.03
N_REFINEMENTS = 5


def find_trend(peaks, logs, shape):
    """
    Find the trend of the widths of stars.

    Parameters
    ----------
    peaks : (N, 2) `~numpy.ndarray` of int
        The pixels (y, x) of bright sources.
    logs : (N,) `~numpy.ndarray`
        The natural logarithms of their widths.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.

    Returns
    -------
    slopes : (2,) `~numpy.ndarray`
        How much the logarithm of the width rises from edge to edge, in y and in x; 0
        where the frame is smaller than 1000 pixels or no trend is significant.
    """
    nothing = np.zeros(2)
    if max(shape) < LEAST_SIDE or len(logs) < FEWEST:
        return nothing
    places = _places(peaks, shape)
    tried = np.arange(-STEEPEST, STEEPEST + STEP / 2, STEP)
    slopes = np.stack(np.meshgrid(tried, tried, indexing='ij'), -1).reshape(-1, 2)
    _, counts = _agreeing(logs - slopes @ places.T)
    _, without = _agreeing(logs)
    best = counts.argmax()
    if counts[best] < max(FEWEST, without + SIGNIFICANCE * np.sqrt(without)):
        return nothing
    slope = slopes[best]
    design = np.column_stack([np.ones(len(logs)), places])
    for _ in range(N_REFINEMENTS):
        left = logs - places @ slope
        first, _ = _agreeing(left)
        # as much beside the window as within, or it would hold the slope where it is
        chosen = np.abs(left - first - WINDOW / 2) < WINDOW
        slope = np.linalg.lstsq(design[chosen], logs[chosen], rcond=None)[0][1:]
    return slope


def relative_width(slopes, peaks, shape):
    """
    The width of the PSF at positions over that in the middle of the frame.

    Parameters
    ----------
    slopes : (2,) array_like
        From `find_trend`.
    peaks : (..., 2) `~numpy.ndarray`
        The positions (y, x) in pixels.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.

    Returns
    -------
    width : (...) `~numpy.ndarray`
        The ratios.
    """
    return np.exp(_places(peaks, shape) @ np.asarray(slopes))


def _places(peaks, shape):
    """
    Positions in units of the sides of the frame, from its middle.
    """
    return (np.asarray(peaks) + 0.5) / np.array(shape) - 0.5


def _agreeing(logs):
    """
    The least of the widths that agree, and their number; of each row of several.
    """
    logs = np.sort(logs)
    # One search for all rows, far apart from each other.
    apart = np.ptp(logs) + 1
    joined = (logs.T + apart * np.arange(logs.size // logs.shape[-1])).T.ravel()
    counts = np.searchsorted(joined, joined + WINDOW, 'right') - np.arange(logs.size)
    counts = counts.reshape(logs.shape)
    first = counts.argmax(axis=-1, keepdims=True)
    return tuple(np.take_along_axis(values, first, -1)[..., 0]
                 for values in (logs, counts))
