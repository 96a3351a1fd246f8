# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the files of results.
"""

import numpy as np
import pytest
from astropy.table import QTable
from numpy.testing import assert_allclose

from photutils_rcnn import NoDetectionsWarning, RCNNResult, RCNNSegmenter


@pytest.fixture
def result(fake_model, field, wcs):
    return RCNNSegmenter(fake_model).segment(
        np.stack([field, 2 * field]), bands='gr', wcs=wcs)


def test_band(result, tmp_path):
    """
    The fluxes are those of the catalog with all bands, or of one band.
    """
    result.write_table(tmp_path / 'all.ecsv')
    table = QTable.read(tmp_path / 'all.ecsv')
    assert_allclose(table['segment_flux'], result.catalog.segment_flux)
    assert 'segment_flux_r' in table.colnames
    result.write_table(tmp_path / 'r.ecsv', band='r')
    table = QTable.read(tmp_path / 'r.ecsv')
    assert_allclose(table['segment_flux'], result.band_catalog('r').segment_flux)
    assert {'score', 'class_name'} <= set(table.colnames)
    assert 'segment_flux_r' not in table.colnames
    assert table.meta['model'] == 'fake'
    with pytest.raises(KeyError, match='band must be one of'):
        result.write_table(tmp_path / 'y.ecsv', band='y')


def test_stored_result(result, tmp_path):
    """
    The table of a result without pixels is the stored one.
    """
    result.write(tmp_path / 'result.asdf')
    stored = RCNNResult.read(tmp_path / 'result.asdf')
    stored.write_table(tmp_path / 'all.ecsv')
    assert len(QTable.read(tmp_path / 'all.ecsv')) == 3
    with pytest.raises(ValueError, match='needs the pixels'):
        stored.write_table(tmp_path / 'r.ecsv', band='r')


def test_nothing_found(fake_model, tmp_path):
    """
    Without a source the table is empty.
    """
    with pytest.warns(NoDetectionsWarning):
        empty = RCNNSegmenter(fake_model).segment(
            np.random.default_rng(0).normal(size=(40, 40)))
    for name in ('empty.ecsv', 'empty.vot', 'empty.csv', 'empty.fits'):
        empty.write_table(tmp_path / name)
    assert len(QTable.read(tmp_path / 'empty.ecsv')) == 0


@pytest.mark.parametrize(('name', 'method', 'match'), [
    ('result.fits', 'write', r"must end in '.asdf' or '.json', got 'result.fits'"),
    ('result', 'write_table', r"must end in \.ecsv, .*\.reg.*, got 'result'")])
def test_bad_name(result, tmp_path, name, method, match):
    with pytest.raises(ValueError, match=match):
        getattr(result, method)(tmp_path / name)


def test_pixels_in_json(result, tmp_path):
    with pytest.raises(ValueError, match=r'include_data needs a path .*\.asdf, got'):
        result.write(tmp_path / 'result.json', include_data=True)
