# Licensed under a 3-clause BSD style license - see LICENSE
"""
Atomic writes, and reading of NumPy archives.
"""

__all__ = ['atomic_path', 'open_npz']

import os
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def atomic_path(path, *, overwrite=True):
    """
    A file beside ``path`` that takes its place once it was written.

    An older file is replaced by a whole one only, whoever else writes it.

    Parameters
    ----------
    path : path-like
        The file to write.
    overwrite : bool, optional
        Whether there may be an older file. The default is `True`.

    Yields
    ------
    temporary : `~pathlib.Path`
        What to write to; removed if that fails.

    Raises
    ------
    OSError
        If there is a file and ``overwrite`` is `False`.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        msg = f'File {str(path)!r} already exists.'
        raise OSError(msg)
    temporary = path.with_name(f'{path.name}.{os.getpid()}.part')
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def open_npz(path, what='NumPy archive'):
    """
    The arrays of a ``.npz`` file.

    Parameters
    ----------
    path : path-like or binary file-like
        The file.
    what : str, optional
        What it should be, for the message.

    Yields
    ------
    arrays : `~numpy.lib.npyio.NpzFile`
        The arrays by name, read when asked for.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or an array is missing.
    """
    stream = path if hasattr(path, 'read') else Path(path).open(  # noqa: SIM115
        'rb')
    try:
        with stream:
            if not zipfile.is_zipfile(stream):
                msg = 'it is no archive, or was cut short'
                raise ValueError(msg)
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as arrays:
                yield arrays
    except (AttributeError, EOFError, KeyError, OSError, TypeError, ValueError,
            zipfile.BadZipFile, zlib.error) as exc:
        name = 'the archive' if hasattr(path, 'read') else path
        msg = f'{name} is not a valid {what}: {exc!r}'
        raise ValueError(msg) from exc
