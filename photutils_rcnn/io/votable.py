# Licensed under a 3-clause BSD style license - see LICENSE
"""
VOTables: tables for TOPCAT, Aladin and other tools of the Virtual Observatory.
"""

__all__ = ['write_votable']

from astropy.io.votable import from_table
from astropy.io.votable.tree import CooSys, Info


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
    votable = from_table(table)
    resource = votable.resources[0]
    fields = [field for field in resource.tables[0].fields
              if (field.ucd or '').startswith('pos.eq.')]
    if fields:
        resource.coordinate_systems.append(CooSys(ID='icrs', system='ICRS'))
        for field in fields:
            field.ref = 'icrs'
    resource.infos.extend(Info(name=name, value=str(value))
                          for name, value in table.meta.items())
    votable.to_xml(str(path))
