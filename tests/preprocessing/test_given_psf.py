# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of PSFs that a user gives.
"""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.models import Gaussian2D
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import (
    CircularGaussianPSF,
    GaussianPSF,
    GriddedPSFModel,
    ImagePSF,
    MoffatPSF,
    make_psf_model,
)

from photutils_rcnn.preprocessing.given_psf import prepare_psf, psf_values

# the data are r, g; the cube is sorted
FRAME = SimpleNamespace(bands=('g', 'r'), order=(1, 0), shape=(300, 400))


def image(fwhm, ny=31, nx=31, y=None, x=None):
    """
    A Gaussian in the middle, or elsewhere.
    """
    y, x = ((n - 1) / 2 if at is None else at for n, at in ((ny, y), (nx, x)))
    rows, cols = np.mgrid[:ny, :nx]
    return CircularGaussianPSF(flux=7, fwhm=fwhm, x_0=x, y_0=y)(cols, rows)


def gridded(narrow, wide, oversampling=3):
    """
    A Gaussian whose FWHM rises with x from one edge of the frame to the other.
    """
    axis = (np.arange(121) - 60) / oversampling
    images = [CircularGaussianPSF(fwhm=fwhm)(*np.meshgrid(axis, axis))
              for _ in range(2) for fwhm in (narrow, wide)]
    return GriddedPSFModel(NDData(np.array(images), meta={
        'grid_xypos': [(x, y) for y in (0, 299) for x in (0, 399)],
        'oversampling': oversampling}))


@settings(deadline=None, max_examples=25)
@given(ny=st.integers(15, 40), nx=st.integers(15, 40), fwhm=st.floats(2.2, 6),
       corner=st.sampled_from([0, 0.5]))
def test_images(ny, nx, fwhm, corner):
    """
    Odd and even sides, of the latter with the peak between pixels or on one: models of
    unit flux with the peak on the origin.
    """
    middle = [(n - 1) / 2 + (corner if n % 2 == 0 else 0) for n in (ny, nx)]
    pixels = image(fwhm, ny, nx, *middle)
    before = pixels.copy()
    found = prepare_psf(pixels, FRAME)
    assert_equal(pixels, before)
    assert_allclose(found.fwhm, fwhm, rtol=0.06)
    psf = found.models[0]
    assert isinstance(psf, ImagePSF)
    assert_equal(psf.origin, middle[::-1])
    assert_allclose(psf.data.sum(), 1)
    assert psf(0, 0) > 0.999 * psf.data.max()  # of a peak between pixels more


@pytest.mark.parametrize('psf', [
    MoffatPSF(flux=5, x_0=3, y_0=8, alpha=4, beta=3),
    CircularGaussianPSF(fwhm=4), ImagePSF(image(12), oversampling=3, flux=2),
    GaussianPSF(x_fwhm=3.5, y_fwhm=3.5 * 1.3, theta=20)])
def test_models(psf):
    """
    Unit flux on the origin, with the FWHM of a circle of the same area; the user's own
    stays.
    """
    before = psf.parameters.copy()
    found = prepare_psf(psf, FRAME)
    expected = {MoffatPSF: getattr(psf, 'fwhm', 0), CircularGaussianPSF: 4, ImagePSF: 4,
                GaussianPSF: 3.5 * np.sqrt(1.3)}[type(psf)]
    assert_allclose(found.fwhm, expected, rtol=0.02)
    assert not found.varies
    for model in found.models:
        assert type(model) is type(psf)
        assert (model.flux, model.x_0, model.y_0) == (1, 0, 0)
    assert_equal(psf.parameters, before)


def test_model_with_other_names():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # deprecated since photutils 3.1
        psf = make_psf_model(Gaussian2D(x_stddev=2, y_stddev=2), x_name='x_mean',
                             y_name='y_mean')
    assert_allclose(prepare_psf(psf, FRAME).fwhm, 2 * 2.3548, rtol=0.02)


def test_varying_psf():
    found = prepare_psf({'g': gridded(3, 5), 'r': CircularGaussianPSF(fwhm=2.5)}, FRAME)
    assert found.varies
    # halfway it is the sum of both images, narrower than their mean
    assert_allclose(found.fwhm, [3.4, 2.5], rtol=0.03)
    assert_allclose(found.fwhm_at((0, 100)), [3, 2.5], rtol=0.03)
    assert_allclose(found.fwhm_at((399, 100)), [5, 2.5], rtol=0.03)
    left, right = (psf_values(found.models[0], np.zeros((1, 1)), np.zeros((1, 1)), (x, 9))
                   for x in (0, 399))
    assert_allclose(left / right, 25 / 9, rtol=1e-3)


@pytest.mark.parametrize('psf', [
    [image(5), image(3)], np.stack([image(5), image(3)]), {'g': image(3), 'r': image(5)},
    (CircularGaussianPSF(fwhm=5), image(3)), [5, 3.0], np.array([5, 3]),
    {'r': 5 * u.pix, 'g': 3}])
def test_order_of_bands(psf):
    """
    Sequences are in the order of the data, all are answered in that of the cube.
    """
    assert_allclose(prepare_psf(psf, FRAME).fwhm, [3, 5], rtol=0.04)


def test_width_alone():
    for psf in (3, np.float32(3), 3 * u.pix):
        found = prepare_psf(psf, FRAME)
        assert found.models is None
        assert_equal(found.fwhm, [3, 3])


@pytest.mark.parametrize(('psf', 'match'), [
    ([3, 4, 5], 'psf must be one for all or one for each of 2 bands .*, got 3'),
    ({'g': 3}, r"psf must name the bands \['g', 'r'\], got \['g'\]"),
    ({'g': 3, 'r': 3, 'z': 3}, r"psf must name the bands .*, got \['g', 'r', 'z'\]"),
    ([3, image(3)], r"a FWHM for all, got a FWHM for \['r'\] alone"),
    (-1, "psf of band 'g' must be .* positive FWHM in pixels, got -1"),
    (np.nan, "psf of band 'g' must be .*, got nan"),
    (3 * u.arcsec, "psf of band 'g' must be .*, got <Quantity 3. arcsec>"),
    (np.ones((3, 3)), r"psf of band 'g' must be a 2D image .*, got the shape \(3, 3\)"),
    ([np.ones(30), image(3)], r"psf of band 'r' .*, got the shape \(30,\)"),
    (np.where(image(3) > 0.5, np.nan, image(3)), "psf of band 'g' must be finite, got"),
    (0 * image(3), "psf of band 'g' must have a positive sum, got 0"),
    (image(3) - 1, "psf of band 'g' must have a positive sum, got -"),
    (image(3, x=24), 'must have its peak in the middle, got one 9.0 pixels beside it'),
    (image(30, 9, 9), 'must fall below half of its peak within .*, got 0.9')])
def test_bad_values(psf, match):
    with pytest.raises(ValueError, match=match):
        prepare_psf(psf, FRAME)


@pytest.mark.parametrize('psf', ['seeing', None, object(), [None, image(3)], Gaussian2D()])
def test_bad_types(psf):
    with pytest.raises(TypeError, match=r"psf of band '[gr]' must be a PSF model .*, got"):
        prepare_psf(psf, FRAME)


@pytest.mark.parametrize(('level', 'half'), [(-2e-4, 20), (2e-4, 20), (0, 3)])
def test_image_that_does_not_fade(level, half):
    """
    With a background, or cut off.
    """
    axis = np.arange(-half, half + 1)
    image = CircularGaussianPSF(fwhm=4)(*np.meshgrid(axis, axis)) + level
    with pytest.warns(AstropyUserWarning, match='does not fade to zero at its border'):
        prepare_psf(image, FRAME)
