# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of options in TOML files.
"""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable
from numpy.testing import assert_array_equal

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.cli import main


@pytest.fixture(autouse=True)
def _fake(fake_model, monkeypatch, tmp_path):
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model', lambda _: fake_model)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def files(field):
    """
    Two bands and their errors, in the folder of the tests.
    """
    names = ['g.fits', 'r.fits']
    for name in names:
        fits.writeto(name, field.astype('f4'))
        fits.writeto(f'error_{name}', np.full(field.shape, 1.5, 'f4'))
    return names


def segment(text, *options):
    """
    The exit status of the command with a file.
    """
    Path('options.toml').write_text(text)
    return main(['segment', '--config', 'options.toml', *options])


def read(path='out/g_result.asdf'):
    return RCNNResult.read(path)


def test_all_from_the_file(files):
    """Files and folder, lists, text, numbers and flags."""
    assert segment("""
        files = ["g.fits", "r.fits"]
        output = "out"
        error = ["error_g.fits", "error_r.fits"]
        bands = ["g", "r"]
        background = 50
        score-threshold = 0.25
        table = "csv"
        coco = true
        masks = false
        quiet = true
    """) == 0
    result = read()
    assert result.meta['score_threshold'] == 0.25
    assert result.meta['error'] == 'given'
    assert result.meta['background'] == 'given'
    assert sorted(path.name for path in Path('out').iterdir()) == [
        'g_catalog.csv', 'g_catalog.ecsv', 'g_coco.json', 'g_overlay.png',
        'g_result.asdf', 'g_segm.fits']


def test_command_line_wins(files):
    """Also over flags, and over what it excludes."""
    config = """
        output = "elsewhere"
        coco = true
        score-threshold = 0.25
        error = ["error_g.fits", "error_r.fits"]
    """
    assert segment(config, 'g.fits', 'r.fits', '-o', 'out', '--no-coco', '--quiet',
                   '--score-threshold', '0.75', '--ivar', 'error_g.fits') == 0
    result = read()
    assert result.meta['score_threshold'] == 0.75
    recorded = result.meta['segment_options']
    assert recorded['ivar'] == ['error_g.fits']
    assert 'error' not in recorded
    assert not Path('out/g_coco.json').exists()


def test_abbreviated_options(files):
    """Of the command line, with which they are the same options."""
    Path('options.toml').write_text('score-threshold = 0.25\nerror = "error_g.fits"')
    assert main(['segment', '--conf', 'options.toml', 'g.fits', '-o', 'out', '--quiet',
                 '--vari=error_g.fits']) == 0
    recorded = read().meta['segment_options']
    assert recorded['score-threshold'] == 0.25
    assert recorded['variance'] == ['error_g.fits']
    assert 'error' not in recorded


def test_round_trip(files, capsys):
    """The options of a result make it again."""
    flags = np.zeros(fits.getdata(files[0]).shape, np.uint8)
    flags[:9], flags[-9:] = 1, 2
    fits.writeto('flags.fits', flags)
    assert main(['segment', *files, '-o', 'out', '--quiet', '--bands', 'g,r', '--gain',
                 '2,3', '--psf-fwhm', '4.5', '--table', 'vot', '--star-fraction', 'none',
                 '--mask', 'flags.fits', '--mask-bits', '~1', '--score-threshold', '0.3']) == 0
    assert capsys.readouterr().out == ''
    assert main(['config', 'out/g_result.asdf']) == 0
    text = capsys.readouterr().out
    values = tomllib.loads(text)
    assert values['files'] == files
    assert values['runtime'] == 'keras'
    assert values['nms-threshold'] == 0.6
    assert 'sha256 000000000000' in text.splitlines()[0]
    assert segment(text, '-o', 'again', '--quiet') == 0
    one, other = read(), read('again/g_result.asdf')
    assert_array_equal(one.labels, other.labels)
    assert {key for key in one.meta if one.meta[key] != other.meta[key]} <= {
        'created', 'segment_options'}
    capsys.readouterr()
    assert main(['config', 'again/g_result.asdf']) == 0
    assert tomllib.loads(capsys.readouterr().out) == {**values, 'output': 'again'}
    assert Path('again/g_catalog.vot').exists()


def test_each_frame_has_its_own(files, capsys):
    """Of several frames each knows its file and its errors."""
    assert segment('files = "?.fits"\neach = true\noutput = "out"\nquiet = true\n'
                   'error = ["error_g.fits", "error_r.fits"]') == 0
    recorded = read('out/r_result.asdf').meta['segment_options']
    assert recorded['files'] == ['r.fits']
    assert recorded['error'] == ['error_r.fits']
    assert 'each' not in recorded
    capsys.readouterr()
    assert main(['config', 'out/r_result.asdf']) == 0
    assert segment(capsys.readouterr().out, '-o', 'again', '--quiet') == 0
    assert read('again/r_result.asdf').meta['error'] == 'given'


def test_recorded_in_tables(files):
    """Files of results with meta data take the options along."""
    assert segment('output = "out"', *files, '--coco', '--quiet') == 0
    table = QTable.read('out/g_catalog.ecsv')
    assert table.meta['segment_options']['files'] == files
    content = json.loads(Path('out/g_coco.json').read_text())
    assert content['info']['segment_options']['files'] == files


@pytest.mark.parametrize(('line', 'words'), [
    ('tile = 3', "options.toml: there is no option 'tile'"),
    ('config = "a"', "there is no option 'config'"),
    ('tile-size = "big"', "tile-size must be an integer, got 'big'"),
    ('tile-size = true', 'tile-size must be an integer, got True'),
    ('score-threshold = "x"', "score-threshold must be a number, got 'x'"),
    ('psf-fwhm = []', 'psf-fwhm must be one value, got []'),
    ('output = ["a", "b"]', "output must be one value, got ['a', 'b']"),
    ('coco = "yes"', "coco must be true or false, got 'yes'"),
    ('runtime = "gpu"', "runtime must be one of auto, keras, openvino, got 'gpu'"),
    ('error = "a"\nivar = "b"', 'error and ivar exclude each other'),
    ('[output]\na = 1', "output must be text, got {'a': 1}"),
    ('coco = ', 'options.toml is not valid TOML'),
    ('files = "*.fit"', 'no file is named as *.fit'),
])
def test_wrong_files(line, words, capsys):
    """One line that names file and option."""
    assert segment(line, '-o', 'out') == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count('\n') == 1


def test_missing_file(capsys):
    assert main(['segment', '--config=none.toml']) == 2
    assert 'none.toml' in capsys.readouterr().err


def test_made_in_python(field, fake_model, capsys):
    RCNNSegmenter(fake_model).segment(field).write('made.asdf')
    assert main(['config', 'made.asdf']) == 2
    assert 'the result was made in Python' in capsys.readouterr().err
