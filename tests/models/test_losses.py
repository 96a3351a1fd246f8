# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the losses against their formulas.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special
from tiny_network import tiny_config

from photutils_rcnn.models.losses import class_loss, focal_loss, mask_loss, smooth_l1


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def entropy(target, logit):
    return (-target * special.log_expit(logit)
            - (1 - target) * special.log_expit(-logit))


def test_focal_loss(rng):
    """
    Equation 5 of Lin et al. (2017), summed, per positive anchor; anchors
    that are neither do not count.
    """
    config = tiny_config(focal_gamma=2., focal_alpha=0.25)
    logits = rng.normal(0, 2, (2, 40)).astype(np.float32)
    kind = rng.integers(0, 3, (2, 40))
    p = special.expit(logits)
    p_true = np.where(kind == 1, p, 1 - p)
    alpha = np.where(kind == 1, 0.25, 0.75)
    terms = -alpha * (1 - p_true)**2 * np.log(p_true)
    expected = terms[kind > 0].sum() / np.sum(kind == 1)
    loss = focal_loss(logits, np.float32(kind == 1), np.float32(kind == 2),
                      config)
    assert_allclose(float(loss), expected, rtol=1e-5)


def test_focal_loss_of_an_empty_image(rng):
    """
    Without sources the background is still taught, with a gradient.
    """
    tf = pytest.importorskip('tensorflow')
    logits = tf.Variable(rng.normal(0, 1, (1, 30)).astype(np.float32))
    zero, one = np.zeros((1, 30), np.float32), np.ones((1, 30), np.float32)
    with tf.GradientTape() as tape:
        loss = focal_loss(logits, zero, one, tiny_config())
    gradient = tape.gradient(loss, logits).numpy()
    assert np.isfinite(float(loss))
    assert float(loss) > 0
    assert (gradient > 0).all()


def test_smooth_l1(rng):
    predicted, target = rng.normal(0, 1.5, (2, 3, 20, 4)).astype(np.float32)
    weights = rng.integers(0, 2, (3, 20)).astype(np.float32)
    error = np.abs(predicted - target)
    terms = np.where(error < 1, error**2 / 2, error - 0.5)
    expected = terms[weights > 0].mean()
    assert_allclose(float(smooth_l1(predicted, target, weights)), expected, rtol=1e-5)


def test_smooth_l1_of_padding():
    """
    Whatever stands in padding rows, loss and gradient stay finite.
    """
    tf = pytest.importorskip('tensorflow')
    predicted = tf.Variable(np.zeros((3, 4), np.float32))
    target = np.float32([[1] * 4, [1e38] * 4, [np.inf] * 4])
    for weights, expected in (([1, 0, 0], 0.5), ([0, 0, 0], 0)):
        with tf.GradientTape() as tape:
            loss = smooth_l1(predicted, target, np.float32(weights))
        assert_allclose(float(loss), expected)
        assert np.isfinite(tape.gradient(loss, predicted).numpy()).all()


def test_class_loss(rng):
    logits = rng.normal(0, 2, (30, 3)).astype(np.float32)
    classes = rng.integers(0, 3, 30)
    weights = rng.integers(0, 2, 30).astype(np.float32)
    terms = -special.log_softmax(logits, axis=1)[np.arange(30), classes]
    assert_allclose(float(class_loss(logits, classes, weights)),
                    terms[weights > 0].mean(), rtol=1e-5)
    assert float(class_loss(logits, classes, 0 * weights)) == 0


def test_mask_loss(rng):
    logits = rng.normal(0, 2, (6, 5, 5)).astype(np.float32)
    targets = rng.random((6, 5, 5)).astype(np.float32)
    weights = np.float32([1, 0, 1, 1, 0, 0])
    expected = entropy(targets, logits)[weights > 0].mean()
    assert_allclose(float(mask_loss(logits, targets, weights)), expected,
                    rtol=1e-5)
    assert float(mask_loss(logits, targets, 0 * weights)) == 0
