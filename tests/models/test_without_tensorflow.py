# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of an installation without TensorFlow, in processes that cannot import it.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from photutils_rcnn.models.keras_backend import configured_backend

ROOT = Path(__file__).parents[2]
# None is what the import system takes for "not installed".
SCRIPT = """
import sys
blocked, cache, out = sys.argv[1].split(','), *sys.argv[2:4]
for name in blocked:
    sys.modules[name] = None
from importlib.resources import files
from pathlib import Path
import numpy as np
from photutils_rcnn import RCNNSegmenter, _user_cache
from photutils_rcnn.simulation.scene import Scene
_user_cache.get_cache_dir_path = lambda name: Path(cache)
field = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
cut = np.s_[:, :160, :160]
mask = field.mask[..., :160, :160]
result = RCNNSegmenter(background=0).segment(
    field.data[cut] - np.median(field.data[cut], axis=(1, 2), keepdims=True), mask=mask,
    bands=field.bands)
table = result.table['x', 'y', 'score', 'prob_star', 'area']
table.meta = {'runtime': result.meta['runtime']}
table.write(out, format='ascii.ecsv')
print([name for name in ('keras', 'tensorflow') if sys.modules.get(name)])
"""


def run(script, *args, **environment):
    """
    Run a script in a process of its own.
    """
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    inherited = {name: value for name, value in os.environ.items() if name != 'KERAS_BACKEND'}
    return subprocess.run(
        [sys.executable, '-c', script, *map(str, args)], text=True, capture_output=True,
        check=False, env={**inherited, 'PYTHONPATH': path, **environment})


def segment(folder, blocked, name, **environment):
    """
    The sources of a part of the shipped field, and which packages were imported.
    """
    (folder / 'cache').mkdir(exist_ok=True)
    done = run(SCRIPT, ','.join(blocked), folder / 'cache', folder / f'{name}.ecsv',
               **environment)
    assert done.returncode == 0, done.stderr
    return Table.read(folder / f'{name}.ecsv'), done.stdout.splitlines()[-1]


@pytest.fixture(scope='module')
def wanted(tmp_path_factory):
    """
    What Keras finds on TensorFlow.
    """
    pytest.importorskip('tensorflow')
    return segment(tmp_path_factory.mktemp('keras'), ['openvino'], 'keras')[0]


def check(found, wanted):
    """
    The same sources, but for the rounding where one of both computes in bfloat16.
    """
    assert len(found) == len(wanted) > 10
    for name, tolerance in {'x': 0.3, 'y': 0.3, 'score': 0.03, 'prob_star': 0.03,
                            'area': 20}.items():
        np.testing.assert_allclose(found[name], wanted[name], atol=tolerance)
        assert np.median(abs(found[name] - wanted[name])) < 0.02 * tolerance


@pytest.mark.skipif(find_spec('openvino') is None, reason='OpenVINO is another runtime')
def test_openvino(tmp_path, wanted):
    """
    Keras on OpenVINO converts the network, and later processes need OpenVINO alone.
    """
    found, imported = segment(tmp_path, ['tensorflow'], 'first')
    assert found.meta['runtime'] == 'openvino'
    assert imported == "['keras']"
    check(found, wanted)
    again, imported = segment(tmp_path, ['tensorflow', 'keras'], 'again')
    assert imported == '[]'
    check(again, found)


def test_jax(tmp_path, wanted):
    pytest.importorskip('jax', reason='JAX is another backend of Keras')
    found, _ = segment(tmp_path, ['tensorflow', 'openvino'], 'jax', KERAS_BACKEND='jax',
                       JAX_PLATFORMS='cpu')
    assert found.meta['runtime'] == 'keras'
    check(found, wanted)


@pytest.mark.parametrize(('blocked', 'missing'), [
    ('tensorflow,openvino', 'tensorflow'), ('keras,openvino', 'keras')])
def test_nothing_to_run_the_network(tmp_path, blocked, missing):
    """
    One error says what is missing and how to get it.
    """
    done = run(SCRIPT, blocked, tmp_path, tmp_path / 'none.ecsv')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        f'ImportError: Keras and a backend are needed to build the network, and {missing} is '
        'not installed: pip install keras tensorflow')


def test_training_command(tmp_path):
    script = ("import sys; sys.modules['tensorflow'] = None\n"
              "from photutils_rcnn.cli import main\n"
              "sys.exit(main(['train', sys.argv[1]]))")
    done = run(script, tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(
        'photutils-rcnn train: error: Keras and a backend are needed')


def test_configured_backend(tmp_path, monkeypatch):
    """
    The variable counts, then Keras' own file, and TensorFlow if there is none of sense.
    """
    monkeypatch.delenv('KERAS_BACKEND', raising=False)
    monkeypatch.setenv('KERAS_HOME', str(tmp_path))
    assert configured_backend() == 'tensorflow'
    (tmp_path / 'keras.json').write_text(json.dumps({'backend': 'torch'}))
    assert configured_backend() == 'torch'
    (tmp_path / 'keras.json').write_text('{')
    assert configured_backend() == 'tensorflow'
    monkeypatch.setenv('KERAS_BACKEND', 'jax')
    assert configured_backend() == 'jax'
