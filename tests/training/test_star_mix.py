# Licensed under a 3-clause BSD style license - see LICENSE

import numpy as np
from astropy.table import Table, vstack
from numpy.testing import assert_allclose
from scipy import special

from photutils_rcnn.training.star_mix import (
    fit_star_mix,
    scene_log_odds,
    typical_star_log_odds,
)


def test_star_mix():
    """
    The scale of logits, and the mix that they presume, are found from scenes of other
    mixes.
    """
    rng = np.random.default_rng(2)
    parts = []
    for scene in range(40):
        n = 500
        snr = 10 ** rng.uniform(0.8, 3, n)
        position = np.log10(snr / 30)
        own = rng.normal(-1, 1.5) + 1.5 * position
        is_star = rng.random(n) < special.expit(own)
        ratio = 3 * rng.normal(np.where(is_star, 1.5, -1.5))
        star = special.expit((ratio - 0.5 + 1.2 * position) / 1.4)
        parts.append(Table({
            'class_id': np.where(rng.random(n) < 0.1, 0, 2 - is_star), 'snr': snr,
            'probabilities': np.stack([star, 1 - star], axis=1),
            'scene': np.full(n, scene), 'weight': np.full(n, 1 / n)}))
    scale, found = fit_star_mix(vstack(parts))
    assert_allclose(scale, 1.4, rtol=0.05)
    assert_allclose(found, (-0.5, 1.2), atol=0.15)
    assert_allclose(typical_star_log_odds(vstack(parts)), (-1, 1.5), atol=0.5)


def test_scene():
    """
    Where stars are as frequent as galaxies the odds are even, and they follow the classes.
    """
    snr = np.tile([10., 100.], 200)
    assert_allclose(scene_log_odds(np.arange(400) % 4 < 2, snr), 0, atol=0.2)
    odds = scene_log_odds(snr > 30, snr)
    assert (odds[snr > 30] > 1).all()
    assert (odds[snr < 30] < -1).all()
    one = scene_log_odds(np.array([True]), np.array([30.]))
    assert np.isfinite(one).all()
