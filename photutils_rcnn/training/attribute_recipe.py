# Licensed under a 3-clause BSD style license - see LICENSE
"""
Recipes of attribute heads that are trained on simulated scenes.
"""

__all__ = ['SCENE_LABELS', 'read_attribute_recipe', 'recipe_images']

from numbers import Integral

from tqdm.auto import tqdm

from photutils_rcnn.models.attribute_config import AttributeConfig
from photutils_rcnn.simulation.presets import PRESETS
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.training._checks import check_keys, check_number
from photutils_rcnn.training.morphology import smooth_or_disc
from photutils_rcnn.training.shipped import read_json_recipe
from photutils_rcnn.training.simulated_pictures import write_pictures

#: What makes the labels of a scene, by the name in a recipe.
SCENE_LABELS = {'smooth_or_disc': smooth_or_disc}


def read_attribute_recipe(value):
    """
    Read a recipe of an attribute head.

    Parameters
    ----------
    value : str or path-like
        The name of a shipped recipe or the path of a JSON file.

    Returns
    -------
    recipe : dict
        ``attribute``, an `~photutils_rcnn.models.attribute_config.AttributeConfig`;
        ``labels``, a function of a scene; and ``scenes``, a list of
        dictionaries with ``preset``, ``n_scenes``, ``seed``, the ``settings`` that
        differ from those of the preset, and whether color ``pictures`` are made of them.

    Raises
    ------
    ValueError
        If there is no such recipe or it does not fit.
    """
    recipe = read_json_recipe('attributes', value)
    check_keys(recipe, {'attribute', 'labels', 'scenes'}, 'recipe')
    if recipe['labels'] not in SCENE_LABELS:
        msg = (f'labels of the recipe must be one of {sorted(SCENE_LABELS)}, got '
               f'{recipe["labels"]!r}')
        raise ValueError(msg)
    for part in recipe['scenes']:
        check_keys(part, {'preset', 'n_scenes', 'seed', 'settings', 'pictures'},
                   'each of the scenes')
        if not isinstance(part['pictures'], bool):
            msg = f'pictures of the scenes must be true or false, got {part["pictures"]!r}'
            raise ValueError(msg)
        if part['preset'] not in PRESETS:
            msg = (f'preset of the scenes must be one of {PRESETS}, got '
                   f'{part["preset"]!r}')
            raise ValueError(msg)
        check_number(part, 'n_scenes', Integral, 'scenes')
        check_number(part, 'seed', Integral, 'scenes', least=0)
    return {'attribute': AttributeConfig(**recipe['attribute']),
            'labels': SCENE_LABELS[recipe['labels']], 'scenes': recipe['scenes']}


def recipe_images(recipe, folder, n_processes=1, progress_bar=True):
    """
    Simulate the scenes and the pictures of a recipe that are not there yet.

    Parameters
    ----------
    recipe : dict
        From `read_attribute_recipe`.
    folder : path-like
        The folder of the scenes and the pictures.
    n_processes : int, optional
        The number of processes.
    progress_bar : bool, optional
        Whether to show progress bars.

    Returns
    -------
    images : list of `~pathlib.Path`
        The scenes, and pictures of sources of those that have some.
    labels : list
        The function of the labels for scenes, the label for pictures.
    """
    from photutils_rcnn.simulation import simulate_scenes

    scenes, pictures, found = [], [], []
    for part in recipe['scenes']:
        paths = simulate_scenes(
            part['preset'], part['n_scenes'], folder, seed=part['seed'],
            n_processes=n_processes, progress_bar=progress_bar, **part['settings'])
        scenes.extend(paths)
        for path in tqdm(paths if part['pictures'] else (), desc='Pictures',
                         unit='scene', disable=not progress_bar):
            scene = Scene.read(path)
            written, labels = write_pictures(scene, recipe['labels'](scene), path.parent)
            pictures.extend(written)
            found.extend(labels)
    return scenes + pictures, [recipe['labels']] * len(scenes) + found
