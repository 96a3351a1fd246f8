# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the simulated scenes and their files.
"""

import numpy as np
import pytest

pytest.importorskip('galsim')

from photutils_rcnn.simulation import (PRESETS, Scene, make_scene,  # noqa: E402
                                       simulate_scenes)


def assert_same(first, second):
    assert first.data.tobytes() == second.data.tobytes()
    assert first.bands == second.bands
    np.testing.assert_array_equal(first.mask, second.mask)
    np.testing.assert_array_equal(first.noise, second.noise)
    assert first.truth.colnames == second.truth.colnames
    for name in first.truth.colnames:
        np.testing.assert_array_equal(first.truth[name], second.truth[name])
    np.testing.assert_array_equal(first.footprints.boxes,
                                  second.footprints.boxes)
    for a, b in zip(first.footprints.masks, second.footprints.masks,
                    strict=True):
        np.testing.assert_array_equal(a, b)


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


def test_same_seed_same_bytes():
    assert_same(make_scene('universal', 11, shape=(96, 96)),
                make_scene('universal', 11, shape=(96, 96)))


def test_write_read(tmp_path):
    scene = make_scene('universal', 7, shape=(96, 128))
    scene.write(tmp_path / 'scene.npz')
    back = Scene.read(tmp_path / 'scene.npz')
    assert_same(scene, back)
    assert back.truth.meta == scene.truth.meta
    assert (back.preset, back.seed) == ('universal', 7)
    assert [p.name for p in tmp_path.iterdir()] == ['scene.npz']


def test_simulate_scenes_resumes(tmp_path):
    paths = simulate_scenes('universal', 2, tmp_path, seed=40,
                            shape=(64, 64))
    assert [p.name for p in paths] == ['universal-00000040.npz',
                                       'universal-00000041.npz']
    paths[0].write_bytes(b'kept')
    times = paths[1].stat().st_mtime_ns
    again = simulate_scenes('universal', 3, tmp_path, seed=40,
                            shape=(64, 64))
    assert again[:2] == paths
    assert paths[0].read_bytes() == b'kept'
    assert paths[1].stat().st_mtime_ns == times
    assert Scene.read(again[2]).seed == 42


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
    scene = make_scene('universal', 5, n_galaxies=0, n_stars=0, n_members=0,
                       n_large=0, background=0, n_cosmic_rays=0, trail=False,
                       missing='', spikes=0)
    assert len(scene.truth) == 0
    np.testing.assert_allclose(scene.data.std(axis=(1, 2)), scene.noise,
                               rtol=0.03)


def test_errors():
    with pytest.raises(ValueError, match='preset must be one of'):
        make_scene('nonsense', 1)
    with pytest.raises(ValueError, match=r"got \['colour'\]"):
        make_scene('decam', 1, colour=3)
