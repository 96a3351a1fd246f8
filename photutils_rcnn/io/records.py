# Licensed under a 3-clause BSD style license - see LICENSE
"""
Provenance records of results.
"""

__all__ = ['Record', 'fingerprint']

import hashlib
import json
import os
import pickle
from pathlib import Path

from photutils_rcnn._files import atomic_path
from photutils_rcnn.io.opening import split_extension


def fingerprint(files, **values):
    """
    What a result depends on.

    Parameters
    ----------
    files : iterable of path-like
        The files that are read, perhaps with an extension in brackets.
    **values
        Whatever else there is.

    Returns
    -------
    known : dict
        JSON values: the files in their order, each with its size (bytes) and time of change
        (ns), `None` for one that is not there, and the values; for those that JSON does not
        know a checksum.
    """
    states = [[str(path), _file_state(split_extension(path)[0])] for path in files]
    return json.loads(json.dumps({'files': states, **values}, default=_plain))


def _file_state(path):
    try:
        state = path.stat()
    except OSError:
        return None
    return [state.st_size, state.st_mtime_ns]


def _plain(value):
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return hashlib.sha256(pickle.dumps(value)).hexdigest()


class Record:
    """
    The record of a frame: a JSON file beside its results.

    It is written twice. Without outputs it says that files of this frame may be replaced,
    with them that they are whole. So a process that ends between has claimed nothing.

    Parameters
    ----------
    folder : `~pathlib.Path`
        The folder of the results.
    name : str
        The name of the frame.
    """

    def __init__(self, folder, name):
        self.path = Path(folder) / f'{name}_record.json'

    def read(self):
        """
        The content.

        Returns
        -------
        content : dict
            Empty if there is no record, or none that can be read.
        """
        try:
            return dict(json.loads(self.path.read_text()))
        except (OSError, TypeError, ValueError):
            return {}

    def write(self, known, **outcome):
        """
        Write it.

        Parameters
        ----------
        known : dict
            From `fingerprint`.
        **outcome
            JSON values: ``outputs``, the names of the files, and what there is to be said.
        """
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps({'made_from': known, **outcome}, indent=1))

    def outcome(self, known):
        """
        What was written of results that are there and fit.

        Parameters
        ----------
        known : dict
            From `fingerprint`.

        Returns
        -------
        outcome : dict or `None`
            `None` if they do not.
        """
        content = self.read()
        outputs = content.get('outputs')
        if content.pop('made_from', None) != known or not outputs or not all(
                (self.path.parent / name).exists() for name in outputs):
            return None
        return content
