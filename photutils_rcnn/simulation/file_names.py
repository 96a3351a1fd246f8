# Licensed under a 3-clause BSD style license - see LICENSE
"""
The names of scene files, which tell preset and seed.
"""

__all__ = ['count_shared', 'scene_name', 'scene_parts', 'scene_preset']

import re
from pathlib import Path

from photutils_rcnn.simulation.presets import PRESETS

_NAME = re.compile(r'(.+)-(\d{8,})\.npz')


def scene_name(preset, seed):
    """
    The name of a scene's file.

    Parameters
    ----------
    preset : str
        One of `~photutils_rcnn.simulation.PRESETS`.
    seed : int
        The seed of the scene.

    Returns
    -------
    name : str
        ``{preset}-{seed:08d}.npz``.
    """
    return f'{preset}-{seed:08d}.npz'


def _preset_and_seed(name):
    """
    Preset and seed of a file name; `None` for a scene of other origin.
    """
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in PRESETS:
        return None
    return match[1], int(match[2])


def scene_preset(name):
    """
    The preset of a scene.

    Parameters
    ----------
    name : str
        The name of its file.

    Returns
    -------
    preset : str or `None`
        The preset; `None` for a scene of other origin.
    """
    known = _preset_and_seed(name)
    return known and known[0]


def scene_parts(folder):
    """
    The simulated scenes of a folder, as a recipe lists them.

    Parameters
    ----------
    folder : path-like
        The folder. Files whose names tell no preset are left out.

    Returns
    -------
    parts : list of dict
        ``preset``, ``n_scenes`` and first ``seed`` of each run of
        consecutive seeds.
    """
    parts = []
    known = filter(None, (_preset_and_seed(path.name)
                          for path in Path(folder).glob('*.npz')))
    for preset, seed in sorted(known):
        last = parts[-1] if parts else None
        if last and last['preset'] == preset and (
                last['seed'] + last['n_scenes'] == seed):
            last['n_scenes'] += 1
        else:
            parts.append({'preset': preset, 'n_scenes': 1, 'seed': seed})
    return parts


def count_shared(paths, parts):
    """
    How many files are scenes of a list.

    Parameters
    ----------
    paths : iterable of `~pathlib.Path`
        The files.
    parts : list of dict
        As of `scene_parts`.

    Returns
    -------
    count : int
        The number of files whose preset and seed are among them.
    """
    known = filter(None, (_preset_and_seed(path.name) for path in paths))
    return sum(any(part['preset'] == preset
                   and 0 <= seed - part['seed'] < part['n_scenes']
                   for part in parts) for preset, seed in known)
