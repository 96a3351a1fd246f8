# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the simulation of one scene.
"""

import numpy as np
import pytest

pytest.importorskip('galsim')

from photutils_rcnn.simulation.make import make_scene
from photutils_rcnn.simulation.presets import PRESETS
from photutils_rcnn.sources.artifacts import ARTIFACT_KINDS

QUIET = {'background': 0, 'n_cosmic_rays': 0, 'trail': False, 'missing': '',
         'spikes': 0, 'n_members': 0, 'n_large': 0}


@pytest.mark.parametrize('seed', [1, 2, 3, 5])
def test_universal(seed):
    scene = make_scene('universal', seed, shape=(128, 96))
    n_bands = len(scene.bands)
    assert scene.data.shape == (n_bands, 128, 96)
    assert scene.data.dtype == np.float32
    assert np.isfinite(scene.data).all()
    assert scene.mask.shape == (128, 96)
    assert scene.noise.shape == (n_bands,)
    assert len(scene.truth) == len(scene.footprints)
    assert set(scene.truth['class_id']) <= {1, 2}
    assert np.all(scene.truth['snr'] >= 2)
    kept = scene.truth[~scene.truth['ignore']]
    assert np.all(kept['snr'] >= 5)
    areas = scene.footprints.areas[~scene.truth['ignore']]
    assert np.all(areas >= 5)
    for name in ('x', 'y'):
        size = scene.data.shape[2 if name == 'x' else 1]
        assert np.all((kept[name] >= -0.5) & (kept[name] < size - 0.5))


@pytest.mark.parametrize('preset', ['universal', 'decam'])
def test_same_seed_same_bytes(preset):
    first, second = (make_scene(preset, 11, shape=(96, 96)) for _ in range(2))
    assert first.data.tobytes() == second.data.tobytes()
    np.testing.assert_array_equal(first.mask, second.mask)
    assert first.truth.as_array().tobytes() == second.truth.as_array(
        ).tobytes()
    packed = second.footprints.to_packed()
    for name, value in first.footprints.to_packed().items():
        assert value.tobytes() == packed[name].tobytes()
    other = make_scene(preset, 12, shape=(96, 96))
    assert other.data.tobytes() != first.data.tobytes()


@pytest.mark.parametrize('preset', sorted(set(PRESETS) - {'decam-deep'}))
def test_presets(preset):
    scene = make_scene(preset, 3, shape=(96, 96))
    assert scene.preset == preset
    assert scene.data.shape[1:] == (96, 96)


def test_decam_numbers():
    scene = make_scene('decam', 1)
    kept = scene.truth[~scene.truth['ignore']]
    assert 120 < len(kept) < 230
    assert scene.bands == ('g', 'r', 'z')
    assert scene.truth.meta['reference_band'] == 'g'
    assert np.mean(kept['class_id'] == 1) < 0.25


def test_noise_level_of_an_empty_scene():
    scene = make_scene('universal', 5, n_galaxies=0, n_stars=0, **QUIET)
    assert len(scene.truth) == 0
    assert not scene.mask.any()
    np.testing.assert_allclose(scene.data.std(axis=(1, 2)), scene.noise,
                               rtol=0.03)


def test_fluxes_and_positions_are_in_the_pixels():
    scene = make_scene('decam', 6, shape=(200, 200), n_galaxies=0,
                       n_stars=8, star_range=(19, 20), binary_fraction=0,
                       aureole=0, **QUIET)
    stars = scene.truth[~scene.truth['ignore']
                        & (scene.truth['nearest'] > 40)
                        & (np.abs(scene.truth['x'] - 99.5) < 80)
                        & (np.abs(scene.truth['y'] - 99.5) < 80)]
    assert len(stars) > 2
    rows, cols = np.indices(scene.data.shape[1:])
    for star in stars:
        near = np.hypot(cols - star['x'], rows - star['y']) < 15
        # 2 percent of a Moffat profile lie outside, and there is noise
        light = scene.data[1, near]
        assert light.sum() == pytest.approx(star['flux_r'], rel=0.06)
        core = np.hypot(cols - star['x'], rows - star['y']) < 6
        for name, axis in (('x', cols), ('y', rows)):
            centroid = np.average(axis[core], weights=scene.data[1, core])
            assert centroid == pytest.approx(star[name], abs=0.15)


def test_missing_pixels_are_masked_and_zero():
    overrides = {**QUIET, 'missing': 'edge', 'mask_saturated': False}
    scene = make_scene('universal', 8, shape=(96, 96), **overrides)
    assert 0 < scene.mask.sum() < scene.mask.size
    assert np.all(scene.data[:, scene.mask] == 0)


def test_fewer_bands_than_the_preset():
    one = {'bands': ('r',), 'wavelengths': (622.0,), 'zero_points': (31.0,),
           'variance': (500.0,), 'fwhm': (3.0,)}
    scene = make_scene('decam', 1, shape=(64, 64), **one)
    assert scene.data.shape == (1, 64, 64)


def test_errors():
    with pytest.raises(ValueError, match='preset must be one of'):
        make_scene('nonsense', 1)
    with pytest.raises(ValueError, match=r"got \['color'\]"):
        make_scene('decam', 1, color=3)


def test_truth_of_artifacts():
    """
    What cosmic rays add is where the scene without them differs.
    """
    options = {'shape': (256, 256), 'background': 0}
    scene = make_scene('decam', 3, **options, n_cosmic_rays=20)
    without = make_scene('decam', 3, **options, n_cosmic_rays=0)
    charge = scene.data - without.data
    added = charge > 2 * scene.noise[:, None, None]
    rays = scene.artifacts & ARTIFACT_KINDS['cosmic_ray'] > 0
    assert rays.sum() > 200
    # but for rounding
    assert np.mean(added[rays]) > 0.99
    assert np.mean(rays[added]) > 0.99
    assert without.artifacts.shape == scene.data.shape
    assert not (without.artifacts & ARTIFACT_KINDS['cosmic_ray']).any()
