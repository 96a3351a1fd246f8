# Licensed under a 3-clause BSD style license - see LICENSE
"""
Manifest: table of the states of many frames.
"""

__all__ = ['Manifest']

import time

from astropy import units as u
from astropy.table import MaskedColumn, Table

from photutils_rcnn._files import atomic_path

# The fraction of the time that may go into keeping the file up to date.
BUSY = 0.05


class Manifest:
    """
    The states of all frames, kept in an ECSV file.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file.
    frames : dict of str to str
        For each name the files.
    meta : dict
        What all results have in common.
    """

    def __init__(self, path, frames, meta):
        self.path = path
        self._meta = meta
        self._rows = {name: {'name': name, 'files': files, 'state': 'pending',
                             'n_sources': None, 'seconds': None, 'message': ''}
                      for name, files in frames.items()}
        self._next = 0.

    def update(self, name, **values):
        """
        Change a row.

        Parameters
        ----------
        name : str
            The frame.
        **values
            The columns.
        """
        self._rows[name].update(values)

    @property
    def table(self):
        """
        The table, one row for each frame in the order in which they were given.
        """
        columns = {name: [row[name] for row in self._rows.values()]
                   for name in next(iter(self._rows.values()))}
        for name, dtype, unit in (('n_sources', int, None), ('seconds', float, u.s)):
            values = columns[name]
            columns[name] = MaskedColumn(
                [value or 0 for value in values], dtype=dtype, unit=unit,
                mask=[value is None for value in values])
        return Table(columns, meta=self._meta)

    def save(self, *, now=False):
        """
        Write the file, unless that was done just before.

        Parameters
        ----------
        now : bool, optional
            Whether to write it in any case. The default is `False`.
        """
        start = time.monotonic()
        if start < self._next and not now:
            return
        with atomic_path(self.path) as temporary:
            self.table.write(temporary, format='ascii.ecsv')
        end = time.monotonic()
        self._next = end + (end - start) / BUSY
