# Licensed under a 3-clause BSD style license - see LICENSE
"""
Recipes with the network of Burke et al. (2019).
"""

__all__ = ['AstroRCNNProtocol']

import re
from numbers import Integral, Real

from photutils_rcnn.astro_rcnn.config import CONFIGS, AstroRCNNTrainingConfig
from photutils_rcnn.training._checks import check_number
from photutils_rcnn.training.protocol import TrainingProtocol


class AstroRCNNProtocol(TrainingProtocol):
    """
    Training in the stages of the paper, and models that detect as those of
    imported weights do.
    """

    config_class = AstroRCNNTrainingConfig
    configs = CONFIGS
    schedule_keys = frozenset({'steps_per_epoch', 'stages'})
    calibrated = False

    def check_schedule(self, recipe):
        """
        Check the stages of a recipe; see the parent.
        """
        check_number(recipe, 'steps_per_epoch', Integral, 'recipe')
        _check_stages(recipe['stages'])

    def n_steps(self, recipe):
        """
        The length of all stages; see the parent.
        """
        return recipe['stages'][-1]['last_epoch'] * recipe['steps_per_epoch']

    def augment(self, crop, rng):
        """
        The random changes of a crop; see
        `photutils_rcnn.astro_rcnn.augmentation.augment`.
        """
        from photutils_rcnn.astro_rcnn.augmentation import augment

        return augment(crop, rng)

    def make_trainer(self, recipe, *args, **options):
        """
        The trainer of a recipe; see the parent.
        """
        from photutils_rcnn.astro_rcnn.schedule import Stage, StagedTrainer

        return StagedTrainer(
            *args, stages=[Stage(**stage) for stage in recipe['stages']],
            steps_per_epoch=recipe['steps_per_epoch'], **options)


def _check_stages(stages):
    if not isinstance(stages, list) or not stages:
        msg = f'stages must be a list of stages, got {stages!r}'
        raise ValueError(msg)
    for stage in stages:
        if not isinstance(stage, dict) or not (
                {'last_epoch', 'rate'} <= set(stage)
                <= {'last_epoch', 'rate', 'layers'}):
            msg = ("each of the stages must have 'last_epoch' and 'rate' and "
                   f"may have 'layers', got {stage!r}")
            raise ValueError(msg)
        check_number(stage, 'last_epoch', Integral, 'stages')
        check_number(stage, 'rate', Real, 'stages')
        _check_layers(stage.get('layers', ''))
    ends = [stage['last_epoch'] for stage in stages]
    if ends != sorted(set(ends)):
        msg = f'last_epoch of the stages must increase, got {ends}'
        raise ValueError(msg)


def _check_layers(layers):
    try:
        good = isinstance(layers, str) and bool(re.compile(layers))
    except re.error:
        good = False
    if not good:
        msg = ('layers of the stages must be a regular expression, got '
               f'{layers!r}')
        raise ValueError(msg)
