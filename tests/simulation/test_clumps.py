# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for galaxies with star-forming clumps.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip('galsim')

from photutils_rcnn.simulation import Scene, make_scene
from photutils_rcnn.simulation.catsim import draw_stars
from photutils_rcnn.simulation.clumps import (
    FLUX_RATIO,
    LARGEST_RADIUS,
    LARGEST_TOTAL,
    add_clumps,
    draw_discs,
)
from photutils_rcnn.simulation.presets import draw_settings
from photutils_rcnn.simulation.rendering import Stamp
from photutils_rcnn.simulation.truth import LEAST_RATIO, measure_truth
from photutils_rcnn.sources.classes import CLUMP, GALAXY, STAR

SHAPE = (96, 96)


def draw(seed, **overrides):
    rng = np.random.default_rng(seed)
    drawn = draw_settings('clumps', rng, shape=SHAPE, **overrides)
    return drawn, draw_discs(drawn, rng), rng


def flux(population):
    return 10 ** (-0.4 * population.magnitudes)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_clumps_take_their_light_from_the_galaxy(seed):
    drawn, discs, rng = draw(seed, clumpy_fraction=1.)
    before = flux(discs)
    n = len(discs)
    population, host = add_clumps(discs, drawn, rng)
    is_clump = population.class_id == CLUMP
    np.testing.assert_array_equal(is_clump, np.arange(len(population)) >= n)
    np.testing.assert_array_equal(is_clump, host >= 0)
    assert (population.class_id[host[is_clump]] == GALAXY).all()
    whole = flux(population)[:n]
    np.add.at(whole, host[is_clump], flux(population)[is_clump])
    np.testing.assert_allclose(whole, before)
    ratio = flux(population)[is_clump] / before[host[is_clump]]
    assert ((ratio[:, 0] >= FLUX_RATIO[0]) & (ratio[:, 0] <= FLUX_RATIO[1])).all()
    # bluer than the galaxy
    assert (np.diff(ratio, axis=1) < 0).all()
    assert (np.bincount(host[is_clump], ratio[:, 0], n) <= LARGEST_TOTAL + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_clumps_lie_on_the_disc(seed):
    drawn, discs, rng = draw(seed, clumpy_fraction=1.)
    population, host = add_clumps(discs, drawn, rng)
    clumps, galaxies = population[host >= 0], population[host[host >= 0]]
    dx = clumps.x - galaxies.x - galaxies.disc_dx
    dy = clumps.y - galaxies.y - galaxies.disc_dy
    cos, sin = np.cos(galaxies.angle), np.sin(galaxies.angle)
    radius = np.hypot(dx * cos + dy * sin,
                      (dy * cos - dx * sin) / galaxies.disc_q)
    assert (radius <= LARGEST_RADIUS * galaxies.disc_radius * (1 + 1e-9)).all()
    # unresolved to marginally resolved: the FWHM is twice the half-light radius
    assert (2 * clumps.disc_radius <= np.mean(drawn.fwhm)).all()


def test_no_galaxy_without_clumps_is_changed():
    _, discs, rng = draw(3)
    before = discs.magnitudes.copy()
    population, host = add_clumps(
        discs, draw_settings('clumps', rng, shape=SHAPE, clumpy_fraction=0.), rng)
    assert len(population) == len(discs)
    np.testing.assert_array_equal(host, -1)
    np.testing.assert_array_equal(population.magnitudes, before)


def test_single_band_has_clumps_too():
    one = {'bands': ('g',), 'wavelengths': (475.,), 'zero_points': (28.,),
           'variance': (100.,), 'fwhm': (3.,), 'components': (), 'shifts': ()}
    scene = make_scene('clumps', 5, clumpy_fraction=1., n_discs=3, **one)
    ratio = scene.truth['flux_ratio_g'][scene.truth['class_id'] == CLUMP]
    assert len(ratio)
    assert (ratio > 0).all()


@pytest.fixture(scope='module')
def scenes():
    return [make_scene('clumps', seed) for seed in range(30)]


def test_truth_names_the_galaxy_and_the_ratio(scenes):
    n = 0
    for scene in scenes:
        truth = scene.truth
        assert scene.data.shape == (3, 128, 128)
        is_clump = np.asarray(truth['class_id'] == CLUMP)
        assert set(truth['class_id']) <= {STAR, GALAXY, CLUMP}
        assert (truth['host'][~is_clump] == -1).all()
        for band in scene.bands:
            assert np.isnan(truth[f'flux_ratio_{band}'][~is_clump]).all()
        for host in np.unique(truth['host'][is_clump]):
            if host < 0:
                continue
            own = truth[is_clump & (truth['host'] == host)]
            assert truth['class_id'][host] == GALAXY
            n += len(own)
            for band in scene.bands:
                # others of the galaxy may not be listed
                part = own[f'flux_{band}'] / (truth[f'flux_{band}'][host]
                                              + own[f'flux_{band}'].sum())
                assert (own[f'flux_ratio_{band}'] <= part * (1 + 1e-9)).all()
        blue = truth[f'flux_ratio_{scene.bands[0]}']
        assert truth['ignore'][blue < LEAST_RATIO].all()
    assert n > 40


def test_clumps_are_outlined_near_their_peak(scenes):
    for scene in scenes:
        truth, footprints = scene.truth, scene.footprints
        counted = np.flatnonzero((truth['class_id'] == CLUMP) & ~truth['ignore'])
        fwhm = float(np.max(scene.psf_fwhm))
        for i in counted:
            y1, x1, y2, x2 = footprints.boxes[i]
            # a quarter of the peak of a Gaussian of up to 1.4 FWHM is 2 FWHM wide
            assert max(y2 - y1, x2 - x1) <= 2.2 * fwhm + 2
            assert y1 - 1 <= truth['y'][i] <= y2
            assert x1 - 1 <= truth['x'][i] <= x2


def gaussian(x0, y0, fwhm, peak):
    y, x = np.indices(SHAPE)
    light = peak * np.exp(-4 * np.log(2) * ((x - x0)**2 + (y - y0)**2) / fwhm**2)
    return Stamp(np.repeat(light[None].astype(np.float32), 2, axis=0), 0, 0)


def truth_of(*clumps):
    """
    The truth of clumps (x, y, peak) on a disc with a peak of 1000 in a noise of 10.
    """
    population = draw_stars(np.random.default_rng(0), np.full(len(clumps) + 1, 20.),
                            (475., 621.), *np.transpose([(45, 45), *(c[:2] for c in clumps)]))
    population.class_id[:] = (GALAXY, *(CLUMP for _ in clumps))
    stamps = [gaussian(45, 45, 20, 1000.), *(gaussian(x, y, 4, p) for x, y, p in clumps)]
    fluxes = np.array([stamp.light.sum(axis=(1, 2)) for stamp in stamps])
    n = len(stamps)
    return measure_truth(
        population, stamps, fluxes, np.sum([s.light for s in stamps], axis=0),
        bands=('g', 'r'), sigma=np.full(2, 10.), variance=np.full(2, 100.),
        fwhm=np.full(2, 4.), bad=np.zeros(SHAPE, bool), full_well=np.inf,
        reference=0, size=np.zeros(n),
        host=np.array([-1, *(0 for _ in clumps)]))


def test_clumps_that_do_not_stand_out_are_ignored():
    # of the disc's light they have 0.1 and 0.4 near the center, and much more outside
    truth, _ = truth_of((50, 45, 100.), (40, 45, 400.), (80, 45, 400.))
    np.testing.assert_array_equal(truth['ignore'], [False, True, False, False])
    np.testing.assert_array_equal(truth['host'], [-1, 0, 0, 0])


def test_faint_clumps_and_those_of_a_small_ratio_are_ignored():
    truth, _ = truth_of((80, 45, 30.), (5, 45, 400.))
    # 30 in a noise of 10 has an S/N above 5, but 0.01 of the light is demanded
    assert truth['snr'][1] > 7
    assert truth['flux_ratio_g'][1] < LEAST_RATIO < truth['flux_ratio_g'][2]
    assert truth['ignore'][1]


def test_footprint_ends_at_a_quarter_of_the_peak():
    truth, footprints = truth_of((80, 45, 1000.))
    assert truth['class_id'][1] == CLUMP
    # the diameter of a Gaussian there is sqrt(2) FWHM
    assert footprints.areas[1] == pytest.approx(np.pi / 4 * 2 * 4**2, abs=5)
    assert footprints.areas[0] > 500


def test_scene_is_stored_with_hosts(scenes, tmp_path):
    scenes[0].write(tmp_path / 'a.npz')
    truth = Scene.read(tmp_path / 'a.npz').truth
    assert truth.colnames == scenes[0].truth.colnames
    np.testing.assert_array_equal(truth['host'], scenes[0].truth['host'])


def test_other_presets_have_no_hosts():
    assert 'host' not in make_scene('universal', 0, shape=(64, 64)).truth.colnames


def test_bands_are_those_of_sdss_or_hst():
    drawn = [draw_settings('clumps', np.random.default_rng(seed)) for seed in range(80)]
    names = {s.bands for s in drawn}
    assert {('u', 'g', 'r'), ('g', 'r', 'i'), ('F435W', 'F606W', 'F814W')} <= names
    assert all(np.all(np.diff(s.wavelengths) > 0) for s in drawn)
    assert max(np.max(s.fwhm) for s in drawn) < 20
