# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the segmenter module.
"""

import subprocess
import sys
import threading

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import CircularGaussianPSF
from photutils.segmentation import SegmentationImage
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection import pipeline as detection


@pytest.fixture
def segmenter(fake_model):
    return RCNNSegmenter(fake_model)


def test_import_is_light():
    """
    Importing the package and the segmenter imports no network library.
    """
    code = ('import sys, photutils_rcnn.segmenter;'
            'print([m for m in ("tensorflow", "keras", "galsim", "sep")'
            ' if m in sys.modules])')
    out = subprocess.run([sys.executable, '-c', code], check=True,
                         capture_output=True, text=True)
    assert out.stdout.strip() == '[]'


def test_segment(segmenter, field):
    """
    The result unpacks to photutils' own types.
    """
    before = field.copy()
    segm, catalog = segmenter.segment(field)
    assert type(segm) is SegmentationImage
    assert segm.data.dtype == np.int32
    assert segm.is_consecutive
    assert segm.n_labels == 3
    assert_allclose(catalog.y_centroid, (25, 40, 90), atol=0.3)
    assert_allclose(catalog.segment_flux,
                    2 * np.pi * 60 * np.array((4, 16, 4)), rtol=0.15)
    assert_equal(catalog.class_name, ('star', 'galaxy', 'star'))
    assert_equal(field, before)


def test_same_for_all_containers(segmenter, field):
    """
    Arrays, Quantities, masked arrays and CCDData give the same labels.
    """
    segm = segmenter(field)
    ccd = CCDData(field, unit='adu', uncertainty=StdDevUncertainty(
        np.ones(field.shape)))
    for data in (field.astype('>f4'), field << u.uJy, np.ma.array(field),
                 ccd, field[None]):
        assert_equal(segmenter(data).data, segm.data)
        assert_equal(segmenter.segment(data).labels, segm.data)


def test_background_follows_its_band(segmenter, field):
    """
    Levels are given in the order of the bands, whichever way these are
    sorted.
    """
    levels = {'z': 1000.0, 'g': 10.0, 'r': 100.0}
    cube = np.stack([field - 50 + level for level in levels.values()])
    maps = np.stack([np.full(field.shape, level)
                     for level in levels.values()])
    for background in (list(levels.values()), maps):
        result = segmenter.segment(cube, bands='zgr', background=background)
        assert_equal(result.background[:, 0, 0], [10, 100, 1000])
        assert result.segmentation_image.n_labels == 3
    quantities = [level * u.nJy for level in levels.values()]
    result = segmenter.segment(cube << u.nJy, bands='zgr',
                               background=quantities)
    assert_equal(result.background[:, 0, 0], [10, 100, 1000])


def test_small_units(segmenter, field):
    """
    Neither fluxes whose squares vanish in float32 nor their errors matter.
    """
    expected = segmenter.segment(field)
    found = segmenter.segment(field * 1e-26, error=1e-26)
    assert_equal(found.labels, expected.labels)
    assert_allclose(found.background * 1e26, expected.background, rtol=1e-4)


def test_edited_segments(segmenter, field):
    """
    What a user does to the label image does not get into catalogs.
    """
    expected = segmenter.segment(field).catalog
    for change in (lambda segm: segm.reassign_label(1, 100),
                   lambda segm: segm.remove_labels([1])):
        result = segmenter.segment(field)
        change(result.segmentation_image)
        assert_equal(result.catalog.labels, [1, 2, 3])
        assert_equal(result.catalog.class_name, expected.class_name)
        assert result.labels.max() == 3


def test_cube_and_bands(segmenter, field):
    """
    Catalogs of bands share positions and follow the sorted names.
    """
    cube = np.stack([3 * field, field])
    result = segmenter.segment(cube, bands='rg', error=[3.0, 1.0])
    assert result.bands == ('g', 'r')
    assert list(result.catalogs) == ['g', 'r']
    ratio = (result.band_catalog('r').segment_flux
             / result.band_catalog('g').segment_flux)
    assert_allclose(ratio, 3, rtol=0.02)
    assert_equal(result.catalogs['r'].x_centroid, result.catalog.x_centroid)
    with pytest.raises(KeyError, match="band must be one of.*got 'z'"):
        result.band_catalog('z')


def test_background(segmenter, field):
    """
    The background may be estimated, given or absent; never guessed twice.
    """
    auto = segmenter.segment(field)
    assert_allclose(auto.background, 50, atol=0.3)
    given = segmenter.segment(field, background=50)
    none = RCNNSegmenter(segmenter.model, background=0).segment(field - 50)
    assert_allclose(given.catalog.segment_flux, none.catalog.segment_flux,
                    rtol=1e-4)
    assert given.meta['background'] == 'given'
    unit = segmenter.segment(field << u.nJy, background=0.05 * u.uJy)
    assert_allclose(unit.catalog.segment_flux.value,
                    given.catalog.segment_flux, rtol=1e-4)
    assert unit.catalog.segment_flux.unit == u.nJy


def test_mask(segmenter, field):
    """
    Masked pixels belong to no source.
    """
    mask = np.zeros(field.shape, dtype=bool)
    mask[:50] = True
    segm, catalog = segmenter.segment(field, mask=mask)
    assert segm.n_labels == 1
    assert not segm.data[mask].any()
    assert_allclose(catalog.x_centroid, 60, atol=0.3)


def test_threshold(segmenter, field):
    """
    The threshold is a floor that trims masks and drops sources.
    """
    plain = segmenter(field)
    trimmed = segmenter(field, 80.0)
    assert trimmed.n_labels == 3
    assert field[trimmed.data > 0].min() > 80
    unknown = np.full(field.shape, 80.0)
    unknown[:, :75] = np.nan
    assert_equal(segmenter(field, unknown).data[:, :75], 0)
    assert trimmed.areas.sum() < plain.areas.sum()
    field[:60] = np.minimum(field[:60], 79)
    assert segmenter(field, 80.0).n_labels == 1
    assert segmenter(field << u.Jy, np.full(field.shape, 80.0) << u.Jy,
                     mask=np.zeros(field.shape, bool)).n_labels == 1


@pytest.mark.parametrize(('data_unit', 'threshold', 'match'), [
    (None, 1 * u.Jy, 'the same units'), (u.Jy, 1.0, 'the same units'),
    (u.Jy, 1 * u.s, 'threshold has the unit s'),
    (None, np.ones(3), 'threshold must be a number or have')])
def test_bad_threshold(segmenter, field, data_unit, threshold, match):
    """
    A threshold of another unit or shape raises.
    """
    data = field if data_unit is None else field << data_unit
    with pytest.raises(ValueError, match=match):
        segmenter(data, threshold)
    with pytest.raises(TypeError, match='threshold must hold real'):
        segmenter(field, 'x')


def test_threshold_needs_one_band(segmenter, field):
    """
    A cube has no single scale for a threshold.
    """
    with pytest.raises(ValueError, match='single band, got 2'):
        segmenter(np.stack([field, field]), 1.0)


def test_nothing_found(segmenter):
    """
    No sources: None, and the warning of photutils.
    """
    sky = np.random.default_rng(0).normal(size=(40, 40))
    with pytest.warns(NoDetectionsWarning,
                      match='^No sources were found') as called:
        assert segmenter(sky) is None
    with pytest.warns(NoDetectionsWarning,
                      match='^No sources were found') as segmented:
        result = segmenter.segment(sky)
    # It names the line of the user.
    assert called[0].filename == segmented[0].filename == __file__
    segm, catalog = result
    assert segm is None
    assert catalog is None
    assert result.catalog_table is None
    assert len(result.table) == 0
    assert 'score' in result.table.colnames


def test_progress_bar(fake_model, field, capsys):
    """
    Progress is shown on request only.
    """
    RCNNSegmenter(fake_model)(field)
    assert capsys.readouterr().err == ''
    RCNNSegmenter(fake_model, progress_bar=True)(field)
    assert 'Segmenting' in capsys.readouterr().err


@pytest.mark.parametrize(('keywords', 'match'), [
    ({'score_threshold': 1.5}, 'score_threshold must be.*got 1.5'),
    ({'nms_threshold': 'no'}, "nms_threshold must be.*got 'no'"),
    ({'tile_size': 0}, 'tile_size must be.*got 0'),
    ({'tile_size': 64.5}, 'tile_size must be.*got 64.5'),
    ({'background': None}, 'background must be.*got None'),
    ({'background': 'none'}, "background must be.*got 'none'")])
def test_bad_options(fake_model, keywords, match):
    """
    Options are checked when the segmenter is made.
    """
    with pytest.raises(ValueError, match=match):
        RCNNSegmenter(fake_model, **keywords)


def test_psf_fwhm(fake_model, field, monkeypatch):
    """
    The network is told the FWHM of its bands; the result says what was
    used, for each band of the data.
    """
    told = []
    fake = detection.run_inference

    def infer(*args, psf_fwhm, **options):
        told.append(psf_fwhm)
        return fake(*args, **options)

    monkeypatch.setattr(detection, 'run_inference', infer)
    pair = np.stack([field, field])
    for psf_fwhm, used, bands in (
            (4, [4, 4], [4, 4, 4]), ([3, 4], [3, 4], [3, 3.5, 4])):
        result = RCNNSegmenter(fake_model, psf_fwhm=psf_fwhm).segment(pair)
        assert result.meta['psf_fwhm'] == used
        assert_allclose(told[-1], bands)
    result = RCNNSegmenter(fake_model, psf_fwhm=None).segment(pair)
    assert result.meta['psf_fwhm'] is told[-1] is None
    with pytest.raises(ValueError, match='psf_fwhm .* 2 bands .*, got 3'):
        RCNNSegmenter(fake_model, psf_fwhm=[3, 4, 5]).segment(pair)


def test_given_psf(fake_model, field, monkeypatch):
    """
    The network is told the PSF and its FWHM, in the order of the sorted bands; the
    result says that it was given and holds it.
    """
    told = []
    fake = detection.run_inference

    def infer(*args, **options):
        told.append(options)
        return fake(*args, **options)

    monkeypatch.setattr(detection, 'run_inference', infer)
    segmenter = RCNNSegmenter(fake_model, psf_fwhm=None)
    pair = np.stack([field, field])
    models = [CircularGaussianPSF(flux=3, fwhm=fwhm) for fwhm in (5, 4)]
    for psf in (models, dict(zip('rg', models, strict=True))):
        result = segmenter.segment(pair, bands='rg', psf=psf)
        assert result.meta['psf'] == 'given'
        assert_allclose(result.meta['psf_fwhm'], [4, 5], rtol=0.01)
        assert_allclose(told[-1]['psf_fwhm'], [4, 4.5, 5], rtol=0.01)
        assert [model.fwhm.value for model in told[-1]['psf'].models] == [4, 5]
        assert list(result.psf) == ['g', 'r']
        assert (result.psf['g'].fwhm, result.psf['g'].flux) == (4, 1)
        assert result[:1].psf is result.psf
    result = segmenter.segment(pair, psf=[3, 4])
    assert result.meta['psf'] == 'measured'
    assert result.meta['psf_fwhm'] == [3, 4]
    assert 'psf' not in told[-1]
    with pytest.raises(ValueError, match=r"psf must name the bands \['g', 'r'\]"):
        segmenter.segment(pair, bands='gr', psf={'g': 3, 'z': 3})


def test_options_and_repr(fake_model):
    """
    Defaults are those of the model and shown.
    """
    segmenter = RCNNSegmenter(fake_model, nms_threshold=0.3)
    assert segmenter.score_threshold == 0.5
    assert repr(segmenter) == (
        "RCNNSegmenter('fake', score_threshold=0.5, nms_threshold=0.3, "
        "tile_size=None, background='auto', psf_fwhm='auto', "
        "star_fraction='auto', runtime='keras', "
        'progress_bar=False)')


def test_files(segmenter, field, tmp_path):
    """
    A path, an HDU and an HDUList are read with what lies beside the image;
    what is given wins.
    """
    expected = segmenter.segment(field)
    hdus = fits.HDUList([
        fits.PrimaryHDU(), fits.ImageHDU(field, name='SCI'),
        fits.ImageHDU(np.full(field.shape, 4.), name='VAR')])
    path = tmp_path / 'field.fits'
    hdus.writeto(path)
    for data in (path, str(path), f'{path}[SCI]', hdus, hdus['SCI']):
        result = segmenter.segment(data)
        assert_equal(result.labels, expected.labels)
        assert_equal(segmenter(data).data, expected.labels)
    result = segmenter.segment(path)
    assert result.meta['error'] == 'given'
    assert_allclose(result.cube.error, 2)
    assert_allclose(segmenter.segment(path, error=1.5).cube.error, 1.5)


def test_errors_are_measured(segmenter, field):
    """
    Without errors, those of fluxes follow from the noise and the gain.
    """
    result = segmenter.segment(field)
    catalog = result.catalog
    assert result.meta['error'] == 'measured'
    area = catalog.segment_area.value
    assert_allclose(catalog.segment_flux_err,
                    result.noise.item() * np.sqrt(area), rtol=1e-4)
    with_gain = segmenter.segment(field, gain=2.)
    assert with_gain.meta['error'] == 'measured, with gain'
    assert_allclose(
        with_gain.catalog.segment_flux_err**2,
        catalog.segment_flux_err**2 + catalog.segment_flux / 2, rtol=0.02)


def test_gain_beside_error(segmenter, field, tmp_path):
    """
    Errors are total ones: a gain that was given has no effect, and the user hears of it.
    """
    with pytest.warns(AstropyUserWarning, match='gain has no effect beside error') as caught:
        result = segmenter.segment(field, error=1.5, gain=2.)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert result.meta['error'] == 'given'
    path = tmp_path / 'field.fits'
    fits.writeto(path, field, fits.Header({'GAIN': 2.}))
    segmenter.segment(path, error=1.5)  # that of a header was not given


def test_floating_point_errors_of_the_user(segmenter, field):
    """
    Underflow and the like end nothing, whatever np.seterr says.
    """
    expected = segmenter.segment(field).labels
    with np.errstate(all='raise'):
        assert_equal(segmenter.segment(field).labels, expected)
        assert_equal(segmenter(field).data, expected)


def test_threads():
    """
    One network is built for all threads that use a model first, and all get
    the same.
    """
    segmenter = RCNNSegmenter()
    image = np.random.default_rng(0).normal(0, 1, (96, 96))
    image[40:44, 40:44] += 40
    networks, labels = [], []

    def work():
        networks.append(segmenter.model.network)
        labels.append(segmenter.segment(image).labels)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(network) for network in networks}) == 1
    assert len(labels) == 4
    for other in labels[1:]:
        assert_equal(other, labels[0])


def _found_with(setting):
    """
    What a process finds in which a global setting of Keras was changed.
    """
    code = f"""
import numpy as np, keras
{setting}
from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.models.zoo import load_model
y, x = np.mgrid[:96, :96]
image = np.random.default_rng(0).normal(0, 1, (96, 96))
for k in range(5):
    image += 60 * np.exp(-((x - 15 * k - 15)**2 + (y - 17 * k - 12)**2)
                         / (8 + 3 * k))
model = load_model(precision='float32')
table = RCNNSegmenter(model, runtime='keras').segment(image).table
print(len(table), table['score'].sum().round(2), table['prob_star'].sum().round(2))
"""
    return subprocess.run([sys.executable, '-c', code], check=True,
                          capture_output=True, text=True).stdout


@pytest.fixture(scope='module')
def usually_found():
    return _found_with('')


@pytest.mark.parametrize('setting', [
    'set_image_data_format("channels_first")', 'set_floatx("float16")',
    'set_dtype_policy("mixed_float16")'])
def test_global_settings_of_keras(usually_found, setting):
    """
    The network does not depend on global settings of Keras.
    """
    assert usually_found.startswith('5 ')
    assert _found_with(f'keras.config.{setting}') == usually_found
