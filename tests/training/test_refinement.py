# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the training of the profile head alone.
"""

import keras
import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose, assert_equal
from tiny_network import tiny_config

from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.profile_head import sample_profiles
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.training.profiles import ProfileDataset
from photutils_rcnn.training.refinement import ProfileClassifier, Refinement

N_SOURCES = 256


@pytest.fixture(scope='module')
def examples():
    """
    Round sources, galaxies a third wider than the PSF of their image, for
    a box head that has no opinion.
    """
    config = tiny_config()
    rng = np.random.default_rng(0)
    y, x = np.indices((40, 40)) + 0.5
    fwhm = rng.uniform(3, 5, N_SOURCES)
    classes = rng.integers(0, 2, N_SOURCES)
    sigma = fwhm / 2.355 * (1 + classes / 3)
    images = rng.uniform(20, 60, (N_SOURCES, 1, 1)) * np.exp(
        -0.5 * ((y - 20)**2 + (x - 20)**2) / sigma[:, None, None]**2)
    images = np.arcsinh(images + rng.normal(0, 1, images.shape)) / 2
    images = np.repeat(images[..., None], 3, -1).astype(np.float32)
    boxes = np.tile(np.float32([10, 10, 30, 30]), (N_SOURCES, 1))
    log_fwhm = np.repeat(np.log(fwhm)[:, None], 3, 1).astype(np.float32)
    profiles = np.asarray(sample_profiles(
        images, boxes, np.arange(N_SOURCES), log_fwhm, config))
    return images, {
        'profiles': profiles.astype(np.float16),
        'psf': np.zeros(profiles.shape, np.float16), 'boxes': boxes,
        'logits': np.zeros((N_SOURCES, 3), np.float32), 'log_fwhm': log_fwhm,
        'log_odds': np.zeros(N_SOURCES, np.float32), 'class_ids': (classes + 1).astype(np.int32)}


@pytest.fixture
def dataset(examples, tmp_path):
    (tmp_path / 'profiles').mkdir()
    np.savez(tmp_path / 'profiles' / 'all.npz', **examples[1])
    return ProfileDataset(tmp_path / 'profiles', batch_size=64)


def test_classifier_is_the_network(examples):
    """
    On profiles the classifier gives what the network gives on images.
    """
    images, arrays = examples
    network = MaskRCNN(tiny_config(), seed=1)
    for variable in network.profile_head.weights:
        variable.assign(np.random.default_rng(0).normal(
            0, 0.1, variable.shape))
    profiles = network.sample_profiles(
        images, arrays['boxes'], np.arange(N_SOURCES), arrays['log_fwhm'])
    expected = network.classify_profiles(
        profiles, arrays['boxes'], arrays['logits'], arrays['log_fwhm'])
    inputs = {name: values.astype(np.float32) for name, values
              in arrays.items() if name != 'class_ids'}
    found = np.asarray(ProfileClassifier(network)(inputs))
    assert np.ptp(found) > 0.1
    # Profiles are kept with eleven bits.
    assert_allclose(found, np.asarray(expected), atol=0.01)


def test_learns_widths(dataset, tmp_path):
    """
    The head learns to tell the classes by their width; the log shows it
    and nothing else of the network changes.
    """
    network = MaskRCNN(tiny_config())
    before = get_weights(network)
    assert Refinement(network, dataset, dataset, tmp_path / 'run', epochs=15,
                      rate=5e-3).run()
    changed = {name for name, value in get_weights(network).items()
               if not np.array_equal(value, before[name])}
    assert changed == {variable.path for variable
                       in network.profile_head.weights}
    log = Table.read(tmp_path / 'run' / 'log.csv', format='ascii.csv')
    loss = log['loss'][log['kind'] == 'validation']
    assert len(loss) == 15
    # a head without an opinion loses log(2)
    assert loss[-1] < 0.05
    assert (tmp_path / 'run' / 'log.png').exists()

    inputs, classes = dataset.batch(0)
    logits = np.asarray(ProfileClassifier(network)(inputs))
    assert np.mean(logits.argmax(axis=1) == classes) > 0.9


def test_learns_bayes_factors(examples, tmp_path):
    """
    What a scene's mix of classes tells is left to the log odds: from sources that all look
    the same the head learns nothing, be they stars in four of five cases.
    """
    rng = np.random.default_rng(1)
    same = {name: np.repeat(values[:1], 512, axis=0)
            for name, values in examples[1].items()}
    same['class_ids'] = np.where(rng.random(512) < 0.8, 1, 2).astype(np.int32)
    told = []
    for log_odds in (0., np.log(4.)):
        folder = tmp_path / f'{log_odds:.1f}'
        folder.mkdir()
        np.savez(folder / 'all.npz', **{
            **same, 'log_odds': np.full(512, log_odds, np.float32)})
        network = MaskRCNN(tiny_config(), seed=1)
        Refinement(network, ProfileDataset(folder, batch_size=64), None, folder / 'run',
                   epochs=6, rate=5e-3).run()
        inputs = {name: values[:1].astype(np.float32) for name, values in same.items()
                  if name not in ('class_ids', 'log_odds')}
        star, galaxy = np.asarray(ProfileClassifier(network)(
            {**inputs, 'log_odds': np.zeros(1, np.float32)}))[0]
        told.append(star - galaxy)
    assert_allclose(told, (np.log(4.), 0), atol=0.5)


def test_nothing_to_validate_on(dataset, tmp_path):
    """
    A folder of scenes in which nothing was found does not end the run.
    """
    empty = {name: values[:0] for name, values in dataset.arrays.items()}
    (tmp_path / 'empty').mkdir()
    np.savez(tmp_path / 'empty' / 'none.npz', **empty)
    nothing = ProfileDataset(tmp_path / 'empty')
    assert Refinement(MaskRCNN(tiny_config()), dataset, nothing,
                      tmp_path / 'run', epochs=1).run()


def test_resume(dataset, tmp_path):
    """
    A run that is interrupted and resumed gives the weights of one that is
    not.
    """
    found = []
    for name in ('whole', 'parts'):
        keras.utils.set_random_seed(2)
        network = MaskRCNN(tiny_config())
        loop = Refinement(network, dataset, None, tmp_path / name, epochs=2)
        if name == 'parts':
            assert not loop.run(time_budget=0)
            assert loop.state['step'] == 1
            network = MaskRCNN(tiny_config())
            loop = Refinement(network, dataset, None, tmp_path / name,
                              epochs=2)
            loop.resume()
        assert loop.run()
        assert loop.state['step'] == 8
        found.append(get_weights(network.profile_head))
    assert_equal(list(found[0]), list(found[1]))
    for name, value in found[0].items():
        assert_allclose(found[1][name], value, rtol=1e-4, atol=1e-6)
