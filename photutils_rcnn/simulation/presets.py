# Licensed under a 3-clause BSD style license - see LICENSE
"""
The presets, which draw the settings of a scene at random.
"""

__all__ = ['PRESETS', 'default_side', 'draw_settings']

from dataclasses import fields, replace

import numpy as np

from photutils_rcnn.simulation.catsim import GALAXY_COUNTS, STAR_COUNTS, relative_counts
from photutils_rcnn.simulation.clumpy_galaxies import draw_clumpy_galaxy
from photutils_rcnn.simulation.crowded_fields import draw_crowded_field
from photutils_rcnn.simulation.nearby_galaxies import draw_nearby_galaxies
from photutils_rcnn.simulation.noise import limiting_magnitude, resampling_kernel
from photutils_rcnn.simulation.random_instrument import draw_ellipticities, draw_random_instrument
from photutils_rcnn.simulation.settings import SceneSettings, check_shape
from photutils_rcnn.simulation.survey import SURVEYS

# per arcmin2, brighter than r = 24: a round 4e4 galaxies per square degree,
# and CatSim's stars
GALAXIES_R24 = 11.5
STARS_R24 = 2.8

PRESETS = ('universal', 'blends', 'crowded', 'nearby', 'clumps', 'decam', 'decam-deep', *(
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
    if preset == 'clumps':
        return 128
    return 256 if preset in ('universal', 'blends', 'crowded', 'nearby') else 512


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
        settings = draw_random_instrument(rng, shape)
    elif preset == 'blends':
        settings = replace(draw_random_instrument(rng, shape),
                           overlap_fraction=float(rng.uniform(0.3, 0.9)))
    elif preset == 'crowded':
        settings = draw_crowded_field(rng, shape)
    elif preset == 'nearby':
        settings = draw_nearby_galaxies(rng, shape)
    elif preset == 'clumps':
        settings = draw_clumpy_galaxy(rng, shape)
        if len(overrides.get('bands', settings.bands)) != len(settings.bands):
            settings = replace(settings, picture_noise=0.0)  # of three bands
    elif preset == 'decam':
        settings = _decam(rng, shape)
    elif preset == 'decam-deep':
        settings = _decam_deep(rng, shape)
    else:
        settings = _survey(rng, SURVEYS[preset], shape)
    return replace(settings, **{**overrides, 'shape': shape})


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
        'ellipticities': draw_ellipticities(rng, len(fwhm), 0.02),
        'full_well': survey.full_well * survey.n_exposures
        * exposure_factor, 'bleeding': not survey.space, 'spikes': 4,
        'spike_fraction': float(rng.uniform(0.005, 0.015))}


def _area_arcmin2(shape, pixel_scale):
    return shape[0] * shape[1] * (pixel_scale / 60) ** 2


def _survey(rng, survey, shape):
    base = _survey_base(rng, survey, shape)
    area = _area_arcmin2(shape, survey.pixel_scale)
    depth = float(np.max(limiting_magnitude(base['zero_points'], base['variance'],
                                base['fwhm']))) + 0.4
    galaxy_range, star_range = (14.0, depth + 1.2), (13.0, depth + 1.2)
    per_24 = relative_counts(GALAXY_COUNTS, 14, 24)
    stars_24 = relative_counts(STAR_COUNTS, 13, 24)
    return SceneSettings(
        **base, galaxy_range=galaxy_range, star_range=star_range,
        n_galaxies=area * GALAXIES_R24 / per_24
        * relative_counts(GALAXY_COUNTS, *galaxy_range),
        n_stars=area * STARS_R24 / stars_24
        * relative_counts(STAR_COUNTS, *star_range) * 10 ** rng.uniform(-0.2, 0.6),
        spheroid_fraction=0.1,
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
        galaxy_steepness=0.85, spheroid_fraction=0.15,
        n_cosmic_rays=6.0 * area / 5, background=float(rng.uniform(0, 0.3)))


def _decam_deep(rng, shape):
    survey = SURVEYS['decam']
    base = _survey_base(rng, survey, shape, exposure_factor=720.0)
    area = _area_arcmin2(shape, survey.pixel_scale)
    return SceneSettings(
        **base, galaxy_range=(12.0, 28.0), star_range=(12.0, 28.0),
        reference='g', n_galaxies=750.0 * area, n_stars=9.0 * area,
        spheroid_fraction=0.1, kernel=resampling_kernel(rng, 'gaussian', 0.4),
        background=0.2)
