# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the configurations.
"""

import json

import attrs
import pytest

from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.migration import current_fields
from photutils_rcnn.models.training_config import TrainingConfig

every_class = pytest.mark.parametrize('cls', [MaskRCNNConfig, TrainingConfig])


@every_class
def test_json_round_trip(cls):
    config = cls()
    text = json.dumps(config.to_dict())
    restored = cls.from_dict(json.loads(text))
    assert restored == config
    assert hash(restored) == hash(config)


def test_consistency():
    """
    One set of anchors per level; the mask is a multiple of its features.
    """
    config = TrainingConfig()
    assert len(config.anchor_sizes) == len(config.levels)
    assert config.mask_size % config.mask_pool == 0
    assert config.n_classes == len(config.class_names) + 1
    assert config.strides == tuple(2**level for level in config.levels)
    assert config.rpn_negative_iou <= config.rpn_positive_iou
    assert config.n_mask_rois <= config.n_positive_rois


def test_network_of_a_training():
    """
    The network alone has its own fields, with the same values.
    """
    assert MaskRCNNConfig().network == MaskRCNNConfig()
    changed = TrainingConfig(n_bands=5, mini_mask_size=8)
    assert changed.network == MaskRCNNConfig(n_bands=5)


@pytest.mark.parametrize('changes', [
    {'n_bands': 'three'}, {'n_bands': 0}, {'n_bands': True},
    {'class_names': []}, {'class_names': [1, 2]}, {'anchor_sizes': [[6.]]},
    {'anchor_sizes': [[6.], [], [6.], [6.], [6.]]},
    {'loss_weights': [1., 1.]}, {'mini_mask_size': -3},
    {'stage_filters': [1.5]}, {'psf_conditioned': 1},
    {'stretch_scale': float('nan')}, {'box_std': 0.1},
    {'pyramid_levels': [1]}, {'pyramid_levels': [2.5, 5]}, {'name': 3}])
def test_values_that_do_not_fit(changes):
    name = next(iter(changes))
    with pytest.raises(ValueError, match=f'{name} of the configuration must'):
        TrainingConfig.from_dict(changes)


def test_zero():
    """
    Zero is for what can be left out.
    """
    config = TrainingConfig(profile_size=0, mask_level_shift=0,
                            mask_convolutions=0, focal_gamma=0)
    assert config.network.profile_size == 0


def test_no_object():
    with pytest.raises(ValueError, match='must be an object, got 5'):
        MaskRCNNConfig.from_dict(5)


def test_unknown_fields():
    with pytest.raises(ValueError, match=r"unknown.*\['n_colors'\]"):
        MaskRCNNConfig.from_dict({'n_colors': 3})


def test_fields_of_earlier_versions():
    """
    Recipes of runs that have begun can be resumed.
    """
    old = {'n_bands': 5, 'told_fwhm': False, 'layers': 'compact',
           'mini_mask_size': 16}
    config = TrainingConfig.from_dict(current_fields(old, TrainingConfig))
    assert config == attrs.evolve(TrainingConfig(), n_bands=5,
                                  psf_conditioned=False, mini_mask_size=16)
