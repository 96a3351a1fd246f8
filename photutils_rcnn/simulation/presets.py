# Licensed under a 3-clause BSD style license - see LICENSE
"""
The presets, which draw the settings of a scene at random.
"""

__all__ = ['PRESETS', 'default_side', 'draw_settings']

from dataclasses import fields, replace

import numpy as np

from photutils_rcnn.simulation.catsim import GALAXY_COUNTS, STAR_COUNTS
from photutils_rcnn.simulation.noise import amplification, resampling_kernel
from photutils_rcnn.simulation.settings import SceneSettings, check_shape
from photutils_rcnn.simulation.star_clusters import cluster_counts
from photutils_rcnn.simulation.survey import SURVEYS

# per arcmin2, brighter than r = 24: a round 4e4 galaxies per square degree,
# and CatSim's stars
GALAXIES_R24 = 11.5
STARS_R24 = 2.8

PRESETS = ('universal', 'blends', 'crowded', 'decam', 'decam-deep', *(
    name for name in SURVEYS if name != 'decam'))


def default_side(preset):
    """
    The side of the scenes of a preset, where no shape is given.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.

    Returns
    -------
    side : int
        The side in pixels.
    """
    return 256 if preset in ('universal', 'blends', 'crowded') else 512


def draw_settings(preset, rng, **overrides):
    """
    Draw the settings of a scene.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    rng : `numpy.random.Generator`
        The random generator.
    **overrides
        Fields of `SceneSettings` to replace, those with one entry per band
        together if their number changes. ``shape`` is taken into account
        before the numbers of sources are drawn.

    Returns
    -------
    settings : `SceneSettings`
        The settings.

    Raises
    ------
    ValueError
        If the preset or an override is unknown, or an override does not fit,
        see `SceneSettings`.
    """
    known = {f.name for f in fields(SceneSettings)}
    unknown = sorted(set(overrides) - known)
    if unknown:
        msg = f'overrides must be fields of SceneSettings, got {unknown}'
        raise ValueError(msg)
    if preset not in PRESETS:
        msg = f'preset must be one of {PRESETS}, got {preset!r}'
        raise ValueError(msg)
    shape = (default_side(preset),) * 2
    if 'shape' in overrides:
        check_shape(overrides['shape'])
        shape = tuple(int(n) for n in overrides['shape'])
    if preset == 'universal':
        settings = _universal(rng, shape)
    elif preset == 'blends':
        settings = replace(_universal(rng, shape),
                           overlap_share=float(rng.uniform(0.3, 0.9)))
    elif preset == 'crowded':
        settings = _crowded(rng, shape)
    elif preset == 'decam':
        settings = _decam(rng, shape)
    elif preset == 'decam-deep':
        settings = _decam_deep(rng, shape)
    else:
        settings = _survey(rng, SURVEYS[preset], shape)
    return replace(settings, **{**overrides, 'shape': shape})


def _cumulative(counts, bright, faint, steepness=1.0):
    """
    The relative number of sources between two magnitudes.
    """
    grid = np.linspace(bright, faint, 200)
    log_n = np.interp(grid, counts[:, 0], counts[:, 1]) * steepness
    return np.trapezoid(10**log_n, grid)


def _ellipticities(rng, n, scale=0.03):
    common = rng.normal(0, scale, 2)
    return tuple(tuple(np.clip(common + rng.normal(0, 0.3 * scale, 2),
                               -0.15, 0.15).tolist()) for _ in range(n))


# === Named surveys ===


def _survey_base(rng, survey, shape, exposure_factor=1.0):
    seeing = 1.0 if survey.space else float(np.exp(rng.normal(0, 0.08)))
    pixel_area = survey.pixel_scale**2
    zero_points, variance, fwhm = [], [], []
    for band in survey.bands:
        time = band.exposure * exposure_factor
        zero_points.append(band.zero_point + 2.5 * np.log10(time))
        sky = time * pixel_area * 10 ** (
            0.4 * (band.zero_point - band.sky))
        n_reads = survey.n_exposures * exposure_factor
        variance.append(float(sky + n_reads * survey.read_noise**2))
        width = band.fwhm * seeing * np.exp(rng.normal(0, 0.03))
        fwhm.append(float(width / survey.pixel_scale))
    return {
        'shape': shape, 'bands': tuple(b.name for b in survey.bands),
        'wavelengths': tuple(float(b.wavelength) for b in survey.bands),
        'pixel_scale': survey.pixel_scale,
        'zero_points': tuple(zero_points), 'variance': tuple(variance),
        'fwhm': tuple(fwhm),
        'psf_kind': 'airy' if survey.space else 'moffat',
        'beta': float(rng.uniform(3, 5)),
        'obscuration': 0.33 if survey.space else 0.0,
        'aureole': 0.0 if survey.space else float(rng.uniform(0.02, 0.06)),
        'aureole_slope': float(rng.uniform(2.3, 2.9)),
        'ellipticities': _ellipticities(rng, len(fwhm), 0.02),
        'full_well': survey.full_well * survey.n_exposures
        * exposure_factor, 'bleeding': not survey.space, 'spikes': 4,
        'spike_share': float(rng.uniform(0.005, 0.015))}


def _depth(zero_point, variance, fwhm, amplify=1.0):
    """
    The magnitude of a star with a matched-filter S/N of 5.
    """
    noise = np.sqrt(np.asarray(variance) * 2.6) * np.asarray(fwhm) * amplify
    return np.asarray(zero_point) - 2.5 * np.log10(5 * noise)


def _area_arcmin2(shape, pixel_scale):
    return shape[0] * shape[1] * (pixel_scale / 60) ** 2


def _survey(rng, survey, shape):
    base = _survey_base(rng, survey, shape)
    area = _area_arcmin2(shape, survey.pixel_scale)
    depth = float(np.max(_depth(base['zero_points'], base['variance'],
                                base['fwhm']))) + 0.4
    galaxy_range, star_range = (14.0, depth + 1.2), (13.0, depth + 1.2)
    per_24 = _cumulative(GALAXY_COUNTS, 14, 24)
    stars_24 = _cumulative(STAR_COUNTS, 13, 24)
    return SceneSettings(
        **base, galaxy_range=galaxy_range, star_range=star_range,
        n_galaxies=area * GALAXIES_R24 / per_24
        * _cumulative(GALAXY_COUNTS, *galaxy_range),
        n_stars=area * STARS_R24 / stars_24
        * _cumulative(STAR_COUNTS, *star_range) * 10 ** rng.uniform(-0.2, 0.6),
        spheroid_share=0.1,
        kernel=resampling_kernel(rng, 'gaussian', 0.4)
        if survey.n_exposures > 1 else ((1.0,), (1.0,)),
        background=0.1)


def _decam(rng, shape):
    survey = SURVEYS['decam']
    base = _survey_base(rng, survey, shape)
    # about 1.0 +- 0.1 arcsec, largest in g
    base['fwhm'] = tuple(
        float(np.clip(rng.normal(mean, 0.07), 0.8, 1.3) / survey.pixel_scale)
        for mean in (1.06, 0.99, 0.96))
    area = _area_arcmin2(shape, survey.pixel_scale)
    return SceneSettings(
        **base, galaxy_range=(12.0, 23.0), star_range=(12.0, 23.0),
        reference='g', n_galaxies=30.0 * area, n_stars=3.2 * area,
        galaxy_steepness=0.85, spheroid_share=0.15,
        n_cosmic_rays=6.0 * area / 5, background=float(rng.uniform(0, 0.3)))


def _decam_deep(rng, shape):
    survey = SURVEYS['decam']
    base = _survey_base(rng, survey, shape, exposure_factor=720.0)
    area = _area_arcmin2(shape, survey.pixel_scale)
    return SceneSettings(
        **base, galaxy_range=(12.0, 28.0), star_range=(12.0, 28.0),
        reference='g', n_galaxies=750.0 * area, n_stars=9.0 * area,
        spheroid_share=0.1, kernel=resampling_kernel(rng, 'gaussian', 0.4),
        background=0.2)


# === The random instrument ===


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
        'ellipticities': _ellipticities(rng, n_bands, 0.03),
        'components': () if kind == 'airy' else _components(rng, n_bands),
        'shifts': tuple(map(tuple, np.clip(
            rng.normal(0, 0.13, (n_bands, 2)), -0.4, 0.4).tolist()))
        if rng.random() < 0.6 else (),
        'spikes': int(rng.choice([0, 4, 6, 8], p=[0.2, 0.6, 0.12, 0.08])
                      if space or rng.random() < 0.6 else 0),
        'spike_share': float(10 ** rng.uniform(-2.6, -1.6))}, space


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
            share = rng.uniform(0.1, 0.35)
            flux, scale = np.array([1 - share, share]), np.array([1.0, 1.4])
            away = np.array([0, rng.uniform(0.1, 0.5)])
            dx, dy = away * np.cos(here), away * np.sin(here)
        else:
            share = rng.uniform(0.1, 0.4)
            flux = np.array([1 - share] + [share / 3] * 3)
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


def _universal(rng, shape):
    bands, wavelengths = _universal_bands(rng)
    psf, space = _universal_psf(rng, len(bands))
    fwhm = float(np.mean(psf['fwhm']))
    kernel = _universal_kernel(rng)
    sky = 10 ** rng.uniform(0.7, 3.0 if space else 4.7)
    variance = sky * np.exp(rng.normal(0, 0.3, len(bands)))
    depth = rng.uniform(23.5, 29) if space else rng.uniform(21.5, 27)
    # typical surveys lose depth from blue to red
    depths = depth + np.interp(wavelengths, (484, 622, 905), (0.4, 0, -0.8)
                               ) + rng.normal(0, 0.3, len(bands))
    amplify = amplification(kernel, fwhm)
    zero_points = depths - _depth(0.0, variance, psf['fwhm'], amplify)
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
    galaxies *= (_cumulative(GALAXY_COUNTS, *galaxy_range, galaxy_steepness)
                 / _cumulative(GALAXY_COUNTS, galaxy_range[0], limit - 0.4,
                               galaxy_steepness))
    stars *= (_cumulative(STAR_COUNTS, *star_range, star_steepness)
              / _cumulative(STAR_COUNTS, star_range[0], limit,
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
        spheroid_share=float(rng.uniform(0.03, 0.25)),
        structured_share=float(rng.uniform(0, 0.6)),
        n_members=members, n_large=large,
        merger_share=0.0 if empty else float(rng.uniform(0.03, 0.12)),
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


# === Star clusters and crowded fields ===

# Area per star above the limit of crowding, in FWHM squared and in pixels, before the
# concentration of a cluster.
AREA_PER_STAR = (2.0, 30.0)
LEAST_AREA, LARGEST_AREA = 8.0, 400.0
LEAST_AREA_DRAWN = 6.0  # of all stars of a scene, pixels


def _crowded(rng, shape):
    """
    The random instrument on a star cluster or a crowded field.

    Some are so deep that stars hide each other long before the noise does.
    """
    base = _universal(rng, shape)
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
    n_stars *= (_cumulative(counts, bright, faint, steepness)
                / _cumulative(counts, bright, crowded, steepness))
    return replace(
        base, n_stars=float(min(n_stars, n_pixels / LEAST_AREA_DRAWN)),
        n_galaxies=float(rng.uniform(1, 20)) * n_pixels / 65536,
        n_members=0, n_large=0, binary_share=0.03,
        star_range=(bright, faint), star_steepness=steepness,
        turn_off=turn_off, core_radius=core_radius,
        structure='patches' if rng.random() < 0.3 else '')
