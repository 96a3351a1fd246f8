# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the simulation of many scenes.
"""

import numpy as np
import pytest

pytest.importorskip('galsim')

from photutils_rcnn.simulation import generate
from photutils_rcnn.simulation.generate import simulate_scenes
from photutils_rcnn.simulation.make import make_scene
from photutils_rcnn.simulation.scene import Scene


def test_resumes(tmp_path):
    paths = simulate_scenes('universal', 2, tmp_path / 'new', seed=40,
                            shape=(64, 64))
    assert [p.name for p in paths] == ['universal-00000040.npz',
                                       'universal-00000041.npz']
    times = [path.stat().st_mtime_ns for path in paths]
    again = simulate_scenes('universal', 3, tmp_path / 'new', seed=40,
                            shape=(64, 64))
    assert again[:2] == paths
    assert [path.stat().st_mtime_ns for path in paths] == times
    assert Scene.read(again[2]).seed == 42
    with pytest.raises(ValueError, match=r'shape \(64, 64\), got shape'):
        simulate_scenes('universal', 1, tmp_path / 'new', seed=40,
                        shape=(48, 64))
    with pytest.raises(ValueError, match=r'got shape \(256, 256\)'):
        simulate_scenes('universal', 1, tmp_path / 'new', seed=40)


@pytest.mark.parametrize('left', [0, 100, 5000, -1])
def test_damaged_files_are_simulated_again(tmp_path, left, caplog):
    path, = simulate_scenes('decam', 1, tmp_path, seed=9, shape=[32, 48])
    content = path.read_bytes()
    path.write_bytes(content[:left])
    simulate_scenes('decam', 1, tmp_path, seed=9, shape=(32, 48))
    assert path.read_bytes() == content
    assert f'{path} is damaged, and simulated again' in caplog.text


def test_files_that_are_no_scenes_are_simulated_again(tmp_path):
    path = tmp_path / 'decam-00000009.npz'
    for save in (np.save, np.savez):
        with path.open('wb') as file:
            save(file, np.zeros(3))
        simulate_scenes('decam', 1, tmp_path, seed=9, shape=(32, 32))
        assert Scene.read(path).seed == 9


def test_pixels_of_existing_scenes_are_not_read(tmp_path, monkeypatch):
    simulate_scenes('decam', 1, tmp_path, seed=9, shape=(64, 64))
    read = []
    load = generate.np.lib.npyio.NpzFile.__getitem__
    monkeypatch.setattr(
        generate.np.lib.npyio.NpzFile, '__getitem__',
        lambda file, name: read.append(name) or load(file, name))
    simulate_scenes('decam', 1, tmp_path, seed=9, shape=(64, 64))
    assert read == ['footprints_shape']


def test_overrides_are_checked_before_there_is_a_folder(tmp_path):
    with pytest.raises(ValueError, match='n_stars must be a number'):
        simulate_scenes('decam', 1, tmp_path / 'new', seed=0, n_stars=-1)
    assert not (tmp_path / 'new').exists()


def test_scenes_are_those_of_make_scene(tmp_path):
    path, = simulate_scenes('decam', 1, tmp_path, seed=9, shape=(64, 64))
    make_scene('decam', 9, shape=(64, 64)).write(tmp_path / 'other.npz')
    assert path.read_bytes() == (tmp_path / 'other.npz').read_bytes()


@pytest.mark.parametrize('wrong', [{'n_scenes': -1}, {'seed': -1},
                                   {'n_processes': 0}])
def test_errors(tmp_path, wrong):
    arguments = {'n_scenes': 1, 'seed': 0, 'n_processes': 1} | wrong
    with pytest.raises(ValueError, match='must be non-negative'):
        simulate_scenes('decam', out_dir=tmp_path, **arguments)


def test_unknown_preset_and_small_shape(tmp_path):
    with pytest.raises(ValueError, match="preset must be one of .*'mars'"):
        simulate_scenes('mars', 0, tmp_path / 'new', seed=0)
    for shape in ((0, 0), (-5, 20), (20,), 64):
        with pytest.raises(ValueError, match='shape must have two sides'):
            simulate_scenes('decam', 1, tmp_path, seed=0, shape=shape)
    assert not list(tmp_path.iterdir())
