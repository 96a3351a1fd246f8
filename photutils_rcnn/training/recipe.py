# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training recipes: network, scenes and schedule.
"""

__all__ = ['check_recipe', 'get_protocol', 'read_recipe']

from itertools import combinations
from numbers import Integral, Real
from pathlib import Path

from photutils_rcnn.models.attribute_config import AttributeConfig
from photutils_rcnn.simulation.file_names import scene_parts
from photutils_rcnn.simulation.presets import PRESETS, default_side
from photutils_rcnn.training._checks import check_keys, check_number
from photutils_rcnn.training.protocol import TrainingProtocol
from photutils_rcnn.training.shipped import read_json_recipe

_COMMON_KEYS = {'config', 'training_scenes', 'validation_scenes',
                'batch_size', 'side', 'max_sources', 'seed'}
_OPTIONAL_KEYS = {'cutouts', 'initial', 'initial_fraction', 'leave_out', 'network',
                  'precision'}
PRECISIONS = ('float32', 'mixed_bfloat16')
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
    recipe = read_json_recipe('recipes', value)
    check_recipe(recipe)
    return recipe


def get_protocol(recipe):
    """
    How the network of a recipe is trained.

    Parameters
    ----------
    recipe : dict
        The recipe; ``network`` names the kind of its network.

    Returns
    -------
    protocol : `~photutils_rcnn.training.protocol.TrainingProtocol`
        The protocol.

    Raises
    ------
    ValueError
        If there is no network of this name.
    """
    name = recipe.get('network')
    if name is None:
        return TrainingProtocol()
    if name != 'astro_rcnn':
        msg = f"network of the recipe must be 'astro_rcnn', got {name!r}"
        raise ValueError(msg)
    from photutils_rcnn.astro_rcnn.training_protocol import AstroRCNNProtocol

    return AstroRCNNProtocol()


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
    protocol = get_protocol(recipe)
    check_keys(recipe, _COMMON_KEYS | protocol.schedule_keys, 'recipe',
               optional=_OPTIONAL_KEYS)
    if not isinstance(recipe['config'], (str, dict)):
        msg = ('config of the recipe must be a name, a file or an object, got '
               f'{recipe["config"]!r}')
        raise ValueError(msg)
    if not isinstance(recipe.get('initial'), (str, type(None))):
        msg = ('initial of the recipe must be the name or the folder of a '
               f'model, got {recipe["initial"]!r}')
        raise ValueError(msg)
    _check_leave_out(recipe)
    _check_initial_fraction(recipe)
    if recipe.get('precision') not in (*PRECISIONS, None):
        msg = (f'precision of the recipe must be one of {PRECISIONS} or null, '
               f'got {recipe["precision"]!r}')
        raise ValueError(msg)
    for key in ('batch_size', 'side', 'max_sources'):
        check_number(recipe, key, Integral, 'recipe')
    check_number(recipe, 'seed', Integral, 'recipe', least=0)
    for kind in ('training_scenes', 'validation_scenes'):
        _check_scenes(recipe[kind], kind, recipe['side'])
    _check_disjoint(recipe['training_scenes'], recipe['validation_scenes'])
    protocol.check_schedule(recipe)
    if recipe.get('cutouts') is not None:
        _check_cutouts(recipe)


def _check_cutouts(recipe):
    """
    Labels of cutouts that are trained on beside the scenes.
    """
    cutouts = recipe['cutouts']
    check_keys(cutouts, {'attribute', 'table'}, 'cutouts of the recipe',
               optional={'images'})
    AttributeConfig(**cutouts['attribute'])
    if recipe.get('initial') is None or recipe.get('network') is not None:
        msg = ('cutouts of the recipe need an initial model of this package, which '
               f'finds their sources, got {recipe.get("initial")!r}')
        raise ValueError(msg)


def _check_leave_out(recipe):
    """
    The layers that are not taken over from the initial model.
    """
    names = recipe.get('leave_out')
    if names is None:
        return
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        msg = f'leave_out of the recipe must be a list of layers, got {names!r}'
        raise ValueError(msg)
    if recipe.get('initial') is None:
        msg = f'leave_out of the recipe needs an initial model, got {names!r}'
        raise ValueError(msg)


def _check_initial_fraction(recipe):
    """
    How much of the initial weights is in the mean.
    """
    fraction = recipe.get('initial_fraction')
    if fraction is None:
        return
    if not isinstance(fraction, Real) or isinstance(fraction, bool) or not (
            0 < fraction < 1):
        msg = ('initial_fraction of the recipe must be a number between 0 and 1, got '
               f'{fraction!r}')
        raise ValueError(msg)
    if recipe.get('initial') is None or not recipe.get('steps'):
        msg = ('initial_fraction of the recipe needs an initial model and steps of '
               f'training, got {fraction!r}')
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
        check_keys(part, _SCENE_KEYS, f'each of the {kind}')
        if part['preset'] not in PRESETS:
            msg = (f'preset of the {kind} must be one of {PRESETS}, got '
                   f'{part["preset"]!r}')
            raise ValueError(msg)
        check_number(part, 'n_scenes', Integral, kind)
        check_number(part, 'seed', Integral, kind, least=0)
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
