# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the configurations of the paper.
"""

import json

import pytest

from photutils_rcnn.astro_rcnn.config import (
    CONFIGS,
    AstroRCNNConfig,
    AstroRCNNTrainingConfig,
)


@pytest.mark.parametrize('name', sorted(CONFIGS))
def test_configurations(name):
    """
    They survive JSON and agree with themselves.
    """
    config = CONFIGS[name]
    assert config.name == name
    assert AstroRCNNTrainingConfig.from_dict(
        json.loads(json.dumps(config.to_dict()))) == config
    assert len(config.anchor_sizes) == len(config.levels)
    assert config.rpn_negative_iou <= config.rpn_positive_iou
    assert config.n_mask_rois <= config.n_positive_rois


def test_network_of_a_training():
    """
    The network alone is that of the paper, whatever its training.
    """
    assert AstroRCNNTrainingConfig().network == AstroRCNNConfig()
    changed = AstroRCNNTrainingConfig(n_bands=5, mean_l2=0, n_rois=300)
    assert changed.network == AstroRCNNConfig(n_bands=5)


@pytest.mark.parametrize('changes', [
    {'pyramid_levels': (1, 5)}, {'mask_size': 14}, {'profile_size': 17},
    {'mask_context': 1.2}, {'psf_conditioned': True},
    {'stage_blocks': (1, 1, 1)}])
def test_what_astro_rcnn_has_no_choice_of(changes):
    name = next(iter(changes))
    with pytest.raises(ValueError, match=f'{name} of the configuration must'):
        AstroRCNNConfig(**changes)
