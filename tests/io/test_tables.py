# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for table files.
"""



import numpy as np
import pytest
from astropy.table import QTable
from numpy.testing import assert_allclose

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.io.tables import write_table


@pytest.mark.parametrize('suffix', ['.ecsv', '.fits'])
@pytest.mark.parametrize('with_wcs', [False, True])
def test_write(fake_model, field, wcs, tmp_path, suffix, with_wcs):
    """
    Catalogs and instances are written with and without a WCS.
    """
    result = RCNNSegmenter(fake_model).segment(
        field, wcs=wcs if with_wcs else None)
    path = tmp_path / f'catalog{suffix}'
    write_table(path, result.catalog_table)
    table = QTable.read(path)
    assert ('sky_centroid' in table.colnames) is with_wcs
    assert_allclose(table['segment_flux'], result.catalog.segment_flux)
    assert list(np.char.decode(table['class_name'], 'ascii')
                if table['class_name'].dtype.kind == 'S'
                else table['class_name']) == ['star', 'galaxy', 'star']
    if suffix == '.ecsv':
        assert table.meta['model'] == 'fake'
    with pytest.raises(OSError, match='already exists'):
        write_table(path, result.catalog_table)
    write_table(path, result.table, overwrite=True)


def test_bad_name(tmp_path):
    """
    Other formats are refused.
    """
    with pytest.raises(ValueError, match=r"\.ecsv.*got 'table.txt'"):
        write_table(tmp_path / 'table.txt', QTable())


@pytest.mark.parametrize('suffix', ['.ecsv', '.fits'])
def test_table_is_not_changed(tmp_path, suffix):
    """
    What a format cannot hold is left out of the file only.
    """
    table = QTable({'x': [1.0, 2.0], 'sky': np.array([None, None])},
                   meta={'model': 'fake'})
    write_table(tmp_path / f'table{suffix}', table)
    assert table.colnames == ['x', 'sky']
    assert table.meta == {'model': 'fake'}
