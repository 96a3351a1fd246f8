# Licensed under a 3-clause BSD style license - see LICENSE
"""
Settings of star clusters and crowded fields.
"""

__all__ = ['draw_crowded_field']

from dataclasses import replace

import numpy as np

from photutils_rcnn.simulation.catsim import STAR_COUNTS, relative_counts
from photutils_rcnn.simulation.random_instrument import draw_random_instrument
from photutils_rcnn.simulation.star_clusters import cluster_counts

# Area per star above the limit of crowding, in FWHM squared and in pixels, before the
# concentration of a cluster.
AREA_PER_STAR = (2.0, 30.0)
LEAST_AREA, LARGEST_AREA = 8.0, 400.0
LEAST_AREA_DRAWN = 6.0  # of all stars of a scene, pixels


def draw_crowded_field(rng, shape):
    """
    The random instrument on a star cluster or a crowded field.

    Some are so deep that stars hide each other long before the noise does.

    Parameters and result are those of
    `~photutils_rcnn.simulation.random_instrument.draw_random_instrument`.
    """
    base = draw_random_instrument(rng, shape)
    fwhm = float(np.mean(base.fwhm))
    faint = base.star_range[1]
    crowded = faint - 1.5 - max(rng.uniform(-3.0, 5.0), 0.0)
    bright = crowded - rng.uniform(4.0, 9.0)
    kind = rng.choice(['old', 'young', 'field'], p=[0.35, 0.25, 0.4])
    turn_off = {'old': crowded - rng.uniform(-1.0, 5.0), 'young': bright - 2.0,
                'field': None}[str(kind)]
    counts = STAR_COUNTS if turn_off is None else cluster_counts(turn_off)
    steepness = float(rng.uniform(0.8, 1.6))
    n_pixels = shape[0] * shape[1]
    area = max(fwhm**2 * np.exp(rng.uniform(*np.log(AREA_PER_STAR))), LEAST_AREA)
    n_stars = n_pixels / min(area, LARGEST_AREA)
    core_radius = 0.0
    if kind != 'field' and rng.random() < 0.8:
        core_radius = float(np.exp(rng.uniform(*np.log((0.1, 1.0))))
                            ) * min(shape)
        # A cluster has the stars of a circle of the core radius at that density. Some
        # lie beyond, as its surface density is half of the central one at this radius.
        n_stars *= min(1.0, np.pi * core_radius**2 / n_pixels)
    n_stars *= (relative_counts(counts, bright, faint, steepness)
                / relative_counts(counts, bright, crowded, steepness))
    return replace(
        base, n_stars=float(min(n_stars, n_pixels / LEAST_AREA_DRAWN)),
        n_galaxies=float(rng.uniform(1, 20)) * n_pixels / 65536,
        n_members=0, n_large=0, binary_fraction=0.03,
        star_range=(bright, faint), star_steepness=steepness,
        turn_off=turn_off, core_radius=core_radius,
        structure='patches' if rng.random() < 0.3 else '')
