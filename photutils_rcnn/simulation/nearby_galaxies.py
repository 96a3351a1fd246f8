# Licensed under a 3-clause BSD style license - see LICENSE
"""
Settings of fields with large galaxies.
"""

__all__ = ['draw_nearby_galaxies']

from dataclasses import replace

import numpy as np

from photutils_rcnn.simulation.random_instrument import draw_random_instrument

# Area per galaxy in squares of this many FWHM, and the most of them
SIDE_PER_GALAXY = (15.0, 40.0)
MOST = 20.0
# The magnitudes at which galaxies are several times as large as the PSF, on the ground
# and, where it is five times narrower, in space
GROUND, SPACE = (12.5, 18.5), (15.5, 22.0)
LEAST_DEPTH = 2.5  # magnitudes from these galaxies to the limit
SPACE_FWHM = 0.3  # arcsec


def draw_nearby_galaxies(rng, shape):
    """
    The random instrument on galaxies that show their discs, arms and bulges.

    A third of them are spheroids. Stars are as many as elsewhere, and there are no fainter
    galaxies, other than companions and those that lie on them.

    Parameters and result are those of
    `~photutils_rcnn.simulation.random_instrument.draw_random_instrument`.
    """
    base = draw_random_instrument(rng, shape)
    fwhm = float(np.mean(base.fwhm))
    in_space = fwhm * base.pixel_scale < SPACE_FWHM
    limit = base.galaxy_range[1]
    bright, faint = SPACE if in_space else GROUND
    faint = min(faint, limit - LEAST_DEPTH)
    side = fwhm * np.exp(rng.uniform(*np.log(SIDE_PER_GALAXY)))
    return replace(
        base, galaxy_range=(bright, faint),
        n_galaxies=float(np.clip(shape[0] * shape[1] / side**2, 1.0, MOST)),
        galaxy_steepness=float(rng.uniform(0.3, 0.7)),
        spheroid_fraction=0.16 if in_space else 0.12,
        n_stars=min(base.n_stars, 40.0 * shape[0] * shape[1] / 65536),
        structured_fraction=float(rng.uniform(0.0, 0.4)), n_members=0, n_large=0,
        merger_fraction=float(rng.uniform(0.03, 0.15)),
        overlap_fraction=float(rng.uniform(0.0, 0.2)), missing='')
