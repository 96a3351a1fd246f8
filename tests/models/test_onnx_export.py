# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of models in ONNX, run by onnxruntime, beside Keras.
"""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose
from tiny_network import tiny_config

from photutils_rcnn.cli import main
from photutils_rcnn.detection.inference import run_inference
from photutils_rcnn.models.detector import Detector
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.model import Model
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.models.zoo import load_model

onnx = pytest.importorskip('onnx')
pytest.importorskip('tf2onnx')
onnxruntime = pytest.importorskip('onnxruntime')
pytestmark = [
    pytest.mark.skipif(keras.backend.backend() != 'tensorflow',
                       reason='it is converted from TensorFlow'),
    # of tf2onnx
    pytest.mark.filterwarnings('ignore::DeprecationWarning'),
    pytest.mark.filterwarnings('ignore::FutureWarning')]

FWHM = (3., 4., 3.5)
ATTRIBUTE = {'name': 'kind', 'classes': ('a', 'b'), 'filters': (4, 4, 4), 'width': 8}


class ONNXStages:
    """
    The stages of a folder.
    """

    n_rows = None
    has_free_shapes = True

    def __init__(self, folder):
        self._sessions = {
            path.stem: onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
            for path in folder.glob('*.onnx')}

    def run(self, name, shape, *args):
        session = self._sessions[name]
        return session.run(None, {value.name: np.ascontiguousarray(arg) for value, arg in zip(
            session.get_inputs(), args, strict=True)})

    @staticmethod
    def to_numpy(array):
        return array


@pytest.fixture(scope='module')
def tiny():
    """
    A network with random weights, also where they are zero before training.
    """
    keras.utils.set_random_seed(0)
    config = tiny_config(attributes=(ATTRIBUTE,))
    rng = np.random.default_rng(0)
    weights = {name: value + rng.normal(0, 0.1, value.shape) if value.ndim > 1 else value
               for name, value in get_weights(MaskRCNN(config)).items()}
    settings = {'name': 'tiny', 'network': config.network.to_dict(), 'halo': 48,
                'sha256': 'tiny', 'thresholds': {'objectness': 0.1, 'score': 0.2}}
    return Model(settings, weights, 'float32')


@pytest.fixture(scope='module')
def folder(tiny, tmp_path_factory):
    """
    Its files.
    """
    from photutils_rcnn.models.onnx_export import export_onnx

    path = tmp_path_factory.mktemp('onnx') / 'tiny'
    assert sorted(item.name for item in export_onnx(tiny, path)) == [
        'attribute_kind.onnx', 'classify.onnx', 'config.json', 'dense.onnx', 'mask.onnx',
        'pool.onnx', 'profile.onnx', 'sample.onnx']
    return path


def random_tile(shape, n_boxes):
    rng = np.random.default_rng(1)
    low = rng.uniform(0, 40, (n_boxes, 2))
    boxes = np.concatenate([low, low + rng.uniform(3, 20, (n_boxes, 2))], axis=1)
    return rng.normal(0, 1, (*shape, 3)).astype('f4'), boxes.astype('f4'), rng


@pytest.mark.parametrize(('shape', 'n_boxes'), [((64, 96), 3), ((72, 48), 70)])
def test_stages(tiny, folder, shape, n_boxes):
    """Those of Keras, for any shape and number of boxes."""
    image, boxes, rng = random_tile(shape, n_boxes)
    psf = rng.uniform(0, 1, (21, 21, 3)).astype('f4')
    stamps = rng.normal(0, 2, (n_boxes, 32, 32, 3)).astype('f4')
    numbers = rng.normal(0, 1, (n_boxes, 3)).astype('f4')
    answers = []
    for detector in (tiny.detector, Detector(tiny.config, ONNXStages(folder))):
        features, *dense = detector.dense(image)
        logits, refined = detector.classify(features, boxes, shape, FWHM)
        pooled = detector.pool_sources(features, boxes, shape)
        answers.append([
            *dense, logits, refined, pooled,
            detector.classify_profiles(image, boxes, logits, FWHM, psf),
            detector.classify_profiles(image, boxes, logits),
            detector.predict_attribute('kind', pooled, stamps, numbers),
            *detector.predict_masks(features, boxes, shape)])
    for one, other in zip(*answers, strict=True):
        assert np.ptp(one) > 0
        assert_allclose(other, one, atol=1e-4 * np.abs(one).max())


def test_contract(tiny, folder):
    """Names, types and lengths are in the files."""
    stage = onnx.load(folder / 'classify.onnx')
    onnx.checker.check_model(stage)

    def lengths(value):
        return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]

    assert {value.name: lengths(value) for value in stage.graph.input} == {
        'features': ['n_cells', 8], 'shape': [2], 'boxes': ['n', 4], 'log_fwhm': ['n', 3]}
    assert {value.name: lengths(value) for value in stage.graph.output} == {
        'logits': ['n', 3], 'refined_boxes': ['n', 4]}
    assert {prop.key: prop.value for prop in stage.metadata_props} == {
        'model': 'tiny', 'sha256': 'tiny', 'stage': 'classify'}
    settings = json.loads((folder / 'config.json').read_text())
    assert settings['network']['n_bands'] == 3


@pytest.mark.slow
def test_shipped_model(tmp_path):
    """Sources of a noisy image with discs, from the command's files."""
    assert main(['models', 'export', 'default', str(tmp_path)]) == 0
    model = load_model('default')
    model.precision = 'float32'
    rng = np.random.default_rng(0)
    image = rng.normal(0, 1, (192, 160, 3))
    y, x = np.indices(image.shape[:2])
    for _ in range(20):
        light = 30 * np.exp(-((y - rng.uniform(0, 192))**2 + (x - rng.uniform(0, 160))**2) / 8)
        image += light[..., None]
    image = (np.arcsinh(image) / 2).astype('f4')
    one = run_inference(model, image, psf_fwhm=FWHM)
    model.__dict__['detector'] = Detector(model.config, ONNXStages(tmp_path))
    other = run_inference(model, image, psf_fwhm=FWHM)
    assert len(one) > 10
    assert_allclose(other.boxes, one.boxes, atol=1e-3)
    assert_allclose(other.scores, one.scores, atol=1e-4)
    assert_allclose(other.class_probabilities, one.class_probabilities, atol=1e-4)
    assert_allclose(other.masks, one.masks, atol=2e-3)  # stored in float16


def test_existing_files_are_kept(tiny, folder):
    from photutils_rcnn.models.onnx_export import export_onnx

    with pytest.raises(FileExistsError, match='dense.onnx exists'):
        export_onnx(tiny, folder)


def test_model_with_its_own_inference(tmp_path):
    from photutils_rcnn.models.onnx_export import export_onnx

    with pytest.raises(ValueError, match="model 'old', whose inference is its own"):
        export_onnx(SimpleNamespace(detect=min, name='old'), tmp_path)
