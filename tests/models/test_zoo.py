# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of models as folders.
"""



import copy
import hashlib
import io
import json
import logging
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal
from scipy import special
from tiny_network import tiny_config

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.astro_rcnn.config import AstroRCNNConfig
from photutils_rcnn.astro_rcnn.model import AstroRCNNModel
from photutils_rcnn.models import model as model_module
from photutils_rcnn.models import zoo
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.model import DEFAULT_THRESHOLDS
from photutils_rcnn.models.weights import get_weights, set_weights

SETTINGS = {'name': 'tiny', 'description': 'for tests',
            'thresholds': {'score': 0.4}, 'halo': 48, 'training': {}}


@pytest.fixture(scope='module')
def network():
    return MaskRCNN(tiny_config())


@pytest.fixture
def folder(network, tmp_path):
    zoo.save_model(tmp_path / 'tiny', network, SETTINGS, '# Tiny\n')
    return tmp_path / 'tiny'


def test_round_trip(folder, network):
    """
    Vectors survive exactly, kernels to the precision of float16.
    """
    model = zoo.load_model(folder, precision='float32')
    assert model.name == 'tiny'
    assert model.halo == 48
    assert model.stretch == {'name': 'arcsinh', 'scale': 2.0}
    assert model.thresholds == {**DEFAULT_THRESHOLDS, 'score': 0.4}
    assert model.network.config == network.config.network
    before = get_weights(network)
    after = get_weights(model.network)
    assert list(before) == list(after)
    for name, value in before.items():
        tolerance = 1e-3 if value.ndim > 1 else 0
        assert_allclose(after[name], value, rtol=tolerance, atol=1e-7)
    assert (folder / 'MODEL_CARD.md').read_text() == '# Tiny\n'
    assert model.sha256[:12] in repr(model)


def test_copies_of_a_used_model(folder):
    """
    Compiled functions can neither be copied nor pickled: copies share the
    model, pickles build it again.
    """
    model = zoo.load_model(folder, precision='float32')
    image = np.random.default_rng(0).normal(0, 1, (32, 32, 3)).astype('f4')
    _, objectness, boxes = model.detector.dense(image)
    segmenter = RCNNSegmenter(model)
    assert copy.deepcopy(segmenter).model is segmenter.model
    again = pickle.loads(pickle.dumps(segmenter)).model
    assert again.sha256 == model.sha256
    _, same_objectness, same_boxes = again.detector.dense(image)
    assert_allclose(same_objectness, objectness, atol=1e-6)
    assert_allclose(same_boxes, boxes, atol=1e-3)


def test_saving_twice_gives_the_same_model(folder, network):
    first = zoo.load_model(folder).sha256
    zoo.save_model(folder, network, SETTINGS, '# Tiny\n')
    assert zoo.load_model(folder).sha256 == first


def test_format_2_of_astro_rcnn(network, tmp_path):
    """
    Its models that earlier versions imported are read as they were.
    """
    folder = tmp_path / 'old'
    zoo.save_model(folder, network, SETTINGS, '')
    settings = json.loads((folder / 'config.json').read_text())
    stretch = {'name': 'zscore-int16', 'offset': 200.}
    settings.update(format=2, stretch=stretch, protocol='matterport', network={
        'backbone': 'resnet50', 'layers': 'matterport', 'told_fwhm': False,
        'stage_blocks': [1, 2, 2, 3], 'box_end': 1.})
    (folder / 'config.json').write_text(json.dumps(settings))
    model = zoo.load_model(folder)
    assert model.stretch == stretch
    assert isinstance(model, AstroRCNNModel)
    assert model.config == AstroRCNNConfig(stage_blocks=(3, 4, 6, 3))
    assert not model.isophotal


@pytest.mark.parametrize('version', [2, 3])
def test_older_profile_heads(version, folder):
    path = folder / 'config.json'
    settings = {**json.loads(path.read_text()), 'format': version}
    path.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match='profile head knows no PSF.*again'):
        zoo.load_model(folder)


def test_damaged_weights(folder):
    path = folder / 'weights.npz'
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match='damaged.*sha256'):
        zoo.load_model(folder)


def test_missing_files(folder):
    (folder / 'weights.npz').unlink()
    with pytest.raises(ValueError, match=r'cannot be read.*weights\.npz'):
        zoo.load_model(folder)


def test_broken_settings(folder):
    (folder / 'config.json').write_text('{"format": 1,')
    with pytest.raises(ValueError, match='cannot be read: config.json is no JSON'):
        zoo.load_model(folder)


def test_unknown_format(folder):
    path = folder / 'config.json'
    settings = {**json.loads(path.read_text()), 'format': 99}
    path.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match='has the format 99'):
        zoo.load_model(folder)


@pytest.mark.parametrize(('content', 'match'), [
    ('[]', 'no object'), ('{"format": 4, "name": "a"}', "lacks .*'sha256'")])
def test_incomplete_settings(folder, content, match):
    (folder / 'config.json').write_text(content)
    with pytest.raises(ValueError, match=match):
        zoo.load_model(folder)


@pytest.mark.parametrize(('changes', 'match'), [
    ({'thresholds': None}, 'thresholds in config.json .* got None'),
    ({'thresholds': {'score': 2}}, 'thresholds in config.json'),
    ({'network': []}, 'network in config.json'),
    ({'halo': 'x'}, "halo in config.json .* got 'x'"),
    ({'halo': -5}, 'halo in config.json'),
    ({'network': {'n_bands': 0}}, 'n_bands of the configuration')])
def test_settings_that_do_not_fit(folder, changes, match):
    path = folder / 'config.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ValueError, match=f"model .*tiny' .*{match}"):
        zoo.load_model(folder)


_npy = io.BytesIO()
np.save(_npy, np.zeros(3))
NPY = _npy.getvalue()


def _replace_weights(folder, content):
    (folder / 'weights.npz').write_bytes(content)
    path = folder / 'config.json'
    path.write_text(json.dumps({
        **json.loads(path.read_text()),
        'sha256': hashlib.sha256(content).hexdigest()}))


@pytest.mark.parametrize('content', [b'', b'PK', b'weights', NPY])
def test_weights_that_are_none(folder, content):
    """
    A right checksum of something else.
    """
    _replace_weights(folder, content)
    with pytest.raises(ValueError, match='is not a valid file of weights'):
        zoo.load_model(folder)


def test_weights_must_be_finite(folder, network, tmp_path):
    """
    A network of NaN finds nothing and would not say why.
    """
    weights = {**get_weights(network)}
    name = next(name for name in weights if name.endswith('kernel'))
    weights[name] = np.full_like(weights[name], np.nan)
    buffer = io.BytesIO()
    np.savez(buffer, **weights)
    _replace_weights(folder, buffer.getvalue())
    with pytest.raises(ValueError, match=f'weights {name} are not finite numbers'):
        zoo.load_model(folder)
    before = network.weights[0].numpy()
    try:
        network.weights[0].assign(np.full_like(before, 1e6))  # no float16
        with pytest.raises(ValueError, match='are not finite'):
            zoo.save_model(tmp_path / 'bad', network, SETTINGS, '')
        assert not (tmp_path / 'bad').exists()
    finally:
        network.weights[0].assign(before)


def test_frames_of_many_shapes_without_warnings(folder, caplog):
    """
    That every shape is compiled anew is no news to users.
    """
    detector = zoo.load_model(folder, precision='float32').detector
    logger = logging.getLogger('tensorflow')
    logger.addHandler(caplog.handler)
    try:
        for side in range(32, 96, 8):
            detector.dense(np.zeros((side, 32, 3), np.float32))
    finally:
        logger.removeHandler(caplog.handler)
    assert not caplog.records


def test_stages_are_bounded(folder, monkeypatch):
    """
    Where each shape is compiled anew, frames of many do not fill the memory
    with compiled stages.
    """
    monkeypatch.setattr('photutils_rcnn.models.stages.has_free_shapes',
                        lambda: False)
    monkeypatch.setattr('photutils_rcnn.models.stages.MAX_STAGES', 2)
    detector = zoo.load_model(folder, precision='float32').detector
    images = [np.zeros((side, 32, 3), np.float32) for side in (32, 64, 96)]
    first = detector.dense(images[0])[1]
    for image in images[1:]:
        detector.dense(image)
    assert len(detector._stages._compiled) == 2
    assert_allclose(detector.dense(images[0])[1], first, atol=1e-6)


def test_one_graph_for_all_shapes(folder, monkeypatch):
    """
    TensorFlow compiles a stage once, for frames and numbers of regions of
    all sizes, and gives what it does for each alone.
    """
    traced = []
    call = MaskRCNN.call
    monkeypatch.setattr(MaskRCNN, 'call', lambda self, *args, **options: (
        traced.append(1), call(self, *args, **options))[1])
    model = zoo.load_model(folder, precision='float32')
    rng = np.random.default_rng(0)
    for shape, n in (((32, 64), 3), ((96, 32), 80), ((64, 64), 20)):
        image = rng.normal(0, 1, (*shape, 3)).astype(np.float32)
        boxes = np.float32([5, 5, 12, 14]) + rng.uniform(0, 15, (n, 1))
        alone = zoo.load_model(folder, precision='float32').detector
        results = []
        for detector in (model.detector, alone):
            features, objectness, anchors = detector.dense(image)
            logits, refined = detector.classify(features, boxes, shape)
            results.append([
                objectness, anchors, logits, refined,
                detector.classify_profiles(image, boxes, logits),
                *detector.predict_masks(features, boxes, shape)])
        for one, other in zip(*results, strict=True):
            assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert len(traced) == 4  # once for all, and three alone


def test_names(folder, monkeypatch, tmp_path):
    """
    Shipped models are found by name; an unknown name lists them.
    """
    with pytest.raises(TypeError, match='model must be a name .*, got None'):
        zoo.load_model(None)
    monkeypatch.setattr(zoo, '_shipped', lambda: tmp_path)
    assert list(zoo.list_models()) == ['tiny']
    assert zoo.list_models()['tiny']['description'] == 'for tests'
    assert zoo.load_model('tiny').name == 'tiny'
    with pytest.raises(ValueError, match=r"one of \['tiny'\].*got 'huge'"):
        zoo.load_model('huge')


def test_weights_must_fit(network):
    """
    Missing, unexpected and misshapen weights are named, and then nothing
    is assigned.
    """
    before = get_weights(network)
    first, *_, last = before
    for change, message in (
            ({first: None}, f"missing .'{first}'."),
            ({'other': np.zeros(3)}, "unexpected .'other'."),
            ({first: np.zeros((1, 2))}, f"another shape .'{first}'.")):
        weights = {**before, last: before[last] + 1, **change}
        weights = {name: value for name, value in weights.items()
                   if value is not None}
        with pytest.raises(ValueError, match=message):
            set_weights(network, weights)
        assert_equal(get_weights(network)[last], before[last])


def test_calibration(folder):
    """
    Without a calibration the probabilities are the softmax of the logits;
    with one, logits are scaled and shifted, and the proposal network's log
    odds join in.
    """
    logits = np.float32([[1, 2, 3], [0, 0, 0]])
    model = zoo.load_model(folder)
    assert_allclose(model.source_probabilities(logits, [0.9, 0.2]),
                    1 - special.softmax(logits, axis=1)[:, 0], rtol=1e-6)
    assert_allclose(model.class_probabilities(logits[:, 1:]),
                    special.softmax(logits[:, 1:], axis=1), rtol=1e-6)

    model.settings['calibration'] = {
        'objectness': 2., 'source_scale': 0.5, 'source_offset': 1.,
        'class_scale': 2., 'class_offset': [0., 1.]}
    odds = np.log([np.exp(2) + np.exp(3), 2]) - [1, 0]
    odds = 0.5 * (odds + 2 * np.log([0.9 / 0.1, 0.2 / 0.8])) + 1
    assert_allclose(model.source_probabilities(logits, [0.9, 0.2]),
                    1 / (1 + np.exp(-odds)), rtol=1e-6)
    assert_allclose(model.class_probabilities(logits[:, 1:])[:, 1],
                    1 / (1 + np.exp(-np.array([3., 1.]))), rtol=1e-6)


def test_certain_proposals_stay_finite(folder):
    model = zoo.load_model(folder)
    model.settings['calibration'] = {'objectness': 2.}
    found = model.source_probabilities(np.zeros((2, 3)), [0., 1.])
    assert np.isfinite(found).all()
    assert found[0] < 1e-6
    assert found[1] > 1 - 1e-6


def test_precision_that_was_asked_for(monkeypatch):
    """
    It comes before that of the model.
    """
    model = zoo.load_model(precision='float32')
    assert model.precision == 'float32'
    model.settings['precision'] = 'mixed_bfloat16'
    asked = []

    def network(config, precision):
        asked.append(precision)
        return precision

    monkeypatch.setattr('photutils_rcnn.models.mask_rcnn.MaskRCNN', network)
    monkeypatch.setattr(model_module, 'set_weights', lambda *_: None)
    assert model.network == 'float32'
    assert zoo.load_model().precision is None
