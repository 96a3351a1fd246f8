# Licensed under a 3-clause BSD style license - see LICENSE
"""
What a training run is made of: network, scenes and schedule.
"""

__all__ = ['check_recipe', 'read_recipe']

import json
import math
import re
from importlib import resources
from itertools import combinations
from numbers import Integral, Real
from pathlib import Path

from photutils_rcnn.simulation.file_names import scene_parts
from photutils_rcnn.simulation.presets import PRESETS, default_side

_COMMON_KEYS = {'config', 'training_scenes', 'validation_scenes',
                'batch_size', 'side', 'max_sources', 'seed'}
_OPTIONAL_KEYS = {'initial', 'precision'}
PRECISIONS = ('float32', 'mixed_bfloat16')
# One falling rate and then the profile head alone, or stages with rates and
# layers of their own.
_SCHEDULE_KEYS = ({'steps', 'rate', 'refinement'},
                  {'steps_per_epoch', 'stages'})
_REFINEMENT_KEYS = {'epochs', 'rate', 'batch_size'}
_SCENE_KEYS = {'preset', 'n_scenes', 'seed'}


def read_recipe(value):
    """
    Read a recipe.

    Parameters
    ----------
    value : str or path-like
        The name of a shipped recipe or the path of a JSON file.

    Returns
    -------
    recipe : dict
        The configuration, scenes and schedule.

    Raises
    ------
    ValueError
        If there is no such recipe or it does not fit, see `check_recipe`.
    """
    folder = resources.files('photutils_rcnn') / 'data' / 'recipes'
    shipped = {item.name.removesuffix('.json'): item
               for item in folder.iterdir() if item.name.endswith('.json')}
    path = shipped.get(str(value), Path(value))
    if not path.is_file():
        msg = (f'recipe must be one of {sorted(shipped)} or a JSON file, got '
               f'{str(value)!r}')
        raise ValueError(msg)
    try:
        recipe = json.loads(path.read_text())
    except ValueError as exc:
        msg = f'recipe {str(value)!r} is no JSON: {exc}'
        raise ValueError(msg) from exc
    check_recipe(recipe)
    return recipe


def check_recipe(recipe):
    """
    Check the entries of a recipe.

    Parameters
    ----------
    recipe : dict
        The recipe.

    Raises
    ------
    ValueError
        If entries are missing, unknown or out of range.
    """
    if not isinstance(recipe, dict):
        msg = f'recipe must be an object with keys, got {recipe!r}'
        raise ValueError(msg)
    if not any(set(recipe) - _OPTIONAL_KEYS == _COMMON_KEYS | keys
               for keys in _SCHEDULE_KEYS):
        schedules = ' or '.join(str(sorted(keys)) for keys in _SCHEDULE_KEYS)
        msg = (f'recipe must have the keys {sorted(_COMMON_KEYS)} and '
               f'{schedules}, and may have {sorted(_OPTIONAL_KEYS)}, got '
               f'{sorted(recipe)}')
        raise ValueError(msg)
    if not isinstance(recipe['config'], (str, dict)):
        msg = ('config of the recipe must be a name, a file or an object, got '
               f'{recipe["config"]!r}')
        raise ValueError(msg)
    if not isinstance(recipe.get('initial'), (str, type(None))):
        msg = ('initial of the recipe must be the name or the folder of a '
               f'model, got {recipe["initial"]!r}')
        raise ValueError(msg)
    if recipe.get('precision') not in (*PRECISIONS, None):
        msg = (f'precision of the recipe must be one of {PRECISIONS} or null, '
               f'got {recipe["precision"]!r}')
        raise ValueError(msg)
    for key in ('steps_per_epoch', 'batch_size', 'side', 'max_sources'):
        if key in recipe:
            _check_number(recipe, key, Integral, 'recipe')
    _check_number(recipe, 'seed', Integral, 'recipe', least=0)
    for kind in ('training_scenes', 'validation_scenes'):
        _check_scenes(recipe[kind], kind, recipe['side'])
    _check_disjoint(recipe['training_scenes'], recipe['validation_scenes'])
    if 'stages' in recipe:
        _check_stages(recipe['stages'])
        return
    _check_steps(recipe)
    _check_number(recipe, 'rate', Real, 'recipe')
    refinement = recipe['refinement']
    if refinement is not None:
        _check_keys(refinement, _REFINEMENT_KEYS, 'refinement',
                    optional={'n_scenes'})
        if 'n_scenes' in refinement:
            _check_number(refinement, 'n_scenes', Integral, 'refinement')
        _check_number(refinement, 'epochs', Integral, 'refinement')
        _check_number(refinement, 'batch_size', Integral, 'refinement')
        _check_number(refinement, 'rate', Real, 'refinement')


def _check_number(values, key, kind, where, least=None):
    value = values[key]
    good = isinstance(value, kind) and not isinstance(value, bool) and (
        value > 0 if least is None else value >= least) and (
        value < math.inf)
    if not good:
        wanted = 'a whole number' if kind is Integral else 'a number'
        bound = 'above 0' if least is None else f'of at least {least}'
        msg = f'{key} of the {where} must be {wanted} {bound}, got {value!r}'
        raise ValueError(msg)


def _check_steps(recipe):
    """
    The length of the run, or where the rate falls to zero.
    """
    ends = recipe['steps']
    if not isinstance(ends, list):
        _check_number(recipe, 'steps', Integral, 'recipe')
        return
    for end in ends:
        _check_number({'steps': end}, 'steps', Integral, 'recipe')
    if not ends or ends != sorted(set(ends)):
        msg = f'steps of the recipe must increase, got {ends}'
        raise ValueError(msg)


def _check_keys(values, keys, where, optional=frozenset()):
    if not isinstance(values, dict) or set(values) - optional != keys:
        also = f' and may have {sorted(optional)}' if optional else ''
        msg = (f'{where} must have the keys {sorted(keys)}{also}, got '
               f'{values!r}')
        raise ValueError(msg)


def _check_scenes(value, kind, side):
    """
    A folder, or what to simulate; validation may have neither.
    """
    if isinstance(value, str) or (value is None
                                  and kind == 'validation_scenes'):
        return
    if not isinstance(value, list) or not value:
        msg = (f'{kind} must be a list of presets or a folder, got '
               f'{value!r}')
        raise ValueError(msg)
    for part in value:
        _check_keys(part, _SCENE_KEYS, f'each of the {kind}')
        if part['preset'] not in PRESETS:
            msg = (f'preset of the {kind} must be one of {PRESETS}, got '
                   f'{part["preset"]!r}')
            raise ValueError(msg)
        _check_number(part, 'n_scenes', Integral, kind)
        _check_number(part, 'seed', Integral, kind, least=0)
        if side > default_side(part['preset']):
            msg = (f'side of the recipe must be at most '
                   f'{default_side(part["preset"])}, that of scenes of '
                   f'{part["preset"]!r}, got {side}')
            raise ValueError(msg)


def _check_disjoint(training, validation):
    """
    Refuse scenes that would be drawn twice or validated on after training.
    """
    if isinstance(training, str) and isinstance(validation, str) and (
            Path(training).resolve() == Path(validation).resolve()):
        msg = ('validation_scenes must be another folder than '
               f'training_scenes, got {validation!r} for both')
        raise ValueError(msg)
    parts = [(part, kind) for value, kind in ((training, 'training_scenes'),
                                              (validation,
                                               'validation_scenes'))
             if value is not None
             for part in (scene_parts(value) if isinstance(value, str)
                          else value)]
    for (one, kind), (other, other_kind) in combinations(parts, 2):
        if (one['preset'] == other['preset']
                and one['seed'] < other['seed'] + other['n_scenes']
                and other['seed'] < one['seed'] + one['n_scenes']):
            msg = (f'seeds of {one["preset"]!r} must differ within '
                   f'training_scenes and validation_scenes, got {one} in '
                   f'{kind} and {other} in {other_kind}')
            raise ValueError(msg)


def _check_stages(stages):
    if not isinstance(stages, list) or not stages:
        msg = f'stages must be a list of stages, got {stages!r}'
        raise ValueError(msg)
    for stage in stages:
        if not isinstance(stage, dict) or not (
                {'last_epoch', 'rate'} <= set(stage)
                <= {'last_epoch', 'rate', 'layers'}):
            msg = ("each of the stages must have 'last_epoch' and 'rate' and "
                   f"may have 'layers', got {stage!r}")
            raise ValueError(msg)
        _check_number(stage, 'last_epoch', Integral, 'stages')
        _check_number(stage, 'rate', Real, 'stages')
        _check_layers(stage.get('layers', ''))
    ends = [stage['last_epoch'] for stage in stages]
    if ends != sorted(set(ends)):
        msg = f'last_epoch of the stages must increase, got {ends}'
        raise ValueError(msg)


def _check_layers(layers):
    try:
        good = isinstance(layers, str) and bool(re.compile(layers))
    except re.error:
        good = False
    if not good:
        msg = ('layers of the stages must be a regular expression, got '
               f'{layers!r}')
        raise ValueError(msg)
