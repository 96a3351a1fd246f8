# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests that the guest leaves the network of this package as it was: its names,
its shapes and its results.
"""

import hashlib

import numpy as np
import pytest
from keras import ops
from tiny_network import make_batch, tiny_config

from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.detector import Detector
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.stages import KerasStages

# Recorded before there was a guest.
COMPACT = '74a48345f45c4889081aada90170dfa909ca2dbb6a3975ebb50b2918891c4869'
TINY = 'bc4920fc2eeeaa331ef5d9d187f7df5dafde7a2c8fdc5350222f3d89fc7ce8d7'
DENSE = (676.4483032226562, 1625.943603515625, 261.8959045410156)
STAGES = (756.0992431640625, 172428.953125, 25.602937698364258,
          882.67724609375, 8213.357421875, 894.30908203125)
LOSSES = (20.153118133544922, 0.670154869556427, 1.1585285663604736,
          0.3590090274810791, 0.6776508688926697)


def variables(network):
    listing = '\n'.join(f'{variable.path} {tuple(variable.shape)}'
                        for variable in network.weights)
    return hashlib.sha256(listing.encode()).hexdigest()


def test_names_and_shapes():
    assert variables(MaskRCNN(MaskRCNNConfig(
        psf_conditioned=False, profile_size=0))) == COMPACT


@pytest.fixture(scope='module')
def network():
    network = MaskRCNN(tiny_config(psf_conditioned=False, profile_size=0), seed=3)
    rng = np.random.default_rng(0)
    for variable in network.weights:
        if 'variance' in variable.path:
            variable.assign(np.abs(rng.normal(0.5, 0.1, variable.shape)))
        elif 'seed' not in variable.path:
            variable.assign(rng.normal(0, 0.2, variable.shape))
    return network


def test_results(network):
    assert variables(network) == TINY
    images, _ = make_batch(network.config)
    outputs = network(images, training=False)
    found = [outputs['objectness'], ops.abs(outputs['deltas']),
             ops.abs(outputs['pyramid'][1])]
    np.testing.assert_allclose([float(ops.sum(value)) for value in found],
                               DENSE, rtol=1e-5)
    detector = Detector(network.config, KerasStages(network))
    features, objectness, boxes = detector.dense(images[0])
    logits, refined = detector.classify(features, boxes[:20],
                                        images[0].shape[:2])
    masks, mask_boxes = detector.predict_masks(features, refined,
                                         images[0].shape[:2])
    found = [objectness, boxes, logits, refined, masks, mask_boxes]
    np.testing.assert_allclose([np.abs(value).sum() for value in found],
                               STAGES, rtol=1e-4)


def test_losses(network):
    """
    Comes last: training moves the statistics of the normalization.
    """
    images, truth = make_batch(network.config)
    network.compile(optimizer='sgd')
    outputs = network(images, training=True)
    network.compute_loss(x=ops.convert_to_tensor(images), y=truth,
                         y_pred=outputs)
    np.testing.assert_allclose([float(tracker.result()) for tracker
                                in network.loss_trackers], LOSSES,
                               rtol=1e-4)
