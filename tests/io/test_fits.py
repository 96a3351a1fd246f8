# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for reading and writing FITS images.
"""
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    CCDData,
    InverseVariance,
    StdDevUncertainty,
    VarianceUncertainty,
)
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS, DistortionLookupTable, Sip
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS
from numpy.testing import assert_allclose, assert_equal
from photutils.segmentation import SegmentationImage

from photutils_rcnn.io.extensions import file_stem
from photutils_rcnn.io.fits import read_frame, write_segmentation


@pytest.fixture
def image():
    return np.arange(400.0).reshape(20, 20)


def _write(path, *hdus):
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def test_several_files(image, wcs, tmp_path):
    """
    Files are bands, named by their headers or their names.
    """
    paths = []
    for band in 'grz':
        header = wcs.to_header()
        header['BUNIT'] = 'nJy'
        paths.append(tmp_path / f'img_{band}.fits')
        fits.writeto(paths[-1], image, header)
    frame = read_frame(paths)
    assert frame.bands == ('g', 'r', 'z')
    assert frame.unit == u.nJy
    assert_equal(frame.data, [image] * 3)
    assert_allclose(frame.wcs.wcs.crval, (150, 2))
    fits.setval(paths[0], 'FILTER', value='i DECam')
    assert read_frame(paths).bands == ('i', 'r', 'z')


def test_multi_extension(image, tmp_path):
    """
    Weights and flags are not bands; extensions may be chosen.
    """
    path = _write(tmp_path / 'field.fits',
                  fits.ImageHDU(image, name='SCI_G'),
                  fits.ImageHDU(image, name='ERR_G'),
                  fits.ImageHDU(image, name='SCI_R'),
                  fits.ImageHDU(image, name='DQ_R'),
                  fits.ImageHDU(image[:5, :5], name='CUT'))
    with pytest.warns(AstropyUserWarning, match=r"\['CUT'\] are left out"):
        frame = read_frame([path])
    assert frame.bands == ('G', 'R')
    assert len(frame.data) == 2
    assert len(read_frame([path], hdus=[1]).data) == 1
    assert len(read_frame([path], hdus=['ERR_G']).data) == 1
    with pytest.raises(ValueError, match='no such extension'):
        read_frame([path], hdus=[9])


@pytest.mark.parametrize(('name', 'kind'), [
    ('STAT', 'others'), ('NOISE', 'errors'), ('COVERAGE', 'others'),
    ('UNCERT', 'errors'), ('STD', 'errors'), ('STDDEV', 'errors'),
    ('SKY', 'others'), ('ERR_G', 'errors'), ('ERR,2', 'errors'),
    ('GERR', 'errors'), ('ERRG', 'errors'), ('DQ2', 'flags'),
    ('CRMASK', 'flags'), ('VAR_POISSON', 'others'), ('IVAR', 'others'),
    ('EXPMAP', 'others'), ('SIGMA', 'errors'), ('SIGNAL', 'images'),
    ('CONT', 'images'), ('SECOND', 'images'), ('BKGSUB', 'images'),
    ('STAR', 'images'), ('FORMS', 'images'), ('MSK', 'flags'),
    ('WGT', 'others'), ('UNCERTAINTIES', 'errors'), ('RMSMAP', 'errors'),
    ('WEIGHTMAP', 'others'), ('CHI2', 'others'), ('NEXP', 'others')])
def test_names_of_extensions(image, tmp_path, name, kind):
    """
    Words of names tell what an extension holds, not letters within them.
    """
    path = _write(tmp_path / 'field.fits', fits.ImageHDU(image, name='DATA'),
                  fits.ImageHDU(image + 1, name=name))
    frame = read_frame([path])
    expected = [image, image + 1] if kind == 'images' else [image]
    assert_equal(frame.data, expected)
    assert frame.sources[0] == f'{path}[1]'
    for holding in ('errors', 'flags'):
        found = read_frame([path], holding=holding).data
        assert_equal(found, [image + 1] if kind == holding else expected)


def test_others_beside_science(image, tmp_path):
    """
    What lies beside SCI is no band, whatever it is, and is named.
    """
    path = _write(tmp_path / 'field.fits',
                  fits.ImageHDU(image, name='SCI'),
                  fits.ImageHDU(image, name='MSK'),
                  fits.ImageHDU(image, name='QWERTY'))
    with pytest.warns(AstropyUserWarning, match=r"\['QWERTY'\] are left"):
        assert len(read_frame([path]).data) == 1


def test_bands_of_other_sizes(image, tmp_path):
    """
    A thumbnail may be left out, a band not.
    """
    path = _write(tmp_path / 'field.fits',
                  fits.ImageHDU(image, name='F115W'),
                  fits.ImageHDU(image[::2, ::2], name='F444W'))
    with pytest.raises(ValueError, match='must have the same shape'):
        read_frame([path])


def test_thumbnail_of_the_same_band(image, tmp_path):
    header = fits.Header({'FILTER': 'g'})
    path = _write(tmp_path / 'field.fits', fits.ImageHDU(image, header),
                  fits.ImageHDU(image[::2, ::2], header, name='THUMB'))
    with pytest.warns(AstropyUserWarning, match=r"\['THUMB'\] are left out"):
        assert_equal(read_frame([path]).data, [image])


def test_nothing_looks_like_sky(image, tmp_path):
    path = _write(tmp_path / 'err.fits', fits.ImageHDU(image, name='ERR'))
    with pytest.raises(ValueError, match=r"none of .*'ERR'.*--hdu"):
        read_frame([path])
    assert_equal(read_frame([path], hdus=['ERR']).data, [image])


def test_weights_are_no_errors(image, tmp_path):
    path = _write(tmp_path / 'w.fits', fits.ImageHDU(image, name='INVVAR'))
    with pytest.raises(ValueError, match=r"'INVVAR'.* looks like 1-sigma"):
        read_frame([path], holding='errors')
    path = _write(tmp_path / 'v.fits', fits.ImageHDU(image, name='VAR'),
                  fits.ImageHDU(image, name='WHT'))
    with pytest.raises(ValueError, match=r"'VAR', 'WHT'.* looks like flags"):
        read_frame([path], holding='flags')


def test_only_image_is_the_mask(image, tmp_path):
    path = _write(tmp_path / 's.fits', fits.ImageHDU(image, name='SEGMAP'))
    assert_equal(read_frame([path], holding='flags').data, [image])


def test_ccd_data(image, tmp_path):
    """
    A file of CCDData: its uncertainty and mask are no bands.
    """
    CCDData(image, unit='adu', mask=image > 390,
            uncertainty=StdDevUncertainty(np.ones_like(image))).write(
                tmp_path / 'ccd.fits')
    frame = read_frame([tmp_path / 'ccd.fits'])
    assert len(frame.data) == 1
    assert frame.unit == u.adu
    errors = read_frame([tmp_path / 'ccd.fits'], holding='errors')
    assert_equal(errors.data, [np.ones_like(image)])


@pytest.mark.parametrize(('kind', 'value'), [
    (StdDevUncertainty, 2), (VarianceUncertainty, 4),
    (InverseVariance, 0.25)])
@pytest.mark.parametrize('has_unit', [False, True])
def test_kinds_of_uncertainty(image, tmp_path, kind, value, has_unit):
    """
    Variances and weights of CCDData become errors, with their unit.
    """
    ccd = CCDData(image, unit='adu', uncertainty=kind(
        np.full_like(image, value)))
    ccd.write(tmp_path / 'ccd.fits')
    if has_unit:
        fits.setval(tmp_path / 'ccd.fits', 'BUNIT', ext=('UNCERT', 1),
                    value=ccd.uncertainty.unit.to_string('fits'))
    errors = read_frame([tmp_path / 'ccd.fits'], holding='errors')
    assert_allclose(errors.data, [np.full_like(image, 2)])
    assert errors.unit == (u.adu if has_unit else None)
    fits.setval(tmp_path / 'ccd.fits', 'UTYPE', value='UnknownUncertainty',
                ext=('UNCERT', 1))
    with pytest.raises(ValueError, match="one of the kinds .* got UTYPE 'Un"):
        read_frame([tmp_path / 'ccd.fits'], holding='errors')


@pytest.mark.parametrize(('text', 'unit'), [
    ('nJy', u.nJy), ('ELECTRONS/S', u.electron / u.s), ('Counts/sec', u.ct / u.s),
    ('ADU', u.adu), ('DN', u.DN), ('', None), ('e-/s', None)])
def test_units(image, tmp_path, text, unit):
    """
    Usual spellings are understood; others are named and not taken for equal.
    """
    paths = [tmp_path / f'{band}.fits' for band in 'gr']
    for path, told in zip(paths, (text, 'furlong'), strict=True):
        fits.writeto(path, image, fits.Header({'BUNIT': told}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        assert read_frame(paths[:1]).unit == unit
    assert len(caught) == (text == 'e-/s')
    if caught:
        assert "the unit 'e-/s' (BUNIT) is not known" in str(caught[0].message)
    with (pytest.raises(ValueError, match='same unit .* .furlong'),
          pytest.warns(AstropyUserWarning)):
        read_frame(paths)


def test_bands_show_the_same_sky(image, wcs, tmp_path):
    """
    Chips of a mosaic are no bands; a fraction of a pixel is no matter.
    """
    chips = [fits.ImageHDU(image, wcs.to_header(), name='SCI', ver=1)]
    for shift in (0.5, 3.0, 4000.0):
        other = wcs.deepcopy()
        other.wcs.crpix += shift
        chips[1:] = [fits.ImageHDU(image, other.to_header(), name='SCI',
                                   ver=2)]
        path = _write(tmp_path / f'{shift}.fits', *chips)
        if shift < 1:
            assert len(read_frame([path]).data) == 2
        else:
            with pytest.raises(ValueError, match='the same sky: .*fits.2. '):
                read_frame([path])
    assert len(read_frame([path], hdus=[2]).data) == 1


def test_unusable_wcs(image, tmp_path):
    """
    A WCS that cannot be used is not dropped without a word.
    """
    header = fits.Header({'CTYPE1': 'RA---TAN', 'CTYPE2': 'DEC--TAN',
                          'CPDIS1': 'LOOKUP', 'DP1': 'EXTVER: 1'})
    fits.writeto(tmp_path / 'a.fits', image, header)
    with pytest.warns(AstropyUserWarning, match='the WCS cannot be used'):
        assert read_frame([tmp_path / 'a.fits']).wcs is None


def test_wcs_that_has_no_header(wcs, tmp_path):
    sliced = HighLevelWCSWrapper(SlicedLowLevelWCS(wcs, np.s_[3:, 3:]))
    with pytest.warns(AstropyUserWarning, match='WCS is not written'):
        write_segmentation(tmp_path / 'segm.fits', np.eye(20, dtype='i4'),
                           wcs=sliced)


def test_distortions_in_tables(wcs, tmp_path):
    wcs.cpdis1 = DistortionLookupTable(np.ones((2, 2), 'f4'), (1, 1), (1, 1),
                                       (100, 100))
    with pytest.warns(AstropyUserWarning, match='without its distortions'):
        write_segmentation(tmp_path / 'segm.fits', np.eye(20, dtype='i4'),
                           wcs=wcs)


def test_image_type(image, tmp_path):
    """
    Cutouts of the Legacy Surveys: extensions without names, each image
    followed by its inverse variance.
    """
    hdus = []
    for band in 'grz':
        for kind in ('image', 'invvar'):
            hdus.append(fits.ImageHDU(image + len(hdus)))
            hdus[-1].header.update(BAND=band, IMAGETYP=kind)
    path = _write(tmp_path / 'cutout.fits', *hdus)
    frame = read_frame([path])
    assert frame.bands == ('g', 'r', 'z')
    assert_allclose(frame.data, [image, image + 2, image + 4])
    assert len(read_frame([path], holding='flags').data) == 3
    assert frame.sources[1] == f'{path}[3]'
    assert_allclose(read_frame([path], hdus=[2]).data, [image + 1])


def test_cube_and_compressed(image, tmp_path):
    """
    Planes of a cube are bands without names; tiles are uncompressed.
    """
    path = _write(tmp_path / 'cube.fits', fits.CompImageHDU(
        np.stack([image, image]).astype('f4')))
    frame = read_frame([path])
    assert frame.bands is None
    assert len(frame.data) == 2
    assert frame.wcs is None
    assert frame.unit is None


def test_bad_files(image, tmp_path):
    """
    Missing, empty, damaged and foreign files raise one clear error.
    """
    with pytest.raises(OSError, match='none.fits: no such file'):
        read_frame([tmp_path / 'none.fits'])
    (tmp_path / 'empty.fits').touch()
    with pytest.raises(OSError, match='empty.fits: the file is empty'):
        read_frame([tmp_path / 'empty.fits'])
    (tmp_path / 'text.fits').write_text('no stars here')
    with pytest.raises(OSError, match='text.fits: not a readable FITS'):
        read_frame([tmp_path / 'text.fits'])
    with pytest.raises(ValueError, match='there is no image'):
        read_frame([_write(tmp_path / 'table.fits')])
    fits.writeto(tmp_path / 'a.fits', image)
    whole = (tmp_path / 'a.fits').read_bytes()
    (tmp_path / 'cut.fits').write_bytes(whole[:3500])
    with pytest.raises(OSError, match='cut.fits: the image cannot be read'):
        read_frame([tmp_path / 'cut.fits'])
    fits.writeto(tmp_path / 'b.fits', image[1:])
    with pytest.raises(ValueError, match='must have the same shape'):
        read_frame([tmp_path / 'a.fits', tmp_path / 'b.fits'])


def test_segmentation(wcs, tmp_path):
    """
    Label images are int32 with WCS and provenance.
    """
    labels = np.eye(20, dtype=np.int32)
    path = tmp_path / 'segm.fits'
    write_segmentation(path, labels, wcs=wcs,
                       meta={'model': 'fake', 'score_threshold': 0.5})
    data, header = fits.getdata(path, header=True)
    assert data.dtype == np.dtype('>i4')
    assert_equal(data, labels)
    assert header['RCNNMOD'] == 'fake'
    assert_allclose(WCS(header).wcs.crval, (150, 2))
    with pytest.raises(OSError, match='already exists'):
        write_segmentation(path, labels)
    write_segmentation(path, SegmentationImage(2 * labels), overwrite=True)
    assert_equal(fits.getdata(path), 2 * labels)


@pytest.mark.parametrize(('name', 'stem'), [
    ('g.fits', 'g'), ('data/g.fits.gz', 'g'), ('g.FIT.fz', 'g'),
    ('cutout_59.1067_-30.4848.fits', 'cutout_59.1067_-30.4848'),
    ('plain', 'plain'), ('v1.2', 'v1.2')])
def test_stem_of_a_file(name, stem):
    """
    Only what says that it is FITS is left out.
    """
    assert file_stem(name) == stem


def test_band_behind_a_dot(tmp_path):
    """
    The filter is found in all parts of a file's name.
    """
    paths = [tmp_path / f'field-1.5.{band}.fits' for band in 'gr']
    for path in paths:
        fits.writeto(path, np.ones((20, 20)))
    assert read_frame(paths).bands == ('g', 'r')


def test_provenance_in_the_header(tmp_path):
    """
    Each keyword of the header is that of the result.
    """
    meta = {'photutils_rcnn_version': '1.2', 'model': 'fake',
            'model_sha256': 'ab' * 32, 'score_threshold': 0.5,
            'nms_threshold': 0.25, 'background': 'auto', 'unit': 'nJy'}
    write_segmentation(tmp_path / 's.fits', np.eye(20, dtype='i4'), meta=meta)
    header = fits.getheader(tmp_path / 's.fits')
    assert {name: header[name] for name in header if name[:4] == 'RCNN'} == {
        'RCNNVER': '1.2', 'RCNNMOD': 'fake', 'RCNNSHA': 'ab' * 32,
        'RCNNSCR': 0.5, 'RCNNNMS': 0.25, 'RCNNBKG': 'auto'}


def test_bands_on_turned_or_scaled_grids(image, wcs, tmp_path):
    """
    One corner may agree where the others do not.
    """
    wcs.wcs.crpix = 1, 1
    for i, change in enumerate(([[-0.8, 0.6], [0.6, 0.8]],
                                [[-1.2, 0], [0, 1.2]])):
        other = wcs.deepcopy()
        other.wcs.cdelt = 0.2 / 3600, 0.2 / 3600
        other.wcs.pc = change
        path = _write(tmp_path / f'{i}.fits',
                      fits.ImageHDU(image, wcs.to_header(), name='SCI', ver=1),
                      fits.ImageHDU(image, other.to_header(), name='SCI',
                                    ver=2))
        with pytest.raises(ValueError, match='the same sky'):
            read_frame([path])


def test_polynomial_distortions_are_written(wcs, tmp_path):
    """
    SIP terms belong to the WCS of a label image.
    """
    wcs.wcs.ctype = 'RA---TAN-SIP', 'DEC--TAN-SIP'
    terms = np.zeros((3, 3))
    terms[2, 0] = 1e-4
    wcs.sip = Sip(terms, terms, None, None, wcs.wcs.crpix)
    write_segmentation(tmp_path / 's.fits', np.eye(20, dtype='i4'), wcs=wcs)
    back = WCS(fits.getheader(tmp_path / 's.fits'))
    assert_allclose(back.all_pix2world([[0, 0]], 0),
                    wcs.all_pix2world([[0, 0]], 0), rtol=1e-12)


@pytest.mark.parametrize('keyword', ['FILTER', 'BAND', 'FILTER1', 'FILTER2',
                                     'FILTNAM'])
def test_keywords_of_filters(image, tmp_path, keyword):
    paths = [tmp_path / f'{i}.fits' for i in range(2)]
    for path, band in zip(paths, ('F606W', 'F814W'), strict=True):
        fits.writeto(path, image, fits.Header({'FILTER1': 'CLEAR1L',
                                               keyword: band}))
    assert read_frame(paths).bands == ('F606W', 'F814W')
