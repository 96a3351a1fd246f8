# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of OpenVINO beside Keras.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal
from tiny_network import tiny_config

from photutils_rcnn.detection.inference import plan_tiles, run_inference
from photutils_rcnn.models.detector import Detector
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.model import Model
from photutils_rcnn.models.openvino_stages import STAGES, OpenVINOStages
from photutils_rcnn.models.weights import get_weights

pytestmark = pytest.mark.skipif(
    find_spec('openvino') is None, reason='OpenVINO is another runtime')
FWHM = (3., 4., 3.5)

FRESH = """
import sys
from pathlib import Path
import numpy as np
from photutils_rcnn import RCNNSegmenter, _user_cache
_user_cache.get_cache_dir_path = lambda name: Path(sys.argv[1])
image = np.random.default_rng(0).normal(0, 1, (64, 64))
image[30:34, 30:34] += 40
segmenter = RCNNSegmenter(runtime='openvino')
assert len(segmenter.segment(image, background=0).table)
for name in ('keras', 'tensorflow', 'openvino_telemetry'):
    assert name not in sys.modules, name
"""


def make_models(**changes):
    """
    A network with random weights, also where they are zero before training, in
    Keras and in OpenVINO.
    """
    keras.utils.set_random_seed(0)
    config = tiny_config(**changes)
    rng = np.random.default_rng(0)
    weights = {name: value + rng.normal(0, 0.1, value.shape) if value.ndim > 1 else value
               for name, value in get_weights(MaskRCNN(config)).items()}
    settings = {'name': 'tiny', 'network': config.network.to_dict(), 'halo': 48,
                'sha256': 'tiny', 'thresholds': {'objectness': 0.1, 'score': 0.2}}
    model = Model(settings, weights, 'float32')
    return model, model.with_runtime('openvino')


@pytest.fixture(scope='module')
def models():
    return make_models()


def random_tile(shape, n_boxes):
    rng = np.random.default_rng(1)
    low = rng.uniform(0, 40, (n_boxes, 2))
    boxes = np.concatenate([low, low + rng.uniform(3, 20, (n_boxes, 2))], axis=1)
    return (rng.normal(0, 1, (*shape, 3)).astype(np.float32),
            boxes.astype(np.float32),
            rng.uniform(0, 1, (21, 21, 3)).astype(np.float32))


def run_stages(detector, image, boxes, psf):
    """
    The answers of all stages.
    """
    features, objectness, anchors = detector.dense(image)
    shape = image.shape[:2]
    logits, refined = detector.classify(features, boxes, shape, FWHM)
    known = detector.classify_profiles(image, boxes, logits, FWHM, psf)
    unknown = detector.classify_profiles(image, boxes, logits)
    return (objectness, anchors, logits, refined, known, unknown,
            *detector.predict_masks(features, boxes, shape))


@pytest.mark.parametrize(('shape', 'n_boxes'), [((64, 96), 3), ((72, 48), 70)])
def test_stages(models, shape, n_boxes):
    tile = random_tile(shape, n_boxes)
    results = [run_stages(model.detector, *tile) for model in models]
    for one, other in zip(*results, strict=True):
        assert_allclose(one, other, atol=1e-4 * np.abs(one).max())


@pytest.mark.parametrize('psf_conditioned', [True, False])
def test_without_profile_head(psf_conditioned):
    tile = random_tile((64, 64), 3)
    models = make_models(profile_size=0, psf_conditioned=psf_conditioned)
    results = [run_stages(model.detector, *tile) for model in models]
    for one, other in zip(*results, strict=True):
        assert_allclose(one, other, atol=1e-4 * np.abs(one).max())


def test_sources_in_tiles(models):
    """
    The same sources on a frame of odd size, in several tiles.
    """
    image = random_tile((171, 401), 0)[0]
    assert len(plan_tiles(models[0], image.shape[:2], 184)) > 2
    one, other = (run_inference(model, image, psf_fwhm=FWHM, tile_size=184)
                  for model in models)
    assert len(one) > 20
    assert_allclose(one.boxes, other.boxes, atol=1e-3)
    assert_allclose(one.scores, other.scores, atol=1e-4)
    assert_allclose(one.class_probabilities, other.class_probabilities, atol=5e-3)
    # of an untrained network some pixels are at the threshold
    assert np.mean(one.paint()[0] != other.paint()[0]) < 1e-3


def test_threads(models):
    """
    Several threads run the same stage at once.
    """
    detector = models[1].detector
    tiles = [random_tile((side, 64), 5) for side in (64, 72, 80, 88)]
    alone = [run_stages(detector, *tile) for tile in tiles]
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda tile: run_stages(detector, *tile), tiles)
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)


def test_shapes_that_are_seen_often(models, monkeypatch):
    """
    A shape of which enough pixels were seen is compiled for itself; few are kept.
    """
    monkeypatch.setattr('photutils_rcnn.models.openvino_stages.WORTH_COMPILING', 10_000)
    stages = OpenVINOStages(models[1])
    detector = Detector(models[1].config, stages)
    image, *_ = random_tile((64, 96), 0)
    for n_seen in range(3):
        for one, other in zip(detector.dense(image), models[0].detector.dense(image),
                              strict=True):
            assert_allclose(one, other, atol=1e-4 * np.abs(other).max())
        assert len(stages._of_shape) == (n_seen > 0)
    for side in (112, 120, 128):
        detector.dense(random_tile((side, 96), 0)[0])
    assert [shape[1] for shape in stages._of_shape] == [120, 128]


def test_no_pairs_of_transposes(models, user_cache):
    """
    No transpose of the converted network undoes another.
    """
    stages = models[1].detector._stages
    folder = user_cache / stages._cache_name(models[1])
    transposes = [node for node in stages._core.read_model(folder / 'dense.xml').get_ops()
                  if node.get_type_name() == 'Transpose']
    assert transposes
    for node in transposes:
        assert node.input_value(0).get_node().get_type_name() != 'Transpose'


def test_converted_once(models, monkeypatch, user_cache):
    """
    A converted network is read again, and converted again if it is damaged, or files of
    it are missing.
    """
    folder = user_cache / models[1].detector._stages._cache_name(models[1])
    before = set(user_cache.iterdir())
    converted = []
    module = 'photutils_rcnn.models.openvino_export.export_stages'
    monkeypatch.setattr(module, lambda model, folder: converted.append(model))
    stages = OpenVINOStages(models[1])
    assert not converted
    monkeypatch.undo()
    for damage in ((folder / 'mask.xml').unlink, (folder / 'stages.json').unlink,
                   lambda: (folder / 'mask.xml').write_text('cut')):
        for compiled in stages._compiled.values():
            compiled.result()  # else its cache would make the folder anew
        damage()
        stages = OpenVINOStages(models[1])
        assert set(stages._compiled) == set(STAGES)
        assert set(user_cache.iterdir()) == before


def test_compiled_by_two_processes(models, tmp_path, monkeypatch):
    """
    Where one disturbs the files of the other, this does without.
    """
    stages = OpenVINOStages(models[1])
    compile_model = stages._core.compile_model

    def disturbed(stage, device, options):
        if 'CACHE_DIR' in options:
            raise RuntimeError('cannot set permissions')
        return compile_model(stage, device, options)

    monkeypatch.setattr(stages, '_core', SimpleNamespace(compile_model=disturbed))
    assert stages._compile('dense', stages._dense, tmp_path) is not None


def test_nothing_of_keras_is_imported(user_cache):
    """
    Once a network was converted, a process needs OpenVINO alone, and tells nobody.
    """
    make = ('from photutils_rcnn import RCNNSegmenter, _user_cache\n'
            'import sys\nfrom pathlib import Path\n'
            '_user_cache.get_cache_dir_path = lambda name: Path(sys.argv[1])\n'
            'RCNNSegmenter(runtime="openvino").model.detector\n')
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get('PYTHONPATH', '')])
    for script in (make, FRESH):
        done = subprocess.run([sys.executable, '-c', script, str(user_cache)], text=True,
                              env={**os.environ, 'PYTHONPATH': path},
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('trunk_features', [True, False])
def test_attribute_heads(trunk_features):
    """
    Features of sources and the outputs of their heads are those of Keras.
    """
    attribute = {'name': 'kind', 'classes': ('a', 'b'), 'filters': (4, 4, 4), 'width': 8,
                 'trunk_features': trunk_features}
    keras_model, converted = make_models(attributes=(attribute,))
    rng = np.random.default_rng(0)
    image = rng.normal(0, 1, (64, 96, 3)).astype('f4')
    boxes = np.array([[3, 4, 20, 30], [10, 40, 18, 50], [30, 60, 64, 96]], 'f4')
    stamps = rng.normal(0, 2, (3, 32, 32, 3)).astype('f4')
    numbers = rng.normal(0, 1, (3, 3)).astype('f4')
    results = []
    for model in (keras_model, converted):
        features, _, _ = model.detector.dense(image)
        pooled = None
        if trunk_features:
            pooled = model.detector.pool_sources(features, boxes, image.shape[:2])
        outputs = model.detector.predict_attribute('kind', pooled, stamps, numbers)
        results.append((outputs, *(() if pooled is None else (pooled,))))
    assert np.ptp(results[0][0]) > 0.01
    for one, other in zip(*results, strict=True):
        assert_allclose(one, other, atol=2e-5)
