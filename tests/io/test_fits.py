# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for reading and writing FITS images.
"""
import warnings
from contextlib import nullcontext

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
    ('STAT', 'variance'), ('NOISE', 'errors'), ('COVERAGE', 'others'),
    ('UNCERT', 'errors'), ('STD', 'errors'), ('STDDEV', 'errors'),
    ('SKY', 'others'), ('ERR_G', 'errors'), ('ERR,2', 'errors'),
    ('GERR', 'errors'), ('ERRG', 'errors'), ('DQ2', 'flags'),
    ('CRMASK', 'flags'), ('VAR_POISSON', 'others'), ('IVAR', 'ivar'),
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
    for holding, power in (('errors', 1), ('flags', 1), ('variance', 0.5),
                           ('ivar', -0.5)):
        if kind == holding:
            found = read_frame([path], holding=holding).data
            assert_allclose(found, [(image + 1)**power])
        elif holding == 'ivar' or (kind, holding) == ('images', 'flags'):
            continue  # weights may be, images without a name of science too
        else:  # pixels of the sky are none of these
            with (pytest.raises(ValueError, match='none of the extensions')
                  if kind not in ('variance', 'ivar') or holding != 'errors'
                  else nullcontext()):
                read_frame([path], holding=holding)


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
    path = _write(tmp_path / 'w.fits', fits.ImageHDU(image, name='WHT'))
    with pytest.raises(ValueError, match=r"'WHT'.* looks like 1-sigma"):
        read_frame([path], holding='errors')
    assert_allclose(read_frame([path], holding='ivar').data[0][1:],
                    image[1:]**-0.5)
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
    ('ADU', u.adu), ('DN', u.DN), ('', None), ('e-/s', u.electron / u.s),
    ('JY/BEAM', u.Jy / u.beam), ('parsnip', None),
    ('10-17 ERG/S/CM2/A', 1e-17 * u.erg / u.s / u.cm**2 / u.Angstrom)])
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
    assert len(caught) == (text == 'parsnip')
    if caught:
        assert ("the unit 'parsnip' (BUNIT) is not known"
                in str(caught[0].message))
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
    assert_allclose(frame.errors[1][1:], (image + 3)[1:]**-0.5)
    with pytest.raises(ValueError, match='looks like flags'):
        read_frame([path], holding='flags')
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


def _lsst(path, image, flags, **options):
    """
    A calibrated exposure in the layout of the LSST pipelines.
    """
    planes = {'BAD': 0, 'SAT': 1, 'DETECTED': 5, 'DETECTED_NEGATIVE': 6}
    return _write(
        path, fits.ImageHDU(image, fits.Header({'BUNIT': 'nJy'}), name='IMAGE'),
        fits.ImageHDU(flags, fits.Header(
            {f'HIERARCH MP_{name}': bit for name, bit in planes.items()}), name='MASK'),
        fits.ImageHDU(np.full(image.shape, 4.), fits.Header(
            {'BUNIT': 'nJy2'}), name='VARIANCE'), **options)


def test_errors_and_mask_beside_the_image(image, tmp_path):
    """
    Variances become errors; planes that merely inform mask nothing.
    """
    flags = np.full(image.shape, 1 << 5, 'i4')
    flags[3, 4] |= 1
    path = _lsst(tmp_path / 'calexp.fits', image, flags)
    frame = read_frame([path])
    assert_equal(frame.data, [image])
    assert_allclose(frame.errors, 2)
    assert_equal(np.argwhere(frame.masks[0]), [[3, 4]])
    assert 'variances' in frame.notes[0]
    assert 'DETECTED' in frame.notes[1]
    assert_allclose(read_frame([path], holding='errors').data, 2)
    assert read_frame([path], errors=False).errors is None
    for bits, n_masked in (('DETECTED', image.size), ('BAD,SAT', 1), (1, 1),
                           ('~DETECTED', 1), (2, 0)):
        assert np.sum(read_frame([path], mask_bits=bits).masks) == n_masked
    with pytest.raises(ValueError, match='mask_bits .* got .NONSENSE'):
        read_frame([path], mask_bits='NONSENSE')


def test_science_is_no_error(image, tmp_path):
    """
    Pixels of the sky are not taken for errors.
    """
    for name in ('SCI', 'IMAGE', 'DATA'):
        path = _write(tmp_path / f'{name}.fits',
                      fits.ImageHDU(image, name=name))
        with pytest.raises(ValueError, match='looks like 1-sigma errors'):
            read_frame([path], holding='errors')


def test_flags_without_names(image, tmp_path):
    flags = np.full(image.shape, 2, 'i2')
    path = _write(tmp_path / 'dq.fits', fits.ImageHDU(image, name='SCI'),
                  fits.ImageHDU(flags, name='DQ'))
    with pytest.raises(ValueError, match='100% of the pixels have flags'):
        read_frame([path])
    assert not np.any(read_frame([path], mask_bits='~2').masks)


def test_chips_are_no_bands(image, tmp_path):
    """
    Chips of a raw file without WCS are frames of their own.
    """
    path = _write(tmp_path / 'raw.fits', *(
        fits.ImageHDU(image, name=f'CCD{i}') for i in range(1, 5)))
    with pytest.raises(ValueError, match=r'chips of a mosaic .*raw.fits\['):
        read_frame([path])
    assert len(read_frame([f'{path}[CCD2]']).data) == 1
    assert read_frame([f'{path}[3]']).sources == (f'{path}[3]',)


def test_axes_of_length_one(wcs, image, tmp_path):
    """
    Images of radio telescopes have axes of frequency and polarization.
    """
    header = wcs.to_header()
    header.update(BUNIT='JY/BEAM', CTYPE3='FREQ', CRVAL3=1.4e9, CDELT3=1e6,
                  CTYPE4='STOKES', CRVAL4=1, CDELT4=1)
    path = tmp_path / 'radio.fits'
    fits.writeto(path, image[None, None], header)
    frame = read_frame([path])
    assert_equal(frame.data, [image])
    assert frame.unit == u.Jy / u.beam
    assert frame.wcs.pixel_n_dim == 2


@pytest.mark.parametrize('unit', ['mag', 'mag / arcsec2'])
def test_magnitudes(image, tmp_path, unit):
    path = tmp_path / 'mag.fits'
    fits.writeto(path, image, fits.Header({'BUNIT': unit}))
    with pytest.raises(ValueError, match='must be linear in flux, got .*mag'):
        read_frame([path])


def test_gain(image, tmp_path):
    """
    The gain of a header is that of counts.
    """
    for unit, expected in (('adu', [2.5]), ('', [2.5]), ('Jy', None)):
        path = tmp_path / f'gain{unit}.fits'
        fits.writeto(path, image, fits.Header({'GAIN': 2.5, 'BUNIT': unit}))
        assert read_frame([path]).gain == expected


def test_frames_in_memory(image):
    """
    HDUs are read as files are.
    """
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(image, name='SCI'),
                         fits.ImageHDU(image + 1, name='ERR')])
    assert_equal(read_frame(hdus).errors, [image + 1])
    assert_equal(read_frame(hdus[1]).data, [image])


def test_chosen_weights_have_no_errors(image, tmp_path):
    """
    Weights that were asked for by number are read without a word.
    """
    path = _write(tmp_path / 'w.fits', *(
        fits.ImageHDU(image, name=name) for name in ('SCI', 'IVAR', 'WHT')))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        assert read_frame([path], hdus=['IVAR']).errors is None
    assert not caught


def test_one_mask_for_all_bands(image, tmp_path):
    """
    Errors go by the bands in their names; one mask is told once.
    """
    path = _write(tmp_path / 'b.fits', *(
        fits.ImageHDU(image + i, name=name) for i, name in enumerate(
            ('SCI_G', 'SCI_R', 'VAR_R', 'VAR_G'))),
        fits.ImageHDU((image > 390).astype('u1'), name='MASK'))
    frame = read_frame([path])
    assert_allclose(frame.errors, np.sqrt([image + 3, image + 2]))
    assert_equal(frame.masks, [image > 390] * 2)
    assert [note.split(':')[0] for note in frame.notes] == [
        'errors', 'errors', 'mask']


@pytest.mark.parametrize('version', [1, 2])
def test_versions_of_hst(image, tmp_path, version):
    """
    Errors and flags of a chip are those of its EXTVER.
    """
    hdus = []
    for i in (1, 2):
        for name, values in (('SCI', image), ('ERR', image + i),
                             ('DQ', (image == i).astype('i2') * 16)):
            hdus.append(fits.ImageHDU(values, name=name, ver=i))
            hdus[-1].header['CCDCHIP'] = 3 - i
    path = _write(tmp_path / 'flt.fits', *hdus)
    with pytest.raises(ValueError, match=r'chips of a mosaic by CCDCHIP.*\[1'):
        read_frame([path])
    frame = read_frame(f'{path}[SCI,{version}]')
    assert_equal(frame.errors, [image + version])
    assert_equal(frame.masks, [image == version])


def test_data_quality_of_jwst(image, tmp_path):
    """
    ERR holds all parts of the variance; flags other than DO_NOT_USE inform.
    """
    flags = np.full(image.shape, 1 << 31, 'u4')
    flags[2] += 1
    path = _write(tmp_path / 'i2d.fits', *(
        fits.ImageHDU(values, name=name) for name, values in (
            ('SCI', image), ('ERR', image + 1), ('DQ', flags),
            ('VAR_POISSON', image), ('VAR_RNOISE', image), ('WHT', image))))
    fits.setval(path, 'TELESCOP', value='JWST')
    frame = read_frame(path)
    assert_equal(frame.errors, [image + 1])
    assert_equal(np.unique(np.argwhere(frame.masks[0])[:, 0]), [2])
    assert np.all(read_frame(path, mask_bits='REFERENCE_PIXEL').masks)


def test_weights_of_drizzle(image, tmp_path):
    """
    Weights are inverse variances only if their unit says so.
    """
    unit = u.electron / u.s
    for told in ('', 's', 's2 / electron2'):
        path = _write(tmp_path / f'{len(told)}.fits', fits.ImageHDU(
            image, fits.Header({'BUNIT': 'ELECTRONS/S'}), name='SCI'),
            fits.ImageHDU(image + 1, fits.Header({'BUNIT': told}),
                          name='WHT'))
        frame = read_frame(path)
        if told.endswith('2'):
            assert_allclose(frame.errors, [(image + 1)**-0.5])
        else:
            assert frame.errors is None
            assert 'WHT: not used, weights may be' in frame.notes[0]
        assert frame.unit == unit


@pytest.mark.parametrize(('name', 'told', 'factor'), [
    ('ERR', 'uJy', 1000), ('VAR', 'uJy2', 1000), ('IVAR', '1 / uJy2', 1000),
    ('VAR', '', 1), ('ERR', 'nJy2', None), ('VAR', 's', None)])
def test_units_of_uncertainties(image, tmp_path, name, told, factor):
    """
    Squares and their inverse are converted; what does not fit is refused.
    """
    path = _write(tmp_path / 'u.fits', fits.ImageHDU(
        image, fits.Header({'BUNIT': 'nJy'}), name='SCI'), fits.ImageHDU(
            np.full_like(image, 1), fits.Header({'BUNIT': told}), name=name))
    if factor is None:
        with pytest.raises(ValueError, match='does not fit .* of data in nJy'):
            read_frame(path)
    else:
        assert_allclose(read_frame(path).errors, factor)


def test_variances_with_the_unit_of_the_data(image, tmp_path):
    header = fits.Header({'BUNIT': 'nJy'})
    path = _write(tmp_path / 'u.fits', fits.ImageHDU(
        image, header, name='SCI'), fits.ImageHDU(
            np.full_like(image, 4), header, name='VAR'))
    with pytest.warns(AstropyUserWarning, match='taken for that of the err'):
        assert_allclose(read_frame(path).errors, 2)


@pytest.mark.parametrize('wrong', ['[1:5,1:5]', '[1][1:5,1:5]', '[SCI,x]'])
def test_sections_are_refused(image, tmp_path, wrong):
    path = _write(tmp_path / 'a.fits', fits.ImageHDU(image, name='SCI'))
    with pytest.raises(ValueError, match='sections are not read'):
        read_frame(f'{path}{wrong}')


def test_brackets_in_the_name_of_a_file(image, tmp_path):
    """
    A file that has such a name is itself meant.
    """
    fits.writeto(tmp_path / 'a[1].fits', image)
    fits.writeto(tmp_path / 'a.fits[7]', image + 1)
    assert_equal(read_frame(tmp_path / 'a[1].fits').data, [image])
    assert_equal(read_frame(tmp_path / 'a.fits[7]').data, [image + 1])


@pytest.mark.parametrize('keywords', [
    {'CCDNUM': (1, 2)}, {'DETSEC': ('[1:2,1:2]', '[3:4,1:2]')},
    {'EXTNAME': ('N1', 'S2')}, {'EXTNAME': ('im1', 'im2')},
    {'AMPNAME': ('A', 'B')}])
def test_marks_of_chips(image, tmp_path, keywords):
    path = _write(tmp_path / 'raw.fits', *(
        fits.ImageHDU(image, fits.Header(
            {key: values[i] for key, values in keywords.items()}))
        for i in range(2)))
    with pytest.raises(ValueError, match='chips of a mosaic'):
        read_frame(path)
    assert len(read_frame(path, hdus=[2]).data) == 1


def test_bands_are_last(tmp_path):
    path = tmp_path / 'cube.fits'
    fits.writeto(path, np.zeros((160, 170, 20), 'f4'))
    with pytest.raises(ValueError, match=r'last axis .*moveaxis'):
        read_frame(path)


def test_gain_of_some_bands(image, tmp_path):
    """
    The gain of one band is not that of the others, and this is told.
    """
    for band, header in (('g', {'GAIN': 2.0}), ('r', {'EGAIN': -1.0})):
        fits.writeto(tmp_path / f'{band}.fits', image, fits.Header(header))
    frame = read_frame([tmp_path / 'g.fits', tmp_path / 'r.fits'])
    assert frame.gain == [2, None]
    assert frame.notes[-1] == 'gain: not used, some images tell none'
