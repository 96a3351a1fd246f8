# Licensed under a 3-clause BSD style license - see LICENSE
"""
A run of fine tuning in its folder: frames, training, choice of the best.
"""

__all__ = ['FineTuningRun']

import json
import logging
import shutil
import warnings
from dataclasses import replace
from functools import cached_property

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from tqdm.auto import tqdm

from photutils_rcnn._files import atomic_path
from photutils_rcnn.evaluation.detections import segment_scene
from photutils_rcnn.models.model import Model
from photutils_rcnn.models.training_config import TrainingConfig
from photutils_rcnn.models.transfer import extend_classes
from photutils_rcnn.models.weights import set_weights
from photutils_rcnn.models.zoo import load_model, save_model
from photutils_rcnn.segmenter import RCNNSegmenter
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.classes import check_spelling
from photutils_rcnn.training.dataset import CropDataset
from photutils_rcnn.training.fine_tuner import FineTuner, default_stages
from photutils_rcnn.training.fine_tuning_report import make_card, make_report
from photutils_rcnn.training.frame_split import choose_held_out, padded
from photutils_rcnn.training.held_out import held_out_figures, is_worse, mean_precision
from photutils_rcnn.training.initial_truth import complete_truth
from photutils_rcnn.training.pipeline import refine_network, refinement_folder

log = logging.getLogger(__name__)

SIDE = 256
MAX_SOURCES = 320
VALIDATE_EVERY = 20  # steps, but not more often than ten times in the first stage
# Enough for the profile head to learn a class that is new, from a few hundred sources.
REFINEMENT = {'epochs': 60, 'rate': 1e-3, 'batch_size': 64}


class FineTuningRun:
    """
    Fine tuning of a model in the folder of the new one.

    Parameters
    ----------
    out : `~pathlib.Path`
        The folder of the new model; the run is in its folder ``fine_tuning``.
    initial : str, path-like or `~photutils_rcnn.models.model.Model`
        The model to begin with.
    held_out, unlabelled, seed, batch_size, stages, progress_bar
        See `~photutils_rcnn.training.fine_tuning.fine_tune_scenes`.
    """

    def __init__(self, out, initial, *, held_out, unlabelled, seed, batch_size, stages,
                 progress_bar):
        self.out = out
        self.folder = out / 'fine_tuning'
        self.initial = initial if isinstance(initial, Model) else load_model(initial)
        if self.initial.settings.get('protocol') is not None:
            msg = ('initial must be a model with the network of this package, got '
                   f'{self.initial.name!r}')
            raise ValueError(msg)
        self.held_out = held_out
        self.unlabelled = unlabelled
        self.seed = seed
        self.batch_size = batch_size
        self.stages = stages
        self.progress_bar = progress_bar

    # === Frames ===

    def open(self, n_frames, *, resume, overwrite):
        """
        Begin a run, or go on with one.

        Parameters
        ----------
        n_frames : int
            The number of frames.
        resume, overwrite : bool
            See `~photutils_rcnn.training.fine_tuning.fine_tune_scenes`.

        Raises
        ------
        OSError
            If there is a model or a run, and neither is `True`.
        ValueError
            If the run had another beginning.
        """
        path = self._record
        options = self._begun = {'initial': self.initial.sha256, 'n_frames': n_frames,
                   'held_out': self.held_out, 'unlabelled': self.unlabelled,
                   'seed': self.seed, 'batch_size': self.batch_size}
        if resume and path.exists():
            begun = json.loads(path.read_text())
            changed = [name for name in options if begun[name] != options[name]]
            if changed:
                name = changed[0]
                msg = (f'{name} of a run cannot change, got {options[name]!r} with '
                       f'resume=True; it began with {begun[name]!r}')
                raise ValueError(msg)
            return
        if not overwrite and (path.exists() or (self.out / 'config.json').exists()):
            what = 'an unfinished run' if path.exists() else 'a model'
            how = 'resume=True goes on, ' if path.exists() else ''
            msg = f'out {self.out} holds {what}: {how}overwrite=True begins anew'
            raise OSError(msg)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    @property
    def _record(self):
        return self.folder / 'run.json'

    def prepare(self, scenes):
        """
        Write the frames to train on and those held out.

        Parameters
        ----------
        scenes : sequence of `~photutils_rcnn.simulation.scene.Scene`
            The frames.

        Raises
        ------
        ValueError
            If no source counts, or classes are spelled in two ways.

        Warns
        -----
        AstropyUserWarning
            If all sources of a class are in frames held out.
        """
        labelled = self.folder / 'labelled'
        labelled.mkdir(exist_ok=True)
        paths = [labelled / f'frame-{i:05d}.npz' for i in range(len(scenes))]
        for i, path in enumerate(self._bar(paths, 'Reading')):
            if not path.exists():
                scenes[i].write(path)
        counts = [self._count(Scene.read(path)) for path in paths]
        names = sorted(set().union(*counts))
        known = self.initial.config.class_names
        check_spelling((*known, *(name for name in names if name not in known)))
        if not names:
            msg = 'labels must have a source that is not ignored, got none in all frames'
            raise ValueError(msg)
        # frames that do not fit leave no run behind
        with atomic_path(self._record) as temporary:
            temporary.write_text(json.dumps(self._begun, indent=2) + '\n')
        self.class_names = (*known, *(name for name in names if name not in known))
        held = choose_held_out(counts, self.held_out, self.seed)
        trained = set().union(*(count for count, out in zip(counts, held, strict=True)
                                if not out))
        lacking = [name for name in names if name not in trained]
        if lacking:
            msg = (f'no source of {lacking} is trained on, as all are in frames held out: '
                   'label them in more frames')
            warnings.warn(msg, AstropyUserWarning, stacklevel=4)
        for kind in ('training', 'held_out'):
            (self.folder / kind).mkdir(exist_ok=True)
        segmenter = RCNNSegmenter(self.initial)
        for path, is_held in zip(self._bar(paths, 'Initial model'), held, strict=True):
            target = self.folder / ('held_out' if is_held else 'training') / path.name
            if target.exists():
                continue
            scene = self._with_classes(Scene.read(path))
            if not is_held:
                scene = self._completed(scene, segmenter)
            scene.write(target)

    def _bar(self, items, title):
        return tqdm(items, desc=title, unit='frame', disable=not self.progress_bar)

    @staticmethod
    def _count(scene):
        """
        The number of sources of each class that count.
        """
        ids = np.asarray(scene.truth['class_id'])[~np.asarray(scene.truth['ignore'])]
        return {scene.class_names[k - 1]: int((ids == k).sum()) for k in np.unique(ids)}

    def _with_classes(self, scene):
        """
        A scene with the class identifiers of the new model.
        """
        names = scene.class_names
        new_id = [self.class_names.index(name) + 1 if name in self.class_names else 1
                  for name in names]
        truth = scene.truth.copy()
        truth['class_id'] = np.array(new_id, np.int32)[np.asarray(truth['class_id']) - 1]
        truth.meta['class_names'] = self.class_names
        return replace(scene, truth=truth)

    def _completed(self, scene, segmenter):
        """
        A scene with the sources that the initial model adds, large enough for crops.
        """
        if self.unlabelled == 'ignore':
            scene = complete_truth(scene, segment_scene(segmenter, scene).instances)
        return padded(scene, SIDE)

    # === Training ===

    @cached_property
    def _held_out_scenes(self):
        return [Scene.read(path)
                for path in sorted((self.folder / 'held_out').glob('*.npz'))]

    @cached_property
    def _before(self):
        log.info('figures of the initial model on the held-out frames')
        return held_out_figures(self.initial, self._held_out_scenes)

    def _settings(self):
        """
        The settings of a model with the new classes.
        """
        settings = self.initial.settings
        fit = dict(settings.get('calibration', {}))
        if isinstance(fit.get('class_offset'), list):
            n_new = len(self.class_names) - len(self.initial.config.class_names)
            fit['class_offset'] = [*fit['class_offset'], *[0.] * n_new]
        return {**settings, 'name': self.out.name, 'calibration': fit,
                'network': {**settings['network'], 'class_names': list(self.class_names)},
                'description': f'{self.initial.name}, fine-tuned on labelled frames'}

    def train(self, time_budget):
        """
        Train, or go on.

        Parameters
        ----------
        time_budget : float
            Stop and save after so many seconds.

        Returns
        -------
        finished : bool
            Whether the schedule has come to its end.
        """
        initial = self.initial
        training = initial.settings.get('training', {}).get('config', {})
        config = TrainingConfig.from_dict({
            **initial.config.to_dict(), **training, 'class_names': self.class_names})
        dataset = CropDataset(self.folder / 'training', config, side=SIDE,
                              batch_size=self.batch_size, max_sources=MAX_SOURCES,
                              seed=self.seed)
        stages = self.stages or default_stages(len(dataset), self.batch_size)
        every = max(VALIDATE_EVERY, stages[0].n_steps // 10)
        weights = extend_classes(initial._weights, initial.config, self.class_names)
        probe = Model({**self._settings(), 'sha256': ''}, weights)
        tuner = self.tuner = FineTuner(
            config, dataset, self.folder, weights=weights, stages=stages,
            before=self._before, seed=self.seed, validate_every=every,
            log_every=VALIDATE_EVERY,
            judge=lambda: held_out_figures(probe, self._held_out_scenes))
        probe.__dict__['network'] = tuner.model
        if tuner.checkpoint.exists():
            tuner.resume()
        with tqdm(desc='Training', unit='step', total=sum(s.n_steps for s in stages),
                  initial=tuner.state['step'], disable=not self.progress_bar) as bar:
            def progress(step, losses):
                bar.set_postfix(loss=f'{losses["loss"]:.2f}', refresh=False)
                bar.update(step - bar.n)

            return tuner.run(time_budget, progress)

    # === The best ===

    def finish(self, time_budget, finished):
        """
        Write the best model, which may be the initial one.

        Parameters
        ----------
        time_budget : float
            The seconds left to train the profile head alone.
        finished : bool
            Whether the training has come to its end; if not, the run stays to
            be resumed.

        Returns
        -------
        model : `~photutils_rcnn.models.model.Model`
            The model in the folder.
        """
        before, best = self._before, None
        weights = self.tuner.best_weights()
        if weights is not None:
            network, settings = self.tuner.model, self._settings()
            set_weights(network, weights)
            save_model(self.folder / 'network', network, settings, '')
            candidates = [self.folder / 'network']
            # For known classes the few sources of the frames would be learned by heart.
            is_new = len(self.class_names) > len(self.initial.config.class_names)
            if is_new and self.initial.config.profile_size and refine_network(
                    self.folder, REFINEMENT, self.folder / 'training', None,
                    seed=self.seed, time_budget=time_budget):
                candidates.append(refinement_folder(
                    self.folder, load_model(candidates[0])) / 'model')
            best = self._best_of(candidates)
        figures, model = (before, self.initial) if best is None else best
        if best is None:
            msg = ('fine tuning brought nothing better on the held-out frames: the model '
                   f'is the initial one, {self.initial.name!r}')
            warnings.warn(msg, AstropyUserWarning, stacklevel=3)
        self._write(model, before, figures, kept_initial=best is None)
        if finished:
            self._clean()
        return load_model(self.out)

    def _best_of(self, folders):
        """
        The figures and the model of the best of several, if it is not worse
        than the initial one.
        """
        found = [(held_out_figures(model, self._held_out_scenes), model)
                 for model in map(load_model, folders)]
        good = [(figures, model) for figures, model in found
                if not is_worse(figures, self._before)]
        return max(good, key=lambda item: mean_precision(item[0]), default=None)

    def _write(self, model, before, after, *, kept_initial):
        n_held = len(self._held_out_scenes)
        facts = {
            'initial': self.initial.name, 'initial_sha256': self.initial.sha256,
            'kept_initial': kept_initial, 'classes': list(model.config.class_names),
            'n_training_frames': len(list((self.folder / 'training').glob('*.npz'))),
            'n_held_out_frames': n_held, 'steps': self.tuner.state['step'],
            'before': before, 'after': after}
        facts['report'] = make_report(facts)
        save_model(self.out, model.network, {
            **model.settings, 'name': self.out.name, 'fine_tuning': facts}, make_card(
                self.out.name, facts))

    def _clean(self):
        """
        Leave of the run what tells how it went.
        """
        for name in ('labelled', 'training', 'held_out', 'network', 'refinement'):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ('run.json', 'checkpoint.npz', 'best.npz'):
            (self.folder / name).unlink(missing_ok=True)
