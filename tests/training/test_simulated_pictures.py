# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of color pictures of simulated sources.
"""

import numpy as np
import pytest
from scipy import stats

from photutils_rcnn.io.pictures import read_picture
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.training import simulated_pictures
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


def test_red_galaxies_are_red(tmp_path, monkeypatch):
    """
    Balanced alike, pictures are redder in the order of the colors of their galaxies.
    """
    monkeypatch.setattr(simulated_pictures, 'LARGEST_BLUING', 0.)
    monkeypatch.setattr(simulated_pictures, 'COLOR_SCATTER', 0.)
    monkeypatch.setattr(simulated_pictures, 'QUALITY', (95, 96))
    scene = make_scene('sdss', 4, shape=(320, 320), n_galaxies=10., n_stars=0.,
                       galaxy_range=(14.5, 17.), merger_fraction=0.)
    truth, told = [], []
    for i, row in enumerate(scene.truth):
        labels = np.full(len(scene.truth), '', dtype='U6')
        labels[i] = 'galaxy'
        for path in write_pictures(scene, labels, tmp_path)[0]:
            bands = read_picture(path, stretch=4.)
            n = bands.shape[1]
            near = slice(n // 2 - n // 20, n // 2 + n // 20 + 1)
            blue, _, red = bands[:, near, near].mean(axis=(1, 2))
            truth.append(np.log(row['flux_z'] / row['flux_g']))
            told.append(np.log(red / blue))
    assert len(truth) >= 6
    assert stats.spearmanr(truth, told).statistic > 0.6


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
