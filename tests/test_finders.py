# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the finders module.
"""
from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose
from photutils.psf import CircularGaussianPRF, PSFPhotometry
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.finders import RCNNStarFinder
from photutils_rcnn.sources.instances import Instances


@pytest.fixture
def finder(fake_model):
    return RCNNStarFinder(RCNNSegmenter(fake_model))


def test_stars_only(finder, field):
    """
    Only the asked classes are returned, with units.
    """
    table = finder(field << u.nJy)
    assert_allclose(table['x_centroid'], (30, 60), atol=0.3)
    assert table['flux'].unit == u.nJy
    both = RCNNStarFinder(finder.segmenter, classes=('star', 'galaxy'))
    assert len(both(field)) == 3


def test_nothing_found(finder, field):
    """
    None and a warning end the loops of photutils.
    """
    with pytest.warns(NoDetectionsWarning):
        assert finder(np.random.default_rng(0).normal(size=(40, 40))) is None
    mask = np.ones(field.shape, bool)
    mask[20:60, 80:120] = False
    with pytest.warns(NoDetectionsWarning, match='of the classes'):
        assert finder(field, mask=mask) is None


def test_psf_photometry(finder, field):
    """
    The finder fits the slot of PSF photometry.
    """
    photometry = PSFPhotometry(CircularGaussianPRF(fwhm=4.71), (9, 9),
                               finder=finder, aperture_radius=5)
    table = photometry(field - 50, error=np.ones(field.shape))
    assert_allclose(table['x_fit'], (30, 60), atol=0.1)
    assert_allclose(table['flux_fit'], 2 * np.pi * 4 * 60, rtol=0.05)


def test_options(finder):
    """
    Classes are checked and shown.
    """
    with pytest.raises(ValueError, match=r"classes must be.*got \('quasar"):
        RCNNStarFinder(finder.segmenter, classes='quasar')
    with pytest.raises(ValueError, match=r'classes must be.*got \(3'):
        RCNNStarFinder(finder.segmenter, classes=3)
    with pytest.raises(TypeError, match='segmenter must be .*, got 3'):
        RCNNStarFinder(3)
    assert repr(finder).endswith("classes=('star',))")


def test_columns():
    """
    Sources that cannot be fitted are left out: without a positive flux or a
    position.
    """
    catalog = SimpleNamespace(
        class_name=np.array(['star', 'galaxy', 'star', 'star', 'star']),
        x_centroid=np.array([10.0, 20, 30, np.nan, 50]),
        y_centroid=np.array([11.0, 21, 31, 41, 51]),
        segment_flux=np.array([100.0, 200, -300, 400, 500]) * u.nJy,
        score=np.linspace(0.5, 0.9, 5), prob_star=np.linspace(0.6, 1, 5))
    result = SimpleNamespace(catalog=catalog, meta={'model': 'fake'},
                             instances=Instances.empty((60, 60), 28))
    segmenter = SimpleNamespace(
        segment=lambda data, mask: result,
        model=SimpleNamespace(settings={'network': {}}))
    table = RCNNStarFinder(segmenter)(np.ones((60, 60)))
    assert list(table['id']) == [1, 2]
    assert_allclose(table['x_centroid'], (10, 50))
    assert_allclose(table['y_centroid'], (11, 51))
    assert_allclose(table['flux'].to_value(u.nJy), (100, 500))
    assert_allclose(table['score'], (0.5, 0.9))
    assert_allclose(table['prob_star'], (0.6, 1))
    assert list(table['class_name']) == ['star', 'star']
    assert table.meta['model'] == 'fake'
