# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the network as a whole.
"""

import keras
import numpy as np
import pytest
from keras import ops
from keras.utils.bounding_boxes import compute_iou
from numpy.testing import assert_allclose, assert_equal
from tiny_network import empty_truth, make_batch, tiny_config

from photutils_rcnn.models.anchors import make_anchors
from photutils_rcnn.models.detector import BUCKETS, Detector
from photutils_rcnn.models.mask_rcnn import LOSS_NAMES, MaskRCNN
from photutils_rcnn.models.region_proposal import propose
from photutils_rcnn.models.roi_align import flatten_pyramid
from photutils_rcnn.models.stages import KerasStages


@pytest.fixture(scope='module')
def config():
    return tiny_config()


@pytest.fixture(scope='module')
def network(config):
    keras.utils.set_random_seed(0)
    return MaskRCNN(config)


@pytest.fixture(scope='module')
def batch(config):
    return make_batch(config)


def loss_and_gradients(network, images, truth):
    tf = pytest.importorskip('tensorflow')
    with tf.GradientTape() as tape:
        outputs = network(images, training=True)
        loss = network.compute_loss(ops.convert_to_tensor(images), truth,
                                    outputs)
    gradients = tape.gradient(loss, network.trainable_variables)
    parts = {tracker.name: float(tracker.result())
             for tracker in network.loss_trackers}
    network.reset_metrics()
    return float(loss), parts, dict(zip(
        [v.path for v in network.trainable_variables], gradients,
        strict=True))


def test_outputs(network, config, batch):
    """
    One logit and four deltas per anchor; one map per level.
    """
    outputs = network(batch[0])
    n_anchors = len(make_anchors(config, (64, 64)))
    assert outputs['objectness'].shape == (2, n_anchors)
    assert outputs['deltas'].shape == (2, n_anchors, 4)
    assert [tuple(level.shape) for level in outputs['pyramid']] == [
        (2, 64 // s, 64 // s, config.pyramid_channels)
        for s in config.strides]


def test_weights_have_stable_names(network, config):
    """
    Shipped weights are found by name: no counters, no duplicates.
    """
    names = [variable.path for variable in network.weights]
    assert len(set(names)) == len(names)
    assert names == [variable.path for variable in MaskRCNN(config).weights]


def test_proposals(network, config, batch):
    """
    Survivors come first, inside of the image, and no two overlap by more
    than the threshold.
    """
    anchors = ops.convert_to_tensor(make_anchors(config, (64, 64)))
    rng = np.random.default_rng(0)
    objectness = rng.normal(size=(2, len(anchors))).astype(np.float32)
    deltas = rng.normal(0, 3, (2, len(anchors), 4)).astype(np.float32)
    boxes, valid = (ops.convert_to_numpy(value) for value in propose(
        objectness, deltas, anchors, (64, 64), config))
    assert boxes.shape == (2, config.n_proposals, 4)
    assert (boxes >= 0).all()
    assert (boxes <= 64).all()
    assert valid[:, 0].all()
    assert (np.diff(valid.astype(int), axis=1) <= 0).all()
    for kept in (boxes[i][valid[i]] for i in range(2)):
        iou = ops.convert_to_numpy(compute_iou(kept, kept, 'yxyx'))
        assert np.triu(iou, 1).max() <= config.proposal_nms_iou


def test_loss_reaches_all_weights(network, batch):
    """
    Every loss is positive; every weight has a gradient, and it is finite.
    """
    loss, parts, gradients = loss_and_gradients(network, *batch)
    assert_allclose(loss, sum(parts.values()), rtol=1e-5)
    assert set(parts) == set(LOSS_NAMES)
    assert min(parts.values()) > 0
    for name, gradient in gradients.items():
        assert gradient is not None, name
        assert np.isfinite(ops.convert_to_numpy(gradient)).all(), name


def test_empty_images(network, config, batch):
    """
    Blank sky teaches background: a finite objectness loss and gradient.
    """
    truth = empty_truth(2, 5, config)
    loss, parts, gradients = loss_and_gradients(network, batch[0], truth)
    assert np.isfinite(loss)
    assert parts['objectness'] > 0
    assert parts['rpn_box'] == parts['box'] == parts['mask'] == 0
    for name, gradient in gradients.items():
        if gradient is not None:
            assert np.isfinite(ops.convert_to_numpy(gradient)).all(), name
    moved = gradients['rpn_objectness1/kernel']
    assert np.abs(ops.convert_to_numpy(moved)).max() > 0


def test_padding_does_not_matter(network, config, batch):
    """
    More padding rows change nothing in the losses of the first stage.
    """
    images, truth = batch
    wide = empty_truth(2, 12, config)
    for name, values in truth.items():
        wide[name][:, :values.shape[1]] = values
    few, many = (loss_and_gradients(network, images, t)[1]
                 for t in (truth, wide))
    assert_allclose(many['objectness'], few['objectness'], rtol=1e-5)
    assert_allclose(many['rpn_box'], few['rpn_box'], rtol=1e-5)


def test_overfit(config):
    """
    The loss of a batch that is seen again and again falls.
    """
    keras.utils.set_random_seed(1)
    images, truth = make_batch(config)
    network = MaskRCNN(config)
    network.compile(optimizer=keras.optimizers.Adam(3e-3),
                    jit_compile=False)
    losses = []
    for _ in range(25):
        network.reset_metrics()
        losses.append(network.train_on_batch(images, truth,
                                             return_dict=True))
    assert np.isfinite([loss['loss'] for loss in losses]).all()
    assert set(losses[0]) == {'loss', *LOSS_NAMES}
    first, last = (np.mean([loss['loss'] for loss in part])
                   for part in (losses[:3], losses[-3:]))
    assert last < 0.75 * first


def test_loss_in_mixed_precision(config, batch):
    """
    The losses of bfloat16 features are those of float32, roughly.
    """
    parts = []
    for precision in ('float32', 'mixed_bfloat16'):
        keras.utils.set_random_seed(1)
        network = MaskRCNN(config, precision=precision)
        images, truth = batch
        outputs = network(images, training=False)
        network.compute_loss(ops.convert_to_tensor(images), truth, outputs,
                             training=False)
        parts.append([float(tracker.result())
                      for tracker in network.loss_trackers])
    assert_allclose(parts[1], parts[0], rtol=0.2)


def test_geometry_is_float32_in_mixed_precision(config, batch):
    """
    A region of whose coordinates bfloat16 would lose 3 pixels comes back
    with them; logits and deltas are float32.
    """
    network = MaskRCNN(config, precision='mixed_bfloat16')
    outputs = network(batch[0])
    for name in ('objectness', 'deltas'):
        assert 'float32' in str(outputs[name].dtype)
    assert 'bfloat16' in str(outputs['pyramid'][0].dtype)
    features, shapes = flatten_pyramid(outputs['pyramid'])
    box = np.float32([[1027.3, 513.7, 1049.9, 531.1]])
    index = np.zeros(1, np.int32)
    logits, deltas = network.classify_rois(features, shapes, box, index)
    masks = network.predict_masks(features, shapes, box, index)
    for value in (logits, deltas, masks):
        assert 'float32' in str(value.dtype)
    refined = network.refine_boxes(box, 0 * deltas, (2048, 2048))
    assert_allclose(ops.convert_to_numpy(refined), box, rtol=1e-6)


def test_psf_conditioned(network, batch):
    """
    The classes depend on the PSF where the network is conditioned on it; an
    unknown one is the default. Other networks ignore it.
    """
    box = np.float32([[10, 10, 18, 18]])
    index = np.zeros(1, np.int32)
    other = MaskRCNN(tiny_config(psf_conditioned=False))
    for model, depends in ((network, True), (other, False)):
        features, shapes = flatten_pyramid(model(batch[0])['pyramid'])
        known, zero, unknown = (
            ops.convert_to_numpy(model.classify_rois(
                features, shapes, box, index, log_fwhm)[0])
            for log_fwhm in (np.float32([[1.4, 1.5, 1.6]]),
                             np.zeros((1, 3), np.float32), None))
        assert_allclose(zero, unknown, rtol=1e-6)
        assert (np.abs(known - unknown).max() > 1e-3) == depends


@pytest.mark.parametrize('free', [True, False])
@pytest.mark.parametrize('count', [0, 1, BUCKETS[0], BUCKETS[0] + 1])
def test_detector_buckets(network, batch, count, free, monkeypatch):
    """
    Padding regions to a bucket, where shapes are not free, does not change the others.
    """
    stages = KerasStages(network)
    sizes = []
    monkeypatch.setattr(KerasStages, 'has_free_shapes', free)
    run = stages.run
    monkeypatch.setattr(stages, 'run', lambda name, shape, *args: (
        sizes.append(len(args[-1])), run(name, shape, *args))[1])
    detector = Detector(network.config, stages)
    features, objectness, boxes = detector.dense(batch[0][0])
    assert objectness.shape == boxes.shape[:1] == (
        len(detector.cells((64, 64))),)
    assert ((objectness > 0) & (objectness < 1)).all()
    chosen = boxes[:count]
    logits, refined = detector.classify(features, chosen, (64, 64))
    masks, mask_boxes = detector.predict_masks(features, chosen, (64, 64))
    assert set(sizes[1:]) == ({max(count, 1)} if free else
                              {BUCKETS[count > BUCKETS[0]]})
    assert logits.shape == (count, 3)
    assert refined.shape == mask_boxes.shape == (count, 4)
    assert masks.shape == (count, 28, 28)
    if count:
        alone, _ = detector.classify(features, chosen[:1], (64, 64))
        assert_allclose(logits[:1], alone, atol=1e-5)


def test_detector_cuts_long_lists(network, batch, monkeypatch):
    """
    More regions than the largest bucket are run in pieces.
    """
    detector = Detector(network.config, KerasStages(network))
    features, _, boxes = detector.dense(batch[0][0])
    whole = detector.classify(features, boxes[:50], (64, 64))
    monkeypatch.setattr('photutils_rcnn.models.detector.BUCKETS', (4, 16))
    pieces = detector.classify(features, boxes[:50], (64, 64))
    for a, b in zip(whole, pieces, strict=True):
        assert_equal(a.shape, b.shape)
        assert_allclose(a, b, atol=1e-4)


def test_psf_of_each_region(network, batch):
    """
    Regions with a PSF of their own get the classes that one PSF for all would give.
    """
    detector = Detector(network.config, KerasStages(network))
    rng = np.random.default_rng(0)
    image = batch[0][0]
    features, _, boxes = detector.dense(image)
    boxes, size = boxes[:3], network.config.profile_size
    fwhm = rng.uniform(2, 6, (3, 3))
    psf = rng.uniform(0, 1, (3, size, size, 3)).astype(np.float32)
    logits, _ = detector.classify(features, boxes, (64, 64), fwhm)
    classes = detector.classify_profiles(image, boxes, logits, fwhm, psf)
    for i in range(3):
        own, _ = detector.classify(features, boxes, (64, 64), fwhm[i])
        assert_allclose(own[i], logits[i], atol=1e-5)
        own = detector.classify_profiles(image, boxes, logits, fwhm[i], psf[i])
        assert_allclose(own[i], classes[i], atol=1e-5)
