# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for scenes and their files, which need no GalSim.
"""

import subprocess
import sys
from importlib import resources

import numpy as np
import pytest
from astropy.table import Table

from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.footprints import Footprints


@pytest.fixture
def scene():
    rng = np.random.default_rng(4)
    masks = [np.ones((3, 4), dtype=bool), np.eye(5, dtype=bool)]
    truth = Table({'x': [5.5, 12.0], 'y': [3.0, 6.0], 'class_id': [1, 2],
                   'flux_g': [10.0, 20.0], 'ignore': [False, True]},
                  meta={'reference_band': 'g'})
    return Scene(data=rng.normal(size=(2, 11, 17)).astype(np.float32),
                 noise=np.ones(2, dtype=np.float32),
                 mask=rng.random((11, 17)) < 0.1, bands=('g', 'z'),
                 psf_fwhm=np.array([3.0, 4.0], dtype=np.float32),
                 pixel_scale=0.2, zero_points=np.array([30.0, 29.0]),
                 preset='decam', seed=3, truth=truth,
                 footprints=Footprints([(2, 4, 5, 8), (4, 10, 9, 15)], masks,
                                       (11, 17)))


@pytest.mark.parametrize('compress', [False, True])
def test_write_read(scene, tmp_path, compress):
    scene.write(tmp_path / 'scene.npz', compress=compress)
    back = Scene.read(tmp_path / 'scene.npz')
    assert back.data.tobytes() == scene.data.tobytes()
    for name in ('noise', 'mask', 'psf_fwhm', 'zero_points'):
        np.testing.assert_array_equal(getattr(back, name),
                                      getattr(scene, name))
        assert getattr(back, name).dtype == getattr(scene, name).dtype
    for name in ('bands', 'pixel_scale', 'preset', 'seed'):
        assert getattr(back, name) == getattr(scene, name)
    assert back.artifacts is None
    assert back.truth.meta == scene.truth.meta
    assert back.truth.colnames == scene.truth.colnames
    assert all(back.truth == scene.truth)
    np.testing.assert_array_equal(back.footprints.boxes,
                                  scene.footprints.boxes)
    for first, second in zip(back.footprints.masks, scene.footprints.masks,
                             strict=True):
        np.testing.assert_array_equal(first, second)
    assert [p.name for p in tmp_path.iterdir()] == ['scene.npz']


def test_artifacts_are_kept(scene, tmp_path):
    scene.artifacts = np.zeros(scene.data.shape, dtype=np.uint8)
    scene.artifacts[1, 3:5, 7] = 5
    scene.write(tmp_path / 'scene.npz')
    back = Scene.read(tmp_path / 'scene.npz').artifacts
    np.testing.assert_array_equal(back, scene.artifacts)
    assert back.dtype == np.uint8


def test_compressed_is_smaller(scene, tmp_path):
    scene.data[:] = np.round(scene.data)
    scene.write(tmp_path / 'plain.npz')
    scene.write(tmp_path / 'small.npz', compress=True)
    assert ((tmp_path / 'small.npz').stat().st_size
            < (tmp_path / 'plain.npz').stat().st_size)


def test_without_galsim():
    code = """
import sys
sys.modules['galsim'] = None
from photutils_rcnn import simulation
from photutils_rcnn.simulation import PRESETS, SURVEYS, Scene, draw_settings
from photutils_rcnn.simulation.scene import Scene as same
assert Scene is same and set(simulation.__all__) == set(dir(simulation))
for name in ('make_scene', 'simulate_scenes'):
    try:
        getattr(simulation, name)
    except ImportError as exc:
        assert 'pip install "photutils_rcnn[train]"' in str(exc), exc
    else:
        raise SystemExit(f'{name} needs no GalSim')
"""
    subprocess.run([sys.executable, '-c', code], check=True)


def test_demo_field():
    path = resources.files('photutils_rcnn') / 'data' / 'demo' / 'field.npz'
    with resources.as_file(path) as file:
        field = Scene.read(file)
        assert file.stat().st_size < 1.5e6
    assert field.data.shape == (3, 384, 384)
    assert field.data.dtype == np.float32
    assert (field.preset, field.seed) == ('decam', 7000001)
    assert len(field.truth) == len(field.footprints)
    kept = field.truth[~field.truth['ignore']]
    assert len(kept) > 100
    assert set(kept['class_id']) == {1, 2}


def test_unknown_name():
    from photutils_rcnn import simulation

    with pytest.raises(AttributeError, match="no attribute 'make_scenes'"):
        simulation.make_scenes  # noqa: B018
