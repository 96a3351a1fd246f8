# Licensed under a 3-clause BSD style license - see LICENSE
"""
VOTables: tables for TOPCAT, Aladin and other tools of the Virtual Observatory.
"""

__all__ = ['write_votable']

import warnings

from astropy.io.votable import from_table
from astropy.io.votable.exceptions import W50
from astropy.io.votable.tree import CooSys, Info
from astropy.units import dimensionless_unscaled


def write_votable(path, table):
    """
    Write a table to a VOTable.

    Parameters
    ----------
    path : path-like
        The file; it is replaced if it exists.
    table : `~astropy.table.QTable`
        The table, without columns of coordinates. Its meta data become ``INFO``
        elements. Columns whose ``ucd`` in ``info.meta`` is a position are ICRS.
    """
    with warnings.catch_warnings():
        # Of units that the standard lacks, as electrons, the file has the name.
        warnings.simplefilter('ignore', W50)
        votable = from_table(table)
        _describe(votable.resources[0], table.meta)
        votable.to_xml(str(path))


def _describe(resource, meta):
    """
    Add what Astropy does not: positions and meta data.
    """
    fields = resource.tables[0].fields
    for field in fields:
        if field.unit == dimensionless_unscaled:
            field.unit = None  # Astropy 7.0 writes an invalid name
    positions = [field for field in fields if (field.ucd or '').startswith('pos.eq.')]
    for field in positions:
        field.ref = 'icrs'
    if positions:
        resource.coordinate_systems.append(CooSys(ID='icrs', system='ICRS'))
    resource.infos.extend(Info(name=name, value=str(value)) for name, value in meta.items())
