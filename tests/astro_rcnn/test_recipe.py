# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of recipes with stages, from the command to a model.
"""

import json

import astro_rcnn_oracle as oracle
import pytest

from photutils_rcnn.astro_rcnn.config import CONFIGS
from photutils_rcnn.astro_rcnn.model import AstroRCNNModel
from photutils_rcnn.astro_rcnn.schedule import SCHEDULE, Stage
from photutils_rcnn.cli import main
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.training.recipe import check_recipe, read_recipe


def test_recipe_of_the_paper():
    recipe = read_recipe('astro_rcnn')
    assert tuple(Stage(**stage) for stage in recipe['stages']) == SCHEDULE
    assert recipe['config'] in CONFIGS


def make_recipe(**changes):
    return {'network': 'astro_rcnn', 'config': oracle.small_config().to_dict(),
            'training_scenes': 'some', 'validation_scenes': None,
            'batch_size': 2, 'side': 64, 'max_sources': 8, 'seed': 0,
            'steps_per_epoch': 1,
            'stages': [{'last_epoch': 1, 'rate': 1e-3, 'layers': 'rpn_'},
                       {'last_epoch': 2, 'rate': 1e-4}], **changes}


def test_stages(folder, tmp_path, capsys):
    """
    A recipe with stages trains in stages; a rate for all of them is
    refused. Scores are not calibrated.
    """
    path, out = tmp_path / 'recipe.json', tmp_path / 'run'
    path.write_text(json.dumps(make_recipe()))
    command = ['train', str(out), '--recipe', str(path), '--scenes',
               str(folder), '--validation', str(tmp_path / 'other')]
    (tmp_path / 'other').mkdir()
    next(folder.iterdir()).rename(tmp_path / 'other' / 'discs-9.npz')
    assert main([*command, '--rate', '0.1']) != 0
    assert 'rate is no entry of the recipe' in capsys.readouterr().err
    assert main([*command, '--initial', 'default']) != 0
    assert 'initial must be a model with the network of astro_rcnn' in capsys.readouterr().err
    assert main(command) == 0
    model = load_model(out / 'model')
    assert isinstance(model, AstroRCNNModel)
    assert model.settings['training']['step'] == 2
    assert model.config == oracle.small_config().network
    assert model.settings['training']['config']['n_rois'] == 62
    assert model.stretch == {'name': 'arcsinh', 'scale': 2.0}
    assert 'calibration' not in model.settings
    assert not model.isophotal


@pytest.mark.parametrize(('stages', 'match'), [
    ([{'last_epoch': 2, 'rate': 1.}, {'last_epoch': 2, 'rate': 1.}],
     r'last_epoch of the stages must increase, got \[2, 2\]'),
    ([{'last_epoch': 1, 'rate': 1., 'layers': '(rpn_'}],
     "layers of the stages must be a regular expression, got '"),
    ([{'last_epoch': 1, 'rate': 1., 'layers': None}],
     'layers of the stages must be a regular expression, got None'),
    ([{'last_epoch': 1, 'rate': float('inf')}], 'rate of the stages'),
    ([], 'stages must be a list'), ([{'rate': 1.}], "must have 'last_epoch'"),
    ([{'last_epoch': 1, 'rate': 0}], 'rate of the stages'),
    ([{'last_epoch': 1, 'rate': 1., 'layer': 'a'}], "may have 'layers'")])
def test_bad_stages(stages, match):
    with pytest.raises(ValueError, match=match):
        check_recipe(make_recipe(stages=stages))


def test_keys_of_another_network():
    """
    Stages are not for networks of this package, nor steps for this one.
    """
    recipe = make_recipe()
    with pytest.raises(ValueError, match='recipe must have the keys'):
        check_recipe({**recipe, 'network': None})
    with pytest.raises(ValueError, match='recipe must have the keys'):
        check_recipe({**recipe, 'steps': 3})
