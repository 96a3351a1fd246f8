# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the profiles that the last stage of training sees.
"""

import os
from importlib import resources

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal
from scipy import special

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection.class_prior import star_log_odds
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.footprints import Footprints
from photutils_rcnn.training import profiles as module
from photutils_rcnn.training.profiles import (
    ProfileDataset,
    collect_profiles,
    scene_profiles,
)
from photutils_rcnn.training.refinement import ProfileClassifier

DEMO = resources.files('photutils_rcnn') / 'data' / 'demo' / 'field.npz'


@pytest.fixture(scope='module')
def model():
    return load_model(precision='float32')


@pytest.fixture(scope='module')
def demo_scene():
    scene = Scene.read(DEMO)
    half = scene.data[:, :256, :256]
    footprints, index = scene.footprints.crop(slice(0, 256), slice(0, 256))
    scene.data, scene.mask = half, scene.mask[:256, :256]
    scene.footprints, scene.truth = footprints, scene.truth[index]
    return scene


@pytest.mark.parametrize('estimated', [0., 1.])
def test_profiles_are_those_of_inference(model, demo_scene, estimated,
                                         monkeypatch):
    """
    From what is collected, the head gives the classes that the segmenter
    gives; the true classes are those of the sources in the boxes.
    """
    monkeypatch.setattr(module, 'P_ESTIMATED', estimated)
    found = scene_profiles(model, demo_scene, np.random.default_rng(0))
    told = np.exp(found['log_fwhm'][0])
    psf_fwhm = 'auto' if estimated else told.tolist()
    instances = RCNNSegmenter(
        model, psf_fwhm=psf_fwhm, star_fraction=None,
        score_threshold=module.MIN_SCORE).segment(
            demo_scene.data, mask=demo_scene.mask,
            bands=demo_scene.bands).instances
    distance = np.abs(found['boxes'][:, None] - instances.boxes).max(axis=2)
    rows = distance.argmin(axis=1)
    assert distance.min(axis=1).max() < 0.1
    assert len(set(rows)) == len(rows) > 20

    inputs = {name: values.astype(np.float32) for name, values
              in found.items() if name != 'class_ids'}
    assert (inputs.pop('log_odds') < -0.5).mean() > 0.9  # a field of galaxies
    logits = np.asarray(ProfileClassifier(model.network)(
        {**inputs, 'log_odds': np.zeros(len(inputs['boxes']), np.float32)}))
    found_star = special.expit(instances.log_bayes_factors + star_log_odds(
        instances.snr, model.star_log_odds))
    assert_allclose(model.class_probabilities(logits)[:, 0], found_star[rows], atol=0.02)
    # The noise of the estimate is a few percent.
    assert_allclose(told, demo_scene.psf_fwhm, rtol=0.25)

    truth = demo_scene.truth[~demo_scene.truth['ignore']]
    # Some sources stand beyond the border.
    y, x = np.clip(truth['y'], 0, 256), np.clip(truth['x'], 0, 256)
    for box, class_id in zip(found['boxes'], found['class_ids'], strict=True):
        inside = ((y > box[0] - 1) & (y < box[2] + 1)
                  & (x > box[1] - 1) & (x < box[3] + 1))
        assert class_id in truth['class_id'][inside]
    assert set(found['class_ids']) == {1, 2}


def test_unknown_fwhm(model, demo_scene, monkeypatch):
    """
    A network that is told nothing gets zeros.
    """
    monkeypatch.setattr(module, 'P_ESTIMATED', 0.)
    monkeypatch.setattr(module, 'draw_log_fwhm', lambda fwhm, rng: 0 * fwhm)
    found = scene_profiles(model, demo_scene, np.random.default_rng(0))
    assert_equal(found['log_fwhm'], np.zeros_like(found['log_fwhm']))
    assert len(found['log_fwhm']) > 20


def test_scene_without_sources(model, demo_scene, tmp_path):
    empty = Scene.read(DEMO)
    rng = np.random.default_rng(0)
    empty.data = rng.normal(0, 1, (3, 96, 96)).astype(np.float32)
    empty.mask = np.zeros((96, 96), bool)
    empty.truth = empty.truth[:0]
    empty.footprints = Footprints([], [], shape=(96, 96))
    found = scene_profiles(model, empty, rng)
    whole = scene_profiles(model, demo_scene, rng)
    assert {name: (0, *values.shape[1:]) for name, values in whole.items()
            } == {name: values.shape for name, values in found.items()}
    np.savez(tmp_path / 'empty.npz', **found)
    assert len(ProfileDataset(tmp_path)) == 0


def write_scenes(folder, scene, n_scenes):
    folder.mkdir()
    for i in range(n_scenes):
        scene.write(folder / f'{i}.npz')


def read_folder(folder):
    return {path.name: dict(np.load(path)) for path in folder.iterdir()}


def test_collection_goes_on(demo_scene, tmp_path):
    """
    What an interruption leaves behind is kept, and the whole does not
    depend on it.
    """
    write_scenes(tmp_path / 'scenes', demo_scene, 2)
    model_folder = resources.files('photutils_rcnn') / 'data/models/default'
    job = (model_folder, sorted((tmp_path / 'scenes').iterdir()))
    assert not collect_profiles(*job, tmp_path / 'parts', seed=3,
                                time_budget=0)
    first = read_folder(tmp_path / 'parts')
    assert list(first) == ['0.npz']
    assert collect_profiles(*job, tmp_path / 'parts', seed=3)
    assert collect_profiles(*job, tmp_path / 'whole', seed=3)
    parts, whole = (read_folder(tmp_path / name) for name
                    in ('parts', 'whole'))
    assert sorted(parts) == sorted(whole) == ['0.npz', '1.npz']
    for name in whole:
        assert_equal(parts[name], whole[name])

    # A scene that is newer than its profiles is another one.
    done = {path: path.stat().st_mtime for path
            in (tmp_path / 'whole').iterdir()}
    later = max(done.values()) + 10
    os.utime(tmp_path / 'scenes' / '1.npz', (later, later))
    assert collect_profiles(*job, tmp_path / 'whole', seed=3)
    assert {path.name for path, time in done.items()
            if path.stat().st_mtime > time} == {'1.npz'}


@pytest.mark.slow
def test_processes(demo_scene, tmp_path):
    """
    Two processes collect what one does.
    """
    write_scenes(tmp_path / 'scenes', demo_scene, 3)
    model_folder = resources.files('photutils_rcnn') / 'data/models/default'
    for n in (1, 2):
        assert collect_profiles(
            model_folder, sorted((tmp_path / 'scenes').iterdir()),
            tmp_path / f'{n}', n_processes=n)
    one, two = (read_folder(tmp_path / f'{n}') for n in (1, 2))
    assert sorted(one) == sorted(two)
    for name in one:
        assert_equal(one[name]['class_ids'], two[name]['class_ids'])
        assert_allclose(one[name]['logits'], two[name]['logits'], atol=0.05)


@pytest.fixture
def numbered(tmp_path):
    """
    Two files of profiles whose boxes say which they are.
    """
    folder = tmp_path / 'numbered'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i, n in enumerate((5, 7)):
        number = 10 * i + np.arange(n)
        np.savez(folder / f'{i}.npz',
                 profiles=rng.normal(0, 1, (n, 5, 5, 2)).astype(np.float16),
                 psf=np.ones((n, 5, 5, 2), np.float16),
                 boxes=(number[:, None] + [0, 0.1, 0.2, 0.5]).astype('f4'),
                 logits=np.repeat(number[:, None], 3, 1).astype(np.float32),
                 log_fwhm=np.zeros((n, 2), np.float32),
                 log_odds=np.zeros(n, np.float32),
                 class_ids=(1 + number % 2).astype(np.int32))
    return folder


def test_batches(numbered):
    """
    Every epoch sees each profile once, in another order, and rows stay
    together.
    """
    dataset = ProfileDataset(numbered, batch_size=4, seed=1)
    assert len(dataset) == 12
    assert dataset.steps_per_epoch == 3
    epochs = []
    for epoch in range(2):
        seen = []
        for step in range(3 * epoch, 3 * epoch + 3):
            inputs, classes = dataset.batch(step)
            number = inputs['logits'][:, 0].astype(int)
            assert_equal(np.floor(inputs['boxes'][:, 3]), number)
            assert_equal(inputs['logits'][:, 2], number)
            assert_equal(classes, number % 2)
            seen += number.tolist()
        epochs.append(seen)
        assert sorted(seen) == [*range(5), *range(10, 17)]
    assert epochs[0] != epochs[1]
    again = ProfileDataset(numbered, batch_size=4, seed=1).batch(4)
    assert_equal(again[0], dataset.batch(4)[0])
    other = ProfileDataset(numbered, batch_size=4, seed=2).batch(4)
    assert not np.array_equal(again[0]['profiles'], other[0]['profiles'])


def test_turns(numbered):
    """
    Profiles are turned and flipped in all eight ways, and boxes with them.
    """
    plain = ProfileDataset(numbered, batch_size=12, augmented=False)
    expected = plain.batch(0)[0]['profiles']
    assert_equal(plain.batch(5)[0]['profiles'], expected)
    ways = [np.rot90(image, n, axes=(1, 2)) for n in range(4)
            for image in (expected, expected[:, :, ::-1])]
    dataset = ProfileDataset(numbered, batch_size=12)
    met = set()
    for step in range(80):
        inputs = dataset.batch(step)[0]
        way, = (i for i, image in enumerate(ways)
                if np.array_equal(image, inputs['profiles']))
        met.add(way)
        height, width = (inputs['boxes'][:, 2:] - inputs['boxes'][:, :2]).T
        # Ways 2, 3, 6 and 7 are odd quarter turns.
        sides = (height, width) if way // 2 % 2 == 0 else (width, height)
        assert_allclose(sides[0], 0.2, atol=1e-5)
        assert_allclose(sides[1], 0.4, atol=1e-5)
    assert met == set(range(8))


def test_some_files(numbered):
    """
    Only the files that are asked for are read.
    """
    assert len(ProfileDataset(numbered, {'0.npz', 'other.npz'})) == 5
    with pytest.raises(ValueError, match='folder has no profiles'):
        ProfileDataset(numbered, {'other.npz'})


def test_fewer_profiles_than_a_batch(numbered):
    dataset = ProfileDataset(numbered, batch_size=100)
    assert dataset.steps_per_epoch == 1
    assert len(dataset.batch(3)[1]) == 12
