# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of how galaxies look.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from photutils_rcnn.simulation.appearance import measure_appearance


def ellipse(ratio, angle, sigma=6.):
    y, x = np.indices((81, 81)) - 40.
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    return 100 * np.exp(-0.5 * (u**2 + (v / ratio)**2) / sigma**2)


@given(ratio=st.floats(0.25, 0.95), angle=st.floats(0, np.pi))
@settings(max_examples=40, deadline=None)
def test_ellipses(ratio, angle):
    """
    An ellipse within an isophote has its axis ratio and is symmetric.
    """
    light = ellipse(ratio, angle)
    measured, asymmetry, residual = measure_appearance(light, light > 1, 3.)
    assert_allclose(measured, ratio, rtol=0.05)
    assert asymmetry < 0.005
    assert residual < 0.02 * np.sqrt(np.sum(light**2))


def test_structure():
    """
    A knot beside the axes is seen, in proportion to its light; its mirror image hides it.
    """
    light = ellipse(0.6, 0.)
    values = []
    for flux in (0.05, 0.1):
        y, x = np.indices(light.shape) - 40.
        knot = np.exp(-0.5 * ((x - 6)**2 + (y - 4)**2) / 1.5**2)
        image = light + flux * light.sum() * knot / knot.sum()
        values.append(measure_appearance(image, image > 1, 3.)[1])
    assert 0.03 < values[0] < 0.08  # the knot also tilts the major axis
    assert_allclose(values[1], 2 * values[0], rtol=0.25)
    both = image + image[::-1] - light
    assert measure_appearance(both, both > 1, 3.)[1] < 0.01


@pytest.mark.parametrize('mask', [
    np.zeros((81, 81), bool), np.ones((81, 81), bool),
    np.arange(81)[:, None] + np.zeros(81) > 60])
def test_not_seen_as_a_whole(mask):
    """
    Nothing is said of what is cut off or has no pixels.
    """
    ratio, asymmetry, residual = measure_appearance(ellipse(0.5, 1.), mask, 3.)
    assert np.isnan([ratio, asymmetry]).all()
    assert residual == 0
