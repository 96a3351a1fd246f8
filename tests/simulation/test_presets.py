# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the settings that the presets draw.
"""

import numpy as np
import pytest

from photutils_rcnn.simulation.layout import draw_population
from photutils_rcnn.simulation.presets import (
    PRESETS,
    default_side,
    draw_settings,
)
from photutils_rcnn.simulation.survey import SURVEYS
from photutils_rcnn.sources.classes import GALAXY


def universal(n, **overrides):
    return [draw_settings('universal', np.random.default_rng(seed),
                          **overrides) for seed in range(n)]


def test_universal_covers_its_ranges():
    drawn = universal(400)
    n_bands = np.array([len(s.bands) for s in drawn])
    assert 0.6 < np.mean(n_bands == 3) < 0.8
    assert 0.12 < np.mean(n_bands == 1) < 0.28
    fwhm = np.concatenate([s.fwhm for s in drawn])
    assert fwhm.min() >= 1.4
    assert fwhm.max() <= 10
    spread = np.array([np.max(s.fwhm) / np.min(s.fwhm) for s in drawn
                       if len(s.fwhm) == 3])
    assert 0.1 < np.mean(spread > 1.3) < 0.5
    shifted = [s for s in drawn if s.shifts]
    assert 0.5 < len(shifted) / len(drawn) < 0.7
    assert max(np.abs(s.shifts).max() for s in shifted) <= 0.4
    assert np.percentile(fwhm, 10) < 2.5
    assert np.percentile(fwhm, 90) > 5.5
    white = [s.kernel == ((1.0,), (1.0,)) for s in drawn]
    assert 0.35 < np.mean(white) < 0.55
    for s in drawn:
        for name in ('wavelengths', 'zero_points', 'variance', 'fwhm'):
            assert len(getattr(s, name)) == len(s.bands)
        seeing = np.mean(s.fwhm) * s.pixel_scale
        assert 0.06 < seeing < 2.2


def test_nearby_galaxies_are_large():
    """
    Most galaxies are larger than the PSF, whether on the ground or in space, and both
    kinds are there.
    """
    radius, spheroid = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        settings = draw_settings('nearby', rng)
        galaxies = draw_population(settings, rng)
        galaxies = galaxies[galaxies.class_id == GALAXY]
        spheroid += (galaxies.bulge_fraction[:, 0] > 0.9).tolist()
        radius += (np.maximum(galaxies.bulge_radius, galaxies.disc_radius)
                   / np.mean(settings.fwhm)).tolist()
    assert np.median(radius) > 1
    assert np.percentile(radius, 90) > 3
    assert 0.2 < np.mean(spheroid) < 0.5


def test_numbers_scale_with_the_area():
    small, large = universal(1), universal(1, shape=(512, 512))
    ratio = large[0].n_galaxies / small[0].n_galaxies
    assert ratio == pytest.approx(4, rel=1e-6)


def test_decam_density():
    drawn = draw_settings('decam', np.random.default_rng(0))
    area = (512 * 0.263 / 60) ** 2
    assert drawn.n_galaxies / area == pytest.approx(30)
    assert drawn.reference == 'g'
    assert 0.8 < np.mean(drawn.fwhm) * 0.263 < 1.3


@pytest.mark.parametrize('name', sorted(SURVEYS))
def test_surveys(name):
    survey = SURVEYS[name]
    waves = [band.wavelength for band in survey.bands]
    assert waves == sorted(waves)
    drawn = draw_settings(name, np.random.default_rng(1), shape=[64, 32])
    assert drawn.shape == (64, 32)
    assert drawn.pixel_scale == survey.pixel_scale
    assert drawn.bands == tuple(band.name for band in survey.bands)


@pytest.mark.parametrize('overrides', [
    {'fwhm': 4.0}, {'fwhm': (4.0, 4.0)}, {'bands': ('g', 'r')}])
def test_one_entry_per_band(overrides):
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match='must have one entry for each'):
        draw_settings('hsc', rng, **overrides)


@pytest.mark.parametrize('preset', PRESETS)
def test_default_side(preset):
    drawn = draw_settings(preset, np.random.default_rng(2))
    assert drawn.shape == (default_side(preset),) * 2


@pytest.mark.parametrize('shape', [
    (64.7, 64), (64.0, 64), (15, 64), (64,), 64, '64', (True, 64), None,
    [(64, 64), (64, 64)]])
def test_bad_shapes(shape):
    with pytest.raises(ValueError, match='shape must have two sides of at'):
        draw_settings('decam', np.random.default_rng(0), shape=shape)


def test_bands_beyond_those_of_the_preset():
    """
    A survey's PSFs have an ellipticity for each of its own bands only.
    """
    four = {'bands': ('g', 'r', 'i', 'z'), 'fwhm': (3.0,) * 4,
            'wavelengths': (480.0, 620.0, 750.0, 900.0),
            'zero_points': (30.0,) * 4, 'variance': [100.0] * 4}
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match='ellipticities must be a pair for'):
        draw_settings('decam', rng, **four)
    drawn = draw_settings('decam', rng, **four,
                          ellipticities=((0.0, 0.1),) * 4)
    assert drawn.bands == four['bands']


def test_sky_level():
    # flat sky of one magnitude per arcsec2 on one pixel, in electrons
    drawn = draw_settings('decam', np.random.default_rng(1))
    g = SURVEYS['decam'].bands[0]
    sky = 150 * 10 ** (0.4 * (g.zero_point - g.sky)) * 0.263**2
    assert drawn.variance[0] == pytest.approx(sky + 7.0**2)
    assert drawn.zero_points[0] == pytest.approx(
        g.zero_point + 2.5 * np.log10(150))
