# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for table files.
"""

import sys
from io import StringIO

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table
from astropy.utils import minversion
from numpy.testing import assert_allclose

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.io.tables import write_table

SUFFIXES = ['.ecsv', '.fits', '.vot', '.csv', '.parquet']


@pytest.fixture
def make_result(fake_model, field, wcs):
    def make(wcs=wcs):
        return RCNNSegmenter(fake_model).segment(field * u.nJy, wcs=wcs)
    return make


def read(path):
    if path.suffix == '.csv':
        return Table.read(path, format='ascii.csv')
    return QTable.read(path, format='votable' if path.suffix == '.vot' else None)


@pytest.fixture
def _needs_pyarrow(suffix):
    if suffix == '.parquet':
        pytest.importorskip('pyarrow', reason='pyarrow is in the extra parquet')
        pytest.importorskip('pandas', reason='Astropy reads Parquet with pandas')


@pytest.mark.usefixtures('_needs_pyarrow')
@pytest.mark.parametrize('suffix', SUFFIXES)
@pytest.mark.parametrize('with_wcs', [False, True])
def test_write(make_result, wcs, tmp_path, suffix, with_wcs):
    """
    Catalogs and instances are written with and without a WCS.
    """
    result = make_result(wcs if with_wcs else None)
    path = tmp_path / f'catalog{suffix}'
    write_table(path, result.catalog_table)
    table = read(path)
    split = suffix in ('.vot', '.csv')
    assert ('sky_centroid' in table.colnames) is (with_wcs and not split)
    assert ('ra' in table.colnames) is ('dec' in table.colnames) is (with_wcs and split)
    flux = result.catalog.segment_flux
    assert_allclose(table['segment_flux'], flux.value if suffix == '.csv' else flux)
    assert list(np.char.decode(table['class_name'], 'ascii')
                if table['class_name'].dtype.kind == 'S'
                else table['class_name']) == ['star', 'galaxy', 'star']
    if suffix in ('.ecsv', '.parquet'):
        assert table.meta['model'] == 'fake'
    with pytest.raises(OSError, match='already exists'):
        write_table(path, result.catalog_table)
    write_table(path, result.table, overwrite=True)
    assert len(read(path)) == 3
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.usefixtures('_needs_pyarrow')
@pytest.mark.parametrize('suffix', ['.ecsv', '.fits', '.parquet'])
def test_round_trip(make_result, tmp_path, suffix):
    """
    Units and coordinates are those that were written.
    """
    table = make_result().catalog_table
    write_table(tmp_path / f'catalog{suffix}', table)
    again = read(tmp_path / f'catalog{suffix}')
    assert again.colnames == table.colnames
    assert_allclose(again['sky_centroid'].separation(table['sky_centroid']).arcsec, 0,
                    atol=1e-6)
    assert [again[name].unit for name in ('area', 'orientation', 'kron_flux')] == [
        u.pix**2, u.deg, u.nJy]


@pytest.mark.parametrize('suffix', ['.vot', '.csv'])
def test_split_coordinates(tmp_path, suffix):
    """
    Coordinates of any frame are ICRS in degrees, the second with its name.
    """
    sky = SkyCoord([10, 20] * u.deg, [-5, 5] * u.deg)
    table = QTable({'x': [1., 2.], 'center': sky.galactic, 'peak': sky.fk5, 'y': [3., 4.]})
    write_table(tmp_path / f'table{suffix}', table)
    again = read(tmp_path / f'table{suffix}')
    assert again.colnames == ['x', 'ra', 'dec', 'peak_ra', 'peak_dec', 'y']
    for prefix in ('', 'peak_'):
        found = SkyCoord(u.Quantity(again[f'{prefix}ra'], u.deg),
                         u.Quantity(again[f'{prefix}dec'], u.deg))
        assert_allclose(found.separation(sky).arcsec, 0, atol=1e-6)
    assert table.colnames == ['x', 'center', 'peak', 'y']


def test_votable_is_understood(make_result, tmp_path):
    """
    The file is valid; positions have their meaning, and the provenance is there.
    """
    from astropy.io.votable import parse, validate

    path = tmp_path / 'catalog.vot'
    write_table(path, make_result().catalog_table)
    report = StringIO()
    assert validate(path, report, xmllint=False), report.getvalue()
    resource = parse(path, verify='exception').resources[0]
    ra = resource.tables[0].get_field_by_id('ra')
    assert (ra.ucd, str(ra.unit), ra.ref) == ('pos.eq.ra;meta.main', 'deg', 'icrs')
    assert resource.coordinate_systems[0].system == 'ICRS'
    assert {'model': 'fake', 'unit': 'nJy'}.items() <= {
        info.name: info.value for info in resource.infos}.items()


@pytest.mark.skipif(not minversion('astropy', '7.1'),
                    reason='Astropy 7.0 refuses units beyond the standard')
def test_unit_beyond_the_standard_of_votables(tmp_path):
    """
    VOUnit has no electrons: the name is kept, without a warning.
    """
    write_table(tmp_path / 'table.vot', QTable({'flux': [1.0] * u.electron / u.s}))
    assert 'unit="electron / s"' in (tmp_path / 'table.vot').read_text()


def test_missing_pyarrow(tmp_path, monkeypatch):
    """
    Without pyarrow the error names what to install.
    """
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(ImportError, match=r'pip install "photutils_rcnn\[parquet\]"'):
        write_table(tmp_path / 'table.parquet', QTable({'x': [1.]}))


def test_bad_name(tmp_path):
    """
    Other formats are refused.
    """
    with pytest.raises(ValueError, match=r"\.ecsv.*got 'table.txt'"):
        write_table(tmp_path / 'table.txt', QTable())


@pytest.mark.usefixtures('_needs_pyarrow')
@pytest.mark.parametrize('suffix', SUFFIXES)
def test_table_is_not_changed(tmp_path, suffix):
    """
    What a format cannot hold is left out of the file only.
    """
    table = QTable({'x': [1.0, 2.0], 'sky': np.array([None, None])},
                   meta={'model': 'fake'})
    write_table(tmp_path / f'table{suffix}', table)
    assert table.colnames == ['x', 'sky']
    assert table.meta == {'model': 'fake'}
