# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of color pictures of simulated sources.
"""

import numpy as np
import pytest

from photutils_rcnn.io.pictures import read_picture
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.training.simulated_pictures import MOST, write_pictures


@pytest.fixture(scope='module')
def scene():
    return make_scene('nearby', 3, shape=(256, 256), n_galaxies=12., n_stars=5.,
                      galaxy_range=(15.5, 18.5))


def test_sources_are_in_the_middle(scene, tmp_path):
    labels = np.where(scene.truth['class_id'] == 2, 'galaxy', '')
    paths, found = write_pictures(scene, labels, tmp_path)
    assert 0 < len(paths) <= MOST
    assert found == ['galaxy'] * len(paths)
    for path in paths:
        bands = read_picture(path)
        assert bands.shape[1] == bands.shape[2]
        n = bands.shape[1]
        middle = bands[:, 3 * n // 8:5 * n // 8, 3 * n // 8:5 * n // 8]
        assert middle.mean() > bands[:, :, :n // 8].mean()
        assert middle.max() > 0.2


def test_the_same_again(scene, tmp_path):
    """
    Pictures depend on the scene alone, and are not written twice.
    """
    labels = np.where(scene.truth['class_id'] == 2, 'galaxy', '')
    first, _ = write_pictures(scene, labels, tmp_path)
    content = first[0].read_bytes()
    first[0].unlink()
    first[-1].touch()
    time = first[-1].stat().st_mtime_ns
    again, _ = write_pictures(scene, labels, tmp_path)
    assert again == first
    assert first[0].read_bytes() == content
    assert first[-1].stat().st_mtime_ns == time or len(first) == 1


def test_without_labels(scene, tmp_path):
    assert write_pictures(scene, np.full(len(scene.truth), ''), tmp_path) == ([], [])
    assert not any(tmp_path.iterdir())
