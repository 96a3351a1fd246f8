# Licensed under a 3-clause BSD style license - see LICENSE
"""
What a training run is made of: network, scenes and schedule.
"""

__all__ = ['check_recipe', 'read_recipe']

import json
from importlib import resources
from numbers import Integral, Real
from pathlib import Path

from photutils_rcnn.simulation.presets import PRESETS

_COMMON_KEYS = {'config', 'training_scenes', 'validation_scenes',
                'batch_size', 'side', 'max_sources', 'seed'}
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
    if not isinstance(recipe, dict) or not any(
            set(recipe) - {'initial'} == _COMMON_KEYS | keys
            for keys in _SCHEDULE_KEYS):
        schedules = ' or '.join(str(sorted(keys)) for keys in _SCHEDULE_KEYS)
        msg = (f'recipe must have the keys {sorted(_COMMON_KEYS)} and '
               f"{schedules}, and may have 'initial', got {sorted(recipe)}")
        raise ValueError(msg)
    if not isinstance(recipe.get('initial'), (str, type(None))):
        msg = ('initial of the recipe must be the name or the folder of a '
               f'model, got {recipe["initial"]!r}')
        raise ValueError(msg)
    for key in ('steps', 'steps_per_epoch', 'batch_size', 'side',
                'max_sources'):
        if key in recipe:
            _check_number(recipe, key, Integral, 'recipe')
    _check_number(recipe, 'seed', Integral, 'recipe', least=0)
    for kind in ('training_scenes', 'validation_scenes'):
        _check_scenes(recipe[kind], kind)
    if 'stages' in recipe:
        _check_stages(recipe['stages'])
        return
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
        value > 0 if least is None else value >= least)
    if not good:
        wanted = 'a whole number' if kind is Integral else 'a number'
        bound = 'above 0' if least is None else f'of at least {least}'
        msg = f'{key} of the {where} must be {wanted} {bound}, got {value!r}'
        raise ValueError(msg)


def _check_keys(values, keys, where, optional=frozenset()):
    if not isinstance(values, dict) or set(values) - optional != keys:
        also = f' and may have {sorted(optional)}' if optional else ''
        msg = f'{where} must have the keys {sorted(keys)}{also}, got {values!r}'
        raise ValueError(msg)


def _check_scenes(value, kind):
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
