# Licensed under a 3-clause BSD style license - see LICENSE
"""
Simulated scenes: pixels and truth.
"""

__all__ = ['Scene', 'make_scene']

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table

from photutils_rcnn.classes import STAR
from photutils_rcnn.footprints import Footprints
from photutils_rcnn.simulation import artifacts
from photutils_rcnn.simulation.layout import draw_population
from photutils_rcnn.simulation.noise import add_noise, amplification
from photutils_rcnn.simulation.population import half_light_radius
from photutils_rcnn.simulation.psf import PointSpread
from photutils_rcnn.simulation.rendering import Renderer
from photutils_rcnn.simulation.settings import draw_settings
from photutils_rcnn.simulation.truth import measure_truth


@dataclass
class Scene:
    """
    A simulated field in one or more bands with its truth.

    Parameters
    ----------
    data : (n_bands, ny, nx) `~numpy.ndarray` of float32
        The pixels in electrons, the sky subtracted.
    noise : (n_bands,) `~numpy.ndarray` of float32
        The rms of the sky noise per pixel.
    mask : (ny, nx) `~numpy.ndarray` of bool
        `True` for pixels known to be bad.
    bands : tuple of str
        The names of the bands, blue to red.
    psf_fwhm : (n_bands,) `~numpy.ndarray`
        The FWHM of the PSFs in pixels.
    pixel_scale : float
        Arcsec per pixel.
    zero_points : (n_bands,) `~numpy.ndarray`
        The AB magnitude of one electron.
    preset : str
        The preset.
    seed : int
        The seed.
    truth : `~astropy.table.Table`
        One row per source: ``x``, ``y`` (pixels, 0-based), ``class_id``
        (1 star, 2 galaxy), ``flux_<band>`` (electrons), ``mag`` (in the
        band ``truth.meta['reference_band']``), ``snr`` (of a matched filter
        over all bands), ``half_light_radius`` (pixels, circularized, without
        the PSF; 0 for stars), ``blendedness`` (the share of the light of
        others within the footprint), ``nearest`` (pixels to the nearest
        other row), ``saturated``, and ``ignore``: too faint, too small,
        centred outside the frame, mostly masked or merged with a brighter
        source, so that neither finding nor missing it should count.
    footprints : `~photutils_rcnn.footprints.Footprints`
        The amodal footprints, in the order of ``truth``.
    """

    data: np.ndarray
    noise: np.ndarray
    mask: np.ndarray
    bands: tuple
    psf_fwhm: np.ndarray
    pixel_scale: float
    zero_points: np.ndarray
    preset: str
    seed: int
    truth: Table
    footprints: Footprints

    def write(self, path):
        """
        Write the scene to one ``.npz`` file.

        The file appears under its name only when it is complete.

        Parameters
        ----------
        path : str or path-like
            The file.
        """
        path = Path(path)
        arrays = {
            'data': self.data, 'noise': self.noise,
            'mask': np.packbits(self.mask), 'bands': np.array(self.bands),
            'psf_fwhm': self.psf_fwhm,
            'pixel_scale': np.array(self.pixel_scale),
            'zero_points': self.zero_points,
            'preset': np.array(self.preset), 'seed': np.array(self.seed),
            'reference_band': np.array(self.truth.meta['reference_band'])}
        arrays.update({f'truth_{name}': np.asarray(self.truth[name])
                       for name in self.truth.colnames})
        arrays.update({f'footprints_{name}': value for name, value
                       in self.footprints.to_packed().items()})
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        partial = path.with_name(f'{path.name}.{os.getpid()}.part')
        partial.write_bytes(buffer.getbuffer())
        partial.replace(path)

    @classmethod
    def read(cls, path):
        """
        Read a scene written by `write`.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        scene : `Scene`
            The scene.
        """
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        truth = Table({name.removeprefix('truth_'): value for name, value
                       in arrays.items() if name.startswith('truth_')},
                      meta={'reference_band': str(arrays['reference_band'])})
        packed = {name.removeprefix('footprints_'): value for name, value
                  in arrays.items() if name.startswith('footprints_')}
        shape = arrays['data'].shape[1:]
        mask = np.unpackbits(arrays['mask'], count=shape[0] * shape[1])
        return cls(data=arrays['data'], noise=arrays['noise'],
                   mask=mask.reshape(shape).astype(bool),
                   bands=tuple(str(b) for b in arrays['bands']),
                   psf_fwhm=arrays['psf_fwhm'],
                   pixel_scale=float(arrays['pixel_scale']),
                   zero_points=arrays['zero_points'],
                   preset=str(arrays['preset']), seed=int(arrays['seed']),
                   truth=truth, footprints=Footprints.from_packed(packed))


def _point_spreads(settings):
    return [PointSpread(settings.psf_kind, fwhm, beta=settings.beta,
                        e1=e1, e2=e2, obscuration=settings.obscuration,
                        aureole=settings.aureole,
                        aureole_slope=settings.aureole_slope)
            for fwhm, (e1, e2) in zip(settings.fwhm, settings.ellipticities,
                                      strict=False)]


def _with_artifacts(total, population, fluxes, settings, sigma, fwhm, rng):
    """
    The observed pixels and the mask of the bad ones.
    """
    shape = settings.shape
    bad = np.zeros(shape, dtype=bool)
    light = total.copy()
    if settings.spikes:
        angle = rng.uniform(0, np.pi)
        for i in np.flatnonzero(population.class_id == STAR):
            artifacts.add_spikes(light, population.x[i], population.y[i],
                                 fluxes[i], sigma, fwhm, settings.spikes,
                                 settings.spike_share, angle)
    data = add_noise(rng, light, settings.variance, settings.kernel)
    if np.isfinite(settings.full_well):
        saturated = artifacts.saturate(data, settings.full_well,
                                       settings.bleeding, rng)
        if settings.mask_saturated:
            bad |= saturated
    for b, frame in enumerate(data):
        if settings.n_cosmic_rays:
            hit = artifacts.add_cosmic_rays(frame, settings.n_cosmic_rays,
                                            sigma[b], rng)
            if settings.mask_saturated:
                bad |= hit
        if settings.background:
            frame += sigma[b] * artifacts.residual_background(
                shape, settings.background, rng)
    if settings.trail:
        b = rng.integers(len(data))
        artifacts.add_trail(data[b], sigma[b], fwhm[b], rng)
    if settings.missing == 'band':
        where = artifacts.missing_pixels(
            shape, str(rng.choice(['corner', 'edge'])), rng)
        data[rng.integers(len(data))][where] = 0
        if len(data) == 1:
            bad |= where
    elif settings.missing:
        where = artifacts.missing_pixels(shape, settings.missing, rng)
        data[:, where] = 0
        bad |= where
    return data, bad


def _reference(settings, population):
    """
    The index of the reference band and the half-light radii of the sources.
    """
    if settings.reference in settings.bands:
        band = settings.bands.index(settings.reference)
    else:
        band = len(settings.bands) // 2
    size = np.zeros(len(population))
    g = population.class_id != STAR
    size[g] = half_light_radius(
        population.bulge_fraction[g, band],
        population.bulge_radius[g] * np.sqrt(population.bulge_q[g]),
        population.bulge_n[g],
        population.disc_radius[g] * np.sqrt(population.disc_q[g]),
        population.disc_n[g])
    return band, size


def make_scene(preset, seed, **overrides):
    """
    Simulate one scene.

    Parameters
    ----------
    preset : str
        One of `~photutils_rcnn.simulation.PRESETS`: ``'universal'`` draws
        the instrument, the PSF, the depth and the populations at random,
        ``'decam'`` is the training set of Burke et al. (2019, MNRAS 490,
        3952): DECam g, r, z, 150 s, 12 < g < 23; the other presets are named
        surveys.
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
        If the preset or an override is unknown.
    """
    rng = np.random.default_rng(seed)
    settings = draw_settings(preset, rng, **overrides)
    population = draw_population(settings, rng)
    point_spreads = _point_spreads(settings)
    variance = np.asarray(settings.variance, dtype=float)
    sigma = np.sqrt(variance)
    fwhm = np.array([psf.fwhm for psf in point_spreads])
    renderer = Renderer(point_spreads, settings.zero_points, sigma,
                        settings.shape)
    fluxes = renderer.fluxes(population)
    total = np.zeros((len(sigma), *settings.shape), dtype=np.float32)
    stamps = []
    for i in range(len(population)):
        stamp = renderer.draw(population, i, fluxes[i], rng)
        if stamp is not None:
            total[(slice(None), *stamp.slices)] += stamp.light
        stamps.append(stamp)

    data, bad = _with_artifacts(total, population, fluxes, settings, sigma,
                                fwhm, rng)
    amplify = np.array([amplification(settings.kernel, f) for f in fwhm])
    reference, size = _reference(settings, population)
    truth, footprints = measure_truth(
        population, stamps, fluxes, total, bands=settings.bands,
        sigma=sigma * amplify, variance=variance, fwhm=fwhm, bad=bad,
        full_well=settings.full_well,
        reference_magnitudes=population.magnitudes[:, reference], size=size)
    truth.meta['reference_band'] = settings.bands[reference]
    return Scene(data=data.astype(np.float32),
                 noise=sigma.astype(np.float32), mask=bad,
                 bands=settings.bands, psf_fwhm=fwhm.astype(np.float32),
                 pixel_scale=settings.pixel_scale,
                 zero_points=np.asarray(settings.zero_points),
                 preset=preset, seed=int(seed), truth=truth,
                 footprints=footprints)
