# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the deblender of the Blending ToolKit.
"""

import sys

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose, assert_equal
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn import RCNNSegmenter

galsim = pytest.importorskip('galsim')
SIDE = 24  # arcseconds
FLUX = 3e6


@pytest.fixture
def btk():
    return pytest.importorskip('btk', reason='BTK is not installed')


@pytest.fixture
def deblenders(btk):
    from photutils_rcnn import deblenders

    return deblenders


def make_batch(positions, *, seed=5):
    """
    Round galaxies of equal flux in the bands of the LSST, on the noise of its sky.
    """
    from btk.blend_batch import BlendBatch
    from btk.survey import get_surveys
    from surveycodex.utilities import mean_sky_level

    survey = get_surveys('LSST')
    bands, scale = survey.available_filters, survey.pixel_scale.to_value('arcsec')
    psfs = [survey.get_filter(band).psf for band in bands]
    n = int(SIDE / scale)
    most = max(map(len, positions))
    isolated = np.zeros((len(positions), most, len(bands), n, n))
    for blend, places in zip(isolated, positions, strict=True):
        for images, place in zip(blend, places, strict=False):
            for b, psf in enumerate(psfs):
                galaxy = galsim.Exponential(half_light_radius=0.9, flux=FLUX).shift(*place)
                images[b] = galsim.Convolve(galaxy, psf).drawImage(nx=n, ny=n,
                                                                   scale=scale).array
    sky = np.array([mean_sky_level(survey, survey.get_filter(band)).to_value('electron')
                    for band in bands])[:, None, None]
    noisy = np.random.default_rng(seed).poisson(isolated.sum(axis=1) + sky) - sky
    catalogs = [Table(np.reshape(places, (-1, 2)), names=('ra', 'dec')) for places in positions]
    return BlendBatch(len(positions), most, SIDE, survey, noisy, isolated, catalogs, psfs)


@pytest.fixture
def batch(btk):
    """
    Two galaxies side by side, and one alone.
    """
    return make_batch([[(-4.0, 1.0), (5.0, -2.0)], [(0.5, 3.0)]])


def test_batch(fake_model, deblenders, batch):
    """
    Positions, footprints and images are those of the galaxies, in the order of BTK.
    """
    deblender = deblenders.RCNNDeblender(3, RCNNSegmenter(fake_model, background=0))
    found = deblender(batch)
    assert [len(catalog) for catalog in found.catalog_list] == [2, 1]
    assert found.segmentation.shape == (2, 3, *batch.blend_images.shape[2:])
    bands = batch.survey.available_filters
    for ii, (catalog, truth) in enumerate(zip(found.catalog_list, batch.catalog_list,
                                              strict=True)):
        rows = [np.argmin(np.hypot(catalog['ra'] - ra, catalog['dec'] - dec))
                for ra, dec in truth.iterrows()]
        assert sorted(rows) == list(range(len(truth)))
        assert_allclose(catalog['ra'][rows], truth['ra'], atol=0.02)
        assert_allclose(catalog['dec'][rows], truth['dec'], atol=0.02)
        x, y = batch.wcs.world_to_pixel_values(truth['ra'] / 3600, truth['dec'] / 3600)
        assert_allclose(catalog['x_peak'][rows], x, atol=0.1)
        for k, row in enumerate(rows):
            assert found.segmentation[ii, row, round(float(y[k])), round(float(x[k]))]
            true = batch.isolated_images[ii, k]
            images = found.deblended_images[ii, row]
            assert_allclose(images.sum(axis=(1, 2)), true.sum(axis=(1, 2)), rtol=0.1)
            assert np.square(images - true).sum() < 0.02 * np.square(true).sum()
            assert_allclose([catalog[f'flux_{band}'][row] for band in bands], FLUX, rtol=0.1)
    assert not found.segmentation[:, 2].any()
    assert_equal(found.deblended_images[1, 1:], 0)


def test_generator(fake_model, btk, deblenders, batch):
    """
    It is one of the deblenders that BTK runs side by side.
    """
    from types import SimpleNamespace

    from btk.deblend import DeblendGenerator

    deblender = deblenders.RCNNDeblender(3, RCNNSegmenter(fake_model, background=0))
    blends = SimpleNamespace(batch_size=2, __next__=None)
    generator = DeblendGenerator([deblender], blends)
    assert generator.deblender_names == ['RCNNDeblender']


def test_blend_with_the_shipped_model(deblenders):
    """
    A blend that one threshold cannot part, with the default segmenter.
    """
    batch = make_batch([[(-1.4, 0.0), (1.4, 0.3)]])
    example = deblenders.RCNNDeblender(4).deblend(0, batch)
    assert len(example.catalog) == 2
    order = np.argsort(example.catalog['ra'])
    assert_equal(example.catalog['class_name'], 'galaxy')
    for k, row in enumerate(order):
        true = batch.isolated_images[0, k]
        assert np.square(example.deblended_images[row] - true).sum() < 0.05 * np.square(
            true).sum()


def test_nothing_found(fake_model, deblenders, btk):
    batch = make_batch([[(0.0, 0.0)], []])
    deblender = deblenders.RCNNDeblender(1, RCNNSegmenter(fake_model, background=0))
    with pytest.warns(NoDetectionsWarning):
        found = deblender(batch)
    assert [len(catalog) for catalog in found.catalog_list] == [1, 0]
    assert 'ra' in found.catalog_list[1].colnames
    assert_equal(found.deblended_images[1], 0)


def test_wrong_input(fake_model, deblenders, batch):
    with pytest.raises(TypeError, match='segmenter must be an RCNNSegmenter, got 3'):
        deblenders.RCNNDeblender(3, 3)
    segmenter = RCNNSegmenter(fake_model, background=0)
    with pytest.raises(ValueError, match='number of sources, 2 in blend 0, got 1'):
        deblenders.RCNNDeblender(1, segmenter).deblend(0, batch)
    batch.psf = [galsim.Image(image) for image in batch.get_numpy_psf()]
    with pytest.raises(TypeError, match='GalSim profiles, got Image'):
        deblenders.RCNNDeblender(2, segmenter).deblend(0, batch)


def test_not_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, 'photutils_rcnn.deblenders', raising=False)
    monkeypatch.setitem(sys.modules, 'btk', None)
    monkeypatch.delitem(sys.modules, 'btk.deblend', raising=False)
    with pytest.raises(ModuleNotFoundError, match='pip install --no-deps blending_toolkit'):
        import photutils_rcnn.deblenders  # noqa: F401
