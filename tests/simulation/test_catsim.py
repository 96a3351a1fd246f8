# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the drawn stars and galaxies, with CatSim where it is at hand.

The catalogs are those distributed with BLISS, ``catsim/galaxies.fits`` and
``catsim/stars.fits`` of the sample data.
"""

import numpy as np
import pytest
from astropy.table import Table
from sample_data import sample_data

from photutils_rcnn.simulation.catsim import (
    GALAXY_COUNTS,
    MIN_RELATIVE_RADIUS,
    STAR_COUNTS,
    draw_galaxies,
    draw_stars,
    sample_magnitudes,
)
from photutils_rcnn.simulation.population import half_light_radius

GRZ = (484.0, 622.0, 905.0)
N = 20000


def galaxies(r, fwhm=1e-6, **options):
    zero = np.zeros(len(r))
    return draw_galaxies(np.random.default_rng(1), r, GRZ, 1.0, zero, zero,
                         fwhm=fwhm, **options)


def stars(r):
    zero = np.zeros(len(r))
    return draw_stars(np.random.default_rng(1), r, GRZ, zero, zero)


def read(name):
    return Table.read(sample_data('catsim') / name)


def test_smallest_galaxies():
    small = galaxies(np.full(2000, 26.0), fwhm=4.0)
    size = half_light_radius(
        small.bulge_fraction[:, 1],
        small.bulge_radius * np.sqrt(small.bulge_q), small.bulge_n,
        small.disc_radius * np.sqrt(small.disc_q), small.disc_n)
    # bulge fractions of the r band and of the drawing differ a little
    assert size.min() > 0.9 * MIN_RELATIVE_RADIUS * 2


def test_given_spheroid_indices():
    """
    Only pure spheroids have them, all of them equally often.
    """
    indices = (1.5, 3.0, 5.0)
    drawn = galaxies(np.full(6000, 18.0), spheroid_fraction=0.3, spheroid_indices=indices)
    pure = (drawn.bulge_fraction > 0.99).all(axis=1)
    counts = [np.sum(drawn.bulge_n[pure] == n) for n in indices]
    assert sum(counts) == np.sum(pure) > 1000
    np.testing.assert_allclose(counts, np.sum(pure) / 3, rtol=0.15)
    assert set(drawn.bulge_n[~pure]) == {2.5, 4.0}


def test_given_colors():
    red = galaxies(np.full(50, 20.0), colors=(np.full(50, 1.2),
                                               np.full(50, 0.8)))
    np.testing.assert_allclose(red.magnitudes, [[21.2, 20.0, 19.2]] * 50,
                               atol=1e-6)


def test_magnitudes_beyond_the_bands():
    drawn = draw_stars(np.random.default_rng(0), np.full(100, 20.0),
                       (350.0, 622.0, 1600.0), np.zeros(100), np.zeros(100))
    assert np.isfinite(drawn.magnitudes).all()
    np.testing.assert_allclose(drawn.magnitudes[:, 1], 20)


def test_magnitudes_stay_in_range():
    mags = sample_magnitudes(np.random.default_rng(0), 5000, STAR_COUNTS, 14,
                             21, steepness=1.3)
    assert mags.min() >= 14
    assert mags.max() <= 21
    assert np.median(mags) > 19


@pytest.mark.parametrize(('name', 'counts', 'edges'), [
    ('galaxies.fits', GALAXY_COUNTS, np.arange(21.0, 27.0)),
    ('stars.fits', STAR_COUNTS, np.arange(16.0, 27.0))])
def test_counts_follow_catsim(name, counts, edges):
    r = np.asarray(read(name)['r_ab'])
    real = np.histogram(r, edges)[0]
    drawn = np.histogram(sample_magnitudes(
        np.random.default_rng(2), 200_000, counts, edges[0], edges[-1]),
        edges)[0] * (real.sum() / 200_000)
    # 6 percent, and three sigma of the numbers in CatSim
    np.testing.assert_array_less(np.abs(drawn - real),
                                 0.06 * real + 3 * np.sqrt(real))


@pytest.mark.parametrize('bright', [22, 23, 24, 25])
def test_galaxies_follow_catsim(bright):
    table = read('galaxies.fits')
    table = table[(table['r_ab'] >= bright) & (table['r_ab'] < bright + 1)]
    drawn = galaxies(np.random.default_rng(3).choice(table['r_ab'], N))
    disc = table['fluxnorm_disk'] > 0
    has_disc = drawn.bulge_fraction[:, 1] < 1
    # radii along the major axis in arcsec
    real = np.percentile(table['a_d'][disc], (16, 50, 84))
    mine = np.percentile(drawn.disc_radius[has_disc], (16, 50, 84))
    np.testing.assert_allclose(mine, real, rtol=0.1)
    bulge = table['fluxnorm_bulge'] > 0
    has_bulge = (drawn.bulge_fraction[:, 1] > 0) & has_disc
    assert np.median(drawn.bulge_radius[has_bulge]) == pytest.approx(
        np.median(table['a_b'][bulge]), rel=0.2)
    assert np.mean(has_bulge | ~has_disc) == pytest.approx(bulge.mean(),
                                                           abs=0.1)
    q = table['b_d'][disc] / table['a_d'][disc]
    assert np.median(drawn.disc_q[has_disc]) == pytest.approx(
        np.median(q), abs=0.1)
    for blue, red, first in (('g_ab', 'r_ab', 0), ('r_ab', 'z_ab', 1)):
        color = drawn.magnitudes[:, first] - drawn.magnitudes[:, first + 1]
        assert np.median(color) == pytest.approx(
            np.median(table[blue] - table[red]), abs=0.3)


@pytest.mark.parametrize('bright', range(14, 27))
def test_stars_follow_catsim(bright):
    table = read('stars.fits')
    table = table[(table['r_ab'] >= bright) & (table['r_ab'] < bright + 1)]
    drawn = stars(np.random.default_rng(3).choice(table['r_ab'], N))
    # the colors have two peaks, so that medians jump between them
    for blue, red, first in (('g_ab', 'r_ab', 0), ('r_ab', 'z_ab', 1)):
        color = drawn.magnitudes[:, first] - drawn.magnitudes[:, first + 1]
        assert color.mean() == pytest.approx(
            np.mean(table[blue] - table[red]), abs=0.08)
    dwarfs = drawn.magnitudes[:, 0] - drawn.magnitudes[:, 1] > 1.1
    assert dwarfs.mean() == pytest.approx(
        np.mean(table['g_ab'] - table['r_ab'] > 1.1), abs=0.05)
