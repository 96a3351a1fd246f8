# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the ``benchmark`` command on small scenes.
"""

import numpy as np
import pytest
from astropy.table import QTable
from PIL import Image

from photutils_rcnn.cli import main

pytest.importorskip('galsim')
TIMES = ['seconds', 'time_ratio']


@pytest.fixture(autouse=True)
def _fake(fake_model, monkeypatch):
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model', lambda _: fake_model)


def benchmark(*options):
    """
    The exit status of the command.
    """
    return main(['benchmark', 'decam', '--scenes', '2', '--shape', '128', '128', '--quiet',
                 *map(str, options)])


def test_same_table_from_the_same_seed(tmp_path, capsys):
    """All but the times, of all methods, and the figure of it."""
    pytest.importorskip('sep')
    tables = []
    for name in 'ab':
        assert benchmark('-o', tmp_path / name, '--plot') == 0
        tables.append(QTable.read(tmp_path / name / 'benchmark.ecsv'))
    one, other = tables
    assert list(one['method']) == ['photutils_rcnn', 'photutils', 'sep']
    for column in set(one.colnames) - set(TIMES):
        np.testing.assert_array_equal(one[column], other[column])
    assert (one['n_truth'] > 10).all()
    assert (one['completeness'] > 0.2).all()
    assert (one['kron_error'] < 0.5).all()
    assert one['deblended_error'][0] < 0.5
    assert np.isnan(one['deblended_error'][1:]).all()
    assert (one['seconds'] > 0).all()
    assert one['time_ratio'][1] == 1
    assert one.meta['seed'] == 7_900_000
    with Image.open(tmp_path / 'a' / 'benchmark.png') as picture:
        assert picture.width > 1000
    text = capsys.readouterr().out
    assert 'decam' in text
    assert 'completeness' in text


def test_without_sep(tmp_path, monkeypatch):
    """sep is left out where it is missing."""
    monkeypatch.setattr('photutils_rcnn.evaluation.benchmarking.find_spec', lambda _: None)
    assert benchmark('-o', tmp_path) == 0
    table = QTable.read(tmp_path / 'benchmark.ecsv')
    assert list(table['method']) == ['photutils_rcnn', 'photutils']
    assert not (tmp_path / 'benchmark.png').exists()


def test_scenes_that_the_model_knows(fake_model, capsys):
    fake_model.settings['training'] = {
        'training_scenes': [{'preset': 'decam', 'n_scenes': 1, 'seed': 41}]}
    assert benchmark('--seed', 40) == 0
    assert '1 of 2 scenes served to train or calib' in capsys.readouterr().err


@pytest.mark.parametrize(('options', 'words'), [
    (['--scenes', '0'], '--scenes must be at least 1, got 0'),
    (['--plot'], '--plot needs a folder'),
    (['moon'], 'PRESET must be one of universal'),
    (['--seed', '-1'], 'seed must be a whole number from 0, got -1'),
])
def test_wrong_options(options, words, capsys):
    assert main(['benchmark', *options]) == 2
    assert words in capsys.readouterr().err


def test_existing_results_are_kept(tmp_path, capsys):
    (tmp_path / 'benchmark.ecsv').write_text('mine')
    assert benchmark('-o', tmp_path) == 2
    assert 'use --overwrite' in capsys.readouterr().err
    assert (tmp_path / 'benchmark.ecsv').read_text() == 'mine'
