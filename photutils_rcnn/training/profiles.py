# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training data of the profile head: profiles of the sources that a network finds.
"""

__all__ = ['ProfileDataset', 'collect_profiles', 'scene_profiles']

import math
import time
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from photutils_rcnn._files import atomic_path, open_npz
from photutils_rcnn._parallel import parallel_map
from photutils_rcnn.detection.inference import Thresholds, infer_tile, plan_tiles
from photutils_rcnn.detection.psf_map import PSFMap
from photutils_rcnn.detection.psf_profile import measure_psf_profile
from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import normalize_cube, to_model_fwhm
from photutils_rcnn.preprocessing.psf import find_psf_stars
from photutils_rcnn.preprocessing.stretches import ArcsinhStretch
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.classes import CLASS_NAMES, STAR
from photutils_rcnn.training.augmentation import draw_log_fwhm
from photutils_rcnn.training.star_mix import scene_log_odds

# A detection shows a source if their masks overlap by this much.
MIN_IOU = 0.5
# The least score, before calibration, of a detection.
MIN_SCORE = 0.1
# The fraction of scenes whose FWHM is estimated from the pixels, as in
# inference; of the others the network is told one as in joint training.
P_ESTIMATED = 0.7
# Of a crowded or deep scene so many sources are drawn, else a few such scenes
# would outweigh all others.
MAX_PROFILES = 150


def scene_profiles(model, scene, rng):
    """
    The profiles of the sources that a network finds in a scene.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The network.
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.
    rng : `numpy.random.Generator`
        Decides what the network is told of the PSF.

    Returns
    -------
    profiles : dict of `~numpy.ndarray`
        For R detections that match a source, at most 150 drawn at random:
        ``profiles`` and ``psf``
        (R, N, N, n_bands), ``boxes`` (R, 4), ``logits`` (R, n_classes) of the box
        head and ``log_fwhm`` (R, n_bands), see
        `~photutils_rcnn.models.profile_head.profile_head_inputs`;
        ``class_ids`` (R,), the true classes; and ``log_odds`` (R,), those of a star in
        this scene, before the source is looked at, 0 for a model of other classes.
    """
    config = model.network.config
    cube = prepare_inputs(scene.data, mask=scene.mask, bands=scene.bands)
    normalized = normalize_cube(
        cube, stretch=ArcsinhStretch(config.stretch_scale),
        n_bands=config.n_bands)
    fwhm, stars = find_psf_stars(normalized.frame.snr, cube.invalid)
    if rng.random() > P_ESTIMATED:
        log_fwhm = draw_log_fwhm(cube.in_band_order(scene.psf_fwhm), rng)
        fwhm = np.exp(log_fwhm) if log_fwhm.any() else None
    if fwhm is not None:
        fwhm = to_model_fwhm(fwhm, config.n_bands)
    image, thresholds = normalized.image, Thresholds.of(model, MIN_SCORE)
    psf = (None if fwhm is None else
           measure_psf_profile(image, stars, fwhm, model.detector))
    psf_map = None if fwhm is None else PSFMap.with_slopes(fwhm, psf)
    parts = [_tile_profiles(scene, infer_tile(
        model, image, tile, normalized.invalid, psf_map, thresholds), fwhm,
        psf, model.detector) for tile in plan_tiles(model, image.shape[:2])]
    found = {name: np.concatenate([part[name] for part in parts])
             for name in parts[0]}
    n = len(found['class_ids'])
    snr = found.pop('snr')
    found['log_odds'] = np.zeros(n, dtype=np.float32)
    if tuple(config.class_names) == CLASS_NAMES:
        found['log_odds'] += scene_log_odds(found['class_ids'] == STAR, snr)
    chosen = np.sort(rng.permutation(n)[:MAX_PROFILES])
    return {name: values[chosen] for name, values in found.items()}


def _tile_profiles(scene, found, fwhm, psf, detector):
    """
    The profiles of the detections that a tile owns and that match.
    """
    n, n_bands = len(found.boxes), detector.config.n_bands
    profiles = detector.sample_profiles(
        found.pixels[None], found.boxes, np.zeros(n), fwhm)
    log_fwhm = np.full((n, n_bands), 0. if fwhm is None else np.log(fwhm),
                       dtype=np.float32)
    ignore = np.asarray(scene.truth['ignore'])
    matches = match_overlaps(
        mask_overlaps(found.instances.footprints(), scene.footprints,
                      ignore=ignore),
        found.instances.scores, MIN_IOU, ignore=ignore)
    chosen = np.flatnonzero(matches.truth_of_detection >= 0)
    truth = scene.truth[matches.truth_of_detection[chosen]]
    if psf is None:
        psf = np.zeros(profiles.shape[1:])
    return {'profiles': profiles[chosen].astype(np.float16),
            'psf': np.broadcast_to(psf, profiles[chosen].shape).astype(
                np.float16),
            'boxes': found.boxes[chosen].astype(np.float32),
            'logits': found.logits[chosen].astype(np.float32),
            'log_fwhm': log_fwhm[chosen],
            'class_ids': np.asarray(truth['class_id'], dtype=np.int32),
            'snr': np.asarray(truth['snr'], dtype=float)}


@lru_cache(1)
def _read_model(folder, sha256):
    """
    A model, read once in each process.
    """
    return load_model(folder)


def _collect_one(item, *, model, out_dir, seed):
    """
    Write the profiles of a scene file, unless they have been written since.
    """
    index, scene_path = item
    path = out_dir / scene_path.name
    if path.exists() and path.stat().st_mtime >= scene_path.stat().st_mtime:
        return
    found = scene_profiles(_read_model(*model), Scene.read(scene_path),
                           np.random.default_rng((seed, index)))
    with atomic_path(path) as temporary, temporary.open('wb') as stream:
        np.savez(stream, **found)


def collect_profiles(model_folder, scenes, out_dir, *, seed=0, n_processes=1,
                     time_budget=math.inf, progress_bar=False):
    """
    Write the profiles of scenes, one file each.

    Scenes with profiles newer than themselves are left out, so that an
    interrupted collection goes on where it stopped.

    Parameters
    ----------
    model_folder : path-like
        The network's model, see `~photutils_rcnn.models.zoo`.
    scenes : sequence of `~pathlib.Path`
        The scene files.
    out_dir : path-like
        The folder of the profiles; it is made if it does not exist.
    seed : int, optional
        The seed of what the network is told of the PSF.
    n_processes : int, optional
        The number of processes. Profiles do not depend on it.
    time_budget : float, optional
        Stop after so many seconds.
    progress_bar : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    finished : bool
        Whether all scenes are done.
    """
    end = time.monotonic() + time_budget
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    items = list(enumerate(scenes))
    model = str(model_folder), load_model(model_folder).sha256
    job = partial(_collect_one, model=model, out_dir=out_dir, seed=seed)
    results = parallel_map(job, items, n_processes)
    # Leaving early drops the scenes that have not been begun.
    with closing(results):
        for _ in tqdm(results, total=len(items), desc='Profiles',
                      unit='scene', disable=not progress_bar):
            if time.monotonic() > end:
                return False
    return True


class ProfileDataset:
    """
    Shuffled batches of profiles, turned and flipped.

    Parameters
    ----------
    folder : path-like
        From `collect_profiles`.
    names : collection of str, optional
        The names of the files to read; all by default.
    batch_size : int, optional
        The profiles of a batch; fewer if there are fewer in all.
    augmented : bool, optional
        Whether profiles are turned and flipped.
    seed : int, optional
        The seed of shuffling and turning.

    Raises
    ------
    ValueError
        If the folder has no such file.
    """

    def __init__(self, folder, names=None, *, batch_size=512, augmented=True,
                 seed=0):
        parts = []
        for path in sorted(Path(folder).glob('*.npz')):
            if names is not None and path.name not in names:
                continue
            with open_npz(path, 'file of profiles') as stored:
                parts.append(dict(stored))
        if not parts:
            msg = f'folder has no profiles: {folder}'
            raise ValueError(msg)
        self.arrays = {name: np.concatenate([part[name] for part in parts])
                       for name in parts[0]}
        self.batch_size = max(1, min(batch_size, len(self)))
        self.augmented = augmented
        self.seed = seed

    def __len__(self):
        return len(self.arrays['class_ids'])

    @property
    def steps_per_epoch(self):
        """
        The batches in which all profiles are seen once, but for those
        which do not fill another.
        """
        return len(self) // self.batch_size

    def batch(self, step):
        """
        The batch of a training step; the same for the same step and seed.

        Parameters
        ----------
        step : int
            The number of the step.

        Returns
        -------
        inputs : dict of `~numpy.ndarray`
            ``profiles``, ``psf``, ``boxes``, ``logits``, ``log_fwhm`` and ``log_odds`` of
            `scene_profiles`, as float32.
        classes : (B,) `~numpy.ndarray` of int32
            The true classes, counted from 0.
        """
        epoch, position = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(
            len(self))
        start = position * self.batch_size
        chosen = np.sort(order[start:start + self.batch_size])
        inputs = {name: values[chosen]
                  for name, values in self.arrays.items()}
        classes = inputs.pop('class_ids') - 1
        images = {name: inputs[name].astype(np.float32)
                  for name in ('profiles', 'psf')}
        if self.augmented:
            rng = np.random.default_rng((self.seed, epoch, position))
            n_turns, flip = rng.integers(4), rng.integers(2)
            if n_turns % 2:  # height and width change places
                inputs['boxes'] = inputs['boxes'][:, [1, 0, 3, 2]]
            for name, pixels in images.items():
                turned = np.rot90(pixels, n_turns, axes=(1, 2))
                images[name] = np.ascontiguousarray(
                    turned[:, :, ::-1] if flip else turned)
        return {**inputs, **images}, classes
