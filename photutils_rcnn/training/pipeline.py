# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training pipeline: the stages of a recipe, from scenes to a model.
"""

__all__ = ['finish_model', 'refine_network', 'refinement_folder', 'train_network']

import logging
import math
import shutil
import time

from photutils_rcnn.models.transfer import interpolate_weights, transfer_weights
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.models.zoo import load_model, save_model
from photutils_rcnn.simulation.file_names import scene_parts, scene_preset
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.training.calibration import calibrate_model
from photutils_rcnn.training.checkpoint import read_state
from photutils_rcnn.training.dataset import CropDataset
from photutils_rcnn.training.export import export_model
from photutils_rcnn.training.joint import joint_config, mix_cutouts
from photutils_rcnn.training.profiles import ProfileDataset, collect_profiles
from photutils_rcnn.training.recipe import get_protocol
from photutils_rcnn.training.refinement import Refinement

log = logging.getLogger(__name__)

TAKEN = """\
# trained

The network of the model {name!r}, sha256 {sha256}.
"""

REFINED = """
Its profile head was then trained alone: {epochs} epochs of batches of
{batch_size}, on the {n_profiles} sources that the network found in these
scenes.
"""


def train_network(output, recipe, config, scenes, held_out, *, precision,
                  n_processes=1, time_budget=math.inf):
    """
    Train all parts of a network together.

    Parameters
    ----------
    output : `~pathlib.Path`
        The folder of the run. The checkpoint and the log go there, and the
        model, once the schedule has come to its end, to ``network``. A run
        with a checkpoint is continued.
    recipe : dict
        See `~photutils_rcnn.training.recipe.read_recipe`.
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The network.
    scenes, held_out : path-like
        The folders of training and validation scenes; ``held_out`` may be
        `None`.
    precision : str or `None`
        The precision policy; `None` for that of the trainer.
    n_processes : int, optional
        The processes that read scenes, and the threads that prepare
        batches; neither changes what is trained on.
    time_budget : float, optional
        Stop and save after so many seconds.

    Returns
    -------
    finished : bool
        Whether the schedule has come to its end.
    """
    end = time.monotonic() + time_budget
    folder = output / 'network'
    protocol = get_protocol(recipe)
    if _steps_done(folder) == protocol.n_steps(recipe):
        return True
    used = {'training_scenes': scenes, 'validation_scenes': held_out}
    used = {kind: scene_parts(source) for kind, source in used.items()
            if source is not None}
    if protocol.n_steps(recipe) == 0:
        _take_network(recipe['initial'], folder, used)
        return True
    options = {key: recipe[key] for key
               in ('batch_size', 'side', 'max_sources', 'seed')}
    options['n_processes'] = n_processes
    log.info('looking for sources to train on in %s', scenes)
    config = joint_config(recipe, config)
    dataset = CropDataset(scenes, config, augment=protocol.augment, **options)
    if recipe.get('cutouts') is not None:
        dataset = mix_cutouts(recipe, dataset, output / 'cutouts')
    validation = None
    if held_out is not None:
        validation = CropDataset(held_out, config, augment=None, **options)
    trainer = protocol.make_trainer(
        recipe, config, dataset, validation, output, precision=precision,
        seed=recipe['seed'], n_threads=n_processes)
    if trainer.checkpoint.exists():
        trainer.resume()
    elif recipe.get('initial'):
        initial = load_model(recipe['initial'])
        transfer_weights(trainer.model, get_weights(initial.network),
                         recipe.get('leave_out') or ())
        _warn_of_heads(config, dataset.attribute)
        trainer.state['initial'] = initial.sha256
    finished = trainer.run(end - time.monotonic())
    if finished:
        fraction = recipe.get('initial_fraction')
        if fraction:
            interpolate_weights(trainer.model, get_weights(
                load_model(recipe['initial']).network), fraction)
        export_model(trainer, folder, scenes=used, initial_fraction=fraction)
    return finished


def _warn_of_heads(config, trained):
    """
    Tell which attribute heads stand on features that are about to change.
    """
    stale = [attribute.name for attribute in config.attributes
             if trained is None or attribute.name != trained.name]
    if stale:
        log.warning('the attribute heads %s stand on the features of before: train them '
                    'again with photutils-rcnn attribute', ', '.join(stale))


def _take_network(initial, folder, scenes):
    """
    Write the network of a model as the one whose profile head is to be trained.
    """
    model = load_model(initial)
    save_model(folder, model.network, {
        **model.settings, 'name': 'trained', 'calibration': {}, 'training': {
            **model.settings['training'], 'step': 0, 'initial': model.sha256, **scenes}},
        TAKEN.format(name=model.name, sha256=model.sha256))


def _steps_done(folder):
    """
    The steps of training behind a model; `None` if there is no model.
    """
    if not (folder / 'config.json').exists():
        return None
    return load_model(folder).settings['training']['step']


def refine_network(output, refinement, scenes, held_out, *, seed=0,
                   n_processes=1, time_budget=math.inf):
    """
    Train the profile head of a network alone.

    Parameters
    ----------
    output : `~pathlib.Path`
        The folder of the run, with the model ``network``. Profiles,
        checkpoint, log and the model go to ``refinement``, into a folder
        named by the checksum of the network.
    refinement : dict
        ``epochs``, ``rate`` and ``batch_size``; with others than before, the
        head begins anew. With ``n_scenes``, profiles come from so many of
        the training scenes, with ``presets`` from scenes of these alone.
    scenes, held_out : `~pathlib.Path`
        The folders of training and validation scenes; ``held_out`` may be
        `None`.
    seed : int, optional
        The seed of shuffling and turning.
    n_processes : int, optional
        The processes that run the network on scenes.
    time_budget : float, optional
        Stop and save after so many seconds.

    Returns
    -------
    finished : bool
        Whether it has come to its end.
    """
    end = time.monotonic() + time_budget
    model = load_model(output / 'network')
    folder = refinement_folder(output, model)
    datasets = []
    for kind, source in (('training', scenes), ('validation', held_out)):
        if source is None:
            datasets.append(None)
            continue
        profiles = folder / f'{kind}_profiles'
        paths = sorted(source.glob('*.npz'))
        paths = _of_presets(paths, refinement)
        if kind == 'training':
            paths = _spread(paths, refinement.get('n_scenes'))
        log.info('profiles of the sources in %d scenes of %s', len(paths),
                 source)
        if not collect_profiles(output / 'network', paths, profiles,
                                seed=seed, n_processes=n_processes,
                                time_budget=end - time.monotonic(),
                                progress_bar=True):
            return False
        datasets.append(ProfileDataset(
            profiles, {path.name for path in paths},
            batch_size=refinement['batch_size'], seed=seed,
            augmented=kind == 'training'))
    if len(datasets[0]) == 0:
        log.warning('the network finds no source in %s: its profile head '
                    'stays as it is', scenes)
        shutil.copytree(output / 'network', folder / 'model',
                        dirs_exist_ok=True)
        return True
    done = {**refinement, 'seed': seed, 'n_profiles': len(datasets[0])}
    loop = Refinement(model.network, *datasets, folder,
                      epochs=refinement['epochs'], rate=refinement['rate'])
    loop.state['settings'] = done
    if loop.checkpoint.exists():
        if read_state(loop.checkpoint)['settings'] == done:
            loop.resume()
        else:
            log.info('the profile head begins anew: settings or profiles '
                     'have changed')
    if not loop.run(end - time.monotonic()):
        return False
    settings = dict(model.settings)
    settings['training'] = {**settings['training'], 'refinement': done}
    card = (output / 'network' / 'MODEL_CARD.md').read_text()
    save_model(folder / 'model', model.network, settings,
               card + REFINED.format(**done))
    return True


def refinement_folder(output, network):
    """
    Where the profile head of the network of a run is trained.

    Parameters
    ----------
    output : `~pathlib.Path`
        The folder of the run.
    network : `~photutils_rcnn.models.model.Model`
        The network.

    Returns
    -------
    folder : `~pathlib.Path`
        The folder; the model is in its folder ``model``.
    """
    return output / 'refinement' / network.sha256[:12]


def _of_presets(paths, refinement):
    """
    The scenes of the presets that a refinement names, all if it names none.
    """
    presets = (refinement or {}).get('presets')
    return [path for path in paths
            if presets is None or scene_preset(path.name) in presets]


def _spread(paths, count):
    """
    At most ``count`` paths, evenly spaced, so that each preset has its part.
    """
    if count is None or count >= len(paths):
        return paths
    return [paths[i * len(paths) // count] for i in range(count)]


def finish_model(output, held_out, *, refinement):
    """
    Calibrate the model of a run.

    Parameters
    ----------
    output : `~pathlib.Path`
        The folder of the run; its ``model`` is replaced once the new one is
        calibrated.
    held_out : `~pathlib.Path` or `None`
        The folder of validation scenes; without it, scores stay as they
        are.
    refinement : dict or `None`
        See `refine_network`, whose model it is; if `None`, it is ``network``. With
        ``presets``, scores are calibrated on scenes of these, as the head knows no
        others.
    """
    source = output / 'network'
    if refinement:
        source = refinement_folder(output, load_model(source)) / 'model'
    folder = output / 'model.part'
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    if held_out is not None:
        log.info('calibrating the scores on %s', held_out)
        calibrate_model(folder, map(Scene.read, _of_presets(
            sorted(held_out.glob('*.npz')), refinement)))
    if (output / 'model').exists():
        shutil.rmtree(output / 'model')
    folder.replace(output / 'model')
    log.info('the model is in %s', output / 'model')
