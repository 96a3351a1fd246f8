# Licensed under a 3-clause BSD style license - see LICENSE
"""
Disc galaxies and their giant star-forming clumps.

Clumps of kiloparsec size have 1 to 30 percent of the near-ultraviolet light of their
galaxy, are bluer than the disc and not or hardly resolved (Guo et al. 2015, ApJ 800,
39; Mehta et al. 2021, ApJ 912, 49; Adams et al. 2022, ApJ 931, 16). The ranges here
are wider than those populations, so that a detector can be trained on them.
"""

__all__ = ['add_clumps', 'draw_discs']

import numpy as np

from photutils_rcnn.simulation.catsim import draw_galaxies, draw_stars
from photutils_rcnn.simulation.population import Population
from photutils_rcnn.sources.classes import CLUMP, GALAXY

# across, that is four half-light radii of the disc, in pixels, FWHM and sides
DIAMETER_PIXELS = (14., 110.)
DIAMETER_FWHM = (7., 40.)
LARGEST_PART = 0.8
# the mean within the half-light radius times the FWHM in pixels, in units of the
# noise of the bluest band: what a star of that height has is three quarters of it as
# S/N. The galaxies of Mehta et al. in SDSS Stripe 82 have some 50 to 1500.
SURFACE_BRIGHTNESS = (50., 2500.)
ARM_FRACTION = 0.7
ARM_LIGHT = (0.05, 0.35)
# Half of the discs have a compact bulge, which is no clump.
COMPACT_FRACTION = 0.5
COMPACT_LIGHT = (0.01, 0.2)
COMPACT_RADIUS = (0.05, 0.3)  # in units of that of the disc
# Stars and background galaxies in front of or behind a disc: a disc of r = 17 and 0.1
# square arcminutes has some 0.1 stars and 0.1 galaxies of these ratios.
INTERLOPER_FRACTION = 0.2
INTERLOPER_RATIO = (0.01, 0.3)
# places on discs, half-light radii
EVEN_FRACTION, EVEN_RADIUS, LARGEST_RADIUS = 0.3, 1.7, 2.2

# Nearer to the middle, in FWHM along the major axis, no clump is told from a bulge.
LEAST_DISTANCE = 1.

# of a host, in units of the FWHM: clumps of smaller discs are not told apart
LEAST_DISC = 0.75
LARGEST_BULGE_FRACTION = 0.6
FEWEST_CLUMPS, MOST_CLUMPS = 2, 15
# of the flux of the galaxy in the bluest band; each galaxy has a largest ratio
FLUX_RATIO = (0.005, 0.3)
LEAST_LIMIT = 0.02
LARGEST_TOTAL = 0.7
# magnitudes from the bluest to the reddest band by which clumps are bluer
LEAST_TILT, TILT = 0.05, 0.6
# intrinsic FWHM in units of that of the PSF
LARGEST_SIZE = 1.
SMALLEST_RADIUS = 0.02  # pixels


def draw_discs(settings, rng):
    """
    Draw disc galaxies that are large and bright enough to show structure.

    Parameters
    ----------
    settings : `~photutils_rcnn.simulation.settings.SceneSettings`
        The settings, with the number ``n_discs``.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    population : `~photutils_rcnn.simulation.population.Population`
        The galaxies, the first of them near the middle of the frame, and stars and
        galaxies that are projected on them.
    """
    n, shape = settings.n_discs, settings.shape
    fwhm = float(np.mean(settings.fwhm))
    x, y = (rng.uniform(-0.5, side - 0.5, n) for side in shape[::-1])
    x[:1], y[:1] = ((side - 1) / 2 + rng.normal(0, 0.04 * side, 1)
                    for side in shape[::-1])
    discs = draw_galaxies(rng, rng.uniform(15, 19, n), settings.wavelengths,
                          settings.pixel_scale, x, y, fwhm=fwhm, spheroid_fraction=0.)
    largest = min(DIAMETER_PIXELS[1], DIAMETER_FWHM[1] * fwhm,
                  LARGEST_PART * min(shape))
    smallest = min(max(DIAMETER_PIXELS[0], DIAMETER_FWHM[0] * fwhm), largest)
    radius = np.exp(rng.uniform(np.log(smallest), np.log(largest), n)) / 4
    discs.bulge_radius *= radius / discs.disc_radius
    discs.disc_radius[:] = radius
    discs.arms = np.where(rng.random(n) < ARM_FRACTION, rng.integers(2, 5, n), 0)
    # single knots pass for clumps, arms of many faint ones do not
    discs.clump_fraction = np.where(discs.arms > 0, rng.uniform(*ARM_LIGHT, n), 0.)
    compact = rng.random(n) < COMPACT_FRACTION
    discs.bulge_fraction[compact] = np.exp(rng.uniform(
        *np.log(COMPACT_LIGHT), (np.count_nonzero(compact), 1)))
    discs.bulge_radius[compact] = (radius * np.exp(rng.uniform(
        *np.log(COMPACT_RADIUS), n)))[compact]
    level = np.exp(rng.uniform(*np.log(SURFACE_BRIGHTNESS), n)) / fwhm
    flux = level * np.sqrt(settings.variance[0]) * (
        2 * np.pi * radius**2 * discs.disc_q)
    wanted = settings.zero_points[0] - 2.5 * np.log10(flux)
    discs.magnitudes += (wanted - discs.magnitudes[:, 0])[:, None]
    return Population.concatenate([discs, *_interlopers(settings, rng, discs)])


def _interlopers(settings, rng, discs):
    """
    Stars and galaxies that are projected on discs.
    """
    chosen = discs[rng.random(len(discs)) < INTERLOPER_FRACTION]
    n, band = len(chosen), settings.reference_index
    x, y = _places(chosen, rng)
    ratio = np.exp(rng.uniform(*np.log(INTERLOPER_RATIO), n))
    wanted = chosen.magnitudes[:, band] - 2.5 * np.log10(ratio)
    is_star = rng.random(n) < 0.5
    for here, draw in (
            (is_star, lambda *args: draw_stars(rng, *args)),
            (~is_star, lambda r, waves, *at: draw_galaxies(
                rng, r, waves, settings.pixel_scale, *at,
                fwhm=float(np.mean(settings.fwhm))))):
        sources = draw(rng.uniform(18, 22, np.count_nonzero(here)),
                       settings.wavelengths, x[here], y[here])
        sources.magnitudes += (wanted[here] - sources.magnitudes[:, band])[:, None]
        sources.clump_fraction[:] = 0
        yield sources


def _places(discs, rng, least=0.):
    """
    A random position on each of some discs, most of them with the light, at least so
    many pixels from the middle along the major axis.
    """
    n = len(discs)
    # farther out, nothing tells a clump from a star
    radius = discs.disc_radius * np.where(
        rng.random(n) < EVEN_FRACTION, EVEN_RADIUS * np.sqrt(rng.random(n)),
        np.minimum(rng.gamma(2.0, 1 / 1.678, n), LARGEST_RADIUS))
    outside = rng.uniform(least, np.maximum(EVEN_RADIUS * discs.disc_radius, least))
    radius = np.where(radius < least, outside, radius)
    theta = rng.uniform(0, 2 * np.pi, n)
    u, v = radius * np.cos(theta), discs.disc_q * radius * np.sin(theta)
    cos, sin = np.cos(discs.angle), np.sin(discs.angle)
    return (discs.x + discs.disc_dx + u * cos - v * sin,
            discs.y + discs.disc_dy + u * sin + v * cos)


def add_clumps(population, settings, rng):
    """
    Give some of the resolved discs clumps, which take their light from the galaxy.

    Parameters
    ----------
    population : `~photutils_rcnn.simulation.population.Population`
        The N sources; the magnitudes of galaxies with clumps are changed to those of
        the rest of their light.
    settings : `~photutils_rcnn.simulation.settings.SceneSettings`
        The settings, with the ``clumpy_fraction`` of the discs.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    population : `~photutils_rcnn.simulation.population.Population`
        The sources and M clumps behind them.
    host : (N + M,) `~numpy.ndarray` of int
        The index of the galaxy of each clump, -1 for other sources.
    """
    fwhm = float(np.mean(settings.fwhm))
    is_host = ((population.class_id == GALAXY)
               & (population.disc_radius >= LEAST_DISC * fwhm)
               & (population.bulge_fraction.max(axis=1) < LARGEST_BULGE_FRACTION)
               & (rng.random(len(population)) < settings.clumpy_fraction))
    clumps, hosts = [], [np.full(len(population), -1)]
    for i in np.flatnonzero(is_host):
        ratios = _flux_ratios(settings.wavelengths, rng)
        index = np.full(len(ratios), i)
        galaxy = population[index]
        clumps.append(_clumps(galaxy, ratios, fwhm, rng))
        hosts.append(index)
        population.magnitudes[i] -= 2.5 * np.log10(1 - ratios.sum(axis=0))
    return Population.concatenate([population, *clumps]), np.concatenate(hosts)


def _flux_ratios(wavelengths, rng):
    """
    The ratios of the fluxes of clumps to that of their galaxy, (n, n_bands).
    """
    n = int(np.exp(rng.uniform(*np.log((FEWEST_CLUMPS, MOST_CLUMPS + 1)))))
    limit = np.exp(rng.uniform(*np.log((LEAST_LIMIT, FLUX_RATIO[1]))))
    ratio = np.exp(rng.uniform(*np.log((FLUX_RATIO[0], limit)), n))
    ratio = ratio[np.cumsum(ratio) <= LARGEST_TOTAL]
    color = np.log(wavelengths)
    color = (color - color[0]) / max(np.ptp(color), 1e-9)
    tilt = LEAST_TILT + rng.exponential(TILT, len(ratio))
    return ratio[:, None] * 10 ** (-0.4 * tilt[:, None] * color)


def _clumps(galaxy, ratios, fwhm, rng):
    """
    Gaussian clumps on rows of their galaxy.
    """
    n = len(galaxy)
    x, y = _places(galaxy, rng, LEAST_DISTANCE * fwhm)
    radius = np.maximum(0.5 * LARGEST_SIZE * fwhm * rng.random(n), SMALLEST_RADIUS)
    zero, q = np.zeros(n), rng.uniform(0.6, 1, n)
    return Population(
        class_id=np.full(n, CLUMP), x=x, y=y,
        magnitudes=galaxy.magnitudes - 2.5 * np.log10(ratios),
        bulge_fraction=np.zeros_like(ratios), bulge_radius=radius,
        disc_radius=radius, bulge_q=q, disc_q=q, angle=rng.uniform(0, np.pi, n),
        bulge_n=np.full(n, 0.5), disc_n=np.full(n, 0.5), clump_fraction=zero,
        arms=np.zeros(n, dtype=int), disc_dx=zero, disc_dy=zero.copy())
