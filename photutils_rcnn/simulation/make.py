# Licensed under a 3-clause BSD style license - see LICENSE
"""
Simulation of one scene with GalSim.
"""

__all__ = ['make_scene', 'point_spreads_of']

from numbers import Integral

import numpy as np

from photutils_rcnn.simulation import artifacts
from photutils_rcnn.simulation.clumps import add_clumps
from photutils_rcnn.simulation.layout import draw_population
from photutils_rcnn.simulation.noise import add_noise, amplification
from photutils_rcnn.simulation.pictures import through_picture
from photutils_rcnn.simulation.population import half_light_radius
from photutils_rcnn.simulation.presets import draw_settings
from photutils_rcnn.simulation.psf import ROUND, PointSpread
from photutils_rcnn.simulation.rendering import Renderer
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.simulation.truth import measure_truth
from photutils_rcnn.sources.artifacts import ARTIFACT_KINDS
from photutils_rcnn.sources.classes import CLASS_NAMES, PART_CLASSES, STAR

LEAST_LIGHT = 2.  # of an artifact's pixel, in units of the noise of the sky


def point_spreads_of(settings):
    """
    The PSF of each band of a scene.

    Parameters
    ----------
    settings : `~photutils_rcnn.simulation.settings.SceneSettings`
        The settings of the scene.

    Returns
    -------
    point_spreads : list of `~photutils_rcnn.simulation.psf.PointSpread`
        The PSFs.
    """
    return [PointSpread(settings.psf_kind, fwhm, beta=settings.beta,
                        e1=e1, e2=e2, obscuration=settings.obscuration,
                        aureole=settings.aureole,
                        aureole_slope=settings.aureole_slope,
                        components=components)
            for fwhm, (e1, e2), components in zip(
                settings.fwhm, settings.ellipticities[:len(settings.fwhm)],
                settings.components or [ROUND] * len(settings.fwhm),
                strict=True)]


def _with_artifacts(total, population, fluxes, settings, sigma, fwhm, rng):
    """
    The observed pixels, the mask of the bad ones, and the artifacts of each band.
    """
    shape = settings.shape
    bad = np.zeros(shape, dtype=bool)
    light = total.copy()
    stars = np.flatnonzero(population.class_id == STAR)
    if settings.spikes:
        angle = rng.uniform(0, np.pi)
        for i in stars:
            artifacts.add_spikes(light, population.x[i], population.y[i],
                                 fluxes[i], sigma, fwhm, settings.spikes,
                                 settings.spike_fraction, angle)
    if settings.halo_fraction:
        for i in stars:
            artifacts.add_halo(light, population.x[i], population.y[i],
                               fluxes[i], sigma, settings.halo_fraction,
                               settings.halo_radius)
    noise = sigma[:, None, None]
    kinds = np.where(light - total > LEAST_LIGHT * noise,
                     ARTIFACT_KINDS['scattered_light'], 0).astype(np.uint8)
    data = add_noise(rng, light, settings.variance, settings.kernel)
    if np.isfinite(settings.full_well):
        saturated = artifacts.saturate(data, settings.full_well,
                                       settings.bleeding, rng)
        kinds[saturated] |= ARTIFACT_KINDS['saturated']
        saturated = saturated.any(axis=0)
        if settings.saturated_cores != 'flat':
            artifacts.repair_cores(data, saturated, settings.saturated_cores)
        if settings.mask_saturated:
            bad |= saturated
    for b, frame in enumerate(data):
        if settings.n_cosmic_rays:
            charge = artifacts.add_cosmic_rays(frame, settings.n_cosmic_rays,
                                               sigma[b], rng)
            kinds[b][charge > LEAST_LIGHT * sigma[b]] |= ARTIFACT_KINDS['cosmic_ray']
            if settings.mask_saturated:
                bad |= charge > 3 * sigma[b]
        if settings.background:
            frame += sigma[b] * artifacts.residual_background(
                shape, settings.background, rng)
    if settings.structure:
        pattern = artifacts.sky_structure(shape, settings.structure, rng)
        for frame, rms in zip(data, sigma, strict=True):
            frame += rms * settings.structure_rms * pattern * rng.uniform(0, 1)
    if settings.trail:
        b = rng.integers(len(data))
        light = artifacts.add_trail(data[b], sigma[b], fwhm[b], rng)
        kinds[b][light > LEAST_LIGHT * sigma[b]] |= ARTIFACT_KINDS['satellite_trail']
    if settings.missing == 'band':
        where = artifacts.missing_pixels(
            shape, str(rng.choice(['corner', 'edge'])), rng)
        b = rng.integers(len(data))
        data[b][where], kinds[b][where] = 0, 0
        if len(data) == 1:
            bad |= where
    elif settings.missing:
        where = artifacts.missing_pixels(shape, settings.missing, rng)
        data[:, where], kinds[:, where] = 0, 0
        bad |= where
    return data, bad, kinds


def _sizes(band, population):
    """
    The half-light radii of the sources in a band, 0 for stars.
    """
    size = np.zeros(len(population))
    g = population.class_id != STAR
    size[g] = half_light_radius(
        population.bulge_fraction[g, band],
        population.bulge_radius[g] * np.sqrt(population.bulge_q[g]),
        population.bulge_n[g],
        population.disc_radius[g] * np.sqrt(population.disc_q[g]),
        population.disc_n[g])
    return size


def make_scene(preset, seed, **overrides):
    """
    Simulate one scene.

    Parameters
    ----------
    preset : str
        One of `~photutils_rcnn.simulation.PRESETS`: ``'universal'`` draws
        the instrument, the PSF, the depth and the populations at random,
        ``'decam'`` follows the description of the training set of Burke et
        al. (2019, MNRAS 490, 3952): DECam g, r, z, 150 s, 12 < g < 23; others
        are bright blends, crowded fields and galaxies with star-forming clumps
        (``'clumps'``) of random instruments, and surveys.
    seed : int
        The seed: the same seed gives the same bytes.
    **overrides
        Fields of `~photutils_rcnn.simulation.SceneSettings` to replace, for
        instance ``shape=(512, 512)``.

    Returns
    -------
    scene : `Scene`
        The pixels and the truth.

    Raises
    ------
    ValueError
        If the preset or an override is unknown, or an override does not fit.

    Notes
    -----
    Importing this module without GalSim raises an `ImportError`.
    """
    if not (isinstance(seed, Integral) and seed >= 0):
        msg = f'seed must be a whole number from 0, got {seed!r}'
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    settings = draw_settings(preset, rng, **overrides)
    population, host = draw_population(settings, rng), None
    if settings.clumpy_fraction:
        population, host = add_clumps(population, settings, rng)
    point_spreads = point_spreads_of(settings)
    variance = np.asarray(settings.variance, dtype=float)
    sigma = np.sqrt(variance)
    fwhm = np.array([psf.fwhm for psf in point_spreads])
    renderer = Renderer(point_spreads, settings.zero_points, sigma,
                        settings.shape, settings.shifts)
    fluxes = renderer.fluxes(population)
    total = np.zeros((len(sigma), *settings.shape), dtype=np.float32)
    stamps = []
    for i in range(len(population)):
        stamp = renderer.draw(population, i, fluxes[i], rng)
        if stamp is not None:
            total[(slice(None), *stamp.slices)] += stamp.light
        stamps.append(stamp)

    data, bad, kinds = _with_artifacts(total, population, fluxes, settings, sigma,
                                       fwhm, rng)
    if settings.picture_noise:
        data = through_picture(data, sigma, picture_noise=settings.picture_noise,
                               magnification=settings.magnification,
                               quality=settings.quality)
    amplify = np.array([amplification(settings.kernel, f) for f in fwhm])
    reference = settings.reference_index
    truth, footprints = measure_truth(
        population, stamps, fluxes, total, bands=settings.bands,
        sigma=sigma * amplify, variance=variance, fwhm=fwhm, bad=bad,
        full_well=settings.full_well, reference=reference,
        size=_sizes(reference, population), host=host)
    truth.meta['reference_band'] = settings.bands[reference]
    if host is not None:
        truth.meta['class_names'] = *CLASS_NAMES, *PART_CLASSES
    return Scene(data=data.astype(np.float32),
                 noise=sigma.astype(np.float32), mask=bad,
                 bands=settings.bands, psf_fwhm=fwhm.astype(np.float32),
                 pixel_scale=settings.pixel_scale,
                 zero_points=np.asarray(settings.zero_points),
                 preset=preset, seed=int(seed), truth=truth,
                 footprints=footprints, artifacts=kinds)
