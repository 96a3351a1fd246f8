# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for star clusters.
"""

import numpy as np
import pytest

from photutils_rcnn.simulation.presets import draw_settings
from photutils_rcnn.simulation.star_clusters import (
    TIDAL_RADIUS,
    cluster_counts,
    king_positions,
)


def test_counts_rise_below_the_turn_off():
    counts = cluster_counts(19.)
    giants, turn_off, dwarfs = np.interp((18., 19., 21.), *counts.T)
    assert turn_off - giants == pytest.approx(0.3)
    assert dwarfs - turn_off > 0.8
    assert (np.diff(counts, axis=0) > 0).all()


def test_profile_of_a_cluster():
    """
    The numbers in rings follow the integral of King's law, about the center that
    the stars themselves show.
    """
    core, shape = 12., (256, 256)
    x, y = king_positions(np.random.default_rng(3), 40_000, core, shape, 32)
    inside = (abs(x - 127.5) < 128) & (abs(y - 127.5) < 128)
    assert inside.sum() == pytest.approx(40_000, abs=800)
    middle = np.median(x), np.median(y)
    radius = np.hypot(x - middle[0], y - middle[1]) / core
    edges = np.array([0., 0.7, 1.5, 3.])
    fine = np.linspace(0, 3, 3001)
    law = (1 / np.sqrt(1 + fine**2) - 1 / np.sqrt(1 + TIDAL_RADIUS**2))**2 * fine
    expected = np.diff(np.interp(edges, fine, np.cumsum(law)))
    found = np.histogram(radius, edges)[0]
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(),
                               atol=0.03)


def test_crowded_preset():
    drawn = [draw_settings('crowded', np.random.default_rng(seed))
             for seed in range(200)]
    assert all(s.n_stars > s.n_galaxies for s in drawn)
    assert max(s.n_stars for s in drawn) <= 65536 / 6
    clusters = np.mean([s.core_radius > 0 for s in drawn])
    assert 0.35 < clusters < 0.6
    field = np.mean([s.turn_off is None for s in drawn])
    assert 0.3 < field < 0.5
