# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of training as a command, from the recipe to a model.
"""

import argparse
import json
import logging
import shutil
from importlib import resources

import numpy as np
import pytest
from astropy.table import Table
from tiny_network import tiny_config

from photutils_rcnn.cli import main
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.models.zoo import load_model, save_model
from photutils_rcnn.training.calibration import fit_calibration
from photutils_rcnn.training.command import _check_initial
from photutils_rcnn.training.recipe import check_recipe, read_recipe

pytest.importorskip('galsim')

SHIPPED = resources.files('photutils_rcnn') / 'data' / 'models' / 'default'


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / 'tiny.json').write_text(json.dumps(tiny_config().to_dict()))
    values = {'config': str(tmp_path / 'tiny.json'),
              'training_scenes': [{'preset': 'universal', 'n_scenes': 2,
                                   'seed': 3}],
              'validation_scenes': [{'preset': 'universal', 'n_scenes': 1,
                                     'seed': 14}],
              'steps': 3, 'batch_size': 2, 'rate': 1e-3, 'seed': 0,
              'refinement': {'epochs': 2, 'rate': 1e-3, 'batch_size': 16},
              'side': 128, 'max_sources': 60}
    path = tmp_path / 'recipe.json'
    path.write_text(json.dumps(values))
    return path


def test_recipe_to_model(recipe, tmp_path, capsys, caplog):
    """
    One command simulates, trains and leaves a model; interrupted, it says
    so by its status and goes on where it was.
    """
    out = tmp_path / 'run'
    command = ['train', str(out), '--recipe', str(recipe), '--precision',
               'float32']
    with caplog.at_level('INFO'):
        assert main([*command, '--minutes', '1e-6']) == 3
    for text in ('looking for sources to train on', 'training from step 0 to 3',
                 'step 1: loss', f'train {out} --resume goes on'):
        assert text in caplog.text
    assert len(list((out / 'training_scenes').glob('*.npz'))) == 2
    assert len(list((out / 'validation_scenes').glob('*.npz'))) == 1
    assert (out / 'checkpoint.npz').exists()
    assert not (out / 'model').exists()

    assert main(command) != 0
    assert 'use --resume' in capsys.readouterr().err
    resume = ['train', str(out), '--resume']
    for option, value in (('--seed', '4'), ('--scenes', str(tmp_path)),
                          ('--recipe', str(recipe)), ('--rate', '0.1'),
                          ('--batch-size', '1'), ('--config', 'compact'),
                          ('--precision', 'float32')):
        assert main([*resume, option, value]) != 0
        assert (f'{option[2:].replace("-", "_")} of a run cannot change'
                in capsys.readouterr().err)
    # The recipe is remembered, with the network that a file described and
    # the precision.
    stored = json.loads((out / 'recipe.json').read_text())
    assert stored['precision'] == 'float32'
    assert not list(out.glob('*.part'))
    (tmp_path / 'tiny.json').unlink()
    recipe.unlink()
    assert main(resume) == 0
    model = load_model(out / 'model')
    assert model.settings['training']['step'] == 3
    assert model.settings['training']['batch_size'] == 2
    assert model.network.config == tiny_config().network
    for kind in ('training_scenes', 'validation_scenes'):
        assert model.settings['training'][kind] == stored[kind]
    # After three steps a network finds nothing, so that there is nothing to
    # train its profile head with.
    assert 'refinement' not in model.settings['training']
    assert model.settings['calibration']['objectness'] > 0
    before = (out / 'recipe.json').read_text()
    assert main([*resume, '--steps', '2']) != 0
    assert 'steps must be at least 3, those done' in capsys.readouterr().err
    assert (out / 'recipe.json').read_text() == before
    # What came to its end goes on with another cycle.
    assert main([*resume, '--steps', '4']) == 0
    assert json.loads((out / 'recipe.json').read_text())['steps'] == [3, 4]
    assert load_model(out / 'model').settings['training']['step'] == 4


def test_refinement(recipe, tmp_path, capsys):
    """
    A network whose joint schedule is over is not trained again, only its
    profile head; without time for that there is no model yet.
    """
    out = tmp_path / 'run'
    out.mkdir()
    shutil.copytree(SHIPPED, out / 'network')
    before = load_model(out / 'network')
    values = json.loads(recipe.read_text())
    values['steps'] = before.settings['training']['step']
    values['config'] = 'compact'
    (out / 'recipe.json').write_text(json.dumps(values))
    command = ['train', str(out), '--resume']
    assert main([*command, '--minutes', '1e-6']) == 3
    assert not (out / 'model').exists()
    assert main(command) == 0

    after = load_model(out / 'model')
    done = after.settings['training']['refinement']
    assert done['n_profiles'] > 16
    assert {**done, **values['refinement']} == done
    assert f'{done["n_profiles"]} sources' in (
        out / 'model' / 'MODEL_CARD.md').read_text()
    old, new = get_weights(before.network), get_weights(after.network)
    changed = {name for name in old
               if not np.array_equal(old[name], new[name])}
    assert changed
    assert all(name.startswith('profile_') for name in changed)
    assert after.settings['calibration']['source_scale'] > 0
    log, = (out / 'refinement').glob('*/log.csv')
    assert 'validation' in log.read_text()

    # With other settings the head begins anew, on the profiles that are
    # there.
    values['refinement']['epochs'] = 1
    (out / 'recipe.json').write_text(json.dumps(values))
    assert main(command) == 0
    again = load_model(out / 'model')
    assert again.settings['training']['refinement'] == {**done, 'epochs': 1}
    assert again.sha256 != after.sha256
    last = Table.read(log, format='ascii.csv')[-1]
    assert last['step'] == done['n_profiles'] // 16

    values['refinement']['n_scenes'] = 1
    (out / 'recipe.json').write_text(json.dumps(values))
    assert main(command) == 0
    fewer = load_model(out / 'model').settings['training']['refinement']
    assert 0 < fewer['n_profiles'] < done['n_profiles']


def test_profile_head_alone(recipe, tmp_path):
    """
    Without steps, the network is that of the initial model, but for its profile
    head.
    """
    values = json.loads(recipe.read_text())
    values.update(steps=0, config='compact', initial='default')
    recipe.write_text(json.dumps(values))
    out = tmp_path / 'run'
    assert main(['train', str(out), '--recipe', str(recipe)]) == 0
    before, after = load_model(), load_model(out / 'model')
    training = after.settings['training']
    assert training['initial'] == before.sha256
    assert training['refinement']['n_profiles'] > 16
    assert [part['seed'] for part in training['training_scenes']] == [3]
    old, new = get_weights(before.network), get_weights(after.network)
    changed = {name for name in old if not np.array_equal(old[name], new[name])}
    assert changed == {name for name in old if name.startswith('profile_')}


def test_initial_weights(recipe, tmp_path, capsys):
    """
    A run can begin with the weights of a model, and says so.
    """
    out = tmp_path / 'run'
    assert main(['train', str(out), '--recipe', str(recipe)]) == 0
    first = load_model(out / 'model')
    command = ['train', str(tmp_path / 'next'), '--recipe', str(recipe),
               '--initial', str(out / 'model')]
    assert main([*command, '--config', 'compact']) != 0
    assert 'config does not go with --initial' in capsys.readouterr().err
    # A rate so small that the weights stay what they were.
    assert main([*command, '--rate', '1e-12']) == 0
    model = load_model(tmp_path / 'next' / 'model')
    assert model.settings['training']['initial'] == first.sha256
    assert first.sha256 in (tmp_path / 'next' / 'model'
                            / 'MODEL_CARD.md').read_text()
    old, new = get_weights(first.network), get_weights(model.network)
    for name, value in old.items():
        if 'moving_' not in name:
            np.testing.assert_allclose(new[name], value, atol=1e-6)
    resume = ['train', str(tmp_path / 'next'), '--resume']
    assert main([*resume, '--initial', 'default']) != 0
    assert 'initial of a run cannot change' in capsys.readouterr().err


def test_mean_with_initial_weights(recipe, tmp_path):
    """
    The profile head is trained for the mean of the network at the end and the initial one.
    """
    values = json.loads(recipe.read_text())
    values.update(config='compact', initial='default', refinement=None, rate=1e-2)
    changes = {}
    for fraction in (None, 0.75):
        recipe.write_text(json.dumps({**values, 'initial_fraction': fraction}))
        out = tmp_path / str(fraction)
        assert main(['train', str(out), '--recipe', str(recipe)]) == 0
        model, initial = load_model(out / 'model'), load_model()
        assert model.settings['training'].get('initial_fraction') == fraction
        changes[fraction] = (get_weights(model.network)['class_logits/kernel']
                             - get_weights(initial.network)['class_logits/kernel'])
    assert '0.75' in (out / 'model' / 'MODEL_CARD.md').read_text()
    largest = np.abs(changes[None]).max()
    assert largest > 3e-3
    # models keep weights with eleven bits
    np.testing.assert_allclose(changes[0.75], 0.25 * changes[None], atol=0.05 * largest)


def test_other_classes_from_a_trained_trunk(recipe, tmp_path, capsys):
    """
    A run can begin with a model of other classes, but for the layers left out.
    """
    two = tmp_path / 'two'
    save_model(two, MaskRCNN(tiny_config()), {
        'name': 'two', 'description': '', 'training': {}, 'thresholds': {}, 'halo': 32}, '')
    left = ['class_logits', *(f'profile_{name}' for name in (
        'conv1', 'conv2', 'conv3', 'conv4', 'dense1', 'dense2', 'logits'))]
    classes = ('star', 'galaxy', 'clump')
    values = json.loads(recipe.read_text())
    values.update(
        config=tiny_config(class_names=classes, profile_size=0).to_dict(),
        initial=str(two), rate=1e-12, refinement=None, steps=2,
        training_scenes=[{'preset': 'clumps', 'n_scenes': 3, 'seed': 0}],
        validation_scenes=None)
    recipe.write_text(json.dumps(values))
    command = ['train', str(tmp_path / 'run'), '--recipe', str(recipe)]
    assert main(command) != 0
    error = capsys.readouterr().err
    assert 'does not fit its config' in error
    assert 'class_logits' in error
    recipe.write_text(json.dumps({**values, 'leave_out': left}))
    assert main(command) == 0
    model = load_model(tmp_path / 'run' / 'model')
    assert model.config.class_names == classes
    old, new = (get_weights(m.network) for m in (load_model(two), model))
    assert new['class_logits/kernel'].shape[1] == 4
    for name in new:
        if 'moving_' not in name and not name.startswith('class_logits'):
            np.testing.assert_allclose(new[name], old[name], atol=1e-6)
    # an initial model on the command line brings its own configuration
    again = ['train', str(tmp_path / 'again'), '--recipe', str(recipe), '--initial',
             str(tmp_path / 'run' / 'model')]
    assert main(again) == 0
    last = get_weights(load_model(tmp_path / 'again' / 'model').network)
    np.testing.assert_allclose(last['class_logits/kernel'], new['class_logits/kernel'],
                               atol=1e-6)


def test_refinement_without_profile_head(recipe, tmp_path, capsys):
    config = tiny_config(profile_size=0)
    (tmp_path / 'tiny.json').write_text(json.dumps(config.to_dict()))
    command = ['train', str(tmp_path / 'run'), '--recipe', str(recipe)]
    assert main(command) != 0
    assert 'got profile_size 0' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['default', 'fine-tuning', 'profile-head', 'clumps',
                                  'astro_rcnn'])
def test_shipped_recipes_have_seeds_of_their_own(name):
    """
    No validation scene is a training scene.
    """
    recipe = read_recipe(name)
    seeds = {kind: {(part['preset'], seed)
                    for part in recipe[f'{kind}_scenes']
                    for seed in range(part['seed'],
                                      part['seed'] + part['n_scenes'])}
             for kind in ('training', 'validation')}
    assert not seeds['training'] & seeds['validation']


SCENES = {'preset': 'decam', 'n_scenes': 1, 'seed': 0}


@pytest.mark.parametrize(('key', 'value', 'match'), [
    ('epochs', 3, "keys .*'steps'.*got .*'epochs'"),
    ('leave_out', 'class_logits', 'leave_out of the recipe must be a list of layers'),
    ('leave_out', ['class_logits'], 'leave_out of the recipe needs an initial model'),
    ('steps', 0, 'steps of the recipe may be 0 only with an initial model'),
    ('steps', -5, 'steps of the recipe must be a whole number above 0, got'),
    ('steps', 2.5, 'steps of the recipe must be a whole number'),
    ('steps', [], 'steps of the recipe must increase'),
    ('steps', [5, 5], 'steps of the recipe must increase'),
    ('steps', [5, 'x'], 'steps of the recipe must be a whole number'),
    ('batch_size', 0, 'batch_size of the recipe'),
    ('seed', -1, 'seed of the recipe must be .* of at least 0, got -1'),
    ('network', 'other', "network of the recipe must be .* got 'other'"),
    ('initial', 3, 'initial of the recipe must be the name or the folder'),
    ('config', 3, 'config of the recipe must be a name, .*got 3'),
    ('config', None, 'config of the recipe must be a name, .*got None'),
    ('precision', 'float16', "precision of the recipe .*got 'float16'"),
    ('side', 512, "side of the recipe must be at most 256, .*'universal'"),
    ('rate', float('inf'), 'rate of the recipe must be a number .*got inf'),
    ('rate', float('nan'), 'rate of the recipe must be a number .*got nan'),
    ('rate', 'fast', "rate of the recipe must be a number .*got 'fast'"),
    ('refinement', {}, 'refinement must have the keys'),
    ('refinement', {'epochs': 0, 'rate': 1e-3, 'batch_size': 8},
     'epochs of the refinement'),
    ('refinement', {'epochs': 1, 'rate': 1e-3, 'batch_sise': 8},
     "refinement must have the keys .*'batch_sise'"),
    ('refinement', {'epochs': 1, 'rate': 1e-3, 'batch_size': 8,
                    'n_scenes': 0}, 'n_scenes of the refinement'),
    ('refinement', {'epochs': 1, 'rate': 1e-3, 'batch_size': 8, 'presets': ['mars']},
     "presets of the refinement must be among .*'mars'"),
    ('initial_fraction', 1, 'initial_fraction of the recipe must be .* got 1'),
    ('initial_fraction', 0.5, 'initial_fraction of the recipe needs an initial'),
    ('training_scenes', None, 'training_scenes must be a list'),
    ('training_scenes', [{'preset': 'decam', 'seed': 0}],
     'each of the training_scenes must have the keys'),
    ('training_scenes', [{**SCENES, 'preset': 'mars'}],
     "preset of the training_scenes must be one of .*'mars'"),
    ('validation_scenes', [{**SCENES, 'n_scenes': 0}],
     'n_scenes of the validation_scenes'),
    ('validation_scenes', [{'preset': 'universal', 'n_scenes': 9, 'seed': 0}],
     "seeds of 'universal' must differ .* in training_scenes and .* in "
     'validation_scenes'),
    ('training_scenes', [{**SCENES, 'n_scenes': 3}, {**SCENES, 'seed': 2}],
     "seeds of 'decam' must differ .* in training_scenes and .* in "
     'training_scenes'),
    ('validation_scenes', [SCENES, SCENES],
     "seeds of 'decam' must differ .* in validation_scenes and .* in "
     'validation_scenes')])
def test_bad_entries(recipe, key, value, match):
    """
    Entries are checked before hours of work.
    """
    values = json.loads(recipe.read_text())
    values[key] = value
    recipe.write_text(json.dumps(values))
    with pytest.raises(ValueError, match=match):
        read_recipe(recipe)


@pytest.mark.parametrize('content', ['[]', '"decam"', 'null', '3'])
def test_recipe_that_is_no_object(recipe, content):
    recipe.write_text(content)
    with pytest.raises(ValueError, match='recipe must be an object with'):
        read_recipe(recipe)


def test_good_entries(recipe):
    """
    Ranges of seeds may touch, and other presets may have the same seeds.
    """
    values = json.loads(recipe.read_text())
    values['training_scenes'] = [
        {'preset': 'universal', 'n_scenes': 5, 'seed': 3},
        {'preset': 'blends', 'n_scenes': 9, 'seed': 0}]
    values['side'] = 256
    for precision in (None, 'float32', 'mixed_bfloat16'):
        check_recipe({**values, 'precision': precision})


def test_one_folder_for_both(recipe, tmp_path):
    values = json.loads(recipe.read_text())
    values['training_scenes'] = str(tmp_path / 'scenes')
    values['validation_scenes'] = f'{tmp_path}/run/../scenes/'
    with pytest.raises(ValueError, match='must be another folder than'):
        check_recipe(values)


def test_folders_that_share_scenes(recipe, tmp_path):
    """
    Names tell preset and seed; those of other scenes tell nothing.
    """
    values = json.loads(recipe.read_text())
    for kind in ('training', 'validation'):
        (tmp_path / kind).mkdir()
        values[f'{kind}_scenes'] = str(tmp_path / kind)
        (tmp_path / kind / 'mine-00000001.npz').touch()
    (tmp_path / 'training' / 'decam-00000009.npz').touch()
    (tmp_path / 'validation' / 'decam-00000010.npz').touch()
    check_recipe(values)
    part = {'preset': 'decam', 'n_scenes': 2, 'seed': 8}
    with pytest.raises(ValueError, match="seeds of 'decam' must differ"):
        check_recipe({**values, 'validation_scenes': [part]})
    (tmp_path / 'validation' / 'decam-00000009.npz').touch()
    with pytest.raises(ValueError, match="seeds of 'decam' must differ"):
        check_recipe(values)


@pytest.mark.parametrize(('options', 'match'), [
    (['--steps', '-5'], 'steps of the recipe must'),
    (['--processes', '0'], 'processes must be at least 1, got 0'),
    (['--minutes', '0'], 'minutes must be above 0, got 0.0'),
    (['--minutes', 'nan'], 'minutes must be above 0, got nan'),
    (['--scenes', 'nowhere'], 'training scenes: no scene'),
    (['--scenes', 'some'], 'some/scene.npz is not a valid scene file'),
    (['--scenes', 'some', '--validation', 'nowhere'],
     'validation scenes: no scene'),
    (['--scenes', 'some', '--validation', 'run/../some'],
     'validation_scenes must be another folder'),
    (['--initial', 'nowhere'], "got 'nowhere'"),
    (['--recipe', 'initial.json'], 'initial of the recipe cannot be read: '),
    (['--recipe', 'other.json'],
     "initial of the recipe does not fit its config, got 'default': "),
    (['--config', 'huge'], 'config of the recipe does not fit: '),
    (['--config', 'broken.json'], 'config of the recipe does not fit: '),
    (['--config', 'wrong.json'], 'config of the recipe does not fit: '),
    (['--validation', 'nowhere'], 'validation needs --scenes'),
    (['--recipe', 'broken.json'], "recipe 'broken.json' is no JSON"),
    (['--recipe', 'odd.json'], 'side of the recipe must be a multiple of'),
    (['--resume'], 'has no run to resume')])
def test_bad_options(recipe, options, match, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'broken.json').write_text('{"steps": ')
    values = json.loads(recipe.read_text())
    (tmp_path / 'odd.json').write_text(json.dumps({**values, 'side': 100}))
    (tmp_path / 'initial.json').write_text(
        json.dumps({**values, 'initial': 'nowhere'}))
    (tmp_path / 'other.json').write_text(
        json.dumps({**values, 'initial': 'default'}))
    (tmp_path / 'wrong.json').write_text('{"pyramid_levels": 3}')
    (tmp_path / 'some').mkdir()
    (tmp_path / 'some' / 'scene.npz').touch()
    command = ['train', 'out', '--recipe', str(recipe)]
    if '--resume' in options:
        command = command[:2]
    assert main([*command, *options]) == 2
    error = capsys.readouterr().err
    assert match in error
    assert error.count('\n') == 1
    assert not (tmp_path / 'out').exists()


def test_initial_model_is_read_before_a_run_only(recipe, tmp_path, capsys):
    """
    A run that has begun goes on without the model it began with.
    """
    values = json.loads(recipe.read_text())
    out = tmp_path / 'run'
    out.mkdir()
    (out / 'recipe.json').write_text(json.dumps(
        {**values, 'initial': 'nowhere', 'training_scenes': 'lost'}))
    command = ['train', str(out), '--resume']
    assert main(command) == 2
    # whatever else is wrong comes first
    assert 'training scenes: no scene' in capsys.readouterr().err
    (out / 'recipe.json').write_text(json.dumps(
        {**values, 'initial': 'nowhere'}))
    assert main(command) == 2
    assert 'initial of the recipe cannot be read' in capsys.readouterr().err
    (out / 'checkpoint.npz').touch()
    args = argparse.Namespace(output=out, initial=None)
    _check_initial(args, {'initial': 'nowhere'}, None)


def test_one_class_to_calibrate_on(caplog):
    """
    Scores are calibrated without stars, classes are not.
    """
    rng = np.random.default_rng(0)
    outcomes = Table({'score': rng.uniform(0.1, 0.9, 200),
                      'probabilities': np.tile([0.3, 0.7], (200, 1)),
                      'class_id': 2 * rng.integers(0, 2, 200),
                      'weight': np.ones(200)})
    with caplog.at_level(logging.WARNING):
        fit = fit_calibration(outcomes)
    assert set(fit) == {'source_scale', 'source_offset'}
    assert 'class [1]' in caplog.text


@pytest.mark.parametrize('class_id', [0, 1])
def test_nothing_to_calibrate_on(class_id, caplog):
    outcomes = Table({'score': [0.3, 0.8],
                      'probabilities': [[0.2, 0.8], [0.9, 0.1]],
                      'class_id': [class_id] * 2, 'weight': [1., 1.]})
    with caplog.at_level(logging.WARNING):
        assert fit_calibration(outcomes) == {}
    assert f'{2 * class_id} of 2 detections' in caplog.text
