# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the reader of matterport's weight files.
"""

import hashlib
import json

import astro_rcnn_oracle as oracle
import attrs
import h5py
import numpy as np
import pytest

from photutils_rcnn.astro_rcnn import weights as reader
from photutils_rcnn.astro_rcnn.config import CONFIGS, AstroRCNNConfig
from photutils_rcnn.astro_rcnn.importer import import_model
from photutils_rcnn.astro_rcnn.model import AstroRCNNModel
from photutils_rcnn.astro_rcnn.network import AstroRCNN
from photutils_rcnn.astro_rcnn.weight_layout import expected_tensors
from photutils_rcnn.astro_rcnn.weights import read_weights
from photutils_rcnn.models import zoo

# Of the sorted list of [group, tensor, shape] of the file of 3 classes.
MANIFEST = '50f9fc7c5c35b6343fc2ea12e5c49707999df4f97d6d11bd3e3dfbede6aafbcc'
unknown_file = pytest.mark.filterwarnings('ignore:.*none of the published')


def shapes(config):
    """
    The shape of each tensor by its name.
    """
    return {name: shape for group in expected_tensors(config).values()
            for name, shape in group}


def n_parameters(config):
    return sum(np.prod(shape) for shape in shapes(config).values())


def test_tensors_are_those_of_the_published_file():
    rows = sorted([group, name, list(shape)] for group, tensors in
                  expected_tensors(AstroRCNNConfig()).items()
                  for name, shape in tensors)
    assert len(rows) == 690
    assert len({row[0] for row in rows}) == 233
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    assert digest == MANIFEST


@pytest.mark.parametrize(('name', 'changes', 'expected'), [
    ('astro_rcnn', {}, 63738788),
    ('astro_rcnn-resnet50', {}, 44668324),
    ('astro_rcnn', {'n_bands': 5}, 63738788 + 2 * 3136),
    ('astro_rcnn', {'class_names': ('a', 'b', 'c')}, 63738788 + 5382)])
def test_number_of_parameters(name, changes, expected):
    assert n_parameters(attrs.evolve(CONFIGS[name], **changes)) == expected


def test_network_has_these_tensors():
    config = oracle.small_config(n_bands=4)
    network = AstroRCNN(config)
    assert {variable.path: tuple(variable.shape)
            for variable in network.weights} == shapes(config)


@pytest.fixture
def small():
    config = oracle.small_config(n_bands=2, class_names=('a', 'b', 'c'))
    return config, oracle.random_tensors(config, 1)


@unknown_file
@pytest.mark.parametrize(('nested', 'text'), [(False, False), (True, True)])
def test_every_tensor_is_read(tmp_path, small, nested, text):
    config, tensors = small
    path = tmp_path / 'weights.h5'
    oracle.write_h5(path, config, tensors, nested=nested, text=text,
                    extra={'anchors': np.zeros((3, 4))})
    found = read_weights(path, config)
    assert set(found.tensors) == set(tensors)
    for name, value in tensors.items():
        np.testing.assert_array_equal(found.tensors[name], value)
    assert found.published_name is None


def faulty(path, config, tensors, **options):
    oracle.write_h5(path, config, tensors, **options)
    with pytest.raises(ValueError, match='does not fit') as caught:
        read_weights(path, config)
    return str(caught.value)


def test_every_fault_is_told(tmp_path, small):
    config, tensors = small
    path = tmp_path / 'weights.h5'
    text = faulty(path, config, tensors, drop=['fpn_p3', 'mrcnn_mask'])
    assert '2 faults' in text
    assert 'fpn_p3 is missing' in text
    wrong = {**tensors, 'fpn_p2/kernel': np.zeros((3, 3, 12, 11))}
    text = faulty(path, config, wrong)
    assert '1 faults' in text
    assert '(3, 3, 12, 11) instead of (3, 3, 12, 12)' in text
    wrong = {**tensors, 'conv1/bias': np.full(64, np.nan)}
    assert 'conv1/bias has values that are not finite' in faulty(
        path, config, wrong)
    oracle.write_h5(path, config, tensors)
    with h5py.File(path, 'a') as file:
        file['conv1'].attrs['weight_names'] = [b'conv1/kernel:0']
    with pytest.raises(ValueError, match='1 tensors instead of 2'):
        read_weights(path, config)


@unknown_file
def test_unexpected_groups_are_told(tmp_path, small):
    config, tensors = small
    path = tmp_path / 'weights.h5'
    oracle.write_h5(path, config, tensors, extra={'other': np.zeros(3)})
    with pytest.warns(UserWarning, match="without a layer.*'other'"):
        read_weights(path, config)


@pytest.mark.parametrize('content', [b'', b'version https://git-lfs', None])
def test_other_files(tmp_path, content):
    path = tmp_path / 'weights.h5'
    if content is None:
        with h5py.File(path, 'w') as file:
            file['data'] = np.zeros(3)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match='not a Keras HDF5 file'):
        read_weights(path)


def test_checksums_of_published_files(tmp_path, small, monkeypatch,
                                      recwarn):
    config, tensors = small
    path = tmp_path / 'weights.h5'
    oracle.write_h5(path, config, tensors)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(reader.PUBLISHED, digest, 'known.h5')
    assert read_weights(path, config).published_name == 'known.h5'
    assert not recwarn
    monkeypatch.setitem(reader.UNSUPPORTED, digest, 'an old file')
    with pytest.raises(ValueError, match='it is an old file'):
        read_weights(path, config)


@unknown_file
def test_model_folder(tmp_path):
    """
    Depth, bands and classes are told by the file; the folder holds the
    weights bit by bit, the first band the bluest.
    """
    config = AstroRCNNConfig(name='some', stage_blocks=(1, 2, 1, 1), n_bands=5,
                             class_names=('class1', 'class2', 'class3'))
    tensors = oracle.random_tensors(config, 2)
    path = tmp_path / 'some.h5'
    oracle.write_h5(path, config, tensors)
    imported = import_model(path, tmp_path / 'model', resize_to=512)
    assert imported.config == config
    with pytest.raises(OSError, match='model holds a model; use overwrite'):
        import_model(path, tmp_path / 'model')
    import_model(path, tmp_path / 'model', resize_to=512, overwrite=True)
    direct = zoo.load_model(path)
    model = zoo.load_model(tmp_path / 'model')
    for found in (direct, model):
        assert found.name == 'some'
        assert found.thresholds['nms'] == 0.3
        assert found.settings['network']['n_bands'] == 5
        stored = dict(found._weights)
        np.testing.assert_array_equal(stored.pop('conv1/kernel')[:, :, ::-1],
                                      tensors['conv1/kernel'])
        for name, value in stored.items():
            assert value.dtype == np.float32
            np.testing.assert_array_equal(value, tensors[name])
    assert direct.settings['resize_to'] is None
    assert model.settings['resize_to'] == 512
    card = (tmp_path / 'model/MODEL_CARD.md').read_text()
    assert imported.sha256 in card
    assert '5 blocks' in card
    assert 'resized to 512 pixels' in card
    network = model.network
    assert network.precision == 'float32'
    with pytest.raises(ValueError, match='class_names must have 3'):
        AstroRCNNModel.read(path, class_names=['star', 'galaxy'])
    for wrong in (0, 100):
        with pytest.raises(ValueError, match=f'resize_to must .* {wrong}'):
            AstroRCNNModel.read(path, resize_to=wrong)


def test_nothing_is_written_for_a_faulty_file(tmp_path, small):
    config, tensors = small
    path = tmp_path / 'weights.h5'
    oracle.write_h5(path, config, tensors)
    with pytest.raises(ValueError, match='does not fit'):
        import_model(path, tmp_path / 'model')
    assert not (tmp_path / 'model').exists()
