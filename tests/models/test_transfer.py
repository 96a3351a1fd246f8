# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for networks of more classes.
"""

import attrs
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose
from tiny_network import tiny_config

from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.transfer import extend_classes, interpolate_weights
from photutils_rcnn.models.weights import get_weights, set_weights


def randomize(network, seed=0):
    """
    Weights that are nowhere zero.
    """
    rng = np.random.default_rng(seed)
    weights = {name: value + rng.normal(0, 0.1, value.shape).astype(np.float32)
               for name, value in get_weights(network).items()
               if not name.startswith('seed')}
    state = {name: value for name, value in get_weights(network).items()
             if name not in weights}
    return {**state, **weights}


@pytest.mark.parametrize('n_new', [1, 2])
@pytest.mark.parametrize('profile_size', [0, 9])
def test_known_classes_stay(n_new, profile_size):
    """
    The logits of known classes are the same, and new ones are improbable.
    """
    config = tiny_config(profile_size=profile_size, profile_filters=(4, 4))
    names = (*config.class_names, 'lens', 'ring')[:2 + n_new]
    old = MaskRCNN(config)
    weights = randomize(old)
    set_weights(old, weights)
    new = MaskRCNN(attrs.evolve(config, class_names=names))
    set_weights(new, extend_classes(weights, config, names))
    rng = np.random.default_rng(1)
    n = 5
    boxes = np.array([[3, 4, 12, 14.]] * n, np.float32)
    pooled = ops.convert_to_tensor(rng.normal(0, 1, (
        n, config.box_pool, config.box_pool, config.pyramid_channels)), dtype='float32')
    (before, box_before), (after, box_after) = ([
        np.asarray(value) for value in network.box_head(
            network.box_head_inputs(pooled, boxes, None))] for network in (old, new))
    assert_allclose(after[:, :3], before, rtol=1e-5, atol=1e-5)
    assert_allclose(box_after, box_before, rtol=1e-5, atol=1e-5)
    expected = before[:, 1:].mean(axis=1) - 3
    for k in range(n_new):
        assert_allclose(after[:, 3 + k], expected, rtol=1e-4, atol=1e-4)
    if profile_size:
        profiles = rng.normal(0, 1, (n, 9, 9, 3)).astype(np.float32)
        one = np.asarray(old.classify_profiles(profiles, boxes, before))
        two = np.asarray(new.classify_profiles(profiles, boxes, after))
        assert_allclose(two[:, :2], one, rtol=1e-4, atol=1e-4)


def test_order_of_classes():
    """
    Known classes keep their places.
    """
    config = tiny_config()
    with pytest.raises(ValueError, match=r"must begin with \('star', 'galaxy'\)"):
        extend_classes({}, config, ('galaxy', 'star'))
    assert extend_classes({'a': 1}, config, config.class_names) == {'a': 1}


def test_interpolation():
    """
    The mean of two networks, but for what only one of them has or has in another shape.
    """
    network = MaskRCNN(tiny_config())
    before = get_weights(network)
    other = randomize(network)
    del other['class_logits/bias']
    other['box_dense1/bias'] = np.zeros(1, np.float32)
    interpolate_weights(network, other, 0.25)
    after = get_weights(network)
    for name in ('class_logits/bias', 'box_dense1/bias'):
        assert_allclose(after[name], before[name])
    for name in ('class_logits/kernel', 'box_dense1/kernel'):
        assert_allclose(after[name], 0.25 * other[name] + 0.75 * before[name], rtol=1e-5)
