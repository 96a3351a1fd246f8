# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the ``evaluate`` command on folders of scenes.
"""
import json

import numpy as np
import pytest

from photutils_rcnn.cli import main
from photutils_rcnn.detection import pipeline as detection
from photutils_rcnn.simulation.scene import Scene


@pytest.fixture
def folder(build_scene, fake_model, monkeypatch, tmp_path):
    """
    Three scenes of a star each.
    """
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model',
                        lambda _: fake_model)
    for i in range(3):
        made = build_scene([(30 + 10 * i, 40)], [3000], [1], seed=i,
                           shape=(96, 96))
        Scene(**vars(made), pixel_scale=0.2, preset='', seed=i).write(
            tmp_path / f'scene{i}.npz')
    return tmp_path


def evaluate(folder, *options):
    """
    The exit status of the command.
    """
    return main(['evaluate', str(folder), '--quiet', '--baselines', 'none',
                 *options])


@pytest.mark.parametrize('damage', ['cut', 'empty', 'text', 'other'])
def test_damaged_file_is_named_at_the_start(folder, damage, capsys,
                                            monkeypatch):
    """A file that cannot be read is refused before a model is loaded."""
    path = folder / 'scene1.npz'
    content = path.read_bytes()
    if damage == 'other':
        np.savez(path, a=np.zeros(3))
    else:
        path.write_bytes({'cut': content[:-2000], 'empty': b'',
                          'text': b'no scene'}[damage])
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model', pytest.fail)
    assert evaluate(folder) == 2
    error = capsys.readouterr().err
    assert f'{path} is not a valid scene file' in error
    assert error.count('\n') == 1


def test_hidden_damage_and_no_valid_pixels(folder, capsys):
    """Such scenes are left out with a warning, and counted."""
    scene = Scene.read(folder / 'scene0.npz')
    scene.mask[:] = True
    scene.write(folder / 'scene0.npz')
    path = folder / 'scene1.npz'
    content = bytearray(path.read_bytes())
    content[2000] ^= 255
    path.write_bytes(content)
    assert evaluate(folder, '-o', str(folder / 'out')) == 0
    streams = capsys.readouterr()
    assert 'left out: ' + str(folder / 'scene0.npz has no val') in streams.err
    assert f'left out: {path} is not a valid scene file' in streams.err
    assert 'n_left_out = 2' in streams.out
    assert '2 scenes that cannot be read or' in streams.out
    content = json.loads((folder / 'out' / 'report.json').read_text())
    assert (content['meta']['n_scenes'], content['meta']['n_left_out']) == (
        1, 2)
    assert content['tables']['summary'][0]['n_found'] == 1


def test_unknown_psf(folder, capsys):
    """Separations are in units of the FWHM, which must be known."""
    scene = Scene.read(folder / 'scene2.npz')
    scene.psf_fwhm[:] = np.nan
    scene.write(folder / 'scene2.npz')
    assert evaluate(folder) == 2
    error = capsys.readouterr().err
    assert 'scene2.npz: the PSF of a scene must be known' in error
    assert 'psf_fwhm is [nan' in error


def test_scenes_that_the_model_knows(folder, fake_model, capsys):
    """Scenes of the training are counted, with a warning."""
    fake_model.settings['training'] = {
        'training_scenes': [{'preset': 'decam', 'n_scenes': 5, 'seed': 3}],
        'validation_scenes': [{'preset': 'hsc', 'n_scenes': 1, 'seed': 9}]}
    for i, name in enumerate(('decam-00000007', 'hsc-00000009',
                              'decam-00000008')):
        (folder / f'scene{i}.npz').rename(folder / f'{name}.npz')
    assert evaluate(folder) == 0
    streams = capsys.readouterr()
    assert '2 of 3 scenes served to train or calib' in streams.err
    assert '2 scenes served to train or calibrate' in streams.out
    assert 'n_known = 2' in streams.out


def test_protocol_and_limit(folder, capsys):
    """The notes are those of the tables that are printed."""
    assert evaluate(folder, '--protocol', 'coco', '--limit', '2') == 0
    text = capsys.readouterr().out
    assert 'n_scenes = 2' in text
    assert 'left out' not in text
    assert "in 'galaxy' AP, AP50" in text
    assert '(paper)' not in text


def test_output_that_is_a_file(folder, capsys):
    """A file in the place of the folder is found at the start."""
    (folder / 'out').touch()
    assert evaluate(folder, '-o', str(folder / 'out')) == 2
    assert 'path must be a folder' in capsys.readouterr().err


@pytest.mark.parametrize(('options', 'lowest', 'cut'), [
    ([], 0.05, 0.5), (['--score-threshold', '0.01'], 0.01, 0.01),
    (['--score-threshold', '0.75'], 0.05, 0.75)])
def test_thresholds(folder, options, lowest, cut, capsys, monkeypatch):
    """Curves need low scores; the cut is the model's if none is given."""
    asked = []
    fake = detection.run_inference

    def infer(*args, score_threshold, **others):
        asked.append(score_threshold)
        return fake(*args, score_threshold=score_threshold, **others)

    monkeypatch.setattr(detection, 'run_inference', infer)
    assert evaluate(folder, '--limit', '1', *options) == 0
    assert asked == [lowest]
    assert f'score_threshold = {cut}' in capsys.readouterr().out
