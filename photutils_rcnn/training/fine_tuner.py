# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fine tuning of a network: heads first, then all layers, to the best epoch.
"""

__all__ = ['FineTuner', 'Stage', 'default_stages']

import logging
import math
import time
from dataclasses import dataclass

import keras
import numpy as np

from photutils_rcnn._files import atomic_path, open_npz
from photutils_rcnn.models.transfer import transfer_weights
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.training.checkpoint import read_state
from photutils_rcnn.training.held_out import is_worse, mean_precision
from photutils_rcnn.training.loop import learning_rate
from photutils_rcnn.training.trainer import Trainer

log = logging.getLogger(__name__)

WEIGHT_DECAY = 1e-4
# A stage ends when so many looks at the held-out frames have brought nothing.
PATIENCE = 4


@dataclass(frozen=True)
class Stage:
    """
    A part of a fine tuning.

    Parameters
    ----------
    n_steps : int
        Its length.
    rate : float
        The largest learning rate; it falls to zero with a half cosine.
    heads_only : bool
        Whether trunk and pyramid stay as they are.
    """

    n_steps: int
    rate: float
    heads_only: bool


def default_stages(n_crops, batch_size):
    """
    The schedule for a number of crops.

    Parameters
    ----------
    n_crops : int
        The crops to train on.
    batch_size : int
        The crops of a step.

    Returns
    -------
    stages : tuple of `Stage`
        First the heads, 20 epochs; then all layers, 6 epochs; within bounds that
        let few crops teach enough and many not take days.
    """
    epoch = n_crops / batch_size
    return (Stage(int(min(max(20 * epoch, 120), 2000)), 2e-4, heads_only=True),
            Stage(int(min(max(6 * epoch, 40), 600)), 2e-5, heads_only=False))


class FineTuner(Trainer):
    """
    Trains a network further, and keeps it as it was on held-out frames at best.

    Batch normalization stays in inference mode: the statistics of a few crops
    of one survey are not those that the weights belong to.

    Parameters
    ----------
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The network.
    dataset : `~photutils_rcnn.training.dataset.CropDataset`
        The training batches.
    folder : path-like
        Where the checkpoint and the log go.
    weights : dict of `~numpy.ndarray`
        The weights to begin with, by name.
    judge : callable
        Called without arguments; returns the figures of the present weights,
        see `~photutils_rcnn.training.held_out.held_out_figures`.
    before : dict
        The figures of the model to begin with.
    stages : sequence of `Stage`
        The schedule.
    **options
        For `~photutils_rcnn.training.trainer.Trainer`.
    """

    def __init__(self, config, dataset, folder, *, weights, judge, before,
                 stages, **options):
        self.stages = tuple(stages)
        super().__init__(config, dataset, None, folder, n_steps=sum(
            stage.n_steps for stage in self.stages), **options)
        transfer_weights(self.model, weights)
        self.judge = judge
        self.before = before
        self.state.update(best=None, history=[])
        self._enter(0)

    @property
    def best_path(self):
        """
        The file of the best weights.
        """
        return self.folder / 'best.npz'

    def best_weights(self):
        """
        The weights with the best figures on the held-out frames so far.

        Returns
        -------
        weights : dict of `~numpy.ndarray` or `None`
            The weights by name; `None` if none were better than the initial.
        """
        if self.state['best'] is None:
            return None
        with open_npz(self.best_path, 'file of weights') as stored:
            return dict(stored)

    def _enter(self, index):
        """
        Begin a stage, with the best weights so far and a new optimizer.
        """
        stage, model = self.stages[index], self.model
        for layer in model.dense_part.layers:
            is_norm = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = not is_norm and (
                not stage.heads_only or layer.name.startswith('rpn_'))
        best = self.best_weights()
        if best is not None:
            transfer_weights(model, best)
        self._first = sum(before.n_steps for before in self.stages[:index])
        self.n_steps = self._first + stage.n_steps
        self.state.update(stage=index, fruitless=0)
        self.compile(keras.optimizers.AdamW(
            stage.rate, weight_decay=WEIGHT_DECAY, global_clipnorm=5.))
        log.info('stage %d of %d: %s learn at %g', index + 1, len(self.stages),
                 'the heads' if stage.heads_only else 'all layers', stage.rate)

    def learning_rate(self, step):
        """
        The learning rate of a step of the stage.

        Parameters
        ----------
        step : int
            The number of the step, over all stages.

        Returns
        -------
        rate : float
            The learning rate.
        """
        stage = self.stages[self.state['stage']]
        return learning_rate(step - self._first, stage.n_steps, stage.rate,
                             stage.n_steps // 10)

    def resume(self):
        """
        Continue from the folder's checkpoint, in its stage.
        """
        state = read_state(self.checkpoint)
        self._enter(state['stage'])
        super().resume()
        if self.state['fruitless'] >= PATIENCE:
            self.n_steps = self.state['step']

    def run(self, time_budget=math.inf, progress=None):
        """
        Train until the schedule or the time, over all stages, ends.

        Parameters
        ----------
        time_budget : float, optional
            Stop and save after so many seconds.
        progress : callable, optional
            See `~photutils_rcnn.training.loop.TrainingLoop.run`.

        Returns
        -------
        finished : bool
            Whether the schedule has come to its end.
        """
        end = time.monotonic() + time_budget
        while super().run(end - time.monotonic(), progress):
            looks = self.state['history']
            if not looks or looks[-1]['step'] != self.state['step']:
                self._validate(0.)
            if self.state['stage'] + 1 == len(self.stages):
                return True
            self._enter(self.state['stage'] + 1)
            # the stage before may have ended early
            self.state['step'] = self._first
        return False

    def _validate(self, rate):
        """
        Look at the held-out frames; keep the weights if they are the best.
        """
        figures = self.judge()
        best = self.before if self.state['best'] is None else self.state['best']
        precision = mean_precision(figures)
        worse = is_worse(figures, self.before)
        better = not worse and precision > mean_precision(best)
        self.state['history'].append({'step': self.state['step'], 'figures': figures})
        self.state['fruitless'] = 0 if better else self.state['fruitless'] + 1
        log.info('step %d: mean AP of the held-out frames %.1f (%s)%s', self.state['step'],
                 precision, ', '.join(f'{name} {row["AP"]:.1f}' for name, row
                                      in figures.items()), ', the best so far' if better else
                 ', but another figure falls' if worse
                 and precision > mean_precision(self.before) else '')
        if better:
            self.state['best'] = figures
            with atomic_path(self.best_path) as temporary, temporary.open('wb') as stream:
                np.savez(stream, **get_weights(self.model))
        elif self.state['fruitless'] >= PATIENCE:
            self.n_steps = self.state['step']
