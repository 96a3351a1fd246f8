# Licensed under a 3-clause BSD style license - see LICENSE
"""
Stars and galaxies much like those of the LSST CatSim catalogs.

The counts are those of 10,000 galaxies and 20,667 stars of the LSST
simulation catalog CatSim (Connolly et al. 2014, SPIE 9150, 91500C), in the
subset distributed with BLISS (prob-ml/bliss, MIT license), in bins of one or
two magnitudes. Brighter than r = 17, where that subset has no galaxies, they
go on with the Euclidean slope of 0.6 per magnitude, and fainter than
r = 26.5, where it is incomplete, with a slope chosen to flatten.

Sizes, bulge fractions, axis ratios and colors are curves drawn through
CatSim's percentiles against r, not fits of a model. Between r = 22 and 26
they follow CatSim within 10 percent in the median radius of discs, 20 percent
in that of bulges and 0.3 mag in the median colors of galaxies. The mean colors
of stars (r = 14 to 27) are within 0.06 mag in both g - r and r - z, the fraction
of red dwarfs within 0.04. Shapes that
CatSim does not have are added: more pure spheroids, bulges of Sersic index
2.5, knots and spiral arms. That bulges are redder than discs is an assumption
too; CatSim lists one color per galaxy.
"""

__all__ = ['GALAXY_COUNTS', 'STAR_COUNTS', 'draw_galaxies', 'draw_stars',
           'relative_counts', 'sample_magnitudes']

import numpy as np

from photutils_rcnn.simulation.population import Population, half_light_radius
from photutils_rcnn.sources.classes import GALAXY, STAR

# log10 of the number per magnitude (arbitrary normalization) against r
GALAXY_COUNTS = np.array(
    [(10.0, -4.4), (17.0, -0.20), (19.5, 1.04), (20.5, 1.54), (21.5, 1.93),
     (22.5, 2.36), (23.5, 2.75), (24.5, 3.04), (25.5, 3.34), (26.5, 3.59),
     (30.0, 4.40)])
STAR_COUNTS = np.array(
    [(8.0, 0.75), (12.5, 1.60), (14.5, 2.11), (16.5, 2.47), (18.5, 2.78),
     (20.5, 3.09), (22.5, 3.26), (24.5, 3.37), (26.5, 3.47), (30.0, 3.55)])

# wavelengths (nm) at which the colors are known: g, r, z
COLOR_WAVELENGTHS = (484.0, 622.0, 905.0)

# the smallest circularized half-light radius in units of the PSF's FWHM / 2
MIN_RELATIVE_RADIUS = 0.25


def relative_counts(counts, bright, faint, steepness=1.0):
    """
    The relative number of sources between two magnitudes.

    Parameters
    ----------
    counts : (K, 2) `~numpy.ndarray`
        Magnitudes and the logarithm of the number per magnitude.
    bright, faint : float
        The limits.
    steepness : float, optional
        A factor on the logarithmic slope of the counts.

    Returns
    -------
    number : float
        The integral of the counts.
    """
    grid = np.linspace(bright, faint, 200)
    log_n = np.interp(grid, counts[:, 0], counts[:, 1]) * steepness
    return np.trapezoid(10**log_n, grid)


def sample_magnitudes(rng, size, counts, bright, faint, *, steepness=1.0):
    """
    Draw magnitudes from number counts.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    size : int
        The number of magnitudes.
    counts : (K, 2) `~numpy.ndarray`
        Magnitudes and the logarithm of the number per magnitude.
    bright, faint : float
        The limits.
    steepness : float, optional
        A factor on the logarithmic slope of the counts.

    Returns
    -------
    magnitudes : (size,) `~numpy.ndarray`
        The magnitudes.
    """
    grid = np.linspace(bright, faint, 400)
    log_n = np.interp(grid, counts[:, 0], counts[:, 1]) * steepness
    total = np.cumsum(10 ** (log_n - log_n.max()))
    return np.interp(rng.uniform(0, total[-1], size), total, grid)


def _band_magnitudes(r, g_r, r_z, wavelengths):
    """
    Magnitudes at the given wavelengths (nm), linear in the logarithm of the
    wavelength between g, r and z and flattening beyond z.
    """
    lg, lr, lz = np.log(COLOR_WAVELENGTHS)
    out = []
    for wave in np.log(np.asarray(wavelengths, dtype=float)):
        if wave <= lr:
            out.append(r + g_r * (lr - wave) / (lr - lg))
        else:
            step = (wave - lr) / (lz - lr)
            if step > 1:
                step = 1 + 0.5 * (step - 1)
            out.append(r - r_z * step)
    return np.stack(out, axis=-1)


def _star_colors(rng, r):
    n = len(r)
    red = rng.random(n) < np.interp(
        r, (14.5, 16.5, 18.5, 20.5, 22.5, 24.5, 26.5),
        (0.0, 0.06, 0.19, 0.30, 0.47, 0.69, 0.87))
    tail = np.interp(r, (22, 26), (0.17, 0.36))
    blue_gr = 0.28 + rng.normal(0, 0.03, n) + rng.exponential(1, n) * tail
    odd = rng.random(n) < 0.02  # white dwarfs, hot and horizontal-branch
    blue_gr = np.where(odd, rng.uniform(-0.5, 0.25, n), blue_gr)
    g_r = np.where(red, rng.normal(1.27, 0.08, n), blue_gr)
    r_z = np.interp(g_r, (-0.5, -0.3, -0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.4),
                    (-0.5, -0.32, -0.09, 0.15, 0.25, 0.38, 0.52, 0.73, 1.2))
    # the fainter, the later the most common dwarfs
    late = 0.70 + rng.gamma(2.2, 1, n) * np.interp(
        r, (14, 16, 18, 20, 22, 26), (0.13, 0.21, 0.28, 0.34, 0.43, 0.46))
    r_z = np.where(red, np.minimum(late, 2.8), r_z + rng.normal(0, 0.03, n))
    return g_r, r_z


def draw_stars(rng, r, wavelengths, x, y):
    """
    Stars of the given r magnitudes.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    r : (N,) `~numpy.ndarray`
        The r magnitudes.
    wavelengths : sequence of float
        The effective wavelengths of the bands in nm.
    x, y : (N,) `~numpy.ndarray`
        Pixel positions.

    Returns
    -------
    stars : `Population`
        The stars.
    """
    n = len(r)
    g_r, r_z = _star_colors(rng, r)
    zero, one = np.zeros(n), np.ones(n)
    return Population(
        class_id=np.full(n, STAR), x=np.asarray(x), y=np.asarray(y),
        magnitudes=_band_magnitudes(r, g_r, r_z, wavelengths),
        bulge_fraction=np.zeros((n, len(wavelengths))),
        bulge_radius=zero, disc_radius=zero, bulge_q=one, disc_q=one,
        angle=zero, bulge_n=one, disc_n=one, clump_fraction=zero,
        arms=np.zeros(n, dtype=int), disc_dx=zero, disc_dy=zero)


def _galaxy_colors(rng, r, spheroidal):
    n = len(r)
    red = spheroidal | (rng.random(n) < 0.22)
    blue_mean = np.interp(r, (16, 20, 22, 24, 26), (0.6, 0.5, 0.35, 0.15, 0.05))
    blue_gr = np.clip(blue_mean + rng.normal(0, 0.25, n), -0.2, None)
    red_mean = np.interp(r, (16, 19, 21, 24), (0.8, 1.15, 1.3, 1.2))
    g_r = np.where(red, red_mean + rng.normal(0, 0.15, n), blue_gr)
    r_z = 0.38 + 0.45 * g_r + rng.normal(0, 0.25, n) * (0.4 + 0.6 * (r > 20))
    return g_r, r_z


def _axis_ratios(rng, n):
    """
    Projected axis ratios of randomly inclined discs of thickness 0.15-0.35
    (the CatSim discs: median 0.60, 5 to 95 percent 0.23 to 0.96) and of
    bulges (CatSim: median 0.92, never below 0.6).
    """
    cos2 = rng.random(n) ** 2
    thick2 = rng.uniform(0.15, 0.35, n) ** 2
    disc = np.sqrt(cos2 + thick2 * (1 - cos2))
    return disc, 1 - 0.39 * rng.beta(1.0, 2.6, n)


def draw_galaxies(rng, r, wavelengths, pixel_scale, x, y, *,
                  fwhm, spheroid_fraction=0.05, spheroid_indices=(), colors=None):
    """
    Galaxies of the given r magnitudes.

    A galaxy much smaller than the PSF could not be told from a star by
    anyone: those with a circularized half-light radius below
    ``MIN_RELATIVE_RADIUS`` (0.25) times FWHM / 2 are enlarged to it.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    r : (N,) `~numpy.ndarray`
        The r magnitudes.
    wavelengths : sequence of float
        The effective wavelengths of the bands in nm.
    pixel_scale : float
        Arcsec per pixel.
    x, y : (N,) `~numpy.ndarray`
        Pixel positions.
    fwhm : float
        The FWHM of the PSF in pixels, for the smallest size.
    spheroid_fraction : float, optional
        The fraction of pure spheroids among galaxies fainter than r = 24; it
        doubles by r = 20 and triples by r = 16.
    spheroid_indices : sequence of float, optional
        The Sersic indices of pure spheroids, equally frequent. By default they are 2.5
        and 4 as those of bulges; nearby ones range from 1.5 and less in dwarfs to
        5 and more (Graham & Guzman 2003, AJ 125, 2936).
    colors : tuple of two `~numpy.ndarray`, optional
        The colors g - r and r - z to use, for cluster members.

    Returns
    -------
    galaxies : `Population`
        The galaxies.
    """
    n = len(r)
    fraction_at_r = np.interp(r, (16, 20, 24), (
        3 * spheroid_fraction, 2 * spheroid_fraction, spheroid_fraction))
    spheroidal = rng.random(n) < np.minimum(fraction_at_r, 0.9)
    pure_disc = ~spheroidal & (rng.random(n) < np.interp(
        r, (20, 23, 25, 27), (0.17, 0.22, 0.52, 0.8)))
    bulge_fraction = np.minimum(10 ** rng.normal(-1.15, 0.75, n), 0.9)
    bulge_fraction = np.where(spheroidal, 1.0, np.where(pure_disc, 0.0, bulge_fraction))

    # medians of the major-axis radii (arcsec) against r, with their scatter
    log_a = np.interp(r, (12, 17, 20, 22, 24, 26, 28),
                      (0.95, 0.33, 0.0, -0.13, -0.30, -0.50, -0.64))
    disc_a = 10 ** (log_a + rng.normal(0, 0.23, n))
    log_b = np.interp(r, (12, 20, 22, 24, 26, 28),
                      (0.5, -0.33, -0.58, -0.76, -0.86, -0.9))
    bulge_a = 10 ** (log_b + rng.normal(0, 0.28, n))
    bulge_a = np.where(spheroidal, disc_a * 0.8,
                       np.minimum(bulge_a, 0.8 * disc_a))
    disc_q, bulge_q = _axis_ratios(rng, n)
    bulge_q = np.where(spheroidal, np.maximum(
        0.35, 1 - 0.65 * rng.beta(1.2, 2.2, n)), bulge_q)
    disc_n = np.where(rng.random(n) < 0.15, 1.5, 1.0)
    bulge_n = np.where(rng.random(n) < 0.35, 2.5, 4.0)
    if len(spheroid_indices):
        bulge_n = np.where(spheroidal, rng.choice(spheroid_indices, n), bulge_n)

    scale = 1.0 / pixel_scale
    bulge_a, disc_a = bulge_a * scale, disc_a * scale
    size = half_light_radius(bulge_fraction, bulge_a * np.sqrt(bulge_q), bulge_n,
                             disc_a * np.sqrt(disc_q), disc_n)
    grow = np.maximum(1, MIN_RELATIVE_RADIUS * fwhm / 2 / size)
    bulge_a, disc_a = bulge_a * grow, disc_a * grow

    g_r, r_z = (_galaxy_colors(rng, r, spheroidal) if colors is None
                else colors)
    magnitudes = _band_magnitudes(r, g_r, r_z, wavelengths)
    # the bulge is redder than the disc by 0.35 mag in g-r and 0.25 in r-z
    tilt = _band_magnitudes(np.zeros(n), np.full(n, 0.35), np.full(n, 0.25),
                            wavelengths)
    odds = (bulge_fraction / np.maximum(1 - bulge_fraction, 1e-9))[:, None]
    odds = odds * 10 ** (-0.4 * tilt)
    resolved = disc_a * np.sqrt(disc_q) / fwhm
    clumpy = rng.random(n) < np.interp(resolved, (0.3, 1.0, 3.0),
                                       (0.05, 0.35, 0.8))
    irregular = clumpy & pure_disc & (rng.random(n) < 0.2)
    clumps = np.where(clumpy & ~spheroidal, rng.uniform(0.05, 0.3, n), 0.0)
    clumps = np.where(irregular, rng.uniform(0.3, 0.6, n), clumps)
    spiral = (resolved > 0.9) & ~irregular & (rng.random(n) < 0.7)
    clumps = np.where(spiral & (resolved > 1.5), 1.6 * clumps, clumps)
    return Population(
        class_id=np.full(n, GALAXY), x=np.asarray(x), y=np.asarray(y),
        magnitudes=magnitudes, bulge_fraction=odds / (1 + odds),
        bulge_radius=bulge_a, disc_radius=disc_a, bulge_q=bulge_q,
        disc_q=disc_q, angle=rng.uniform(0, np.pi, n), bulge_n=bulge_n,
        disc_n=disc_n, clump_fraction=clumps,
        arms=np.where(spiral, rng.choice([2, 2, 2, 3, 4], n), 0),
        disc_dx=np.zeros(n), disc_dy=np.zeros(n))
