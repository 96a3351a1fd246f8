# Licensed under a 3-clause BSD style license - see LICENSE
"""
Correlation of the noise of neighboring pixels, as resampled images have it.
"""

__all__ = ['correlation_factor']

import numpy as np

LARGEST_LAG = 3  # pixels
FEWEST = 2000  # empty pixels
ENOUGH = 300_000  # pixels; of larger frames every other row counts, or fewer


def correlation_factor(residual, empty, profile):
    r"""
    The variance of a fit of the PSF, in units of that for white noise.

    With the autocorrelation R of the noise and A of the PSF it is
    :math:`\sum_d R(d) A(d) / (R(0) A(0))`.

    Parameters
    ----------
    residual : (ny, nx) `~numpy.ndarray`
        The residual in units of the noise.
    empty : (ny, nx) `~numpy.ndarray` of bool
        Pixels of empty sky.
    profile : (M, M) `~numpy.ndarray`
        The PSF.

    Returns
    -------
    factor : float
        The factor, at least 1; 1 if fewer than 2000 pixels are empty.
    """
    if np.count_nonzero(empty) < FEWEST:
        return 1.
    step = int(np.ceil(empty.size / ENOUGH))
    values = np.clip(residual, -5, 5)
    values -= values[empty].mean()
    values *= empty
    lags = range(-LARGEST_LAG, LARGEST_LAG + 1)
    total, power = 0., (profile**2).sum()
    for dy in range(LARGEST_LAG + 1):
        for dx in lags:
            if dy == 0 and dx < 0:
                continue
            first, second = _overlap(dy, dx, step)
            pairs = np.count_nonzero(empty[first] & empty[second])
            noise = (values[first] * values[second]).sum(dtype=float) / max(pairs, 1)
            first, second = _overlap(dy, dx)
            shape = (profile[first] * profile[second]).sum() / power
            if (dy, dx) == (0, 0):
                variance, weight = noise, 1
            else:
                weight = 2  # both lags of a pair of opposite ones
            total += weight * noise / variance * shape
    return max(1., float(total))


def _overlap(dy, dx, step=1):
    """
    The pixels of an image and those ``dy`` and ``dx`` farther, of every ``step``-th row.
    """
    rows = slice(0, -dy or None, step), slice(dy, None, step)
    cols = ((slice(0, -dx or None), slice(dx, None)) if dx >= 0
            else (slice(-dx, None), slice(0, dx)))
    return (rows[0], cols[0]), (rows[1], cols[1])
