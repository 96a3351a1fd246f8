# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the training loop.
"""

import csv
import math
import time

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal
from tiny_network import tiny_config

from photutils_rcnn.detection.inference import run_inference
from photutils_rcnn.models.mask_rcnn import LOSS_NAMES
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.training.checkpoint import (
    load_checkpoint,
    save_checkpoint,
)
from photutils_rcnn.training.dataset import CropDataset
from photutils_rcnn.training.export import export_model
from photutils_rcnn.training.loop import learning_rate
from photutils_rcnn.training.trainer import Trainer


@pytest.fixture
def make_trainer(folder, config, tmp_path):
    def make(name='run', n_steps=3, validation=False, **options):
        dataset = CropDataset(folder, config, batch_size=2, side=64,
                              max_sources=5)
        options = {'precision': 'float32', 'n_warmup': 2, 'log_every': 1,
                   'validate_every': 2, 'n_validation': 1, **options}
        trainer = Trainer(config, dataset, dataset if validation else None,
                          tmp_path / name, n_steps=n_steps, **options)
        # Tracing a graph takes longer than these few steps.
        trainer.model.run_eagerly = True
        return trainer

    return make


def losses_of(trainer):
    with (trainer.folder / 'log.csv').open() as stream:
        return list(csv.DictReader(stream))


def test_learning_rate():
    """
    Up linearly, down by half a cosine, 0 at the end and beyond.
    """
    rates = [learning_rate(step, 1000, 2e-3, 100) for step in range(1001)]
    assert_allclose(rates[0], 2e-5, rtol=1e-3)
    assert_allclose(rates[500], 1e-3, rtol=1e-6)
    assert_allclose(rates[1000], 0, atol=1e-12)
    assert (np.diff(rates[:80]) > 0).all()
    assert (np.diff(rates[100:]) < 0).all()
    assert max(rates) <= 2e-3
    assert learning_rate(2000, 1000, 2e-3, 100) == pytest.approx(0)
    assert learning_rate(0, 10, 1.0, 0) == 1


def test_run_and_resume(make_trainer):
    """
    A run that is interrupted and resumed gives the losses and the weights
    of one that is not.
    """
    whole = make_trainer('whole')
    assert whole.run()
    part = make_trainer('part')
    assert not part.run(time_budget=0)
    assert part.state['step'] == 1
    resumed = make_trainer('part', seed=5)
    resumed.resume()
    assert resumed.state['step'] == 1
    assert resumed.run()
    expected, found = losses_of(whole), losses_of(part)
    assert len(expected) == len(found) == 3
    for a, b in zip(expected, found, strict=True):
        assert a['step'] == b['step']
        assert_allclose(float(a['loss']), float(b['loss']), rtol=1e-3)
    after = get_weights(resumed.model)
    for name, value in get_weights(whole.model).items():
        assert_allclose(after[name], value, rtol=1e-2, atol=1e-4)


def test_threads_change_nothing(make_trainer, monkeypatch):
    """
    Several threads prepare the batches of one, each once, in any order.
    """
    expected, found = [], []
    for n_threads, steps in ((1, expected), (3, found)):
        trainer = make_trainer(f'run{n_threads}', n_steps=6, log_every=2,
                               n_threads=n_threads)
        batch = trainer.dataset.batch

        def slow(step, batch=batch, steps=steps):
            time.sleep(0.2 * (step % 2 == 0))
            steps.append(step)
            return batch(step)

        monkeypatch.setattr(trainer.dataset, 'batch', slow)
        assert trainer.run()
    assert expected == sorted(found) == list(range(6))
    assert found != expected
    one, three = (losses_of(make_trainer(name)) for name in ('run1', 'run3'))
    for a, b in zip(one, three, strict=True):
        assert_allclose(float(a['loss']), float(b['loss']), rtol=1e-3)


def test_stopped_before_the_first_checkpoint(make_trainer):
    """
    A run that begins anew leaves no steps of the one before in the log.
    """
    trainer = make_trainer()
    assert trainer.run()
    trainer.checkpoint.unlink()
    again = make_trainer()
    assert again.run()
    assert [row['step'] for row in losses_of(again)] == ['1', '2', '3']


def test_short_warm_up(make_trainer):
    """
    Also a short run comes near its largest rate.
    """
    trainer = make_trainer(n_steps=40, n_warmup=200, peak_rate=1.)
    rates = [trainer.learning_rate(step) for step in range(40)]
    assert 0.2 < rates[0] < 0.3
    assert max(rates) > 0.95


def test_cycles(make_trainer):
    """
    The rate falls to zero at each end and rises again after it.
    """
    trainer = make_trainer(n_steps=[100, 200], peak_rate=1.)
    rates = [trainer.learning_rate(step) for step in range(200)]
    once = make_trainer(n_steps=100, peak_rate=1.)
    assert_allclose(rates[:100], [once.learning_rate(step)
                                  for step in range(100)])
    assert rates[99] < 1e-3
    assert rates[100] == pytest.approx(0.5)
    assert rates[199] < 1e-3
    assert trainer.n_steps == 200


def test_log_and_validation(make_trainer):
    """
    Losses of all kinds, of training and validation; steps are reported.
    """
    steps = []
    trainer = make_trainer(n_steps=2, validation=True)
    trainer.run(progress=lambda step, losses: steps.append((step, losses)))
    assert [step for step, _ in steps] == [1, 2]
    assert set(steps[0][1]) == {'loss', *LOSS_NAMES}
    rows = losses_of(trainer)
    assert [row['kind'] for row in rows] == ['train', 'train', 'validation']
    for row in rows:
        total = sum(float(row[name]) for name in LOSS_NAMES)
        assert_allclose(float(row['loss']), total, rtol=1e-3)
        assert int(row['n_examples']) == 4


def test_checkpoint_before_the_first_log(make_trainer):
    trainer = make_trainer(n_steps=1, log_every=5, validate_every=1)
    assert trainer.run()
    assert trainer.checkpoint.exists()
    assert not (trainer.folder / 'log.csv').exists()


def test_loss_that_is_not_finite(make_trainer):
    trainer = make_trainer()
    bias, = (v for v in trainer.model.weights
             if v.path == 'class_logits/bias')
    bias.assign([math.nan] * 3)
    with pytest.raises(FloatingPointError, match='not finite by step 1'):
        trainer.run()
    assert not trainer.checkpoint.exists()


def test_checkpoint_round_trip(make_trainer, tmp_path):
    """
    All variables come back exactly; another network is refused.
    """
    trainer = make_trainer('one')
    path = tmp_path / 'state.npz'
    save_checkpoint(path, trainer.model, {'step': 7, 'seconds': 1.5})
    other = make_trainer('two', seed=9)
    assert load_checkpoint(path, other.model) == {'step': 7, 'seconds': 1.5}
    for group in ('variables', 'non_trainable_variables'):
        for a, b in zip(getattr(trainer.model, group),
                        getattr(other.model, group), strict=True):
            assert_equal(np.asarray(b), np.asarray(a))
    assert not list(tmp_path.glob('*.tmp*'))
    wide = Trainer(tiny_config(rpn_channels=12), trainer.dataset, None,
                   tmp_path / 'wide', n_steps=1, precision='float32')
    with pytest.raises(ValueError, match='does not fit the model'):
        load_checkpoint(path, wide.model)


def test_checkpoint_of_numbered_layers(tmp_path):
    """
    Numbers in the name of a layer are no counters of Keras.
    """
    model = keras.Sequential([keras.Input((2,)),
                              keras.layers.Dense(1, name='layer_1_2')])
    model.compile('sgd')
    save_checkpoint(tmp_path / 'state.npz', model, {'step': 1})
    assert load_checkpoint(tmp_path / 'state.npz', model) == {'step': 1}


def test_export(make_trainer, tmp_path):
    """
    What training leaves behind is a model that can be applied.
    """
    trainer = make_trainer(n_steps=1)
    export_model(trainer, tmp_path / 'model', name='mine')
    model = load_model(tmp_path / 'model', precision='float32')
    assert model.name == 'mine'
    assert model.halo == 48
    assert model.settings['training']['n_crops'] == 4
    card = (tmp_path / 'model' / 'MODEL_CARD.md').read_text()
    assert card.startswith('# mine')
    assert_equal(list(get_weights(model.network)), list(get_weights(trainer.model)))
    image = trainer.dataset.batch(0)[0][0]
    run_inference(model, image).paint()
