# Licensed under a 3-clause BSD style license - see LICENSE
"""
Galaxy structure: strong bulges and lopsided discs.

A catalog that describes galaxies by small round bulges at the centers of
their discs has few lenticulars, whose isophotes change from round to flat and
back, and no lopsided discs. Seen through such a catalog, a real galaxy with a
disc inside its spheroid, or with more light on one side, looks like two. Of
nearby spirals about a third are lopsided (Rix & Zaritsky 1995, ApJ 447, 82;
Zaritsky & Rix 1997, ApJ 477, 118). The ranges here are assumptions, wide on
purpose.
"""

__all__ = ['add_structure']

import numpy as np

from photutils_rcnn.sources.classes import STAR

# of a disc, in units of the FWHM: structure within less does not show
LEAST_RADIUS = 0.5
# the fraction of the bulge in the flux, and its half-light radius in units of
# that of the disc
BULGE_FRACTION = (0.15, 0.8)
RELATIVE_BULGE_RADIUS = (0.3, 1.6)
# the fraction of discs beside the center, and the most frequent offset (of a
# Rayleigh distribution) in units of their half-light radius
LOPSIDED_FRACTION = 0.5
OFFSET = 0.08


def add_structure(population, fraction, fwhm, rng):
    """
    Give resolved galaxies a larger bulge or spheroid, and a disc beside its
    center.

    Parameters
    ----------
    population : `Population`
        The sources, changed in place.
    fraction : float
        The fraction of the galaxies to change, of those with a disc of a
        half-light radius of at least ``LEAST_RADIUS`` (0.5) FWHM.
    fwhm : float
        The FWHM of the PSF in pixels.
    rng : `numpy.random.Generator`
        The random generator.
    """
    n = len(population)
    chosen = ((population.class_id != STAR) & (rng.random(n) < fraction)
              & (population.disc_radius >= LEAST_RADIUS * fwhm))
    bulge_fraction = rng.uniform(*BULGE_FRACTION, n)
    ratio = np.exp(rng.uniform(*np.log(RELATIVE_BULGE_RADIUS), n))
    offset = population.disc_radius * rng.rayleigh(OFFSET, n) * (
        rng.random(n) < LOPSIDED_FRACTION)
    phi = rng.uniform(0, 2 * np.pi, n)
    population.bulge_fraction[chosen] = bulge_fraction[chosen, None]
    population.bulge_radius[chosen] = (ratio * population.disc_radius)[chosen]
    population.disc_dx[chosen] = (offset * np.cos(phi))[chosen]
    population.disc_dy[chosen] = (offset * np.sin(phi))[chosen]
