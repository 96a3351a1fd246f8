# Licensed under a 3-clause BSD style license - see LICENSE
"""
Simulation of many scenes into a folder.
"""

__all__ = ['simulate_scenes']

from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from photutils_rcnn._parallel import parallel_map
from photutils_rcnn.simulation.make import make_scene
from photutils_rcnn.simulation.presets import PRESETS
from photutils_rcnn.simulation.scene import Scene


def _simulate_one(seed, *, preset, out_dir, overrides):
    path = out_dir / f'{preset}-{seed:08d}.npz'
    if not path.exists():
        make_scene(preset, seed, **overrides).write(path)
    elif 'shape' in overrides:
        found = Scene.read(path).footprints.shape
        if found != tuple(overrides['shape']):
            msg = (f'{path} exists with the shape {found}, got shape '
                   f'{overrides["shape"]}: use another folder')
            raise ValueError(msg)
    return path


def simulate_scenes(preset, n_scenes, out_dir, *, seed, n_processes=1,
                    progress_bar=False, **overrides):
    """
    Simulate scenes into a folder, one file each.

    Scenes whose file exists are left as they are, so that an interrupted
    simulation goes on where it stopped. Their file names tell preset and
    seed: scenes with other ``overrides`` belong in other folders.

    Parameters
    ----------
    preset : str
        One of `~photutils_rcnn.simulation.PRESETS`.
    n_scenes : int
        The number of scenes.
    out_dir : str or path-like
        The folder; it is made if it does not exist. The files are named
        ``{preset}-{seed:08d}.npz``.
    seed : int
        The seed of the first scene; each scene's is one more than that of
        the scene before.
    n_processes : int, optional
        The number of processes. Scenes do not depend on it.
    progress_bar : bool, optional
        Whether to show a progress bar.
    **overrides
        See `~photutils_rcnn.simulation.make_scene`.

    Returns
    -------
    paths : list of `~pathlib.Path`
        The files, in the order of their seeds.

    Raises
    ------
    ValueError
        If a number is out of range, the preset unknown, an override does not
        fit, or a scene exists with another ``shape``.
    """
    if n_scenes < 0 or seed < 0 or n_processes < 1:
        msg = ('n_scenes and seed must be non-negative and n_processes '
               f'positive, got {n_scenes}, {seed}, {n_processes}')
        raise ValueError(msg)
    if preset not in PRESETS:
        msg = f'preset must be one of {PRESETS}, got {preset!r}'
        raise ValueError(msg)
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    job = partial(_simulate_one, preset=preset, out_dir=out_dir,
                  overrides=overrides)
    seeds = range(seed, seed + n_scenes)
    return list(tqdm(parallel_map(job, seeds, n_processes), total=n_scenes,
                     desc='Simulating', unit='scene',
                     disable=not progress_bar))
