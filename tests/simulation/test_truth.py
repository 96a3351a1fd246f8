# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the true footprints and properties, with Gaussian stars.
"""
import numpy as np
import pytest

from photutils_rcnn.simulation.truth import _footprint

pytest.importorskip('galsim')

from photutils_rcnn.simulation.catsim import draw_stars
from photutils_rcnn.simulation.rendering import Stamp
from photutils_rcnn.simulation.truth import (
    FOOTPRINT_LEVEL,
    MIN_AREA,
    measure_truth,
)

SHAPE = (80, 90)
SKY = 1e4


def measure(sources, *, fwhm=4.0, n_bands=1, bad=None, full_well=np.inf,
            width=None):
    """
    The truth of Gaussian stars given as (x, y, S/N in each band); with a
    FWHM ``width`` larger than that of the PSF they are diffuse.
    """
    sigma = np.full(n_bands, np.sqrt(SKY))
    s = (width or fwhm) / 2.35482
    x, y, snr = np.transpose(sources).astype(float)
    rows, cols = np.indices(SHAPE)
    fluxes = np.repeat((snr * sigma[0] * np.sqrt(4 * np.pi) * s)[:, None],
                       n_bands, axis=1)
    stamps = []
    for x0, y0, flux in zip(x, y, fluxes, strict=True):
        star = np.exp(-0.5 * ((cols - x0) ** 2 + (rows - y0) ** 2) / s**2)
        star = flux[:, None, None] * star / (2 * np.pi * s**2)
        stamps.append(Stamp(star.astype(np.float32), 0, 0))
    total = np.sum([stamp.light for stamp in stamps], axis=0)
    population = draw_stars(np.random.default_rng(0), np.full(len(x), 20.0),
                            (622.0,) * n_bands, x, y)
    if bad is None:
        bad = np.zeros(SHAPE, dtype=bool)
    return measure_truth(
        population, stamps, fluxes, total, bands=('g', 'r')[:n_bands],
        sigma=sigma, variance=sigma**2, fwhm=np.full(n_bands, fwhm), bad=bad,
        full_well=full_well, reference=0,
        size=np.zeros(len(x)))


@pytest.mark.parametrize('fwhm', [2.0, 4.0, 8.0])
@pytest.mark.parametrize('n_bands', [1, 2])
def test_snr_of_a_gaussian_star(fwhm, n_bands):
    truth, _ = measure([(40.3, 35.2, 6.0)], fwhm=fwhm, n_bands=n_bands)
    # the star's own photons raise the noise by about a percent
    assert truth['snr'][0] == pytest.approx(6 * np.sqrt(n_bands), rel=0.03)
    assert truth.colnames[:3] == ['x', 'y', 'class_id']
    assert f'flux_{"gr"[n_bands - 1]}' in truth.colnames


@pytest.mark.parametrize('fwhm', [2.5, 4.0, 8.0])
@pytest.mark.parametrize('snr', [5.5, 30.0, 300.0])
def test_footprint_level(fwhm, snr):
    _, footprints = measure([(40.0, 35.0, snr)], fwhm=fwhm)
    peak = snr * 2.35482 / (np.sqrt(np.pi) * fwhm)
    radius = fwhm / 2.35482 * np.sqrt(2 * np.log(
        peak / (FOOTPRINT_LEVEL / fwhm)))
    measured = np.sqrt(footprints.areas[0] / np.pi)
    assert measured == pytest.approx(radius, abs=0.35)


@pytest.mark.parametrize('fwhm', [4.0, 8.0, 12.0])
def test_faintest_star_is_one_fwhm_across(fwhm):
    _, footprints = measure([(40.0, 35.0, 5.0)], fwhm=fwhm)
    diameter = 2 * np.sqrt(footprints.areas[0] / np.pi)
    assert diameter == pytest.approx(1.07 * fwhm, rel=0.1)


def test_ignored_and_unlisted():
    truth, footprints = measure([(20, 20, 20), (60, 20, 4), (20, 60, 1.5),
                                 (-1.0, 40, 50), (60, 60, 6)])
    np.testing.assert_array_equal(truth['x'], [20, 60, -1, 60])
    np.testing.assert_array_equal(truth['ignore'],
                                  [False, True, True, False])
    assert np.all(footprints.areas[~truth['ignore']] >= MIN_AREA)


def test_diffuse_is_ignored():
    """
    Detectable as a whole, but with no pixel at the level of footprints.
    """
    truth, footprints = measure([(40, 35, 6), (60, 60, 4)], width=20.0)
    np.testing.assert_array_equal(truth['x'], [40])
    assert truth['ignore'][0]
    diameter = 2 * np.sqrt(footprints.areas[0] / np.pi)
    assert diameter == pytest.approx(20.0, rel=0.03)


def test_mostly_masked_is_ignored():
    bad = np.zeros(SHAPE, dtype=bool)
    bad[:, :42] = True
    truth, _ = measure([(40, 40, 50), (44.5, 20, 50)], bad=bad)
    np.testing.assert_array_equal(truth['ignore'], [True, False])


@pytest.mark.parametrize(('distance', 'ratio', 'merged'), [
    (0.3, 1.2, True), (0.5, 1.2, False), (0.5, 10.0, True),
    (0.7, 10.0, False)])
def test_merged_with_a_brighter_one(distance, ratio, merged):
    truth, _ = measure([(40, 40, 40), (40 + 4 * distance, 40, 40 * ratio)])
    np.testing.assert_array_equal(truth['ignore'], [merged, False])
    assert truth['nearest'][0] == pytest.approx(4 * distance)


def test_footprints_are_amodal():
    _, first = measure([(36, 40, 60)])
    _, second = measure([(42, 40, 60)])
    truth, both = measure([(36, 40, 60), (42, 40, 60)])
    for i, alone in enumerate((first, second)):
        np.testing.assert_array_equal(both.boxes[i], alone.boxes[0])
        np.testing.assert_array_equal(both.masks[i], alone.masks[0])
    assert both[[0]].intersections(both[[1]])[2][0] > 0
    assert truth['blendedness'][0] == pytest.approx(
        truth['blendedness'][1], abs=0.02)
    assert 0.02 < truth['blendedness'][0] < 0.5


def test_isolated_star_is_not_blended():
    truth, _ = measure([(20, 20, 60), (70, 60, 60)])
    np.testing.assert_allclose(truth['blendedness'], 0, atol=1e-6)
    np.testing.assert_allclose(truth['nearest'], np.hypot(50, 40))


def test_saturation():
    peak = 200 * np.sqrt(SKY) * 2.35482 / np.sqrt(np.pi) / 4
    sources = [(20, 20, 200), (60, 60, 40)]
    truth, _ = measure(sources, full_well=0.7 * peak)
    np.testing.assert_array_equal(truth['saturated'], [True, False])
    assert not truth['ignore'].any()
    truth, _ = measure(sources)
    assert not truth['saturated'].any()


def test_drowned_in_a_saturated_star():
    peak = 400 * np.sqrt(SKY) * 2.35482 / np.sqrt(np.pi) / 4
    truth, _ = measure([(40, 40, 400), (43, 40, 20)],
                       full_well=0.15 * peak)
    np.testing.assert_array_equal(truth['ignore'], [False, True])


def test_nothing():
    truth, footprints = measure([(20, 20, 1.0)])
    assert len(truth) == len(footprints) == 0
    assert truth.colnames[-1] == 'ignore'


def outline(light, *, is_star=True, x=0.0, y=0.0):
    """
    The footprint of the given light in unit noise, above 1.
    """
    stamp = Stamp(np.asarray(light, dtype=np.float32)[None], 0, 0)
    return _footprint(stamp, [1.0], 1.0, x, y, is_star)[0]


def test_footprint_is_connected_and_full():
    """
    Knots apart from the brightest pixel do not belong to a source, holes do.
    """
    light = np.zeros((12, 20))
    light[2:9, 2:9] = 5
    light[5, 5] = 0
    light[3, 3] = 9
    light[2:5, 14:17] = 8
    expected = np.zeros(light.shape, dtype=bool)
    expected[2:9, 2:9] = True
    np.testing.assert_array_equal(outline(light), expected)


def test_wings_of_stars_are_cut():
    """
    Not those of galaxies.
    """
    light = np.full((301, 281), 9.0)
    light[150, 140] = 10
    star = outline(light, x=140.0, y=150.0)
    assert star.sum() == pytest.approx(np.pi * 125**2, rel=0.01)
    assert star[26].any()
    assert not star[24].any()
    assert outline(light, is_star=False, x=140.0, y=150.0).all()


def test_centers_outside_of_the_frame_are_ignored():
    """
    On a frame that is wider than high.
    """
    truth, _ = measure([(85, 40, 50), (40, 79.6, 50), (40, 79.4, 50)])
    np.testing.assert_array_equal(truth['ignore'], [False, True, False])


def test_bright_is_not_saturated():
    peak = 200 * np.sqrt(SKY) * 2.35482 / np.sqrt(np.pi) / 4
    truth, _ = measure([(20, 20, 200)], full_well=1.2 * peak)
    assert not truth['saturated'].any()


def test_correlated_noise():
    """
    Noise that is larger on the scale of the PSF lowers the S/N as much.
    """
    star = np.zeros((1, *SHAPE), dtype=np.float32)
    star[0, 40, 40:44] = 500.0
    one = draw_stars(np.random.default_rng(0), np.full(1, 20.0), (622.0,),
                     np.array([41.0]), np.array([40.0]))
    white, correlated = (measure_truth(
        one, [Stamp(star, 0, 0)], np.array([[2000.0]]), star, bands=('r',),
        sigma=np.array([sigma]), variance=np.array([400.0]),
        fwhm=np.array([2.0]), bad=np.zeros(SHAPE, dtype=bool),
        full_well=np.inf, reference=0,
        size=np.zeros(1))[0]['snr'][0] for sigma in (20.0, 30.0))
    assert correlated == pytest.approx(white / 1.5)
    assert white == pytest.approx(np.sqrt(4 * 500**2 / (400 + 500)))
