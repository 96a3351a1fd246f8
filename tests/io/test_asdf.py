# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the ASDF files of results.
"""

import asdf
import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import CircularGaussianPSF, GriddedPSFModel, MoffatPSF
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.io.asdf_extension import EXTENSION, get_extensions
from photutils_rcnn.sources.instances import decode_rcnn_flags


def _same_tables(table, other):
    assert table.colnames == other.colnames
    for name in table.colnames:
        if name.startswith('sky'):
            assert_allclose(table[name].separation(other[name]).deg, 0,
                            atol=1e-10)
        else:
            assert_equal(np.asarray(table[name]), np.asarray(other[name]))


@pytest.mark.parametrize('include_data', [False, True])
def test_round_trip(fake_model, field, wcs, tmp_path, include_data):
    """
    Labels, instances, tables, provenance and WCS come back.
    """
    result = RCNNSegmenter(fake_model).segment(
        np.stack([field, field]) << u.nJy, wcs=wcs, bands='gr',
        error=1 * u.nJy)
    path = tmp_path / 'result.asdf'
    result.write(path, include_data=include_data)
    back = RCNNResult.read(path)
    assert back.bands == ('g', 'r')
    assert back.meta == result.meta
    assert_equal(back.labels, result.labels)
    assert back.labels.dtype == np.int32
    assert_equal(back.instances.masks, result.instances.masks)
    _same_tables(back.table, result.table)
    _same_tables(back.catalog_table, result.catalog_table.copy())
    assert back.catalog_table['segment_flux'].unit == u.nJy
    if include_data:
        assert_equal(back.catalog.segment_flux, result.catalog.segment_flux)
    else:
        with pytest.raises(ValueError, match='^catalog needs the pixels'):
            _ = back.catalog
        with pytest.raises(ValueError, match='^band_catalog needs the pixels'):
            back.band_catalog('g')
        with pytest.raises(ValueError, match='^include_data=True needs the pixels'):
            back.write(tmp_path / 'again.asdf', include_data=True)


@pytest.mark.parametrize('frame', ['galactic', 'fk5'])
def test_frame_of_positions(fake_model, field, wcs, tmp_path, frame):
    """
    Positions come back in the frame of the WCS.
    """
    if frame == 'galactic':
        wcs.wcs.ctype = 'GLON-TAN', 'GLAT-TAN'
    else:
        wcs.wcs.radesys, wcs.wcs.equinox = 'FK5', 1975.
    result = RCNNSegmenter(fake_model).segment(field, wcs=wcs)
    result.write(tmp_path / 'result.asdf')
    sky, back = (each.catalog_table['sky_centroid'] for each in (
        result, RCNNResult.read(tmp_path / 'result.asdf')))
    assert back.frame.is_equivalent_frame(sky.frame)
    assert sky.frame.name == frame
    assert_allclose(back.separation(sky).arcsec, 0, atol=1e-6)


def test_no_sources(fake_model, tmp_path):
    """
    A result without sources is a result.
    """
    sky = np.random.default_rng(0).normal(size=(40, 40))
    with pytest.warns(NoDetectionsWarning):
        result = RCNNSegmenter(fake_model).segment(sky)
    result.write(tmp_path / 'none.asdf')
    back = RCNNResult.read(tmp_path / 'none.asdf')
    assert tuple(back) == (None, None)
    assert len(back.table) == 0


def test_overwrite(fake_model, field, tmp_path):
    """
    Files are replaced on request only.
    """
    result = RCNNSegmenter(fake_model).segment(field)
    result.write(tmp_path / 'result.asdf')
    with pytest.raises(OSError, match='already exists'):
        result.write(tmp_path / 'result.asdf')
    result.write(tmp_path / 'result.asdf', overwrite=True)
    with pytest.raises(ValueError, match="must end in '.asdf' or '.json', got"):
        result.write(tmp_path / 'r.fits')


# the last bytes before the cut are no block
@pytest.mark.filterwarnings('ignore:Read invalid bytes:asdf.exceptions.AsdfWarning')
def test_no_asdf_file(fake_model, field, tmp_path):
    """
    The error names a file of another kind, and one that was cut short.
    """
    path = tmp_path / 'a.fits'
    path.write_text('SIMPLE  =  T')
    with pytest.raises(ValueError, match='a.fits is no ASDF file'):
        RCNNResult.read(path)
    path = tmp_path / 'result.asdf'
    RCNNSegmenter(fake_model).segment(field).write(path)
    for part in (0.1, 0.5, 0.7, 0.8, 0.9):
        (tmp_path / 'part.asdf').write_bytes(
            path.read_bytes()[:int(part * path.stat().st_size)])
        with pytest.raises(ValueError, match='part.asdf is no ASDF file, or a damaged one'):
            RCNNResult.read(tmp_path / 'part.asdf')


def test_interrupted(fake_model, field, tmp_path, monkeypatch):
    """
    A file that cannot be written to its end leaves the older one.
    """
    result = RCNNSegmenter(fake_model).segment(field)
    path = tmp_path / 'result.asdf'
    result.write(path)

    def write_to(self, file, **options):
        file.write_bytes(b'#ASDF 1.0.0')
        msg = 'No space left on device'
        raise OSError(msg)

    monkeypatch.setattr(asdf.AsdfFile, 'write_to', write_to)
    with pytest.raises(OSError, match='No space left'):
        result.write(path, overwrite=True)
    assert list(tmp_path.iterdir()) == [path]
    assert len(RCNNResult.read(path).table) == 3


def test_unit_that_cannot_be_read(fake_model, field, tmp_path):
    result = RCNNSegmenter(fake_model).segment(field << u.def_unit('mycount'))
    with pytest.raises(ValueError, match="unit 'mycount' .* be stored"):
        result.write(tmp_path / 'result.asdf')
    assert not list(tmp_path.iterdir())


def test_foreign_file(tmp_path):
    """
    A file of something else is refused.
    """
    asdf.AsdfFile({'photutils_rcnn_result': {'labels': 3}}).write_to(
        tmp_path / 'other.asdf')
    with pytest.raises(ValueError, match="damaged result: 'format_version' "
                       'is a required property'):
        RCNNResult.read(tmp_path / 'other.asdf')
    asdf.AsdfFile({'sea': 3}).write_to(tmp_path / 'other.asdf')
    with pytest.raises(ValueError, match='holds no result'):
        RCNNResult.read(tmp_path / 'other.asdf')


def test_earlier_version(fake_model, field, tmp_path):
    """
    Masks are put on pixels as before, those of files of earlier versions
    too, which named it otherwise and had other flags; float32 stays what it is.
    """
    result = RCNNSegmenter(fake_model).segment(field)
    found = result.instances
    rng = np.random.default_rng(0)
    found.masks = rng.random(found.masks.shape, dtype=np.float32)
    found.interpolation = 'bilinear-zero'
    path, old = tmp_path / 'result.asdf', tmp_path / 'old.asdf'
    result.write(path)
    with asdf.config_context() as config:
        config.remove_extension(EXTENSION)
        with asdf.open(path, memmap=False, lazy_load=False,
                       ignore_unrecognized_tag=True) as file:
            tree = dict(file['photutils_rcnn_result'])
            del tree['interpolation']
            tree['protocol'] = 'matterport'
            tree['format_version'] = '1.0.0'
            flags = np.int32([1, 14, 16])
            tree['instances'] = {**tree['instances'], 'flags': flags}
            tree['catalog'] = [
                {**column, 'values': flags} if column['name'] == 'detection_flags'
                else column for column in tree['catalog']]
            asdf.AsdfFile({'photutils_rcnn_result': tree}).write_to(old)
    for name in (path, old):
        back = RCNNResult.read(name)
        again = back.instances
        assert again.interpolation == 'bilinear-zero'
        for i in range(len(again)):
            assert_equal(again.paste(i)[0], found.paste(i)[0])
    assert decode_rcnn_flags(again.flags) == [
        ['edge_touch'], ['masked_pixels', 'overlaps_neighbor', 'exceeds_halo'],
        ['no_pixels']]
    flags = back.catalog_table['detection_flags']
    assert_equal(flags, again.flags)
    assert flags.dtype == result.catalog_table['detection_flags'].dtype


@pytest.mark.parametrize('include_data', [False, True])
def test_background_noise_and_threshold(fake_model, field, tmp_path,
                                        include_data):
    """
    What catalogs and footprints depend on besides pixels and masks.
    """
    result = RCNNSegmenter(fake_model).segment(
        np.stack([field, 3 * field]), error=[1.0, 3.0])
    result.instances.masks[:] *= 0.4
    result.instances.mask_threshold = 0.3
    result.instances.mask_scale = 1.25
    result.write(tmp_path / 'result.asdf', include_data=include_data)
    back = RCNNResult.read(tmp_path / 'result.asdf')
    assert_equal(back.background, result.background)
    if include_data:
        assert_equal(back.noise, result.noise)
        assert_equal(back.cube.error, result.cube.error)
    assert back.instances.mask_threshold == 0.3
    assert back.instances.mask_scale == 1.25
    assert_equal(back.footprints.areas, result.footprints.areas)
    assert back.footprints.areas.min() > 0


def test_gain_is_kept(fake_model, field, tmp_path):
    """
    Errors measured from the pixels of a file are those of the result.
    """
    result = RCNNSegmenter(fake_model).segment(field, gain=3.)
    result.write(tmp_path / 'result.asdf', include_data=True)
    again = RCNNResult.read(tmp_path / 'result.asdf')
    assert_allclose(again.catalog.segment_flux_err,
                    result.catalog.segment_flux_err)


def test_extension(fake_model, field, tmp_path):
    """
    With it, asdf writes and reads results beside other things; without it, and in files
    of earlier versions, they are dictionaries.
    """
    result = RCNNSegmenter(fake_model).segment(field)
    path = tmp_path / 'result.asdf'
    result.write(path, include_data=True)
    with asdf.config_context() as config:
        config.add_extension(get_extensions()[0])
        with asdf.open(path) as file:
            back = file['photutils_rcnn_result']
        for found in (back, RCNNResult.read(path)):
            assert_equal(found.catalog.segment_flux, result.catalog.segment_flux)
        asdf.AsdfFile({'found': [result], 'seeing': 3}).write_to(tmp_path / 'more.asdf')
        with asdf.open(tmp_path / 'more.asdf') as file:
            again, = file['found']
        assert isinstance(again, RCNNResult)
        assert_equal(again.labels, result.labels)
        _same_tables(again.table, result.table)
        assert again.cube is None
    with asdf.config_context() as config:
        config.remove_extension(EXTENSION)
        with asdf.open(path, ignore_unrecognized_tag=True) as file:
            assert_equal(file['photutils_rcnn_result']['labels'], result.labels)


@pytest.mark.parametrize('include_data', [False, True])
def test_pixels_of_an_opened_file_are_kept(fake_model, field, tmp_path, include_data):
    """
    When it is written elsewhere, updated, or a part of its sources is written.
    """
    result = RCNNSegmenter(fake_model).segment(field)
    path = tmp_path / 'result.asdf'
    result.write(path, include_data=include_data)
    with asdf.config_context() as config:
        config.add_extension(get_extensions()[0])
        with asdf.open(path, mode='rw') as file:
            file['seeing'] = 3
            file.update()
            file.write_to(tmp_path / 'copy.asdf')
            if include_data:
                found = file['photutils_rcnn_result'][:2]
                asdf.AsdfFile({'photutils_rcnn_result': found}).write_to(
                    tmp_path / 'part.asdf')
                part = RCNNResult.read(tmp_path / 'part.asdf')
                assert_equal(part.catalog.segment_flux, found.catalog.segment_flux)
    for name in ('result.asdf', 'copy.asdf'):
        back = RCNNResult.read(tmp_path / name)
        assert (back.cube is not None) == include_data
        if include_data:
            assert_equal(back.catalog.segment_flux, result.catalog.segment_flux)


def _psfs():
    axis = np.arange(-10, 11)
    image = CircularGaussianPSF(fwhm=3)(*np.meshgrid(axis, axis))
    grid = NDData(np.array([image] * 4), meta={
        'grid_xypos': [(0, 0), (140, 0), (0, 110), (140, 110)], 'oversampling': 1})
    return image, GriddedPSFModel(grid), MoffatPSF(alpha=3, beta=2.5)


@pytest.mark.parametrize('include_data', [False, True])
def test_given_psfs_are_kept(fake_model, field, tmp_path, include_data):
    """
    Also without the pixels.
    """
    result = RCNNSegmenter(fake_model).segment(np.stack([field] * 3), psf=list(_psfs()))
    result.write(tmp_path / 'result.asdf', include_data=include_data)
    back = RCNNResult.read(tmp_path / 'result.asdf')
    assert back.meta == result.meta
    assert back.meta['psf'] == 'given'
    x, y = np.meshgrid(np.arange(60., 68), np.arange(50., 57))
    for band, psf in result.psf.items():
        again = back.psf[band]
        assert type(again) is type(psf)
        assert again.flux == 1
        for model in (psf, again):
            model.x_0, model.y_0 = 64.2, 53.1
        assert_equal(again(x, y), psf(x, y))


def test_psf_that_is_not_kept(fake_model, field, tmp_path):
    """
    A model that photutils does not have.
    """
    class OwnPSF(CircularGaussianPSF):
        pass

    psf = OwnPSF(fwhm=2.4)
    result = RCNNSegmenter(fake_model).segment(field, psf=psf)
    with pytest.warns(AstropyUserWarning, match='the PSFs are not stored') as caught:
        result.write(tmp_path / 'result.asdf', include_data=True)
    assert caught[0].filename == __file__
    back = RCNNResult.read(tmp_path / 'result.asdf')
    assert back.meta['psf_fwhm'] == result.meta['psf_fwhm']
    with pytest.raises(ValueError, match='the PSF was given, and the file does not hold'):
        _ = back.psf
