# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the structure of galaxies.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from photutils_rcnn.simulation.layout import draw_population
from photutils_rcnn.simulation.presets import draw_settings
from photutils_rcnn.simulation.structure import (
    BULGE_FRACTION,
    LEAST_RADIUS,
    LOPSIDED_FRACTION,
    OFFSET,
    RELATIVE_BULGE_RADIUS,
)

FWHM = 3.0


def population(fraction):
    rng = np.random.default_rng(3)
    settings = draw_settings(
        'universal', rng, bands=('g', 'r'), wavelengths=(484.0, 622.0),
        zero_points=(30.0, 30.0), variance=(100.0, 100.0),
        fwhm=(FWHM, FWHM), pixel_scale=0.25, n_galaxies=4000.0,
        n_stars=200.0, structured_fraction=fraction)
    return draw_population(settings, rng)


def test_none():
    plain = population(0.0)
    assert not plain.disc_dx.any()
    assert not plain.disc_dy.any()


def test_all_resolved_galaxies_are_changed_and_nothing_else():
    plain, changed = population(0.0), population(1.0)
    resolved = (plain.class_id == 2) & (plain.disc_radius
                                        >= LEAST_RADIUS * FWHM)
    assert 300 < resolved.sum() < len(plain) - 500
    for name in ('class_id', 'x', 'y', 'magnitudes', 'disc_radius', 'disc_q',
                 'bulge_q', 'angle', 'arms'):
        assert_array_equal(getattr(changed, name), getattr(plain, name))
    for name in ('bulge_fraction', 'bulge_radius', 'disc_dx', 'disc_dy'):
        assert_array_equal(getattr(changed, name)[~resolved],
                           getattr(plain, name)[~resolved])
    bulge_fraction = changed.bulge_fraction[resolved]
    assert_array_equal(bulge_fraction[:, 0], bulge_fraction[:, 1])
    assert bulge_fraction.min() >= BULGE_FRACTION[0]
    assert bulge_fraction.max() <= BULGE_FRACTION[1]
    ratio = changed.bulge_radius[resolved] / changed.disc_radius[resolved]
    assert ratio.min() > RELATIVE_BULGE_RADIUS[0] * 0.999
    assert ratio.max() < RELATIVE_BULGE_RADIUS[1] * 1.001
    offset = np.hypot(changed.disc_dx, changed.disc_dy)[resolved]
    lopsided = offset > 0
    assert lopsided.mean() == pytest.approx(LOPSIDED_FRACTION, abs=0.1)
    # the mean of a Rayleigh distribution
    relative = (offset / changed.disc_radius[resolved])[lopsided]
    assert relative.mean() == pytest.approx(OFFSET * np.sqrt(np.pi / 2),
                                            rel=0.15)


def test_some():
    changed = population(0.3)
    lopsided = (changed.disc_dx != 0).sum()
    assert 0 < lopsided < 0.6 * (population(1.0).disc_dx != 0).sum()
