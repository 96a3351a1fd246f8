# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the configurations.
"""

import json

import pytest

from photutils_rcnn.models.config import CONFIGS, MaskRCNNConfig, get_config


@pytest.mark.parametrize('name', sorted(CONFIGS))
def test_json_round_trip(name):
    config = get_config(name)
    text = json.dumps(config.to_dict())
    restored = MaskRCNNConfig.from_dict(json.loads(text))
    assert restored == config
    assert hash(restored) == hash(config)


@pytest.mark.parametrize('name', sorted(CONFIGS))
def test_consistency(name):
    """
    One set of anchors per level; the mask is a multiple of its features.
    """
    config = get_config(name)
    assert len(config.anchor_sizes) == len(config.levels)
    assert config.mask_size % config.mask_pool == 0
    assert config.n_classes == len(config.class_names) + 1
    assert config.strides == tuple(2**level for level in config.levels)
    assert config.rpn_negative_iou <= config.rpn_positive_iou
    assert config.n_mask_rois <= config.n_positive_rois


def test_changes_leave_the_named_configuration():
    changed = get_config('compact', n_bands=5)
    assert changed.n_bands == 5
    assert get_config('compact').n_bands == 3


@pytest.mark.parametrize('changes', [
    {'n_bands': 'three'}, {'n_bands': 0}, {'backbone': 'vgg'},
    {'augmentation': 'odd'}, {'class_names': []}, {'class_names': [1, 2]},
    {'anchor_sizes': [[6.]]}, {'loss_weights': [1., 1.]},
    {'mini_mask_size': -3}, {'layers': 5}, {'told_fwhm': 1},
    {'mean_l2': float('nan')}, {'box_std': 0.1}, {'pyramid_levels': [1]},
    {'pyramid_levels': [2.5, 5]}])
def test_values_that_do_not_fit(changes):
    name = next(iter(changes))
    with pytest.raises(ValueError, match=f'{name} of the configuration must'):
        MaskRCNNConfig.from_dict(changes)


def test_no_object():
    with pytest.raises(ValueError, match='must be an object, got 5'):
        MaskRCNNConfig.from_dict(5)


def test_errors():
    with pytest.raises(ValueError, match="one of .*'compact'.*got 'huge'"):
        get_config('huge')
    with pytest.raises(ValueError, match=r"unknown.*\['n_colors'\]"):
        MaskRCNNConfig.from_dict({'n_colors': 3})
    with pytest.raises(TypeError, match='n_colors'):
        get_config('compact', n_colors=3)
