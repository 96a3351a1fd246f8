# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the deblended photometry of results.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import NDData
from astropy.table import QTable
from conftest import POSITIONS, make_field
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import CircularGaussianPSF, GriddedPSFModel

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.cli import main

FLUX = 60 * 2 * np.pi * np.array([2.0, 4.0, 2.0])**2
# the pixel of a Gaussian of 2 pixels
PSF = CircularGaussianPSF(fwhm=2.355 * 2)


@pytest.fixture
def result(fake_model, wcs):
    data = make_field()
    return RCNNSegmenter(fake_model).segment(
        np.stack([data, 2 * data]) * u.nJy, wcs=wcs, bands='gr', psf=PSF)


def test_table(result):
    table = result.deblended
    assert_equal(table['label'], (1, 2, 3))
    x, y = np.transpose(POSITIONS)
    assert_allclose(table['x'], x, atol=0.2)
    assert_allclose(table['y'], y, atol=0.2)
    flux = table['flux_g'].to_value('nJy')
    assert_allclose(flux[[0, 2]], FLUX[[0, 2]], rtol=0.03)
    # the flattest profile of the model has more wings than a Gaussian
    assert 1 < flux[1] / FLUX[1] < 1.2
    assert_allclose(table['flux_r'] / table['flux_g'], 2, rtol=0.03)
    assert (table['flux_err_g'] < 0.1 * table['flux_g']).all()
    assert (table['blendedness'] < 0.05).all()
    assert_equal(np.isnan(table['axis_ratio']), (True, False, True))
    assert_equal(table['half_light_radius'][[0, 2]].value, 0)
    assert result.wcs.world_to_pixel(table['sky_center'])[0] == pytest.approx(table['x'])
    assert table.meta['n_psf_stars'] == {'g': 0, 'r': 0}
    assert table.meta['psf'] == 'given'


def test_images(result):
    model, residual = result.model_image('g'), result.residual_image('g')
    pixels = (result.cube.data[0] - result.background[0]) * u.nJy
    assert_allclose((model + residual).value, pixels.value, atol=1e-4)
    assert residual.value.std() < 1.2
    each = [result.model_image('g', label) for label in (1, 2, 3)]
    assert_allclose(sum(each).value, model.value, atol=1e-6 * model.value.max())
    assert_equal(result[1:].model_image('g', 1).value, each[1].value)
    cutout = result.source_image(2, 'g')
    assert cutout.data.unit == u.nJy
    assert cutout.data.value.sum() == pytest.approx(FLUX[1], rel=0.1)
    center = cutout.wcs.pixel_to_world(*cutout.to_cutout_position(POSITIONS[1]))
    assert center.separation(result.wcs.pixel_to_world(*POSITIONS[1])) < 0.01 * u.arcsec


def test_deblended_catalog(result):
    """
    Sources that stand alone are measured as in the catalog of the band.
    """
    table, plain = result.deblended_catalog('r'), result.band_catalog('r').to_table()
    assert_equal(table['label'], result.table['label'])
    for name in ('kron_flux', 'segment_flux'):
        assert table[name].unit == u.nJy
        assert_allclose(table[name].value, plain[name].value, rtol=0.03)
    assert_allclose(table['half_flux_radius'][0].value, 1.1774 * 2, rtol=0.05)
    chosen = result[1:].deblended_catalog('r')
    assert_equal(chosen['label'], (1, 2))
    assert_equal(chosen['kron_flux'].value, table['kron_flux'][1:].value)
    assert len(result[:0].deblended_catalog('r')) == 0
    with pytest.raises(KeyError, match="band must be one of .* got 'z'"):
        result.deblended_catalog('z')


def test_chosen_sources_are_those_of_the_whole(result):
    chosen = result[1:]
    assert_equal(chosen.deblended['label'], (1, 2))
    assert_equal(chosen.deblended['flux_g'].value, result.deblended['flux_g'][1:].value)
    assert_equal(chosen[[1]].deblended['flux_g'].value,
                 result.deblended['flux_g'][2:].value)
    assert_equal(chosen.source_image(1, 'r').data, result.source_image(2, 'r').data)
    assert len(result[:0].deblended) == 0


def test_catalog_and_files(fake_model, tmp_path):
    data = make_field()
    segmenter = RCNNSegmenter(fake_model)
    plain = segmenter.segment(data, psf=PSF)
    assert 'flux_err_' not in ' '.join(plain.catalog_table.colnames).replace(
        'segment_flux_err', '').replace('kron_flux_err', '')
    found = segmenter.segment(data, psf=PSF, deblend=True)
    band, = found.bands
    table = found.catalog_table
    assert_equal(table[f'flux_{band}'], found.deblended[f'flux_{band}'])
    assert {'flux_err_' + band, 'blendedness'} <= set(table.colnames)
    found.write(tmp_path / 'a.asdf')
    read = RCNNResult.read(tmp_path / 'a.asdf')
    assert_allclose(read.catalog_table[f'flux_{band}'], table[f'flux_{band}'])
    with pytest.raises(ValueError, match='^deblended needs the pixels'):
        _ = read.deblended


def test_bad_input(result, fake_model):
    with pytest.raises(KeyError, match="band must be one of .* got 'z'"):
        result.model_image('z')
    with pytest.raises(KeyError, match='band must be one of'):
        result.residual_image()
    for label in (0, 4):
        with pytest.raises(ValueError, match=f'^label must be one of 1 to 3, got {label}'):
            result.source_image(label, 'g')
    noise = np.random.default_rng(0).normal(size=(64, 64))
    with pytest.warns(match='No sources'):
        nothing = RCNNSegmenter(fake_model, psf_fwhm=3).segment(noise)
    assert len(nothing.deblended) == 0
    assert_equal(nothing.model_image(), 0)
    assert len(nothing.deblended_catalog()) == 0


def test_command(fake_model, tmp_path, monkeypatch):
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model', lambda *args: fake_model)
    data = make_field().astype(np.float32)
    fits.writeto(tmp_path / 'g.fits', data)
    assert main(['segment', str(tmp_path / 'g.fits'), '-o', str(tmp_path), '--deblend',
                 '--psf-fwhm', '4.7', '--bands', 'g', '--quiet']) == 0
    model = fits.getdata(tmp_path / 'g_model.fits', 'G')
    residual = fits.getdata(tmp_path / 'g_residual.fits', 'G')
    assert (model + residual).std() == pytest.approx(data.std(), rel=0.01)
    assert 'flux_g' in QTable.read(tmp_path / 'g_catalog.ecsv').colnames


def test_single_sources(result):
    for index in (0, -1, np.int64(1)):
        table = result[index].deblended
        assert_equal(table['flux_g'].value,
                     np.atleast_1d(result.deblended['flux_g'][index].value))


def test_catalog_gets_fluxes_afterwards(fake_model):
    found = RCNNSegmenter(fake_model).segment(make_field(), psf=PSF)
    assert 'blendedness' not in found.catalog_table.colnames
    _ = found.deblended
    assert 'blendedness' in found.catalog_table.colnames


def test_nothing_to_deblend(fake_model, tmp_path, monkeypatch):
    """
    Without a source there are empty tables, without a PSF a warning.
    """
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model', lambda *args: fake_model)
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    fits.writeto(tmp_path / 'a.fits', noise)
    with pytest.warns(match='No sources'):
        nothing = RCNNSegmenter(fake_model).segment(noise, deblend=True)
    assert len(nothing.deblended) == 0
    noise[20:40, 20:40] += 8  # no star
    with pytest.warns(match='There are no deblended fluxes: .* psf_fwhm'):
        found = RCNNSegmenter(fake_model).segment(noise, background=0, deblend=True)
    assert len(found) == 1
    fits.writeto(tmp_path / 'b.fits', noise)
    for stem, n_images in (('a', 2), ('b', 0)):
        assert main(['segment', str(tmp_path / f'{stem}.fits'), '-o', str(tmp_path),
                     '--background', '0', '--deblend', '--quiet']) == 0
        assert (tmp_path / f'{stem}_catalog.ecsv').exists()
        assert len([*tmp_path.glob(f'{stem}_model.fits'),
                    *tmp_path.glob(f'{stem}_residual.fits')]) == n_images


def test_varying_psf_is_told(fake_model):
    axis = np.arange(-12, 13)
    grid = GriddedPSFModel(NDData(
        np.stack([CircularGaussianPSF(fwhm=fwhm)(*np.meshgrid(axis, axis))
                  for fwhm in (4, 5, 4, 5)]),
        meta={'grid_xypos': [(0, 0), (149, 0), (0, 119), (149, 119)], 'oversampling': 1}))
    found = RCNNSegmenter(fake_model).segment(make_field(), psf=grid)
    with pytest.warns(match='PSF varies over the frame'):
        assert len(found.deblended) == 3


def test_masked_source_has_no_flux(fake_model):
    data = np.stack([make_field(), make_field()])
    mask = np.zeros(data.shape, dtype=bool)
    mask[1, 5:45, 10:50] = True  # the first source in the second band
    table = RCNNSegmenter(fake_model).segment(data, mask=mask, bands='gr',
                                              psf=PSF).deblended
    assert np.isnan(table['flux_r'][0])
    assert np.isfinite([table['flux_g'][0], table['chi2'][0]]).all()
