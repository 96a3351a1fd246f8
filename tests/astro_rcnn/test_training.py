# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of training the paper's network: its stages, its losses, transfer.
"""

import astro_rcnn_oracle as oracle
import numpy as np
import pytest
from keras import ops, random
from tiny_network import make_batch

from photutils_rcnn.astro_rcnn.losses import mean_squares, sampled_loss
from photutils_rcnn.astro_rcnn.model import AstroRCNNModel
from photutils_rcnn.astro_rcnn.network import AstroRCNN
from photutils_rcnn.astro_rcnn.schedule import SCHEDULE, Stage, StagedTrainer
from photutils_rcnn.astro_rcnn.targets import fill_up, limit_negatives, sample_anchors
from photutils_rcnn.astro_rcnn.weight_layout import COCO_HEADS
from photutils_rcnn.detection.inference import run_inference
from photutils_rcnn.models.losses import class_loss
from photutils_rcnn.models.roi_align import flatten_pyramid
from photutils_rcnn.models.targets import sample_rois
from photutils_rcnn.models.transfer import transfer_weights
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.training.export import export_model

HEADS = ('mrcnn_', 'rpn_', 'fpn_')


class Batches:
    """
    The same few images over and over.
    """

    def __init__(self, config):
        self.images, self.truth = make_batch(config, side=128)
        self.batch_size, self.side, self.seed = len(self.images), 128, 0

    def __len__(self):
        return len(self.images)

    attribute = None

    def refresh(self, limit=None):
        pass

    def batch(self, step):
        return self.images, self.truth


def make_trainer(folder, stages, **options):
    config = oracle.small_config()
    return StagedTrainer(config, Batches(config), None, folder,
                         stages=stages, steps_per_epoch=2, log_every=1,
                         **options)


def test_schedule_of_the_paper():
    assert [stage.last_epoch for stage in SCHEDULE] == [15, 25, 35, 50]
    assert [stage.rate for stage in SCHEDULE] == [1e-3, 1e-4, 1e-5,
                                                        1e-6]


def test_what_learns(tmp_path):
    stages = (Stage(1, 1e-3, SCHEDULE[0].layers), Stage(3, 1e-4))
    trainer = make_trainer(tmp_path, stages)
    names = [v.path for v in trainer.model.trainable_variables]
    assert names
    assert all(name.startswith(HEADS) for name in names)
    assert trainer.learning_rate(0) == 1e-3
    assert trainer.n_steps == 2
    first = trainer.model.optimizer
    trainer._enter(1)
    assert trainer.model.optimizer is not first
    assert trainer.model.optimizer.momentum == 0.9
    assert trainer.model.optimizer.global_clipnorm == 5
    assert trainer.learning_rate(2) == 1e-4
    assert trainer.n_steps == 6
    names = [v.path for v in trainer.model.trainable_variables]
    assert 'conv1/kernel' in names
    assert not any('moving' in name for name in names)


@pytest.mark.slow
def test_stages(tmp_path):
    """
    Only heads learn in the first stage; a run that is cut off ends like one
    that is not; batch statistics never move.
    """
    stages = (Stage(1, 1e-3, SCHEDULE[0].layers), Stage(2, 1e-4))
    trainer = make_trainer(tmp_path / 'a', stages)
    before = get_weights(trainer.model)
    after_first = {}
    entered = trainer._enter

    def enter(index):
        after_first.update(get_weights(trainer.model))
        entered(index)

    trainer._enter = enter
    assert trainer.run()
    after = get_weights(trainer.model)
    for name, value in before.items():
        if 'moving' in name:
            np.testing.assert_array_equal(after[name], value)
        elif not name.startswith(HEADS):
            np.testing.assert_array_equal(after_first[name], value)
    assert not np.array_equal(after_first['fpn_p2/kernel'],
                              before['fpn_p2/kernel'])
    assert not np.array_equal(after['conv1/kernel'], before['conv1/kernel'])

    cut = make_trainer(tmp_path / 'b', stages)
    assert not cut.run(time_budget=0)
    resumed = make_trainer(tmp_path / 'b', stages)
    resumed.resume()
    assert resumed.state['step'] == 1
    assert resumed.state['stage'] == 0
    assert resumed.run()
    for name, value in get_weights(resumed.model).items():
        np.testing.assert_allclose(value, after[name], atol=2e-5)


@pytest.mark.filterwarnings('ignore:.*beyond the largest number')
def test_export(tmp_path):
    """
    The model of a run detects as imported ones do.
    """
    trainer = make_trainer(tmp_path / 'run', (Stage(1, 1e-3),))
    export_model(trainer, tmp_path / 'model')
    model = load_model(tmp_path / 'model')
    assert isinstance(model, AstroRCNNModel)
    assert model.thresholds['nms_across_classes']
    images, _ = trainer.dataset.batch(0)
    found = run_inference(model, images[0])
    assert found.interpolation == 'bilinear-zero'
    assert found.shape == images[0].shape[:2]


def test_bad_stages(tmp_path):
    with pytest.raises(ValueError, match='stages must end'):
        make_trainer(tmp_path, (Stage(2, 1e-3), Stage(2, 1e-4)))


def test_transfer():
    config = oracle.small_config()
    weights = oracle.random_tensors(
        oracle.small_config(class_names=('a',) * 80), 3)
    network = AstroRCNN(config)
    before = get_weights(network)
    with pytest.raises(ValueError, match='of another shape'):
        transfer_weights(network, weights)
    with pytest.raises(ValueError, match='unknown layers'):
        transfer_weights(network, weights, [*COCO_HEADS, 'mrcnn_other'])
    for name, value in get_weights(network).items():
        np.testing.assert_array_equal(value, before[name])
    transfer_weights(network, weights, COCO_HEADS)
    for name, value in get_weights(network).items():
        expected = before if name.rsplit('/', 1)[0] in COCO_HEADS else weights
        np.testing.assert_array_equal(value, expected[name])


def test_sampled_anchors():
    rng = np.random.default_rng(0)
    config = oracle.small_config(n_rpn_anchors=50)
    positive = np.zeros((3, 400), dtype=np.float32)
    positive[0, :5] = 1
    positive[1, :200] = 1
    negative = (rng.random((3, 400)) > 0.3) * (1 - positive)
    found = sample_anchors(positive, negative.astype(np.float32), config,
                           random.SeedGenerator(0))
    chosen, background = map(ops.convert_to_numpy, found)
    np.testing.assert_array_equal(chosen.sum(axis=1), [5, 25, 0])
    np.testing.assert_array_equal(background.sum(axis=1), [45, 25, 50])
    assert (chosen <= positive).all()
    assert (background <= negative).all()


def test_sampled_loss():
    logits = np.array([[0., 2., -1., 9.]], dtype=np.float32)
    loss = sampled_loss(logits, np.array([[1., 0, 0, 0]], 'f4'),
                        np.array([[0., 1, 1, 0]], 'f4'))
    expected = (np.log(2) + np.log1p(np.exp(2)) + np.log1p(np.exp(-1))) / 3
    np.testing.assert_allclose(float(loss), expected, rtol=1e-6)
    assert float(sampled_loss(logits, 0 * logits, 0 * logits)) == 0


def test_mean_squares():
    network = AstroRCNN(oracle.small_config())
    expected = sum(np.mean(value**2) for name, value in
                   get_weights(network).items()
                   if name.endswith(('kernel', 'bias')))
    found = float(mean_squares(network.trainable_variables))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_bad_layers(tmp_path):
    """
    A stage in which nothing would learn.
    """
    with pytest.raises(ValueError, match="stage 1 must match .* got 'odd_'"):
        make_trainer(tmp_path, (Stage(1, 1e-3, 'odd_'),))


def sampled_rois(proposals, config):
    """
    The RoIs sampled from proposals, around one galaxy, background limited.
    """
    truth = {'boxes': np.array([[[10, 10, 30, 30]]], dtype=np.float32),
             'labels': np.array([[2]], dtype=np.int32)}
    rois = sample_rois(proposals[None],
                       np.ones((1, len(proposals)), dtype=bool), truth,
                       config, random.SeedGenerator(0))
    return limit_negatives(rois, config)


def first(rois):
    """
    The RoIs of the first image.
    """
    return {name: ops.convert_to_numpy(value)[0] for name, value
            in rois.items()}


def test_fraction_of_background_rois():
    """
    Two backgrounds for each positive RoI.
    """
    proposals = np.zeros((100, 4), dtype=np.float32)
    proposals[:, 2:] = 20
    proposals[:7] = [11, 11, 31, 31]
    found = first(sampled_rois(proposals, oracle.small_config()))
    assert found['positive'].sum() == 7
    assert found['weights'].sum() == 7 + 14
    assert (found['classes'][found['positive'] > 0] == 2).all()


def test_empty_rois_count_as_background():
    """
    The class loss is a mean over all RoIs, of which the original fills
    up those that were not sampled with zeros.
    """
    config = oracle.small_config()
    rng = np.random.default_rng(4)
    proposals = rng.uniform(40, 50, (60, 4)).astype(np.float32)
    proposals[:, 2:] += rng.uniform(5, 60, (60, 2))
    proposals[:7] = [11, 11, 31, 31] + rng.uniform(-1, 1, (7, 4))
    found = first(fill_up(sampled_rois(proposals, config), config))
    empty = ~found['boxes'].any(axis=1)
    assert found['boxes'].shape == (62, 4)
    assert empty.sum() == 62 - 7 - 14
    assert (found['weights'] == 1).all()
    assert not found['positive'][empty].any()

    weights = oracle.random_tensors(config, 4)
    network = AstroRCNN(config)
    transfer_weights(network, weights)
    levels = [rng.normal(size=(128 // s, 128 // s, config.pyramid_channels)
                         ).astype(np.float32) for s in config.strides]
    features, shapes = flatten_pyramid([level[None] for level in levels])
    logits, _ = network.classify_rois(
        features, shapes, found['boxes'], np.zeros(62, dtype='int32'))
    loss = class_loss(logits, found['classes'], found['weights'])
    scores, _ = oracle.box_head(
        oracle.pool(levels, found['boxes'] / 127, (128, 128), 7), weights)
    classes = np.where(found['boxes'][:, 0] > 20, 0, 2)
    classes[empty] = 0
    expected = -np.log(scores[np.arange(62), classes]).sum() / 62
    np.testing.assert_allclose(float(loss), expected, rtol=1e-4)


def test_truth_boxes_stay_out():
    network = AstroRCNN(oracle.small_config())
    truth = {'boxes': np.array([[[10, 10, 30, 30]]], dtype=np.float32),
             'labels': np.array([[2]], dtype=np.int32)}
    far = np.full((1, 100, 4), [60, 60, 70, 70], dtype=np.float32)
    found = first(network.sample_rois(far, np.ones((1, 100), bool), truth))
    assert not found['positive'].any()


def test_too_few_rois():
    with pytest.raises(ValueError, match='n_rois of .* least 60, .* got 59'):
        oracle.small_config(n_rois=59)
