# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the configurations.
"""

import json

import attrs
import pytest

from photutils_rcnn.astro_rcnn.config import (
    CONFIGS,
    AstroRCNNConfig,
    AstroRCNNTrainingConfig,
)
from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.migration import current_fields
from photutils_rcnn.models.training_config import TrainingConfig

ALL = [MaskRCNNConfig(), TrainingConfig(), AstroRCNNConfig(),
       *CONFIGS.values()]
every_config = pytest.mark.parametrize(
    'config', ALL, ids=lambda config: f'{type(config).__name__}-{config.name}')


@every_config
def test_json_round_trip(config):
    text = json.dumps(config.to_dict())
    restored = type(config).from_dict(json.loads(text))
    assert restored == config
    assert hash(restored) == hash(config)


@every_config
def test_consistency(config):
    """
    One set of anchors per level; the mask is a multiple of its features.
    """
    assert len(config.anchor_sizes) == len(config.levels)
    assert config.mask_size % config.mask_pool == 0
    assert config.n_classes == len(config.class_names) + 1
    assert config.strides == tuple(2**level for level in config.levels)
    if isinstance(config, TrainingConfig):
        assert config.rpn_negative_iou <= config.rpn_positive_iou
        assert config.n_mask_rois <= config.n_positive_rois


@pytest.mark.parametrize(('training', 'network'), [
    (TrainingConfig, MaskRCNNConfig),
    (AstroRCNNTrainingConfig, AstroRCNNConfig)])
def test_network_of_a_training(training, network):
    """
    The network alone has its own fields, with the same values.
    """
    assert training().network == network()
    assert network().network == network()
    changed = training(n_bands=5, mini_mask_size=8).network
    assert changed == network(n_bands=5)


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


@pytest.mark.parametrize('changes', [
    {'pyramid_levels': (1, 5)}, {'mask_size': 14}, {'profile_size': 17},
    {'mask_context': 1.2}, {'psf_conditioned': True},
    {'stage_blocks': (1, 1, 1)}])
def test_what_astro_rcnn_has_no_choice_of(changes):
    name = next(iter(changes))
    with pytest.raises(ValueError, match=f'{name} of the configuration must'):
        AstroRCNNConfig(**changes)


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
