# Licensed under a 3-clause BSD style license - see LICENSE
"""
Simulation of many scenes into a folder.
"""

__all__ = ['simulate_scenes']

import logging
from functools import partial
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from photutils_rcnn._files import open_npz
from photutils_rcnn._parallel import parallel_map
from photutils_rcnn.simulation.file_names import scene_name
from photutils_rcnn.simulation.make import make_scene
from photutils_rcnn.simulation.presets import draw_settings

log = logging.getLogger(__name__)


def _simulate_one(seed, *, preset, out_dir, shape, overrides):
    path = out_dir / scene_name(preset, seed)
    found = _stored_shape(path) if path.exists() else None
    if found is None:
        if path.exists():
            log.warning('%s is damaged, and simulated again', path)
        make_scene(preset, seed, **overrides).write(path)
    elif found != shape:
        msg = (f'{path} exists with the shape {found}, got shape {shape}: use '
               'another folder')
        raise ValueError(msg)
    return path


def _stored_shape(path):
    """
    The shape of a scene in a file; `None` if the file is damaged.

    Pixels are not read, which would take long for thousands of scenes: the
    list of the arrays is at the end of a file, so that one which was cut
    short has none.
    """
    try:
        with open_npz(path) as arrays:
            ny, nx = arrays['footprints_shape']
    except ValueError:
        return None
    return int(ny), int(nx)


def simulate_scenes(preset, n_scenes, out_dir, *, seed, n_processes=1,
                    progress_bar=False, **overrides):
    """
    Simulate scenes into a folder, one file each.

    Scenes whose file exists are left as they are, so that an interrupted
    simulation goes on where it stopped; a file that was cut short is written
    again. The file names tell preset and seed: scenes with other
    ``overrides`` belong in other folders.

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
        fit, or a scene exists with another shape than asked for, by default
        that of the preset.
    """
    if n_scenes < 0 or seed < 0 or n_processes < 1:
        msg = ('n_scenes and seed must be non-negative and n_processes '
               f'positive, got {n_scenes}, {seed}, {n_processes}')
        raise ValueError(msg)
    # Before there is a folder, this finds what does not fit.
    settings = draw_settings(preset, np.random.default_rng(seed), **overrides)
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    job = partial(_simulate_one, preset=preset, out_dir=out_dir,
                  shape=settings.shape, overrides=overrides)
    seeds = range(seed, seed + n_scenes)
    return list(tqdm(parallel_map(job, seeds, n_processes), total=n_scenes,
                     desc='Simulating', unit='scene',
                     disable=not progress_bar))
