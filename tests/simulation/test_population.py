# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for populations and their half-light radii.
"""

import numpy as np
import pytest

from photutils_rcnn.simulation.catsim import draw_stars
from photutils_rcnn.simulation.population import Population, half_light_radius


def test_half_light_radius():
    fraction = np.array([0.0, 1.0, 0.5, 0.2])
    radius = half_light_radius(fraction, 1.0, 4.0, 3.0, 1.0)
    assert radius[0] == pytest.approx(3, rel=1e-3)
    assert radius[1] == pytest.approx(1, rel=1e-3)
    assert 1 < radius[2] < radius[3] < 3
    assert half_light_radius(0.3, 2.0, 1.0, 2.0, 1.0) == pytest.approx(
        2, rel=1e-3)


def test_concatenate_and_select():
    rng = np.random.default_rng(0)
    stars = [draw_stars(rng, np.full(n, 20.0), (484, 622), np.arange(n),
                        np.zeros(n)) for n in (2, 3)]
    both = Population.concatenate(stars)
    assert len(both) == 5
    assert both.magnitudes.shape == (5, 2)
    np.testing.assert_array_equal(both[2:].x, stars[1].x)
    np.testing.assert_array_equal(both[np.array([0, 4])].magnitudes,
                                  both.magnitudes[[0, 4]])
