# Licensed under a 3-clause BSD style license - see LICENSE
"""
The training loop: resumable, within a time budget.
"""

__all__ = ['TrainingLoop', 'learning_rate']

import json
import logging
import math
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

from photutils_rcnn.training.checkpoint import load_checkpoint, save_checkpoint
from photutils_rcnn.training.log import append_log, cut_log, plot_log
from photutils_rcnn.training.steps import JaxSteps, KerasSteps

log = logging.getLogger(__name__)


def learning_rate(step, n_steps, peak, n_warmup):
    """
    Linear warm-up, then a half cosine to zero.

    Parameters
    ----------
    step, n_steps : int
        The step and the length of the run.
    peak : float
        The largest rate.
    n_warmup : int
        The steps of the warm-up.

    Returns
    -------
    rate : float
        The learning rate of the step.
    """
    warm = min((step + 1) / max(n_warmup, 1), 1.)
    return peak * warm * 0.5 * (1 + math.cos(math.pi * min(step / n_steps,
                                                           1.)))


class TrainingLoop:
    """
    Trains a model on batches.

    Parameters
    ----------
    model : `keras.Model`
        The model.
    dataset, validation : object
        ``batch(step)`` gives the inputs and the truth of a step, ``len``
        the number of examples; ``validation`` may be `None`.
    folder : path-like
        Where the checkpoint and the log go; created if it is missing.
    n_steps : int or sequence of int
        The length of the learning-rate schedule; of several, the rate falls
        to zero at each, as if there were no others, and the last is the
        length of the run. A resumed run may change it.
    loss : callable, optional
        The loss, for a model that does not compute its own.
    loss_names : sequence of str, optional
        The metrics that go to the log beside the loss.
    peak_rate : float, optional
        The largest learning rate of AdamW.
    n_warmup : int, optional
        The steps of the warm-up, at most a tenth of the run.
    weight_decay : float, optional
        The decoupled weight decay of kernels.
    log_every, validate_every : int, optional
        Intervals in steps.
    n_validation : int, optional
        The number of validation batches.
    n_threads : int, optional
        The threads that prepare batches. Batches do not depend on it.
    """

    def __init__(self, model, dataset, validation, folder, *, n_steps,
                 loss=None, loss_names=(), peak_rate=1.5e-3, n_warmup=200,
                 weight_decay=1e-3, log_every=20, validate_every=250,
                 n_validation=10, n_threads=1):
        self.model = model
        self.dataset = dataset
        self.validation = validation
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ends = tuple(np.atleast_1d(n_steps).tolist())
        self.n_steps = self.ends[-1]
        self.loss = loss
        self.loss_names = tuple(loss_names)
        self.peak_rate = peak_rate
        self.n_warmup = n_warmup
        self.log_every = log_every
        self.validate_every = validate_every
        self.n_validation = n_validation
        self.n_threads = n_threads
        optimizer = keras.optimizers.AdamW(
            peak_rate, weight_decay=weight_decay, global_clipnorm=5.)
        optimizer.exclude_from_weight_decay(
            var_names=['bias', 'gamma', 'beta'])
        self.compile(optimizer)
        self.state = {'step': 0, 'seconds': 0.}

    def compile(self, optimizer):
        """
        Train with an optimizer from now on.

        Parameters
        ----------
        optimizer : `keras.optimizers.Optimizer`
            A new optimizer.
        """
        # XLA is slower than TensorFlow's own kernels on CPUs.
        jax = keras.backend.backend() == 'jax'
        self.model.compile(optimizer=optimizer, loss=self.loss,
                           jit_compile=jax)
        optimizer.build(self.model.trainable_variables)
        self.steps = (JaxSteps if jax else KerasSteps)(self.model)

    def learning_rate(self, step):
        """
        The learning rate of a step; see `learning_rate`.

        Parameters
        ----------
        step : int
            The number of the step.

        Returns
        -------
        rate : float
            The learning rate.
        """
        end = next((end for end in self.ends if step < end), self.n_steps)
        return learning_rate(step, end, self.peak_rate,
                             min(self.n_warmup, self.ends[0] // 10))

    @property
    def checkpoint(self):
        """
        The path of the checkpoint.
        """
        return self.folder / 'checkpoint.npz'

    def resume(self):
        """
        Continue from the folder's checkpoint.
        """
        self.state = load_checkpoint(self.checkpoint, self.model)
        log.info('resumed at step %d', self.state['step'])

    def run(self, time_budget=math.inf, progress=None):
        """
        Train until the schedule or the time ends.

        Parameters
        ----------
        time_budget : float, optional
            Stop and save after so many seconds.
        progress : callable, optional
            Called after every step with the number of the step and the
            dictionary of running losses.

        Returns
        -------
        finished : bool
            Whether the schedule has come to its end.
        """
        start = last = time.monotonic()
        losses = None
        first = self.state['step']
        # Steps after the last checkpoint, if any, are taken again.
        cut_log(self.folder / 'log.csv', first)
        if first < self.n_steps:
            log.info('training from step %d to %d, the losses follow every %d '
                     'steps; the first takes longest, as it compiles the '
                     'network', first, self.n_steps, self.log_every)
        ahead = deque()
        with ThreadPoolExecutor(self.n_threads) as pool:
            while self.state['step'] < self.n_steps:
                step = self.state['step']
                wanted = min(step + self.n_threads + 1, self.n_steps)
                while step + len(ahead) < wanted:
                    ahead.append(pool.submit(self._prepare,
                                             step + len(ahead)))
                batch = ahead.popleft().result()
                if step % self.log_every == 0:
                    self.steps.reset_metrics()
                rate = self.learning_rate(step)
                losses = self.steps.take(batch, rate)
                self.state['step'] = step = step + 1
                logs = step % self.log_every == 0
                validates = step % self.validate_every == 0
                now = time.monotonic()
                self.state['seconds'] += now - last
                last = now
                is_last = (step == self.n_steps
                           or now - start > time_budget)
                # A GPU need not wait for losses that nobody looks at.
                if (logs or validates or is_last or progress is not None
                        or step == first + 1):
                    losses = self._finite(losses)
                if step == first + 1:
                    log.info('step %d: loss %.3f after %.0f s', step,
                             losses['loss'], time.monotonic() - start)
                if logs:
                    self._write_log('train', losses, rate)
                if validates:
                    self.steps.store()
                    self._validate(rate)
                    log_path = self.folder / 'log.csv'
                    if log_path.exists():
                        plot_log(log_path, self.folder / 'log.png')
                    save_checkpoint(self.checkpoint, self.model, self.state)
                if progress is not None:
                    progress(step, losses)
                if is_last:
                    pool.shutdown(cancel_futures=True)
                    break
        self.steps.store()
        save_checkpoint(self.checkpoint, self.model, self.state)
        return self.state['step'] >= self.n_steps

    def _prepare(self, step):
        """
        The batch of a step, where the step needs it.
        """
        return self.steps.prepare(self.next_batch(step))

    def _finite(self, losses):
        """
        The losses as numbers, if they are finite.
        """
        losses = {key: float(value) for key, value in losses.items()}
        if not math.isfinite(losses['loss']):
            msg = (f'the loss is not finite by step {self.state["step"]}: '
                   f'{losses}')
            raise FloatingPointError(msg)
        return losses

    def next_batch(self, step):
        """
        Prepare the batch of a step while others are trained on.

        Parameters
        ----------
        step : int
            The number of the step.

        Returns
        -------
        inputs, truth
            What ``batch`` of the dataset gives for it.
        """
        return self.dataset.batch(step)

    def _validate(self, rate):
        """
        The losses on the validation batches.
        """
        if self.validation is None or self.n_validation == 0:
            return
        self.model.reset_metrics()
        for step in range(self.n_validation):
            inputs, truth = self.validation.batch(step)
            losses = self.model.test_on_batch(inputs, truth,
                                              return_dict=True)
        self._write_log('validation', {key: float(value) for key, value
                                       in losses.items()}, rate)
        self.model.reset_metrics()

    def _write_log(self, kind, losses, rate):
        """
        Add a line to ``log.csv``.
        """
        values = {'kind': kind, 'step': self.state['step'],
                  'seconds': round(self.state['seconds'], 1),
                  'rate': f'{rate:.3g}', 'n_examples': len(self.dataset),
                  **{name: f'{losses[name]:.5f}'
                     for name in ('loss', *self.loss_names)}}
        append_log(self.folder / 'log.csv', values)
        log.info('%s', json.dumps(values))
