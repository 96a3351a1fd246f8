# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the layout of sources.
"""



import numpy as np
import pytest
from scipy.spatial import cKDTree

from photutils_rcnn.simulation.layout import MARGIN, draw_population
from photutils_rcnn.simulation.presets import draw_settings

NONE = {'n_galaxies': 0.0, 'n_stars': 0.0, 'n_members': 0, 'n_large': 0}


def population(seed=0, **overrides):
    rng = np.random.default_rng(seed)
    settings = draw_settings('universal', rng, **{**NONE, **overrides})
    return draw_population(settings, rng)


def test_nothing():
    assert len(population()) == 0


@pytest.mark.parametrize(('name', 'class_id'), [('n_stars', 1),
                                                ('n_galaxies', 2)])
def test_expected_number_inside(name, class_id):
    drawn = population(**{name: 900.0}, binary_fraction=0.0, merger_fraction=0.0)
    assert np.all(drawn.class_id == class_id)
    inside = (np.abs(drawn.x - 127.5) < 128) & (np.abs(drawn.y - 127.5) < 128)
    # four sigma of a Poisson number
    assert inside.sum() == pytest.approx(900, abs=120)
    for position in (drawn.x, drawn.y):
        assert position.min() >= -0.5 - MARGIN
        assert position.max() < 255.5 + MARGIN


def test_companions():
    alone = population(n_stars=500.0, binary_fraction=0.0)
    paired = population(n_stars=500.0, binary_fraction=1.0)
    companions = paired[np.arange(len(paired)) >= len(alone)]
    # those that are too faint for the scene are left out
    assert 0.4 * len(alone) < len(companions) < len(alone)


def test_overlaps():
    """
    Sources of both classes lie near bright ones, not beyond their reach.
    """
    options = {'n_galaxies': 2000.0, 'merger_fraction': 0.0}
    alone = population(**options)
    blended = population(**options, overlap_fraction=1.0)
    np.testing.assert_array_equal(blended.x[:len(alone)], alone.x)
    companions = blended[np.arange(len(blended)) >= len(alone)]
    limit = alone.magnitudes.mean(axis=1).max() - 3
    bright = alone[alone.magnitudes.mean(axis=1) < limit + 0.5]
    assert 20 < len(companions) < len(bright)
    star_fraction = np.mean(companions.class_id == 1)
    assert 0.3 < star_fraction < 0.7
    index = cKDTree(np.column_stack((bright.x, bright.y))).query(
        np.column_stack((companions.x, companions.y)))[1]
    distance = np.hypot(companions.x - bright.x[index],
                        companions.y - bright.y[index])
    reach = np.maximum(bright.bulge_radius, bright.disc_radius)[index]
    assert np.all(distance < 2.5 * 8 + 1.5 * reach.max())
    assert np.median(distance) > 0.7 * 1.8


@pytest.mark.parametrize('preset', ['decam', 'decam-deep', 'universal'])
def test_magnitudes_are_within_the_range(preset):
    rng = np.random.default_rng(3)
    settings = draw_settings(
        preset, rng, n_galaxies=400.0, n_stars=400.0, n_members=0, n_large=0,
        binary_fraction=0.5, merger_fraction=0.5)
    drawn = draw_population(settings, rng)
    mags = drawn.magnitudes[:, settings.reference_index]
    for class_id, (bright, faint) in ((1, settings.star_range),
                                      (2, settings.galaxy_range)):
        own = mags[drawn.class_id == class_id]
        assert len(own) > 400
        assert own.max() <= faint + 1e-9
        assert own.min() >= bright - 1e-9
        # they go to the limit, as the counts rise towards it
        assert own.max() > faint - 0.5


def test_cluster_is_concentrated():
    distance = []
    for seed in range(10):
        members = population(seed, n_members=50)
        assert len(members) == 51
        distance.append(np.hypot(members.x - members.x[-1],
                                 members.y - members.y[-1]))
        assert members.magnitudes[-1].mean() < members.magnitudes[:-1].mean()
    # uniform over the frame it would be above 90
    assert np.median(distance) < 75


def test_large_galaxies():
    large = population(n_large=20, structured_fraction=0.0)
    radius = np.maximum(large.bulge_radius, large.disc_radius)
    assert radius.min() > 5.9
    assert radius.max() < 41


def decam(**overrides):
    """
    Sources on a large frame, and its settings.
    """
    rng = np.random.default_rng(0)
    settings = draw_settings('decam', rng, **{
        **NONE, 'binary_fraction': 0.0, 'merger_fraction': 0.0,
        'overlap_fraction': 0.0, 'shape': (1500, 1500), **overrides})
    return settings, draw_population(settings, rng)


def test_distance_of_binaries():
    """
    0.5 to 2.5 FWHM.
    """
    settings, alone = decam(n_stars=300.0)
    _, both = decam(n_stars=300.0, binary_fraction=1.0)
    companions = both[np.arange(len(both)) >= len(alone)]
    distance = cKDTree(np.column_stack((alone.x, alone.y))).query(
        np.column_stack((companions.x, companions.y)))[0]
    distance /= np.mean(settings.fwhm)
    assert distance.max() < 2.5
    assert 1.2 < np.median(distance) < 1.8


def test_distance_of_mergers():
    """
    Within three radii and half a FWHM of a galaxy.
    """
    settings, alone = decam(n_galaxies=300.0)
    _, both = decam(n_galaxies=300.0, merger_fraction=1.0)
    companions = both[np.arange(len(both)) >= len(alone)]
    assert len(companions) > 50
    reach = 3 * np.maximum(alone.bulge_radius, alone.disc_radius) + (
        0.5 * np.mean(settings.fwhm))
    distance = np.hypot(companions.x[:, None] - alone.x,
                        companions.y[:, None] - alone.y)
    assert np.all((distance <= reach + 1e-6).any(axis=1))


def test_large_galaxies_are_bright_and_structured():
    """
    The larger, the brighter; knots and arms are those of late types.
    """
    settings, large = decam(n_large=200)
    assert (large.magnitudes[:, 1] < settings.galaxy_range[1] - 5.5).all()
    late = large.bulge_fraction.max(axis=1) < 0.9
    assert 0 < late.sum() < len(large)
    assert not large.arms[~late].any()
    assert not large.clump_fraction[~late].any()
    assert (large.clump_fraction[late] >= 0.15).all()
    assert 0.5 < np.mean(large.arms[late] > 0) < 0.9
