# Licensed under a 3-clause BSD style license - see LICENSE
"""
Saving and restoring a training run.
"""

__all__ = ['load_checkpoint', 'read_state', 'save_checkpoint']

import json
import re

import numpy as np

from photutils_rcnn._files import atomic_path, open_npz


def _stable(name):
    """
    A variable's name without the counters of Keras, which depend on what
    else the process has built.
    """
    return re.sub(r'_\d+(?=/|$)', '', name)


def _arrays(model):
    """
    All state of a run, by name.
    """
    groups = {'model': model.variables,
              'optimizer': model.optimizer.variables}
    return {_stable(f'{group}/{i:04d}/{variable.path}'): variable
            for group, variables in groups.items()
            for i, variable in enumerate(variables)}


def save_checkpoint(path, model, state):
    """
    Write the model, its optimizer and the state of the run.

    The file replaces an older one only when it is complete.

    Parameters
    ----------
    path : path-like
        The file, ``.npz``.
    model : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        A compiled model.
    state : dict
        JSON values.
    """
    arrays = {name: np.asarray(variable)
              for name, variable in _arrays(model).items()}
    with atomic_path(path) as temporary, temporary.open('wb') as stream:
        np.savez(stream, state=json.dumps(state), **arrays)


def read_state(path):
    """
    The state of the run that a checkpoint was written in.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    state : dict
        JSON values.
    """
    with open_npz(path, 'checkpoint') as file:
        return json.loads(str(file['state']))


def load_checkpoint(path, model):
    """
    Restore what `save_checkpoint` wrote.

    Parameters
    ----------
    path : path-like
        The file.
    model : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        A model of the same configuration, compiled and with a built
        optimizer; its variables are overwritten.

    Returns
    -------
    state : dict
        The state of the run.

    Raises
    ------
    ValueError
        If the file belongs to another configuration.
    """
    with open_npz(path, 'checkpoint') as file:
        stored = dict(file)
    arrays = _arrays(model)
    missing = [name for name, variable in arrays.items()
               if name not in stored
               or stored[name].shape != tuple(variable.shape)]
    if missing:
        msg = (f'checkpoint {path} does not fit the model: '
               f'{len(missing)} variables differ, the first is '
               f'{missing[0]}')
        raise ValueError(msg)
    for name, variable in arrays.items():
        variable.assign(stored[name])
    return json.loads(str(stored['state']))
