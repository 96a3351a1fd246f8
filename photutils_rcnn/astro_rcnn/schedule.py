# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training in stages: which layers learn, and how fast.
"""

__all__ = ['SCHEDULE', 'Stage', 'StagedTrainer']

import logging
import math
import re
import time
from dataclasses import dataclass

import keras

from photutils_rcnn.astro_rcnn.model import THRESHOLDS
from photutils_rcnn.astro_rcnn.network import AstroRCNN
from photutils_rcnn.training.checkpoint import read_state
from photutils_rcnn.training.trainer import Trainer

log = logging.getLogger(__name__)

MOMENTUM = 0.9
CLIPNORM = 5.  # of all gradients together


@dataclass(frozen=True)
class Stage:
    """
    A part of a schedule.

    Parameters
    ----------
    last_epoch : int
        The epoch, counted from 1, with which it ends.
    rate : float
        The learning rate.
    layers : str, optional
        A regular expression: the layers whose names it matches from the
        start learn, the others do not. By default all do.
    """

    last_epoch: int
    rate: float
    layers: str = ''


SCHEDULE = (Stage(15, 1e-3, '(mrcnn_|rpn_|fpn_)'), Stage(25, 1e-4),
                  Stage(35, 1e-5), Stage(50, 1e-6))
"""The schedule of Burke et al. (2019), of 62 steps of 16 images an epoch."""


class StagedTrainer(Trainer):
    """
    Trains a network of Astro R-CNN in stages, with stochastic gradient
    descent.

    Each stage begins with a new optimizer, of no momentum; gradients are
    clipped by their global norm.

    Parameters
    ----------
    config, dataset, validation, folder
        See `~photutils_rcnn.training.trainer.Trainer`.
    stages : sequence of `Stage`, optional
        The schedule; by default that of the paper.
    steps_per_epoch : int, optional
        The length of an epoch.
    **options
        For `~photutils_rcnn.training.trainer.Trainer`.
    """

    network_class = AstroRCNN

    def __init__(self, config, dataset, validation, folder, *,
                 stages=SCHEDULE, steps_per_epoch=62, **options):
        ends = [stage.last_epoch for stage in stages]
        if not ends or ends != sorted(set(ends)) or ends[0] < 1:
            msg = ('stages must end with increasing epochs from 1, got '
                   f'{ends}')
            raise ValueError(msg)
        self.stages = tuple(stages)
        self.steps_per_epoch = steps_per_epoch
        if options.get('precision') is None:
            options['precision'] = 'float32'
        super().__init__(config, dataset, validation, folder,
                         n_steps=ends[-1] * steps_per_epoch, **options)
        # A mistake in the last stage is not to be found after hours.
        for index in range(len(self.stages)):
            self._freeze(index)
        self._enter(0)

    def _freeze(self, index):
        """
        Let the layers of a stage learn, and no others.
        """
        stage, model = self.stages[index], self.model
        for part in (model.dense_part, model.box_head, model.mask_head):
            for layer in part.layers:
                layer.trainable = bool(re.match(stage.layers, layer.name))
        if not model.trainable_variables:
            msg = (f'layers of stage {index + 1} must match the name of a '
                   f'layer that learns, got {stage.layers!r}')
            raise ValueError(msg)

    def _enter(self, index):
        """
        Begin a stage: freeze layers, forget the momentum.
        """
        stage = self.stages[index]
        self._freeze(index)
        self.state['stage'] = index
        self.n_steps = stage.last_epoch * self.steps_per_epoch
        self.compile(keras.optimizers.SGD(
            stage.rate, momentum=MOMENTUM, global_clipnorm=CLIPNORM))
        log.info('stage %d: %d variables learn at %g', index + 1,
                 len(self.model.trainable_variables), stage.rate)

    def learning_rate(self, step):
        """
        The learning rate of the stage, whatever the step.
        """
        return self.stages[self.state['stage']].rate

    def resume(self):
        """
        Continue from the folder's checkpoint, in its stage.
        """
        self._enter(read_state(self.checkpoint)['stage'])
        super().resume()

    def run(self, time_budget=math.inf, progress=None):
        """
        Train until the schedule or the time, over all stages, ends; see the parent.
        """
        end = time.monotonic() + time_budget
        while super().run(end - time.monotonic(), progress):
            if self.state['stage'] + 1 == len(self.stages):
                return True
            self._enter(self.state['stage'] + 1)
        return False

    def model_settings(self):
        """
        What makes a model detect as one of imported weights; see the parent.
        """
        return {'protocol': 'astro_rcnn', 'precision': 'float32', 'halo': 0,
                'thresholds': THRESHOLDS}
