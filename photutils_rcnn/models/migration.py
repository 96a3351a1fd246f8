# Licensed under a 3-clause BSD style license - see LICENSE
"""
Migration of model files of earlier versions.
"""

__all__ = ['current_fields', 'current_settings']

import attrs

from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.training_config import TrainingConfig

RENAMED = {'told_fwhm': 'psf_conditioned'}
# Choices that became classes of their own, in `photutils_rcnn.astro_rcnn`.
RETIRED = {'backbone', 'layers', 'anchor_offset', 'box_end', 'pooling',
           'level_rule', 'n_roi_levels', 'train_batch_norm', 'rpn_loss',
           'n_rpn_anchors', 'truth_regions', 'negatives_per_positive',
           'n_rois', 'mean_l2', 'augmentation'}
RESNET_BLOCKS = {'resnet50': [3, 4, 6, 3], 'resnet101': [3, 4, 23, 3]}


def current_fields(values, config_class):
    """
    The fields of a configuration by their present names.

    Parameters
    ----------
    values : dict
        The dictionary of a configuration, of this version or an earlier one.
    config_class : type
        The class of the configuration.

    Returns
    -------
    values : dict
        Without fields that there are no longer.
    """
    return {RENAMED.get(name, name): value for name, value in values.items()
            if name not in RETIRED - {*attrs.fields_dict(config_class)}}


def current_settings(settings):
    """
    The settings of a model of Astro R-CNN of format 2 in the present format.

    Parameters
    ----------
    settings : dict
        The content of a ``config.json``.

    Returns
    -------
    settings : dict
        The same; what only the training read is in ``training``.
    """
    old = settings['network']
    of_training = {*attrs.fields_dict(TrainingConfig)} - {
        *attrs.fields_dict(MaskRCNNConfig)}
    network, training = {}, {}
    for name, value in current_fields(old, TrainingConfig).items():
        (training if name in of_training else network)[name] = value
    network['stage_blocks'] = RESNET_BLOCKS[old['backbone']]
    return {**settings, 'network': network, 'protocol': 'astro_rcnn',
            'training': {**settings.get('training', {}), 'config': training}}
