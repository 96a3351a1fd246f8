# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the periodic part of the sky.
"""

import numpy as np
import pytest
from scipy import ndimage

from photutils_rcnn.preprocessing.periodic_sky import fit_waves

SHAPE = (150, 230)
Y, X = np.mgrid[:SHAPE[0], :SHAPE[1]]
NOISE = 0.5  # of bins, in units of that of pixels


def _noise(seed=0):
    return np.random.default_rng(seed).normal(0, NOISE, SHAPE)


def _fringes(period, angle=0.3):
    return np.sin(2 * np.pi * (X * np.cos(angle) + Y * np.sin(angle)) / period)


# The period grows from 10 to 20 bins.
CURVED = np.sin(2 * np.pi * (X / 10 - X**2 / 9200 + Y**2 / 9000))


@pytest.mark.parametrize('amplitude', [0.3, 1, 4])
@pytest.mark.parametrize('sky', [
    _fringes(5), _fringes(10), _fringes(20), _fringes(10, angle=1.7),
    _fringes(10) + _fringes(14, angle=2), CURVED])
def test_waves_are_fitted(sky, amplitude):
    sky = amplitude * sky
    waves = fit_waves(_noise() + sky, np.ones(SHAPE))
    assert waves.shape == SHAPE
    assert (waves - sky).std() < 0.08 + 0.1 * sky.std()


def test_waves_go_on_under_sources():
    covered = ((X - 100)**2 + (Y - 60)**2 < 12**2) | (X % 40 + Y % 30 < 8)
    image = np.where(covered, np.nan, _noise() + _fringes(10))
    waves = fit_waves(image, np.where(covered, 0., 1.))
    assert (waves - _fringes(10))[covered].std() < 0.2


@pytest.mark.parametrize('shape', [(9, 9), (33, 180), (70, 40)])
def test_frames_of_any_size(shape):
    window = tuple(slice(n) for n in shape)
    assert fit_waves((_noise() + _fringes(10))[window],
                     np.ones(shape)).shape == shape


def test_no_sky():
    assert not fit_waves(np.full(SHAPE, np.nan), np.zeros(SHAPE)).any()


GRID = sum(np.exp(-((X - x)**2 + (Y - y)**2) / 8)
           for x in range(10, 230, 40) for y in range(10, 150, 30))
DISTANCE = np.hypot(X - 110, Y - 80)
NO_PATTERNS = {
    'noise': 0 * X,
    'smooth field': 8 * ndimage.gaussian_filter(_noise(7), 4, mode='wrap'),
    'trail': np.exp(-((0.8 * X - 0.6 * Y - 50) / 1.5)**2 / 2),
    'grid of sources': GRID,
    'halo': np.exp(-DISTANCE / 20),
    'ring': np.exp(-(DISTANCE - 25)**2 / 18),
    'spikes': (abs(X - 110) < 2) + (abs(Y - 80) < 2)}


@pytest.mark.parametrize('amplitude', [0.5, 3.5])
@pytest.mark.parametrize('name', NO_PATTERNS)
def test_what_is_no_pattern_is_left(name, amplitude):
    """
    No light is lost, as bright as the sky is clipped.
    """
    light = amplitude * NO_PATTERNS[name]
    waves = fit_waves(_noise() + light, np.ones(SHAPE))
    assert waves.std() < 0.03


def test_pattern_on_a_part_of_the_frame():
    """
    One amplifier may have it.
    """
    sky = np.where(X < 110, _fringes(10), 0)
    waves = fit_waves(_noise() + sky, np.ones(SHAPE))
    assert (waves - sky)[:, :90].std() < 0.15
    assert waves[:, 145:].std() < 0.05
