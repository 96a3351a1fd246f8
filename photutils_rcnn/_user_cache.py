# Licensed under a 3-clause BSD style license - see LICENSE
"""
Files that take long to make, kept in the user's cache folder.
"""

__all__ = ['cached_folder', 'remove_folder']

import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

from astropy.config import get_cache_dir_path
from astropy.utils.exceptions import AstropyUserWarning

# What found no place in the cache; removed when the process ends.
_temporary = {}


def cached_folder(name, write):
    """
    A folder of the cache, written when it is first asked for.

    It appears whole or not at all, whoever else writes it.

    Parameters
    ----------
    name : str
        The name of the folder, which says all that its files depend on.
    write : callable
        Called as ``write(folder)`` with an empty folder to write the files to.

    Returns
    -------
    folder : `~pathlib.Path`
        The folder; a temporary one if there is no cache to write to.

    Warns
    -----
    AstropyUserWarning
        If there is none.
    """
    if name in _temporary:
        return Path(_temporary[name].name)
    try:
        cache = get_cache_dir_path('photutils_rcnn')
        folder = cache / name
        if not folder.is_dir():
            _write_whole(folder, write)
    except OSError as exc:
        msg = ('The network will be converted again in each process, since the cache '
               f'folder cannot be written: {exc}')
        warnings.warn(msg, AstropyUserWarning, stacklevel=2)
        _temporary[name] = tempfile.TemporaryDirectory()
        folder = Path(_temporary[name].name)
        write(folder)
    return folder


def remove_folder(folder):
    """
    Remove a folder of the cache, at once, unless another process was first.

    Parameters
    ----------
    folder : `~pathlib.Path`
        The folder.
    """
    with (tempfile.TemporaryDirectory(dir=folder.parent, prefix='part-') as temporary,
          suppress(FileNotFoundError)):
        folder.rename(Path(temporary) / 'old')


def _write_whole(folder, write):
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix='part-') as temporary:
        new = Path(temporary) / 'new'
        new.mkdir()
        write(new)
        try:
            new.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first
                raise
