# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the settings of a scene.
"""



import math
from dataclasses import fields, replace

import numpy as np
import pytest

from photutils_rcnn.simulation.settings import SceneSettings

GOOD = SceneSettings(
    shape=(64, 64), bands=('g', 'r'), wavelengths=(484.0, 622.0),
    pixel_scale=0.26, zero_points=(30.0, -1.0), variance=(100.0, 200.0),
    fwhm=(3.0, 4.0), n_galaxies=10.0, n_stars=0, galaxy_range=(18.0, 23.0),
    star_range=(16.0, 23.0))
WORD = {f.name: 'much' for f in fields(SceneSettings)}


@pytest.mark.parametrize('name', WORD)
def test_words_name_their_field(name):
    with pytest.raises(ValueError, match=f'^{name} must .*got .much.$'):
        replace(GOOD, **{name: WORD[name]})


@pytest.mark.parametrize('value', [math.nan, math.inf, -1, -math.inf])
@pytest.mark.parametrize('name', [
    'pixel_scale', 'n_galaxies', 'n_stars', 'n_cosmic_rays', 'background',
    'aureole', 'n_members', 'n_large', 'spikes', 'beta', 'obscuration',
    'spheroid_fraction', 'structured_fraction', 'merger_fraction', 'binary_fraction',
    'overlap_fraction', 'spike_fraction', 'halo_fraction', 'halo_radius',
    'structure_rms', 'core_radius'])
def test_numbers(name, value):
    with pytest.raises(ValueError, match=f'^{name} must be .*, got'):
        replace(GOOD, **{name: value})


@pytest.mark.parametrize('value', [math.nan, math.inf, 0.0, -2.0])
@pytest.mark.parametrize('name', ['wavelengths', 'variance', 'fwhm'])
def test_numbers_of_bands(name, value):
    with pytest.raises(ValueError, match=f'^{name} must be finite numbers'):
        replace(GOOD, **{name: (1.0, value)})


@pytest.mark.parametrize(('name', 'value'), [
    ('zero_points', (30.0, math.nan)), ('bands', ('g', 'g')), ('bands', ()),
    ('bands', ('g', '')), ('bands', 'gr'), ('ellipticities', ((0.0, 0.0),)),
    ('ellipticities', ((0.8, 0.0), (0.8, 0.6))),
    ('ellipticities', (0.1, 0.1)), ('ellipticities', ((0, 0, 0),) * 2),
    ('pixel_scale', 0), ('galaxy_range', (23.0, 18.0)),
    ('star_range', (18.0, 18.0)), ('star_range', (18.0, math.inf)),
    ('star_range', (16.0, 18.0, 23.0)), ('spheroid_fraction', 1.1),
    ('overlap_fraction', 2), ('aureole', 1.5), ('reference', 'z'),
    ('psf_kind', 'gaussian'), ('missing', 'rows'), ('missing', None),
    ('full_well', 0), ('full_well', math.nan), ('full_well', '1'),
    ('beta', 1.1), ('obscuration', 1.0), ('spikes', 3), ('spikes', 4.0),
    ('n_members', 2.5), ('n_large', True), ('trail', 2),
    ('kernel', ((1.0,),)), ('kernel', ((1.0,), (0.6, 0.6))),
    ('kernel', ((2.0,), (0.5,))), ('kernel', ((), (1.0,))),
    ('saturated_cores', 'black'), ('structure', 'waves'),
    ('shifts', ((0.1, 0.1),)), ('shifts', (0.1, 0.1)),
    ('components', (((1.0, 1.0, 0.0, 0.0),),)),
    ('components', (((0.5, 1.0, 0.0, 0.0),),) * 2),
    ('components', (((1.0, 0.0, 0.0, 0.0),),) * 2),
    ('kernel', (1.0, 1.0)), ('galaxy_steepness', math.nan),
    ('core_radius', 0.5), ('spheroid_indices', 4.), ('spheroid_indices', (4., 7.)),
    ('spheroid_indices', (0.3,))])
def test_out_of_range(name, value):
    with pytest.raises(ValueError, match=f'^{name} must .*got'):
        replace(GOOD, **{name: value})


@pytest.mark.parametrize(('name', 'value'), [
    ('variance', [1.0, 2]), ('fwhm', np.array([3.0, 3.5])),
    ('full_well', math.inf), ('full_well', np.float32(1e4)), ('spikes', 6),
    ('n_members', np.int64(3)), ('merger_fraction', 1), ('missing', 'band'),
    ('kernel', ((1.0,), (0.8, 0.6))), ('kernel', [[0.8, 0.6], [-1.0]]),
    ('shifts', ((0.1, 0.1), (0.0, 0.4))),
    ('components', (((0.4, 1.0, 0.0, 0.0), (0.6, 1.2, 0.1, 0.0)),) * 2),
    ('trail', np.True_), ('ellipticities', np.full((2, 2), 0.1))])
def test_within_range(name, value):
    assert getattr(replace(GOOD, **{name: value}), name) is value


def test_slope_of_an_aureole():
    """
    The slope counts only where there is an aureole.
    """
    assert replace(GOOD, aureole_slope=2.0).aureole == 0
    with pytest.raises(ValueError, match='^aureole_slope must .*got 2.2'):
        replace(GOOD, aureole_slope=2.2, aureole=0.1)
    with pytest.raises(ValueError, match='^aureole_slope must'):
        replace(GOOD, aureole_slope=math.nan)


def test_reference_band():
    """
    The middle one where that of the magnitudes is missing.
    """
    assert GOOD.reference_index == 1
    assert replace(GOOD, reference='g').reference_index == 0
    three = {'bands': ('a', 'b', 'c'), 'wavelengths': (1.0, 2.0, 3.0),
             'zero_points': (1.0,) * 3, 'variance': (1.0,) * 3,
             'fwhm': (3.0,) * 3}
    assert replace(GOOD, **three).reference_index == 1
