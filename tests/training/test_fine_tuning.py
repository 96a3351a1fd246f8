# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for fine tuning on labelled frames.
"""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_array_equal, assert_equal
from photutils.utils.exceptions import NoDetectionsWarning
from tiny_network import tiny_config

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.transfer import transfer_weights
from photutils_rcnn.models.zoo import load_model, save_model
from photutils_rcnn.training import fine_tune, fine_tuning_run
from photutils_rcnn.training.fine_tuner import Stage, default_stages
from photutils_rcnn.training.frame_split import choose_held_out, padded

SHORT = Stage(2, 1e-3, heads_only=True), Stage(1, 1e-3, heads_only=False)


@pytest.fixture
def initial(tmp_path):
    """
    A model of a network with random weights.
    """
    keras.utils.set_random_seed(1)
    config = tiny_config(profile_size=0)
    save_model(tmp_path / 'initial', MaskRCNN(config), {
        'name': 'initial', 'thresholds': {}, 'halo': 32,
        'calibration': {'source_scale': 1., 'class_scale': 1., 'class_offset': [0., 0.1]},
        'training': {'config': {name: value for name, value in config.to_dict().items()
                                if name not in config.network.to_dict()}}}, '')
    return tmp_path / 'initial'


@pytest.fixture
def frames(make_scene):
    """
    Three frames of different shapes: images, label images and classes.
    """
    images, labels, classes = [], [], []
    for seed, shape in enumerate(((64, 128), (70, 90), (64, 128))):
        scene = make_scene([(20, 20), (40, 70)], shape=shape, seed=seed)
        image = np.zeros(shape, int)
        for i, mask in enumerate(scene.footprints.masks):
            image[scene.footprints.slices(i)][mask] = i + 1
        images.append(scene.data)
        labels.append(image)
        classes.append({1: 'star', 2: 'galaxy'})
    return images, labels, classes


@pytest.fixture
def judge(monkeypatch):
    """
    Figures in place of those of the network, one after the other; the last stays.
    """
    def make(*precisions):
        values = list(precisions)

        def figures(model, scenes):
            ap = values.pop(0) if len(values) > 1 else values[0]
            return {'star': {'n_sources': 3, 'AP': ap, 'completeness': 90., 'purity': 90.}}

        monkeypatch.setattr(fine_tuning_run, 'held_out_figures', figures)

    return make


class QuickTuner:
    """
    In place of the training, all classes become more probable.
    """

    def __init__(self, config, dataset, folder, *, weights, judge, before, **options):
        self.model = MaskRCNN(config)
        transfer_weights(self.model, weights)
        self.checkpoint = folder / 'checkpoint.npz'
        self.state = {'step': 0}
        self._judge = judge
        self._weights = weights

    def run(self, time_budget, progress):
        self.state['step'] = 5
        self.is_better = self._judge()['star']['AP'] > 10
        return True

    def best_weights(self):
        if not self.is_better:
            return None
        bias = self._weights['class_logits/bias']
        return {**self._weights, 'class_logits/bias': bias + np.float32(1)}


@pytest.fixture
def quick(monkeypatch):
    """
    No training, and no look of the initial model at the frames.
    """
    monkeypatch.setattr(fine_tuning_run, 'FineTuner', QuickTuner)
    monkeypatch.setattr(fine_tuning_run, 'complete_truth', lambda scene, found: scene)
    monkeypatch.setattr(fine_tuning_run.RCNNSegmenter, 'segment',
                        lambda *args, **options: SimpleNamespace(instances=None))


def weights_of(model):
    return {name: value.astype(np.float16) if value.ndim > 1 else value
            for name, value in load_model(model)._weights.items()}


def changed(one, other):
    """
    The layers whose weights differ.
    """
    one, other = weights_of(one), weights_of(other)
    return {name.split('/')[0] for name in one if not np.array_equal(one[name], other[name])}


@pytest.mark.slow
def test_better(initial, frames, judge, tmp_path, capsys):
    """
    A network that became better is written, with its figures; the trunk has learned in
    the second stage, batch statistics never change.
    """
    judge(10., 20., 30., 30.)
    model = fine_tune(*frames, tmp_path / 'out', initial=initial, stages=SHORT, minutes=60)
    layers = changed(initial, tmp_path / 'out')
    assert {'class_logits', 'rpn_conv', 'stem'} <= layers
    assert not any(layer.endswith('_bn') for layer in layers)
    facts = model.settings['fine_tuning']
    assert not facts['kept_initial']
    assert (facts['n_training_frames'], facts['n_held_out_frames']) == (2, 1)
    assert facts['before']['star']['AP'] == 10
    assert facts['after']['star']['AP'] == 30
    assert 'held-out frames' in capsys.readouterr().out
    assert 'AP_before' in (tmp_path / 'out' / 'MODEL_CARD.md').read_text()
    assert not any((tmp_path / 'out' / 'fine_tuning').iterdir())


@pytest.mark.parametrize('precisions', [(10., 5.), (10., 20., 5.)])
def test_never_worse(initial, frames, judge, quick, tmp_path, precisions):
    """
    Where nothing is better, or not once it is written, the initial model comes out.
    """
    judge(*precisions)
    with pytest.warns(AstropyUserWarning, match="nothing better .* 'initial'"):
        model = fine_tune(*frames, tmp_path / 'out', initial=initial, stages=SHORT,
                          progress_bar=False)
    assert changed(initial, tmp_path / 'out') == set()
    facts = model.settings['fine_tuning']
    assert facts['kept_initial']
    assert facts['before'] == facts['after']
    assert 'unchanged' in (tmp_path / 'out' / 'MODEL_CARD.md').read_text()


def test_new_class_and_subset(initial, frames, judge, quick, tmp_path, monkeypatch):
    """
    A class that is new extends the model; one without labels stays.
    """
    judge(10., 20.)
    images, labels, _ = frames
    model = fine_tune(images, labels, 'lens', tmp_path / 'out', initial=initial,
                      stages=SHORT, progress_bar=False)
    assert model.config.class_names == ('star', 'galaxy', 'lens')
    assert model.settings['calibration']['class_offset'] == [0., 0.1, 0.]
    assert model._weights['class_logits/bias'].shape == (4,)
    monkeypatch.undo()
    segmenter = RCNNSegmenter(model, runtime='keras')
    with pytest.warns(NoDetectionsWarning):
        result = segmenter.segment(images[0])
    assert result.instances.class_probabilities.shape[1] == 3


@pytest.mark.slow
def test_resume(initial, frames, judge, tmp_path):
    """
    A run that the time ended gives the best so far, and goes on to the same end.
    """
    judge(10., 20., 30., 30.)
    out = tmp_path / 'out'
    options = {'initial': initial, 'stages': SHORT, 'progress_bar': False}
    with pytest.warns(AstropyUserWarning, match='nothing better'):
        first = fine_tune(*frames, out, minutes=1e-9, **options)
    assert first.settings['fine_tuning']['steps'] == 1
    with pytest.raises(OSError, match='holds an unfinished run: resume=True'):
        fine_tune(*frames, out, **options)
    with pytest.raises(ValueError, match='seed of a run cannot change, got 3'):
        fine_tune(*frames, out, resume=True, seed=3, **options)
    judge(10., 20., 30., 30.)
    model = fine_tune(*frames, out, resume=True, **options)
    assert model.settings['fine_tuning']['steps'] == 3
    judge(10., 20., 30., 30.)
    fine_tune(*frames, tmp_path / 'other', **options)
    one, other = weights_of(out), weights_of(tmp_path / 'other')
    for name, values in one.items():
        if 'seed' not in name:
            np.testing.assert_allclose(values, other[name], atol=1e-3)
    with pytest.raises(OSError, match='holds a model: overwrite=True'):
        fine_tune(*frames, out, **options)


@pytest.mark.parametrize('unlabelled', ['ignore', 'background'])
def test_unlabelled(initial, frames, judge, quick, tmp_path, monkeypatch, unlabelled):
    """
    The initial model looks at frames to train on, unless labels are said to be
    complete, and never at those held out.
    """
    judge(10., 20.)
    seen = []
    monkeypatch.setattr(fine_tuning_run, 'complete_truth',
                        lambda scene, found: seen.append(scene) or scene)
    model = fine_tune(*frames, tmp_path / 'out', initial=initial, stages=SHORT,
                      progress_bar=False, unlabelled=unlabelled)
    assert len(seen) == (2 if unlabelled == 'ignore' else 0)
    assert changed(initial, tmp_path / 'out') == {'class_logits'}
    assert model.settings['fine_tuning']['steps'] == 5


def test_choice_of_held_out_frames():
    """
    Each class has its part among the frames held out, as far as there are enough.
    """
    counts = [{'star': 4}] * 6 + [{'galaxy': 4}] * 6
    held = choose_held_out(counts, 1 / 3, 0)
    assert_equal([held[:6].sum(), held[6:].sum()], [2, 2])
    assert_array_equal(held, choose_held_out(counts, 1 / 3, 0))
    assert choose_held_out([{'a': 1}, {}], 0.1, 0).sum() == 1


def test_padding(make_scene):
    """
    Small frames get bad pixels; others stay.
    """
    scene = make_scene([(20, 20)], shape=(64, 128))
    large = padded(scene, 100)
    assert large.data.shape == (3, 100, 128)
    assert large.mask[64:].all()
    assert not large.mask[:64].any()
    assert large.footprints.shape == (100, 128)
    assert padded(scene, 64) is scene


@pytest.mark.parametrize(('n_crops', 'steps'), [(1, (120, 40)), (100, (500, 150)),
                                                (10**6, (2000, 600))])
def test_schedule(n_crops, steps):
    stages = default_stages(n_crops, 4)
    assert tuple(stage.n_steps for stage in stages) == steps
    assert [stage.heads_only for stage in stages] == [True, False]


@pytest.mark.parametrize(('change', 'error', 'match'), [
    ({'images': 1}, ValueError, 'images must be two frames or more, .* got 1'),
    ({'labels': 2}, ValueError, 'labels must have an entry for each of 3 images'),
    ({'classes': 2}, ValueError, 'classes must be a mapping'),
    ({'classes': None}, ValueError, 'classes must be a mapping, .* got None'),
    ({'held_out': 1}, ValueError, 'held_out must be a number above 0 and below 1, got 1'),
    ({'minutes': 0}, ValueError, 'minutes must be a number above 0, got 0'),
    ({'unlabelled': 'x'}, ValueError, "unlabelled must be .* got 'x'"),
    ({'initial': 'nothing'}, ValueError, "model must be one of .* got 'nothing'")])
def test_bad_input(initial, frames, tmp_path, change, error, match):
    images, labels, classes = frames
    if change == {'images': 1}:
        change, frames = {}, [part[:1] for part in frames]
    elif 'labels' in change:
        change, frames = {}, (images, labels[:2], classes)
    elif 'classes' in change:
        n = change['classes']
        change, frames = {}, (images, labels, n and classes[:n])
    with pytest.raises(error, match=match):
        fine_tune(*frames, tmp_path / 'out', **{'initial': initial, **change})
    assert not (tmp_path / 'out').exists()


def test_bad_frames(initial, frames, tmp_path):
    """
    The error names the frame; without any source there is nothing to learn.
    """
    images, labels, classes = frames
    labels[1] = labels[1][:50]
    with pytest.raises(ValueError, match='frame 1: labels must have the shape'):
        fine_tune(images, labels, classes, tmp_path / 'a', initial=initial,
                  progress_bar=False)
    with pytest.raises(ValueError, match='labels must have a source that is not ignored'):
        fine_tune(images, [np.zeros(image.shape[1:], int) for image in images], {},
                  tmp_path / 'b', initial=initial, progress_bar=False)
    with pytest.raises(OSError, match='frame 0: .*no such file'):
        fine_tune(['none.fits'] * 3, labels, classes, tmp_path / 'c', initial=initial,
                  progress_bar=False)


def test_mended_frames(initial, frames, judge, quick, tmp_path):
    """
    Frames that did not fit leave no run that the next call would have to replace, and what
    was read of them does not count.
    """
    judge(10., 20.)
    images, labels, _ = frames
    options = {'initial': initial, 'stages': SHORT, 'progress_bar': False}
    with pytest.raises(ValueError, match='frame 1: labels must have the shape'):
        fine_tune(images, [labels[0], labels[1][:50], labels[2]], 'comet',
                  tmp_path / 'out', **options)
    model = fine_tune(*frames, tmp_path / 'out', **options)
    assert model.config.class_names == ('star', 'galaxy')


def test_spelling(initial, frames, tmp_path):
    """
    Two spellings in different frames would be two classes.
    """
    images, labels, _ = frames
    with pytest.raises(ValueError, match="spelled alike, got 'comet' beside 'Comet'"):
        fine_tune(images, labels, ['Comet', 'star', 'comet'], tmp_path / 'out',
                  initial=initial, progress_bar=False)


def test_class_in_held_out_frames_alone(initial, frames, judge, quick, tmp_path):
    """
    Nothing can be learned of it, and a warning says so.
    """
    judge(10., 20.)
    images, labels, _ = frames
    with pytest.warns(AstropyUserWarning, match=r"no source of \['comet'\] is trained on"):
        fine_tune(images[:2], labels[:2], ['comet', 'star'], tmp_path / 'out',
                  initial=initial, progress_bar=False, seed=0)


def test_run_file(initial, frames, quick, tmp_path, monkeypatch):
    """
    The folder of a run says what it began with.
    """
    monkeypatch.setattr(fine_tuning_run.FineTuningRun, 'train', lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fine_tune(*frames, tmp_path / 'out', initial=initial, progress_bar=False)
    begun = json.loads((tmp_path / 'out' / 'fine_tuning' / 'run.json').read_text())
    assert begun['n_frames'] == 3
    assert begun['initial'] == load_model(initial).sha256
