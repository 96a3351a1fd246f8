# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn train`` command.
"""

__all__ = ['add_arguments', 'run']

import json
import logging
import math
import time
from pathlib import Path

import numpy as np

from photutils_rcnn._files import atomic_path
from photutils_rcnn.models.migration import current_fields
from photutils_rcnn.training.recipe import PRECISIONS, check_recipe, get_protocol, read_recipe

# What a run leaves in its folder besides scenes.
_TRACES = ('recipe.json', 'checkpoint.npz', 'log.csv', 'network',
           'refinement', 'model')

log = logging.getLogger(__name__)


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('output', type=Path,
                        help='folder of the scenes, checkpoint, log and model')
    parser.add_argument('--recipe',
                        help='shipped recipe or JSON file: network, scenes '
                        "and schedule (default: 'default', for a network like "
                        'the shipped one)')
    parser.add_argument('--scenes', type=Path,
                        help='train on this folder of scenes instead of '
                        "simulating the recipe's")
    parser.add_argument('--validation', type=Path,
                        help='folder of scenes of other seeds, with --scenes')
    parser.add_argument('--initial',
                        help='begin with the weights of this model, a name or '
                        'a folder, instead of random ones')
    parser.add_argument('--config', help='named configuration or JSON file')
    parser.add_argument('--steps', type=int,
                        help='length of the learning-rate schedule')
    parser.add_argument('--minutes', type=float, default=math.inf,
                        help='stop and save after so many minutes')
    parser.add_argument('--batch-size', type=int, help='crops per step')
    parser.add_argument('--rate', type=float, help='largest learning rate')
    parser.add_argument('--seed', type=int,
                        help='seed of weights and sampling')
    parser.add_argument('--precision',
                        choices=PRECISIONS,
                        help='precision of the training (default: the '
                        "recipe's, or the faster one on this processor)")
    parser.add_argument('--processes', type=int, default=1,
                        help='processes that simulate, read scenes and '
                        'collect profiles, and threads that prepare batches '
                        '(default: %(default)s)')
    parser.add_argument('--resume', action='store_true',
                        help='continue the run in the output folder, with the '
                        'recipe it began with')


def _begin(args):
    """
    The recipe of a new run, with the options in place of its entries.
    """
    found = [name for name in _TRACES if (args.output / name).exists()]
    if found:
        msg = (f'output {args.output} holds a run ({", ".join(found)}); use '
               '--resume or another folder')
        raise ValueError(msg)
    name = 'default' if args.recipe is None else args.recipe
    recipe = read_recipe(name)
    for key in ('config', 'steps', 'batch_size', 'rate', 'seed'):
        value = getattr(args, key)
        if value is not None:
            if key not in recipe:
                msg = (f'{key} is no entry of the recipe {name!r}, got '
                       f'{value}')
                raise ValueError(msg)
            recipe[key] = value
    if args.precision is not None:
        recipe['precision'] = args.precision
    if args.initial is not None:
        _begin_with(args, recipe)
    if args.scenes is not None:
        recipe['training_scenes'] = str(args.scenes.resolve())
        recipe['validation_scenes'] = (
            None if args.validation is None
            else str(args.validation.resolve()))
    elif args.validation is not None:
        msg = f'validation needs --scenes, got {args.validation}'
        raise ValueError(msg)
    return recipe


def _begin_with(args, recipe):
    """
    Enter the model whose weights a run begins with, and its configuration.
    """
    from photutils_rcnn.models.zoo import load_model

    if args.config is not None:
        msg = ('config does not go with --initial, whose network is trained, '
               f'got {args.config}')
        raise ValueError(msg)
    initial = load_model(args.initial)
    _check_kind(initial, recipe)
    training = initial.settings.get('training', {})
    recipe['config'] = {**initial.config.to_dict(),
                        **training.get('config', {})}
    # all of it is taken over
    recipe.pop('leave_out', None)
    folder = Path(args.initial)
    recipe['initial'] = (str(folder.resolve()) if folder.exists()
                         else args.initial)


def _check_kind(initial, recipe):
    """
    Check that a model is of the kind of network that a recipe trains.
    """
    kind, wanted = (value or 'photutils_rcnn' for value in (
        initial.settings.get('protocol'), recipe.get('network')))
    if kind != wanted:
        msg = (f'initial must be a model with the network of {wanted}, got '
               f'{initial.name!r} with that of {kind}')
        raise ValueError(msg)


def _go_on(args):
    """
    The recipe of the run in the output folder.
    """
    path = args.output / 'recipe.json'
    if not path.exists():
        msg = f'output {args.output} has no run to resume (no {path.name})'
        raise ValueError(msg)
    for key in ('recipe', 'scenes', 'validation', 'initial', 'config',
                'batch_size', 'rate', 'seed'):
        if getattr(args, key) is not None:
            msg = (f'{key} of a run cannot change, got {getattr(args, key)} '
                   f'with --resume; it is in {path}')
            raise ValueError(msg)
    recipe = read_recipe(path)
    if args.steps is not None:
        if 'steps' not in recipe:
            msg = f'steps is no entry of the recipe, got {args.steps}'
            raise ValueError(msg)
        recipe['steps'] = _longer(recipe['steps'], args)
    if args.precision is not None:
        if recipe.get('precision') is not None:
            msg = (f'precision of a run cannot change, got {args.precision} '
                   f'with --resume; it is in {path}')
            raise ValueError(msg)
        recipe['precision'] = args.precision
    return recipe


def _longer(steps, args):
    """
    Where the rate falls to zero in a schedule that was changed on resuming.
    """
    from photutils_rcnn.training.checkpoint import read_state

    path = args.output / 'checkpoint.npz'
    done = read_state(path)['step'] if path.exists() else 0
    if args.steps < done:
        msg = (f'steps must be at least {done}, those done, got '
               f'{args.steps}')
        raise ValueError(msg)
    ends = np.atleast_1d(steps).tolist()
    if done < ends[-1]:
        ends.pop()  # a cycle that has not come to its end
    ends = [*(end for end in ends if end < args.steps), args.steps]
    return ends[0] if len(ends) == 1 else ends


def _configuration(recipe):
    """
    The network of a recipe, checked against its other entries.
    """
    protocol, value = get_protocol(recipe), recipe['config']
    try:
        if isinstance(value, str) and value in protocol.configs:
            config = protocol.configs[value]
        else:
            if isinstance(value, str):
                if not Path(value).is_file():
                    msg = (f'it must be one of {sorted(protocol.configs)} or '
                           f'a JSON file, got {value!r}')
                    raise ValueError(msg)
                value = json.loads(Path(value).read_text())
            config_class = protocol.config_class
            config = config_class.from_dict(
                current_fields(value, config_class))
        coarsest = config.strides[-1]
    except (AttributeError, IndexError, TypeError, ValueError) as exc:
        msg = f'config of the recipe does not fit: {exc}'
        raise ValueError(msg) from exc
    if recipe['side'] % coarsest:
        msg = (f'side of the recipe must be a multiple of {coarsest}, got '
               f'{recipe["side"]}')
        raise ValueError(msg)
    if recipe.get('refinement') and not config.profile_size:
        msg = ('refinement of the recipe needs a network with a profile '
               f'head, got profile_size {config.profile_size}')
        raise ValueError(msg)
    return config


def _check_folders(recipe):
    """
    Check that folders of scenes hold some, by the first of each.
    """
    from photutils_rcnn.simulation.scene import Scene

    first = {}
    for kind in ('training', 'validation'):
        folder = recipe[f'{kind}_scenes']
        if isinstance(folder, str):
            first[kind] = min(Path(folder).glob('*.npz'), default=None)
            if first[kind] is None:
                msg = f'{kind} scenes: no scene (*.npz) in the folder {folder}'
                raise ValueError(msg)
    for kind, path in first.items():
        try:
            Scene.read(path)
        except ValueError as exc:
            msg = f'{kind} scenes: {exc}'
            raise ValueError(msg) from exc


def _check_initial(args, recipe, config):
    """
    Read the model that a run begins with, and see whether it fits the
    network; once the run has begun it may be gone.
    """
    from photutils_rcnn.models.transfer import transfer_weights
    from photutils_rcnn.models.weights import get_weights
    from photutils_rcnn.models.zoo import load_model

    begun = any((args.output / name).exists()
                for name in ('checkpoint.npz', 'network'))
    # that of --initial has been read before
    if begun or args.initial is not None or not recipe.get('initial'):
        return
    try:
        initial = load_model(recipe['initial'])
    except (TypeError, ValueError) as exc:
        msg = f'initial of the recipe cannot be read: {exc}'
        raise ValueError(msg) from exc
    _check_kind(initial, recipe)
    try:
        transfer_weights(type(initial.network)(config),
                         get_weights(initial.network),
                         recipe.get('leave_out') or ())
    except ValueError as exc:
        msg = ('initial of the recipe does not fit its config, got '
               f'{recipe["initial"]!r}: {exc}')
        raise ValueError(msg) from exc


def _scene_folder(args, recipe, kind):
    """
    A folder of scenes, simulated if need be; `None` if there is none.
    """
    parts = recipe[f'{kind}_scenes']
    if parts is None:
        return None
    if isinstance(parts, str):
        return Path(parts)
    from photutils_rcnn.simulation import simulate_scenes

    folder = args.output / f'{kind}_scenes'
    for part in parts:
        simulate_scenes(part['preset'], part['n_scenes'], folder,
                        seed=part['seed'], n_processes=args.processes,
                        progress_bar=True)
    return folder


def run(args):
    """
    Train, and write the model when all stages have come to their end.

    With validation scenes, the model's scores are calibrated on them.

    Returns
    -------
    status : int
        0, or 3 if the time ran out before the schedule did.

    Raises
    ------
    ValueError
        If an option or an entry of the recipe does not fit, the output
        folder has a run and ``--resume`` is not given, or the other way
        round.
    """
    from photutils_rcnn.training.joint import train_head_again
    from photutils_rcnn.training.pipeline import finish_model, refine_network, train_network

    logging.basicConfig(level=logging.INFO,
                        format='%(asctime)s %(message)s')
    if args.processes < 1:
        msg = f'processes must be at least 1, got {args.processes}'
        raise ValueError(msg)
    if not args.minutes > 0:
        msg = f'minutes must be above 0, got {args.minutes}'
        raise ValueError(msg)
    recipe = _go_on(args) if args.resume else _begin(args)
    check_recipe(recipe)
    config = _configuration(recipe)
    _check_folders(recipe)
    _check_initial(args, recipe, config)
    # The file that describes the network need not be there on resuming.
    recipe['config'] = config.to_dict()
    args.output.mkdir(parents=True, exist_ok=True)
    with atomic_path(args.output / 'recipe.json') as temporary:
        temporary.write_text(json.dumps(recipe, indent=2) + '\n')
    scenes = _scene_folder(args, recipe, 'training')
    held_out = _scene_folder(args, recipe, 'validation')
    end = time.monotonic() + 60 * args.minutes
    if not train_network(args.output, recipe, config, scenes, held_out,
                         precision=recipe.get('precision'),
                         n_processes=args.processes,
                         time_budget=end - time.monotonic()):
        return _stopped(args)
    refinement = recipe.get('refinement')
    if refinement and not refine_network(
            args.output, refinement, scenes, held_out, seed=recipe['seed'],
            n_processes=args.processes, time_budget=end - time.monotonic()):
        return _stopped(args)
    finish_model(args.output,
                 held_out if get_protocol(recipe).calibrated else None,
                 refinement=refinement)
    if recipe.get('cutouts') is not None:
        train_head_again(recipe, args.output / 'model', args.output / 'head_examples')
    return 0


def _stopped(args):
    """
    The exit status of a run that the time ended, with a word on how to go on.
    """
    log.info('The %g minutes are over and the state is saved; photutils-rcnn '
             'train %s --resume goes on.', args.minutes, args.output)
    return 3
