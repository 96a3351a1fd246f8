# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for FITS_LDAC.
"""

import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn import NoDetectionsWarning, RCNNResult, RCNNSegmenter
from photutils_rcnn.sources.instances import RCNN_FLAGS


@pytest.fixture
def result(fake_model, field, wcs):
    return RCNNSegmenter(fake_model).segment(
        np.stack([field, 2 * field]), bands='gr', wcs=wcs, gain=(2, 3))


def test_read_by_astropy(result, tmp_path):
    """
    Positions begin at 1; fluxes and axes are those of the catalog.
    """
    path = tmp_path / 'r.ldac'
    result.write_table(path, band='r')
    catalog = result.band_catalog('r')
    table = QTable.read(path, hdu=2)
    assert_equal(table['NUMBER'], (1, 2, 3))
    assert_allclose(table['X_IMAGE'].value, catalog.x_centroid + 1, rtol=1e-6)
    assert_allclose(table['FLUX_AUTO'], catalog.kron_flux, rtol=1e-6)
    assert_allclose(table['A_IMAGE'].value, catalog.semimajor_axis.value, rtol=1e-6)
    assert_equal(table['XMAX_IMAGE'].value, catalog.bbox_xmax + 1)
    assert_allclose(table['ALPHA_J2000'].value, catalog.sky_centroid_icrs.ra.deg)
    snr = catalog.kron_flux / catalog.kron_flux_err
    assert_allclose(table['ERRAWIN_IMAGE'].value / table['A_IMAGE'].value,
                    np.sqrt(2) / snr, rtol=1e-5)
    assert_allclose(table['CLASS_STAR'], (0.9, 0.1, 0.9), rtol=1e-6)
    assert table['VIGNET'].shape == (3, 45, 45)
    peaks = table['VIGNET'].reshape(3, -1).argmax(axis=1)
    assert abs(peaks // 45 - 22).max() <= 2
    with pytest.raises(OSError, match='already exists'):
        result.write_table(path)


def test_header_of_the_image(result, tmp_path):
    """
    The cards are those of a header, of 80 characters each.
    """
    result.write_table(tmp_path / 'r.ldac', band='r')
    with fits.open(tmp_path / 'r.ldac') as hdus:
        hdus.verify('exception')
        assert [hdu.name for hdu in hdus[1:]] == ['LDAC_IMHEAD', 'LDAC_OBJECTS']
        cards = [f'{card:<80}' for card in hdus[1].data['Field Header Card'][0]]
    assert cards[-1].rstrip() == 'END'
    raw = (tmp_path / 'r.ldac').read_bytes()
    assert ''.join(cards).encode() in raw
    header = fits.Header.fromstring(''.join(cards))
    assert (header['NAXIS1'], header['NAXIS2'], header['FILTER']) == (150, 120, 'r')
    assert header['SEXGAIN'] == 3
    assert header['SEXBKDEV'] == pytest.approx(2, rel=0.2)
    assert_allclose(WCS(header).wcs.crval, (150, 2))


def test_flags_and_masked_pixels(fake_model, field, tmp_path):
    """
    Conditions are bits of SExtractor; what is masked or off the frame is told.
    """
    mask = np.zeros(field.shape, bool)
    mask[25, 33] = True
    result = RCNNSegmenter(fake_model).segment(field, mask=mask)
    result.instances.flags[:] = (RCNN_FLAGS['masked_pixels'], RCNN_FLAGS['edge_touch'],
                                 RCNN_FLAGS['overlaps_neighbor'])
    result.catalog.kron_flux[1] = np.nan
    result.write_table(tmp_path / 'field.ldac')
    table = QTable.read(tmp_path / 'field.ldac', hdu=2)
    assert_equal(table['FLAGS'], (1, 8 | 16, 2))
    cutout = table['VIGNET'][0]
    x = round(float(table['X_IMAGE'][0].value)) - 1
    assert cutout[22 + 25 - round(float(table['Y_IMAGE'][0].value) - 1),
                  22 + 33 - x] == np.float32(-1e30)
    off_frame = table['VIGNET'][2, -1]  # y is 90 of 120
    assert (off_frame > -1e29).all()
    assert (table['VIGNET'][0, :, 0] > -1e29).all()


@pytest.mark.parametrize('band', [None, 'y'])
def test_what_is_missing(result, fake_model, tmp_path, band):
    """
    A result without pixels, a band or a source is one clear error.
    """
    path = tmp_path / 'field.ldac'
    if band:
        with pytest.raises(KeyError, match='band must be one of'):
            result.write_table(path, band=band)
        return
    result.write(tmp_path / 'result.asdf')
    with pytest.raises(ValueError, match='an .ldac file needs the pixels'):
        RCNNResult.read(tmp_path / 'result.asdf').write_table(path)
    with pytest.warns(NoDetectionsWarning):
        empty = RCNNSegmenter(fake_model).segment(
            np.random.default_rng(0).normal(size=(40, 40)))
    with pytest.raises(ValueError, match='needs at least one source, got none'):
        empty.write_table(path)


@pytest.fixture
def star_field(fake_model, wcs):
    """
    Forty equal stars.
    """
    from conftest import make_field

    x, y = np.meshgrid(np.arange(20, 380, 45.), np.arange(20, 230, 45.))
    shift = np.random.default_rng(1).uniform(-3, 3, (2, x.size))
    field = make_field((250, 400), np.stack([x.ravel(), y.ravel()]).T + shift.T)
    return RCNNSegmenter(fake_model).segment(10 * (field - 50), bands='r', wcs=wcs)


@pytest.mark.skipif(not shutil.which('psfex'), reason='needs PSFEx')
def test_read_by_psfex(star_field, tmp_path):
    """
    PSFEx finds the stars, and the FWHM that they have.
    """
    star_field.write_table(tmp_path / 'stars.ldac', band='r')
    subprocess.run(['psfex', 'stars.ldac', '-CHECKIMAGE_TYPE', 'NONE', '-CHECKPLOT_TYPE',
                    'NONE', '-WRITE_XML', 'N'], cwd=tmp_path, check=True,
                   capture_output=True)
    header = fits.getheader(tmp_path / 'stars.psf', 1)
    assert header['ACCEPTED'] >= 30
    assert header['PSF_FWHM'] == pytest.approx(4.7, rel=0.1)


@pytest.mark.skipif(not shutil.which('scamp'), reason='needs SCAMP')
def test_read_by_scamp(star_field, tmp_path):
    """
    SCAMP solves the astrometry of the catalog against its own positions.
    """
    star_field.write_table(tmp_path / 'stars.ldac', band='r')
    sky = star_field.catalog.sky_centroid_icrs
    reference = QTable({
        'X_WORLD': sky.ra, 'Y_WORLD': sky.dec, 'MAG': np.full(len(sky), 18, 'f4'),
        'ERRA_WORLD': np.full(len(sky), 1e-6, 'f4'),
        'ERRB_WORLD': np.full(len(sky), 1e-6, 'f4'),
        'MAGERR': np.full(len(sky), 0.01, 'f4'), 'OBSDATE': np.full(len(sky), 2000.)})
    with fits.open(tmp_path / 'stars.ldac') as hdus:
        hdus[2] = fits.BinTableHDU(reference, name='LDAC_OBJECTS')
        hdus.writeto(tmp_path / 'reference.ldac')
    subprocess.run(['scamp', 'stars.ldac', '-ASTREF_CATALOG', 'FILE',
                    '-ASTREFCAT_NAME', 'reference.ldac', '-CHECKPLOT_TYPE', 'NONE',
                    '-WRITE_XML', 'N', '-DISTORT_DEGREES', '1', '-MATCH', 'N'],
                   cwd=tmp_path, check=True, capture_output=True)
    text = (tmp_path / 'stars.head').read_text('ascii', 'ignore')
    solved = WCS(fits.Header.fromstring(text, sep='\n'))
    x, y = star_field.catalog.x_centroid, star_field.catalog.y_centroid
    assert solved.pixel_to_world(x, y).separation(sky).arcsec.max() < 0.1
