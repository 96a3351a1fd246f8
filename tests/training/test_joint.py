# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the joint training on scenes and labelled cutouts.
"""

import json

import attrs
import keras
import numpy as np
import pytest
from astropy.table import Table
from attribute_frames import SHAPE, make_frame
from numpy.testing import assert_allclose, assert_equal
from tiny_network import make_batch, tiny_config

from photutils_rcnn.models.mask_rcnn import LOSS_NAMES, MaskRCNN
from photutils_rcnn.models.transfer import transfer_weights
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.training.mixed_dataset import MixedDataset, _turned
from photutils_rcnn.training.recipe import check_recipe, read_recipe


class Scenes:
    """
    Crops that are what they are.
    """

    batch_size, side = 2, 64

    def __init__(self, config):
        self.images, self.truth = make_batch(config)

    def batch(self, step):
        return self.images, self.truth


def make_examples(n=11):
    """
    Cutouts with a square of its own brightness each, which the box bounds.
    """
    rng = np.random.default_rng(0)
    examples = {'cutouts': np.zeros((n, 32, 32, 3), np.float16),
                'stamps': np.zeros((n, 32, 32, 3), np.float16),
                'numbers': rng.normal(0, 1, (n, 3)), 'boxes': np.zeros((n, 4)),
                'values': np.arange(n) % 2}
    for i in range(n):
        y, x = rng.integers(4, 16, 2)
        box = y, x, y + 6, x + 11
        examples['cutouts'][i, y:y + 6, x:x + 11] = i + 1
        examples['boxes'][i] = box
    examples['stamps'] = examples['cutouts'].copy()
    return examples


def test_mosaics():
    """
    Boxes bound what they did, whichever way a cutout is turned; every source is seen
    once in each epoch.
    """
    examples = make_examples()
    dataset = MixedDataset(Scenes(tiny_config()), examples, SHAPE, seed=3)
    seen = []
    for step in range(11):
        images, truth = dataset.batch(step)
        assert images.shape == (4, 64, 64, 3)
        assert_equal(images[:2], dataset.scenes.images)
        assert truth['source_boxes'].shape == (2, 4, 4)
        for image, boxes, targets in zip(images[2:], truth['source_boxes'],
                                         truth['targets'], strict=True):
            for box, target in zip(boxes.astype(int), targets, strict=True):
                inside = image[box[0]:box[2], box[1]:box[3]]
                which = int(inside[0, 0, 0]) - 1
                assert (inside == which + 1).all()
                # a source may be in an image twice, from one epoch to the next
                assert np.count_nonzero(image == which + 1) % inside.size == 0
                assert target == examples['values'][which]
                seen.append(which)
        again, _ = dataset.batch(step)
        assert_equal(images, again)
    assert np.bincount(seen).tolist() == [8] * 11


@pytest.mark.parametrize('n_turns', range(4))
@pytest.mark.parametrize('flip', [0, 1])
def test_sides_are_turned_with_the_source(n_turns, flip):
    examples = make_examples(1)
    _, _, box, numbers = _turned(*(examples[name][0] for name in (
        'cutouts', 'stamps', 'boxes', 'numbers')), n_turns, flip)
    expected = examples['numbers'][0]
    if n_turns % 2:
        expected = expected[[1, 0, 2]]
    assert_allclose(numbers, expected)
    sides = 11, 6
    assert (box[2] - box[0], box[3] - box[1]) == (sides[::-1] if n_turns % 2 == 0 else sides)


def test_all_parts_are_trained():
    """
    The losses of scenes are those without cutouts; the trunk and the head change.
    """
    config = attrs.evolve(tiny_config(), attributes=(SHAPE,))
    keras.utils.set_random_seed(0)
    network = MaskRCNN(config, seed=1)
    plain = MaskRCNN(config, seed=1)
    transfer_weights(plain, get_weights(network))
    dataset = MixedDataset(Scenes(config), make_examples(), SHAPE)
    network.train_attribute('shape')
    losses = []
    for model, batch in ((network, dataset.batch(0)), (plain, dataset.scenes.batch(0))):
        model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
        losses.append(model.test_on_batch(*batch, return_dict=True))
    assert set(losses[0]) == {'loss', *LOSS_NAMES, 'shape'}
    for name in LOSS_NAMES[:2]:
        assert_allclose(losses[0][name], losses[1][name], rtol=1e-4)
    assert_allclose(losses[0]['shape'], np.log(2), rtol=1e-3)  # outputs begin at 0
    before = get_weights(network)
    for step in range(30):
        network.train_on_batch(*dataset.batch(step))
    after = get_weights(network)
    changed = {name.split('/')[0] for name in before
               if not np.array_equal(before[name], after[name])}
    assert 'attribute_shape_conv1' in changed
    assert any(name.startswith('stem') for name in changed), sorted(changed)
    network.reset_metrics()
    assert network.test_on_batch(*dataset.batch(99), return_dict=True)['shape'] < np.log(2)


@pytest.fixture
def table(tmp_path):
    rows = []
    for seed in range(4):
        data, truth = make_frame(seed)
        np.save(tmp_path / f'{seed}.npy', data)
        rows.append((f'{seed}.npy', truth['shape'][0]))
    Table(rows=rows, names=('file', 'shape')).write(tmp_path / 'labels.csv')
    return tmp_path / 'labels.csv'


def test_recipes(table):
    recipe = read_recipe('fine-tuning')
    recipe['cutouts'] = {'attribute': {'name': 'shape', 'classes': ['round', 'flat']},
                         'table': str(table)}
    check_recipe(json.loads(json.dumps(recipe)))
    for change, match in (({'initial': None, 'initial_fraction': None},
                           'need an initial model'),
                          ({'cutouts': {'table': 'x'}}, 'cutouts of the recipe must have'),
                          ({'cutouts': {**recipe['cutouts'], 'attribute': {
                              'name': '1'}}}, 'identifier')):
        with pytest.raises(ValueError, match=match):
            check_recipe({**recipe, **change})
