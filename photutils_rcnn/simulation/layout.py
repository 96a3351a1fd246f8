# Licensed under a 3-clause BSD style license - see LICENSE
"""
Layout of a scene: which sources, and where.
"""

__all__ = ['draw_population']

import numpy as np

from photutils_rcnn.simulation.catsim import (
    GALAXY_COUNTS,
    STAR_COUNTS,
    draw_galaxies,
    draw_stars,
    sample_magnitudes,
)
from photutils_rcnn.simulation.clumps import draw_discs
from photutils_rcnn.simulation.population import Population
from photutils_rcnn.simulation.star_clusters import cluster_counts, king_positions
from photutils_rcnn.simulation.structure import add_structure

# sources this far (pixels) outside the frame still shed light into it
MARGIN = 32


def _positions(rng, n, shape, margin=MARGIN):
    return (rng.uniform(-0.5 - margin, shape[1] - 0.5 + margin, n),
            rng.uniform(-0.5 - margin, shape[0] - 0.5 + margin, n))


def _scattered(rng, expected, shape):
    """
    A Poisson number of positions for an expected number within the frame.
    """
    area = (shape[0] + 2 * MARGIN) * (shape[1] + 2 * MARGIN)
    n = rng.poisson(expected * area / (shape[0] * shape[1]))
    return _positions(rng, n, shape)


def _to_r(mags, settings, offset):
    return mags if settings.reference == 'r' else mags - offset


def _with_magnitudes(population, mags, settings):
    """
    Give sources their magnitudes in the reference band, colors kept.

    A population is drawn for magnitudes in r, and the color of a source
    comes with it: only now its magnitude in another band is known.
    """
    if settings.reference in settings.bands:
        own = population.magnitudes[:, settings.reference_index]
        population.magnitudes += (mags - own)[:, None]
    return population


def _within_limit(population, limit, settings):
    """
    The sources that are not too faint for the scene.
    """
    return population[population.magnitudes[:, settings.reference_index]
                      <= limit]


def _field(settings, rng):
    x, y = _scattered(rng, settings.n_galaxies, settings.shape)
    mags = sample_magnitudes(rng, len(x), GALAXY_COUNTS,
                             *settings.galaxy_range,
                             steepness=settings.galaxy_steepness)
    # round g - r, to go from a range of g to the r that the curves know
    galaxies = _with_magnitudes(_galaxies(
        settings, rng, _to_r(mags, settings, 0.75), x, y), mags, settings)
    if settings.core_radius:
        x, y = king_positions(rng, settings.n_stars, settings.core_radius,
                              settings.shape, MARGIN)
    else:
        x, y = _scattered(rng, settings.n_stars, settings.shape)
    counts = (STAR_COUNTS if settings.turn_off is None
              else cluster_counts(settings.turn_off))
    mags = sample_magnitudes(rng, len(x), counts, *settings.star_range,
                             steepness=settings.star_steepness)
    stars = _with_magnitudes(draw_stars(
        rng, _to_r(mags, settings, 0.45), settings.wavelengths, x, y),
        mags, settings)
    return galaxies, stars


def _galaxies(settings, rng, r, x, y, **options):
    return draw_galaxies(rng, r, settings.wavelengths, settings.pixel_scale,
                         x, y, fwhm=float(np.mean(settings.fwhm)),
                         spheroid_indices=settings.spheroid_indices,
                         **{'spheroid_fraction': settings.spheroid_fraction,
                            **options})


def _beside(rng, sources, distance):
    """
    Positions at distances from sources, in random directions.
    """
    phi = rng.uniform(0, 2 * np.pi, len(sources))
    return sources.x + distance * np.cos(phi), sources.y + distance * np.sin(phi)


def _mergers(settings, rng, galaxies):
    """
    Companions at one to three radii from some of the galaxies.
    """
    chosen = galaxies[rng.random(len(galaxies)) < settings.merger_fraction]
    n = len(chosen)
    size = np.maximum(chosen.bulge_radius, chosen.disc_radius)
    distance = size * rng.uniform(0.8, 3.0, n) + 0.5 * np.mean(settings.fwhm)
    x, y = _beside(rng, chosen, distance)
    r = chosen.magnitudes.mean(axis=1) + np.abs(rng.normal(0, 1.0, n))
    companions = _galaxies(settings, rng, r, x, y)
    return _within_limit(companions, settings.galaxy_range[1], settings)


def _binaries(settings, rng, stars):
    """
    Companions at 0.5 to 2.5 FWHM from some of the stars.
    """
    chosen = stars[rng.random(len(stars)) < settings.binary_fraction]
    n = len(chosen)
    x, y = _beside(rng, chosen, np.mean(settings.fwhm) * rng.uniform(0.5, 2.5, n))
    r = chosen.magnitudes.mean(axis=1) + rng.exponential(1.0, n)
    companions = draw_stars(rng, r, settings.wavelengths, x, y)
    return _within_limit(companions, settings.star_range[1], settings)


def _overlaps(settings, rng, sources):
    """
    Sources of either class on some of the bright ones, at 0.7 to 2.5 FWHM and
    up to 1.5 radii, so that the two are blended but show as two.

    Bright pairs of a star and a galaxy are rare at random positions, but
    nothing needs to be told apart more.
    """
    mags = sources.magnitudes.mean(axis=1)
    is_chosen = ((mags < settings.galaxy_range[1] - 3)
                 & (rng.random(len(sources)) < settings.overlap_fraction))
    chosen = sources[is_chosen]
    n = len(chosen)
    size = np.maximum(chosen.bulge_radius, chosen.disc_radius)
    distance = (np.mean(settings.fwhm) * rng.uniform(0.7, 2.5, n)
                + size * rng.uniform(0, 1.5, n))
    x, y = _beside(rng, chosen, distance)
    r = np.maximum(mags[is_chosen] + rng.normal(0, 1.2, n),
                   settings.galaxy_range[0])
    star = rng.random(n) < 0.5
    return Population.concatenate([
        _within_limit(draw_stars(rng, r[star], settings.wavelengths, x[star],
                                 y[star]), settings.star_range[1], settings),
        _within_limit(_galaxies(settings, rng, r[~star], x[~star], y[~star]),
                      settings.galaxy_range[1], settings)])


def _cluster(settings, rng):
    """
    A cluster of red galaxies of one redshift around a cD galaxy.

    The surface density falls as ``1 / (r**2 + core**2)``.
    """
    n, shape = settings.n_members, settings.shape
    faint = settings.galaxy_range[1] - 1.0
    bright = faint - rng.uniform(3.0, 6.0)
    r = bright + (faint - bright) * rng.random(n) ** 0.7
    r = np.append(r, bright - rng.uniform(0.3, 1.2))
    core = min(shape) * rng.uniform(0.06, 0.2)
    radius = core * np.sqrt(np.expm1(rng.random(n + 1) * np.log1p(
        (0.7 * max(shape) / core) ** 2)))
    radius[-1] = 0
    phi = rng.uniform(0, 2 * np.pi, n + 1)
    x0 = rng.uniform(0.15, 0.85) * shape[1]
    y0 = rng.uniform(0.15, 0.85) * shape[0]
    g_r = rng.uniform(0.8, 1.6) - 0.03 * (r - bright) + rng.normal(
        0, 0.04, n + 1)
    r_z = rng.uniform(0.6, 1.2) + rng.normal(0, 0.05, n + 1)
    members = _galaxies(settings, rng, r, x0 + radius * np.cos(phi),
                        y0 + radius * np.sin(phi), spheroid_fraction=0.45,
                        colors=(g_r, r_z))
    members.bulge_radius[-1] *= rng.uniform(1.2, 2.5)
    members.disc_radius[-1] *= rng.uniform(1.2, 2.5)
    return members


def _large(settings, rng):
    """
    Galaxies 40 to 250 pixels across.
    """
    n = settings.n_large
    x, y = _positions(rng, n, settings.shape, margin=0)
    faint = settings.galaxy_range[1]
    r = faint - rng.uniform(6.0, 9.0, n)
    galaxies = _galaxies(settings, rng, r, x, y, spheroid_fraction=0.15)
    wanted = np.exp(rng.uniform(np.log(6), np.log(40), n))
    grow = wanted / np.maximum(galaxies.disc_radius, galaxies.bulge_radius)
    galaxies.disc_radius *= grow
    galaxies.bulge_radius *= grow
    late = galaxies.bulge_fraction.max(axis=1) < 0.9
    galaxies.arms = np.where(late & (rng.random(n) < 0.7),
                             rng.integers(2, 5, n), 0)
    galaxies.clump_fraction = np.where(late, rng.uniform(0.15, 0.4, n), 0.0)
    # a reasonable surface brightness whatever the size drawn
    galaxies.magnitudes -= 2.5 * np.log10(np.maximum(grow, 1))[:, None]
    return galaxies


def draw_population(settings, rng):
    """
    Draw all sources of a scene.

    Parameters
    ----------
    settings : `~photutils_rcnn.simulation.settings.SceneSettings`
        The settings of the scene.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    population : `~photutils_rcnn.simulation.population.Population`
        The sources, some of them outside the frame.
    """
    galaxies, stars = _field(settings, rng)
    parts = [galaxies, stars, _mergers(settings, rng, galaxies),
             _binaries(settings, rng, stars)]
    if settings.n_members:
        parts.append(_cluster(settings, rng))
    if settings.n_large:
        parts.append(_large(settings, rng))
    if settings.n_discs:
        parts.append(draw_discs(settings, rng))
    if settings.overlap_fraction:
        parts.append(_overlaps(settings, rng,
                               Population.concatenate(parts)))
    population = Population.concatenate(parts)
    if settings.structured_fraction:
        add_structure(population, settings.structured_fraction,
                      float(np.mean(settings.fwhm)), rng)
    return population
