# Licensed under a 3-clause BSD style license - see LICENSE
"""
Hold-out split of frames, stratified by class, and padding of small frames.
"""

__all__ = ['choose_held_out', 'padded']

from dataclasses import replace

import numpy as np

# Of so many random choices the most even one is taken.
N_SPLITS = 200


def choose_held_out(counts, fraction, seed):
    """
    Which frames to hold out, with their part of each class.

    Parameters
    ----------
    counts : list of dict
        The number of sources of each class in each frame.
    fraction : float
        The fraction of frames.
    seed : int
        The seed of the choice.

    Returns
    -------
    held : (N,) bool `~numpy.ndarray`
        `True` for frames to hold out: at least one, and not all.
    """
    names = sorted(set().union(*counts))
    table = np.array([[count.get(name, 0) for name in names] for count in counts], float)
    table /= table.sum(axis=0)
    n = len(counts)
    n_held = min(max(round(fraction * n), 1), n - 1)
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(n)[:n_held] for _ in range(N_SPLITS)]
    error = [np.abs(table[one].sum(axis=0) - n_held / n).sum() for one in chosen]
    held = np.zeros(n, dtype=bool)
    held[chosen[int(np.argmin(error))]] = True
    return held


def padded(scene, side):
    """
    A scene of at least a side, with bad pixels where there were none.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.
    side : int
        The smallest side, pixels.

    Returns
    -------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene, larger if it was too small.
    """
    ny, nx = scene.mask.shape
    more = (0, max(side - ny, 0)), (0, max(side - nx, 0))
    if not np.any(more):
        return scene
    mask = np.pad(scene.mask, more, constant_values=True)
    footprints = scene.footprints
    return replace(scene, data=np.pad(scene.data, ((0, 0), *more)), mask=mask,
                   footprints=type(footprints)(footprints.boxes, footprints.masks,
                                               mask.shape))
