# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn train`` command.
"""

__all__ = ['add_arguments', 'read_recipe', 'run']

import json
import logging
import math
import time
from importlib import resources
from pathlib import Path

_COMMON_KEYS = {'config', 'training_scenes', 'validation_scenes',
                'batch_size', 'side', 'max_sources', 'seed'}
# One falling rate and then the profile head alone, or stages with rates and
# layers of their own.
SCHEDULE_KEYS = ({'steps', 'rate', 'refinement'},
                 {'steps_per_epoch', 'stages'})


def add_arguments(parser):
    """
    Declare the options of the command.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    """
    parser.add_argument('output', type=Path,
                        help='folder of the scenes, checkpoint, log and model')
    parser.add_argument('--recipe', default='default',
                        help='shipped recipe or JSON file: network, scenes '
                        'and schedule (default: %(default)s, that of the '
                        'shipped model)')
    parser.add_argument('--scenes', type=Path,
                        help='train on this folder of scenes instead of '
                        "simulating the recipe's")
    parser.add_argument('--validation', type=Path,
                        help='folder of scenes of other seeds, with --scenes')
    parser.add_argument('--config', help='named configuration or JSON file')
    parser.add_argument('--steps', type=int,
                        help='length of the learning-rate schedule')
    parser.add_argument('--minutes', type=float, default=math.inf,
                        help='stop and save after so many minutes')
    parser.add_argument('--batch-size', type=int)
    parser.add_argument('--rate', type=float, help='largest learning rate')
    parser.add_argument('--seed', type=int)
    parser.add_argument('--precision', default='mixed_bfloat16',
                        choices=['float32', 'mixed_bfloat16',
                                 'mixed_float16'])
    parser.add_argument('--processes', type=int, default=1,
                        help='processes that simulate, read scenes and collect '
                        'profiles (default: %(default)s)')
    parser.add_argument('--resume', action='store_true',
                        help="continue from the output folder's checkpoint")


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
        If there is no such recipe or it has other keys.
    """
    folder = resources.files('photutils_rcnn') / 'data' / 'recipes'
    shipped = {item.name.removesuffix('.json'): item
               for item in folder.iterdir() if item.name.endswith('.json')}
    path = shipped.get(str(value), Path(value))
    if not path.is_file():
        msg = (f'recipe must be one of {sorted(shipped)} or a JSON file, got '
               f'{str(value)!r}')
        raise ValueError(msg)
    recipe = json.loads(path.read_text())
    if not any(set(recipe) == _COMMON_KEYS | keys for keys in SCHEDULE_KEYS):
        schedules = ' or '.join(str(sorted(keys)) for keys in SCHEDULE_KEYS)
        msg = (f'recipe {str(value)!r} must have the keys '
               f'{sorted(_COMMON_KEYS)} and {schedules}, got '
               f'{sorted(recipe)}')
        raise ValueError(msg)
    return recipe


def _configuration(value):
    """
    A named configuration or that of a JSON file.
    """
    from photutils_rcnn.models.config import CONFIGS, MaskRCNNConfig, get_config

    if value in CONFIGS or not Path(value).is_file():
        return get_config(value)
    return MaskRCNNConfig.from_dict(json.loads(Path(value).read_text()))


def _scene_folders(args, recipe):
    """
    The folders of training and validation scenes, simulated if need be.
    """
    if args.scenes is not None:
        return args.scenes, args.validation
    if args.validation is not None:
        msg = f'validation needs --scenes, got {args.validation}'
        raise ValueError(msg)
    from photutils_rcnn.simulation import simulate_scenes

    folders = []
    for kind in ('training', 'validation'):
        folder = args.output / f'{kind}_scenes'
        for part in recipe[f'{kind}_scenes']:
            simulate_scenes(part['preset'], part['n_scenes'], folder,
                            seed=part['seed'], n_processes=args.processes,
                            progress_bar=True)
        folders.append(folder)
    return folders


def run(args):
    """
    Train, and write the model when all stages have come to their end.

    With validation scenes, the model's scores are calibrated on them.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.

    Returns
    -------
    status : int
        0, or 3 if the time ran out before the schedule did.

    Raises
    ------
    ValueError
        If the output folder has a checkpoint and ``--resume`` is not
        given, or the other way round.
    """
    from photutils_rcnn.training.pipeline import (
        finish_model,
        refine_network,
        train_network,
    )

    logging.basicConfig(level=logging.INFO,
                        format='%(asctime)s %(message)s')
    recipe = read_recipe(args.recipe)
    for key in ('config', 'steps', 'batch_size', 'rate', 'seed'):
        value = getattr(args, key)
        if value is not None:
            if key not in recipe:
                msg = (f'{key} does not go with the stages of the recipe '
                       f'{args.recipe!r}, got {value}')
                raise ValueError(msg)
            recipe[key] = value
    config = _configuration(recipe['config'])
    has_checkpoint = (args.output / 'checkpoint.npz').exists()
    if has_checkpoint != args.resume:
        found = 'has' if has_checkpoint else 'has no'
        msg = (f'output {args.output} {found} checkpoint; '
               f'{"remove" if args.resume else "use"} --resume')
        raise ValueError(msg)
    refinement = recipe.get('refinement')
    if refinement and not config.profile_size:
        msg = (f'refinement of the recipe {args.recipe!r} needs a network '
               f'with a profile head, got profile_size {config.profile_size}')
        raise ValueError(msg)
    scenes, held_out = _scene_folders(args, recipe)
    end = time.monotonic() + 60 * args.minutes
    if not train_network(args.output, recipe, config, scenes, held_out,
                         precision=args.precision, resume=args.resume,
                         n_processes=args.processes,
                         time_budget=end - time.monotonic()):
        return 3
    if refinement and not refine_network(
            args.output, refinement, scenes, held_out, seed=recipe['seed'],
            n_processes=args.processes, time_budget=end - time.monotonic()):
        return 3
    finish_model(args.output, held_out, refined=bool(refinement))
    return 0
