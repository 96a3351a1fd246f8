# Licensed under a 3-clause BSD style license - see LICENSE
"""
Star clusters: luminosity function and King profile.
"""

__all__ = ['cluster_counts', 'king_positions']

import numpy as np

# log10 of the number per magnitude against the magnitude below the turn-off:
# the red-giant branch, the rise at the subgiant branch and the main sequence, in
# round slopes of old globular clusters (Paust, Chaboyer & Sarajedini 2007, AJ 133,
# 2787). Above its turn-off, a young cluster has hardly a star.
GIANT_SLOPE = 0.3
RISE, RISE_WIDTH = 0.8, 1.5
DWARF_SLOPE = 0.15
TIDAL_RADIUS = 15.0  # in units of the core radius
CELL = 4.0  # pixels; the density is constant within


def cluster_counts(turn_off):
    """
    Star counts of an old cluster.

    Parameters
    ----------
    turn_off : float
        The magnitude of the main-sequence turn-off. One brighter than all stars
        drawn leaves the main sequence, as of a young cluster.

    Returns
    -------
    counts : (4, 2) `~numpy.ndarray`
        Magnitudes and the logarithm of the number per magnitude.
    """
    faint = turn_off + RISE_WIDTH
    return np.array([
        (turn_off - 20, -20 * GIANT_SLOPE), (turn_off, 0.0), (faint, RISE),
        (faint + 20, RISE + 20 * DWARF_SLOPE)])


def king_positions(rng, expected, core_radius, shape, margin):
    """
    Draw the positions of the stars of a cluster.

    The surface density follows King (1962, AJ 67, 471, Eq. 14), with a tidal
    radius of 15 core radii, about a random point of the frame.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    expected : float
        The expected number within the frame.
    core_radius : float
        The core radius in pixels.
    shape : tuple of int
        The shape ``(ny, nx)`` of the frame.
    margin : int
        How far beyond the frame stars are drawn, pixels.

    Returns
    -------
    x, y : (N,) `~numpy.ndarray`
        The positions.
    """
    middle = rng.uniform(0.15, 0.85, 2) * shape
    y, x = (np.arange(-0.5 - margin, n - 0.5 + margin, CELL) for n in shape)
    radius2 = ((y[:, None] + CELL / 2 - middle[0])**2
               + (x + CELL / 2 - middle[1])**2) / core_radius**2
    density = np.maximum(1 / np.sqrt(1 + radius2)
                         - 1 / np.sqrt(1 + TIDAL_RADIUS**2), 0)**2
    inside = np.outer((y >= -0.5) & (y < shape[0] - 0.5),
                      (x >= -0.5) & (x < shape[1] - 0.5))
    numbers = rng.poisson(expected * density / density[inside].sum())
    rows, cols = np.nonzero(numbers)
    counts = numbers[rows, cols]
    n = counts.sum()
    return (np.repeat(x[cols], counts) + rng.uniform(0, CELL, n),
            np.repeat(y[rows], counts) + rng.uniform(0, CELL, n))
