# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tables as files.
"""

__all__ = ['write_table']

from pathlib import Path


def write_table(path, table, *, overwrite=False):
    """
    Write a table of sources.

    Parameters
    ----------
    path : str or path-like
        The file; ``.ecsv`` keeps units, coordinates and provenance, ``.fits``
        leaves the provenance out.
    table : `~astropy.table.QTable`
        The table, `~photutils_rcnn.RCNNResult.catalog_table` for instance.
    overwrite : bool, optional
        Whether to replace an existing file. The default is `False`.

    Raises
    ------
    OSError
        If the file exists and ``overwrite`` is `False`.
    ValueError
        If the file is named neither ``.ecsv`` nor ``.fits``.
    """
    path = Path(path)
    # without a WCS the sky columns of photutils are filled with None
    empty = [name for name in table.colnames
             if getattr(getattr(table[name], 'dtype', None), 'kind', '') == 'O']
    table = table.copy(copy_data=False)
    table.remove_columns(empty)
    if path.suffix == '.ecsv':
        table.write(path, format='ascii.ecsv', overwrite=overwrite)
    elif path.suffix == '.fits':
        table.meta.clear()
        table.write(path, format='fits', overwrite=overwrite)
    else:
        msg = f"path must end in '.ecsv' or '.fits', got {path.name!r}"
        raise ValueError(msg)
