# Licensed under a 3-clause BSD style license - see LICENSE
"""
The random instrument of the presets ``universal``, ``blends`` and ``crowded``.
"""

__all__ = ['draw_ellipticities', 'draw_random_instrument']

import numpy as np

from photutils_rcnn.simulation.catsim import GALAXY_COUNTS, STAR_COUNTS, relative_counts
from photutils_rcnn.simulation.noise import amplification, limiting_magnitude, resampling_kernel
from photutils_rcnn.simulation.settings import SceneSettings


def draw_ellipticities(rng, n, scale=0.03):
    """
    Draw the distortions of the PSFs of the bands, which differ little.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    n : int
        The number of bands.
    scale : float, optional
        The standard deviation of each component, which is cut off at 0.15.

    Returns
    -------
    ellipticities : (n,) tuple of (float, float)
        The distortions.
    """
    common = rng.normal(0, scale, 2)
    return tuple(tuple(np.clip(common + rng.normal(0, 0.3 * scale, 2),
                               -0.15, 0.15).tolist()) for _ in range(n))


def _universal_bands(rng):
    n = rng.choice([3, 2, 1], p=[0.7, 0.1, 0.2])
    names, waves = ('g', 'r', 'z'), (484.0, 622.0, 905.0)
    chosen = {3: (0, 1, 2), 2: ((0, 1), (1, 2), (0, 2))[rng.integers(3)],
              1: (int(rng.integers(3)),)}[int(n)]
    return tuple(names[i] for i in chosen), tuple(waves[i] for i in chosen)


def _universal_psf(rng, n_bands):
    space = rng.random() < 0.35
    fwhm = np.exp(rng.uniform(*np.log((1.5, 4.5) if space else (1.8, 9.5))))
    # seeing and its dependence on wavelength, or bands taken in other nights
    ratios = np.clip(rng.normal(1, 0.07, n_bands), 0.85, 1.2) if (
        rng.random() < 0.5) else np.clip(
        np.exp(rng.normal(0, 0.18, n_bands)), 0.75, 1.33)
    width = np.exp(rng.uniform(*np.log((0.08, 0.25) if space
                                       else (0.5, 1.6))))
    kind = rng.choice(['airy', 'moffat'] if space
                      else ['kolmogorov', 'moffat'], p=[0.25, 0.75]
                      if not space else [0.75, 0.25])
    widest = rng.random() < 0.7
    return {
        'fwhm': tuple(np.clip(fwhm * ratios, 1.4, 10.0).tolist()),
        'pixel_scale': float(width / fwhm),
        'psf_kind': str(kind),
        'beta': float(np.exp(rng.uniform(*np.log((2.2, 5.0))))),
        'obscuration': float(rng.uniform(0.1, 0.4)),
        'aureole': float(10 ** rng.uniform(-2.3, -1.0)) if widest else 0.0,
        'aureole_slope': float(rng.uniform(2.2, 3.0)),
        'ellipticities': draw_ellipticities(rng, n_bands, 0.03),
        'components': () if kind == 'airy' else _components(rng, n_bands),
        'shifts': tuple(map(tuple, np.clip(
            rng.normal(0, 0.13, (n_bands, 2)), -0.4, 0.4).tolist()))
        if rng.random() < 0.6 else (),
        'spikes': int(rng.choice([0, 4, 6, 8], p=[0.2, 0.6, 0.12, 0.08])
                      if space or rng.random() < 0.6 else 0),
        'spike_fraction': float(10 ** rng.uniform(-2.6, -1.6))}, space


def _components(rng, n_bands):
    """
    Cores as coadds, aberrations and tracking make them.
    """
    kind = rng.choice(['round', 'coadd', 'coma', 'trefoil'],
                      p=[0.5, 0.25, 0.15, 0.1])
    if kind == 'round':
        return ()
    phi = rng.uniform(0, 2 * np.pi)
    bands = []
    for _ in range(n_bands):
        here = phi + rng.normal(0, 0.2)
        if kind == 'coadd':
            n = rng.integers(2, 5)
            flux = rng.dirichlet(np.full(n, 4.0))
            scale = np.exp(rng.normal(0, 0.2, n))
            dx, dy = rng.normal(0, 0.06, (2, n))
        elif kind == 'coma':
            fraction = rng.uniform(0.1, 0.35)
            flux, scale = np.array([1 - fraction, fraction]), np.array([1.0, 1.4])
            away = np.array([0, rng.uniform(0.1, 0.5)])
            dx, dy = away * np.cos(here), away * np.sin(here)
        else:
            fraction = rng.uniform(0.1, 0.4)
            flux = np.array([1 - fraction] + [fraction / 3] * 3)
            scale = np.ones(4)
            angles = here + np.arange(3) * 2 * np.pi / 3
            away = rng.uniform(0.3, 0.6)
            dx = np.append(0, away * np.cos(angles))
            dy = np.append(0, away * np.sin(angles))
        bands.append(tuple(zip(*(values.tolist() for values in
                                 (flux, scale, dx, dy)), strict=True)))
    return tuple(bands)


def _universal_kernel(rng):
    if rng.random() < 0.45:
        return (1.0,), (1.0,)
    kind = rng.choice(['gaussian', 'bilinear', 'lanczos'], p=[0.6, 0.25, 0.15])
    return resampling_kernel(rng, str(kind), float(rng.uniform(0.3, 0.8)))


def _universal_numbers(rng, shape, fwhm):
    """
    The numbers of galaxies and stars above S/N 5, and whether it is crowded.
    """
    area = shape[0] * shape[1]
    kind = rng.random()
    if kind < 0.03:
        total = rng.uniform(0, 2) * area / 65536
        return total * 0.5, total * 0.5, False
    if kind < 0.11:
        most = min(area / 60, area / (6 * fwhm**2))
        stars = most * rng.uniform(0.2, 1.0)
        return rng.uniform(1, 15) * area / 65536, stars, True
    if rng.random() < 0.75:
        total = np.exp(rng.normal(np.log(62), 0.5))
    else:
        total = np.exp(rng.uniform(np.log(5), np.log(220)))
    total = min(total * area / 65536, area / (9 * fwhm**2))
    stars = 1 / (1 + np.exp(-rng.normal(-1.0, 1.3)))
    stars = np.clip(stars, 0.03, 0.97)
    return total * (1 - stars), total * stars, False


def draw_random_instrument(rng, shape, bands=None):
    """
    Draw instrument, PSF, depth, density and defects of a scene.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    shape : (2,) tuple of int
        The shape ``(ny, nx)`` in pixels.
    bands : (2,) tuple of tuple, optional
        The names of the bands and their wavelengths in nm; drawn by default.

    Returns
    -------
    settings : `~photutils_rcnn.simulation.settings.SceneSettings`
        The settings.
    """
    bands, wavelengths = _universal_bands(rng) if bands is None else bands
    psf, space = _universal_psf(rng, len(bands))
    fwhm = float(np.mean(psf['fwhm']))
    kernel = _universal_kernel(rng)
    sky = 10 ** rng.uniform(0.7, 3.0 if space else 4.7)
    variance = sky * np.exp(rng.normal(0, 0.3, len(bands)))
    depth = rng.uniform(23.5, 29) if space else rng.uniform(21.5, 27)
    # typical surveys lose depth from blue to red
    depths = depth + np.interp(wavelengths, (355, 484, 622, 905), (-0.4, 0.4, 0, -0.8)
                               ) + rng.normal(0, 0.3, len(bands))
    amplify = amplification(kernel, fwhm)
    zero_points = depths - limiting_magnitude(0.0, variance, psf['fwhm'], amplify)
    limit = float(depths.max()) + 0.15
    galaxies, stars, crowded = _universal_numbers(rng, shape, fwhm)
    galaxy_steepness = float(rng.uniform(0.6, 1.05))
    if crowded:
        steepness_range = (0.8, 2.5)
    elif rng.random() < 0.12:  # full of the halos of bright stars
        steepness_range = (0.3, 0.7)
    else:
        steepness_range = (0.7, 1.6)
    star_steepness = float(rng.uniform(*steepness_range))
    galaxy_range = (max(limit - 11, 11.0), limit + 1.2)
    star_range = (max(limit - 13, 6.0), limit + 1.5)
    # extended sources reach S/N 5 about 0.4 mag brighter than stars
    galaxies *= (relative_counts(GALAXY_COUNTS, *galaxy_range, galaxy_steepness)
                 / relative_counts(GALAXY_COUNTS, galaxy_range[0], limit - 0.4,
                               galaxy_steepness))
    stars *= (relative_counts(STAR_COUNTS, *star_range, star_steepness)
              / relative_counts(STAR_COUNTS, star_range[0], limit,
                            star_steepness))
    coadd = rng.random() < 0.4
    members = 0
    if rng.random() < 0.08 and not crowded:
        members = int(rng.uniform(10, 60))
    empty = galaxies + stars < 5 * shape[0] * shape[1] / 65536
    large = 0 if empty or crowded or rng.random() > 0.12 else int(
        rng.integers(1, 3))
    missing = ''
    if rng.random() < 0.13:
        missing = str(rng.choice(['columns', 'corner', 'edge', 'band'],
                                 p=[0.3, 0.27, 0.2, 0.23]))
    return SceneSettings(
        shape=shape, bands=bands, wavelengths=wavelengths, **psf,
        zero_points=tuple(np.atleast_1d(zero_points).tolist()),
        variance=tuple(variance.tolist()), kernel=kernel,
        n_galaxies=float(galaxies), n_stars=float(stars),
        galaxy_range=galaxy_range, star_range=star_range,
        galaxy_steepness=galaxy_steepness, star_steepness=star_steepness,
        spheroid_fraction=float(rng.uniform(0.03, 0.25)),
        structured_fraction=float(rng.uniform(0, 0.6)),
        n_members=members, n_large=large,
        merger_fraction=0.0 if empty else float(rng.uniform(0.03, 0.12)),
        full_well=np.inf if coadd else float(
            np.sqrt(variance.mean()) * 10 ** rng.uniform(2.7, 4.5)),
        mask_saturated=bool(rng.random() < 0.4),
        bleeding=bool(rng.random() < 0.5),
        n_cosmic_rays=float(rng.uniform(1, 12)) * shape[0] * shape[1] / 65536
        if rng.random() < 0.25 else 0.0,
        background=float(rng.uniform(0.05, 0.5))
        if rng.random() < 0.4 else 0.0,
        trail=bool(rng.random() < 0.04), missing=missing,
        saturated_cores=str(rng.choice(
            ['flat', 'interpolated', 'zero', 'hole'], p=[0.5, 0.3, 0.1, 0.1])),
        halo_fraction=0.0 if space or rng.random() > 0.25 else float(
            10 ** rng.uniform(-3.0, -1.7)),
        halo_radius=float(rng.uniform(15, 110)),
        structure=str(rng.choice(['', 'fringes', 'patches', 'steps'],
                                 p=[0.82, 0.07, 0.07, 0.04])),
        structure_rms=float(np.exp(rng.uniform(*np.log((0.1, 1.2))))))
