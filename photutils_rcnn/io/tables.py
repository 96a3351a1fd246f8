# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tables as files.
"""

__all__ = ['write_table']

from pathlib import Path

from astropy import units as u
from astropy.coordinates import SkyCoord

from photutils_rcnn._files import atomic_path
from photutils_rcnn.io.optional import import_optional


def write_table(path, table, *, overwrite=False):
    """
    Write a table of sources.

    Parameters
    ----------
    path : str or path-like
        The file. ``.ecsv`` and ``.parquet`` keep units, coordinates and provenance,
        ``.fits`` leaves the provenance out. In ``.vot`` (VOTable) and ``.csv``
        coordinates are columns ``ra`` and ``dec``, ICRS in degrees; a second column of
        coordinates has its name before these. ``.csv`` has neither units nor
        provenance. ``.parquet`` needs pyarrow.
    table : `~astropy.table.QTable`
        The table, `~photutils_rcnn.RCNNResult.catalog_table` for instance.
    overwrite : bool, optional
        Whether to replace an existing file. The default is `False`.

    Raises
    ------
    ImportError
        If pyarrow is needed and not installed.
    OSError
        If the file exists and ``overwrite`` is `False`.
    ValueError
        If the file is named otherwise.
    """
    path = Path(path)
    if path.suffix not in WRITERS:
        msg = f"path must end in {', '.join(WRITERS)}, got {path.name!r}"
        raise ValueError(msg)
    # without a WCS the sky columns of photutils are filled with None
    empty = [name for name in table.colnames
             if getattr(getattr(table[name], 'dtype', None), 'kind', '') == 'O']
    table = table.copy(copy_data=False)
    table.remove_columns(empty)
    with atomic_path(path, overwrite=overwrite) as temporary:
        WRITERS[path.suffix](temporary, table)


def _write_ecsv(path, table):
    table.write(path, format='ascii.ecsv')


def _write_fits(path, table):
    table.meta.clear()
    table.write(path, format='fits')


def _write_votable(path, table):
    from photutils_rcnn.io.votable import write_votable

    write_votable(path, _split_coordinates(table))


def _write_csv(path, table):
    _split_coordinates(table).write(path, format='ascii.csv')


def _write_parquet(path, table):
    import_optional('pyarrow')
    table.write(path, format='parquet')


def _split_coordinates(table):
    """
    The table with ICRS coordinates as plain columns in degrees.
    """
    sky = [name for name in table.colnames if isinstance(table[name], SkyCoord)]
    for name in sky:
        prefix = '' if name == sky[0] else f'{name}_'
        icrs, index = table[name].icrs, table.colnames.index(name)
        table.replace_column(name, icrs.ra.deg << u.deg)
        table.rename_column(name, f'{prefix}ra')
        table.add_column(icrs.dec.deg << u.deg, name=f'{prefix}dec', index=index + 1)
        for axis in ('ra', 'dec'):
            table[f'{prefix}{axis}'].info.meta = {
                'ucd': f'pos.eq.{axis}' + (';meta.main' if name == sky[0] else '')}
    return table


WRITERS = {'.ecsv': _write_ecsv, '.fits': _write_fits, '.vot': _write_votable,
            '.csv': _write_csv, '.parquet': _write_parquet}
