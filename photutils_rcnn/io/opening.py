# Licensed under a 3-clause BSD style license - see LICENSE
"""
Opening of FITS files: paths, also with an extension, and HDUs.
"""

__all__ = ['Opened', 'is_fits', 'open_fits', 'split_extension']

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from astropy.io import fits

_HDUS = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
_BRACKETS = re.compile(r'(.+?)\[([^\[\]]*)\](\[.*)?')


@dataclass(frozen=True)
class Opened:
    """
    An open FITS file.

    Parameters
    ----------
    hdus : list of HDU
        Its extensions.
    path : str
        The file, or what stands for one in messages.
    chosen : list or `None`
        The extensions that were asked for in brackets, as keys.
    """

    hdus: list
    path: str
    chosen: list | None

    def source(self, hdu):
        """
        Where an image comes from: file and number of the extension.
        """
        return f'{self.path}[{self.hdus.index(hdu)}]'

    @property
    def primary(self):
        """
        The header of the file.
        """
        return self.hdus[0].header


def is_fits(data):
    """
    Whether data are named by a path, or are HDUs of FITS.

    Parameters
    ----------
    data : object
        What a user gave.

    Returns
    -------
    is_fits : bool
        `True` for a path, an image HDU, an `~astropy.io.fits.HDUList`, or a
        list or tuple of these.
    """
    kinds = (str, os.PathLike, fits.HDUList, *_HDUS)
    if isinstance(data, kinds):
        return True
    return (isinstance(data, (list, tuple)) and len(data) > 0
            and all(isinstance(item, kinds) for item in data))


def split_extension(path):
    """
    A path and the extension in brackets behind it.

    Parameters
    ----------
    path : path-like
        ``image.fits``, ``image.fits[1]``, ``image.fits[SCI]`` or
        ``image.fits[SCI,1]``. A file that has such a name is itself meant.

    Returns
    -------
    path : `~pathlib.Path`
        The file.
    key : int, str, (str, int) or `None`
        The extension.

    Raises
    ------
    ValueError
        If what stands in brackets is no extension, a section say.
    """
    match = _BRACKETS.fullmatch(str(path))
    if match is None or Path(path).exists():
        return Path(path), None
    name, _, version = (item.strip() for item in match[2].partition(','))
    if match[3] or not re.fullmatch(r'\w[^:*]*', name) or not (
            version.isdigit() or ',' not in match[2]):
        msg = (f'{path}: an extension in brackets must be a number, a name, '
               'or name and version, as [1] or [SCI,1]; sections are not read')
        raise ValueError(msg)
    if version:
        return Path(match[1]), (name, int(version))
    return Path(match[1]), int(name) if name.isdigit() else name


@contextmanager
def open_fits(given):
    """
    Open a FITS file for reading.

    Parameters
    ----------
    given : path-like, HDU or `~astropy.io.fits.HDUList`
        The file, whose path may end in an extension in brackets.

    Yields
    ------
    opened : `Opened`
        The file. HDUs in memory are not closed.

    Raises
    ------
    OSError
        If the file cannot be read as FITS.
    """
    if isinstance(given, _HDUS):
        yield Opened([given], type(given).__name__, [0])
        return
    if isinstance(given, fits.HDUList):
        given.readall()
        yield Opened(given, given.filename() or 'HDUList', None)
        return
    path, key = split_extension(given)
    with _open(path) as hdus:
        yield Opened(hdus, str(path), None if key is None else [key])


def _open(path):
    if path.is_file() and path.stat().st_size == 0:
        msg = f'{path}: the file is empty'
        raise OSError(msg)
    try:
        return fits.open(path)
    except FileNotFoundError as exc:
        msg = f'{path}: no such file'
        raise OSError(msg) from exc
    except OSError as exc:
        msg = f'{path}: not a readable FITS file ({exc})'
        raise OSError(msg) from exc
