# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the inputs module.
"""



import re
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    CCDData,
    InverseVariance,
    NDData,
    StdDevUncertainty,
    VarianceUncertainty,
)
from astropy.utils.exceptions import AstropyUserWarning
from astropy.utils.masked import Masked
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.preprocessing.inputs import prepare_inputs

SHAPE = (20, 24)


@pytest.fixture
def image():
    return np.random.default_rng(0).normal(10.0, 1.0, SHAPE)


@pytest.mark.parametrize('dtype', ['f4', 'f8', '>f4', '>f8', '>i2', 'u2'])
def test_dtypes(image, dtype):
    """
    Any real dtype and byte order becomes native float32.
    """
    data = image.astype(dtype)
    before = data.copy()
    cube = prepare_inputs(data)
    assert cube.data.dtype == np.dtype('=f4')
    assert cube.data.shape == (1, *SHAPE)
    assert_allclose(cube.data[0], data, rtol=1e-6)
    assert not cube.invalid.any()
    assert cube.bands == ('band1',)
    assert_equal(data, before)


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_nonfinite(image, bad):
    """
    Pixels that are not finite are invalid and filled.
    """
    image[3, 4] = bad
    cube = prepare_inputs(image)
    assert_equal(np.argwhere(cube.mask), [[3, 4]])
    assert cube.data[0, 3, 4] == 0


@pytest.mark.parametrize('as_list', [False, True])
def test_single_precision(image, as_list):
    """
    What single precision cannot hold is not lost without a word.
    """
    def data(values):
        return [values] if as_list else values

    huge = image.copy()
    huge[3, 4] = -1e300
    with pytest.warns(AstropyUserWarning, match=r'beyond .* 3.4e\+38'):
        cube = prepare_inputs(data(huge))
    assert_equal(np.argwhere(cube.mask), [[3, 4]])
    with pytest.warns(AstropyUserWarning, match='level 1e.08 and scatters by '
                      '.* steps of 8 only'):
        prepare_inputs(data(image + 1e8))
    with pytest.warns(AstropyUserWarning, match='scatters by'):
        prepare_inputs(np.stack([image + 1e9, image + 2e9]))
    with pytest.warns(AstropyUserWarning, match='scatters by'):
        prepare_inputs(data((10 * image).astype(int) + 2_000_000_000))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        prepare_inputs(data(image + 1e6))
        prepare_inputs(data((10 * image).astype(int)))


@pytest.mark.parametrize('level', [0, 100])
def test_dead_band(image, level):
    """
    A band that is the same everywhere has no data, and the user hears of it.
    """
    dead = np.full(SHAPE, level)
    dead[0, 0] = 7
    mask = np.zeros((3, *SHAPE), bool)
    mask[1, 0, 0] = True
    with pytest.warns(AstropyUserWarning, match='all pixels of band 2 of the '
                      f'data are {level}; it is taken'):
        cube = prepare_inputs(np.stack([image, dead, image]), mask=mask)
    assert_equal(cube.invalid.all(axis=(1, 2)), [False, True, False])
    assert not cube.mask.any()
    # Nothing tells a dead band from a constant image.
    assert not prepare_inputs(dead, mask=mask[1]).invalid[0, 1:].any()


def test_masks(image):
    """
    Masks of a MaskedArray and the keyword are combined.
    """
    own = np.zeros(SHAPE, bool)
    own[0, 0] = True
    other = np.zeros(SHAPE, int)
    other[1, 1] = 1
    cube = prepare_inputs(np.ma.array(image, mask=own), mask=other.tolist())
    assert_equal(np.argwhere(cube.mask), [[0, 0], [1, 1]])
    assert not prepare_inputs(image, mask=np.ma.nomask).mask.any()


@pytest.mark.parametrize('unit', [None, u.nJy])
def test_masked_of_astropy(image, unit):
    """
    Astropy's masked arrays and Quantities keep their mask; masked errors are
    not known.
    """
    own = np.zeros(SHAPE, bool)
    own[2, 3] = True
    data = Masked(image if unit is None else image << unit, mask=own)
    cube = prepare_inputs(data)
    assert cube.unit == unit
    assert_equal(np.argwhere(cube.mask), [[2, 3]])
    cube = prepare_inputs(image, error=np.ma.array(np.ones(SHAPE), mask=own))
    assert_equal(np.argwhere(cube.mask), [[2, 3]])


def test_filled_with_zeros(image):
    """
    Areas of zeros far below the sky have no data, and the user hears of it.
    """
    frame = np.tile(image, (4, 4)) + 90
    frame[:, :30] = 0
    frame[50, 60] = 0
    with pytest.warns(AstropyUserWarning, match='2400 pixels of band 1'):
        cube = prepare_inputs(frame)
    expected = np.zeros(frame.shape, bool)
    expected[:, :30] = True
    assert_equal(cube.mask, expected)


@pytest.mark.parametrize('kind', ['counts', 'subtracted', 'few'])
def test_zeros_that_are_data(kind):
    """
    Sparse counts, and zeros at the level of the sky, are data.
    """
    rng = np.random.default_rng(0)
    frame = rng.poisson(0.2, (100, 100)).astype(float)
    if kind != 'counts':
        frame = rng.normal(0 if kind == 'subtracted' else 100, 1, (100, 100))
        frame[20:80 if kind == 'subtracted' else 23, 20:30] = 0
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert not prepare_inputs(frame).mask.any()


def test_wcs_without_sky(image):
    """
    The WCS of a header that has none is no reason to fail at the end.
    """
    with pytest.warns(AstropyUserWarning, match='no celestial axes'):
        cube = prepare_inputs(image, wcs=WCS(fits.Header()))
    assert cube.wcs is None


def test_mask_of_one_band(image):
    """
    A pixel bad in one band only is not masked.
    """
    data = np.stack([image, image])
    data[0, 2, 2] = np.nan
    cube = prepare_inputs(data)
    assert cube.invalid[0, 2, 2]
    assert not cube.mask.any()


def test_quantity(image):
    """
    Units are kept and the error is converted to them.
    """
    cube = prepare_inputs(image << u.uJy, error=1.0 * u.nJy)
    assert cube.unit == u.uJy
    assert_allclose(cube.error, 0.001)
    error = [np.full(SHAPE, 1.0) * u.uJy, np.full(SHAPE, 2.0) * u.nJy]
    cube = prepare_inputs([image << u.uJy, image << u.uJy], error=error)
    assert_allclose(cube.error[:, 0, 0], [1, 0.002])
    with pytest.raises(ValueError, match='error must hold quantities'):
        prepare_inputs([image << u.uJy] * 2, error=[1 * u.uJy, 1 * u.s])


def test_masked_quantity_error_units(image):
    """
    Data and error must both have units or not.
    """
    for data, error in ((image << u.Jy, 1.0), (image, 1.0 * u.Jy),
                        (image << u.Jy, 1.0 * u.s)):
        with pytest.raises(ValueError, match='the same units'):
            prepare_inputs(data, error=error)


@pytest.mark.parametrize('uncertainty', [
    StdDevUncertainty(np.full(SHAPE, 2.0)),
    VarianceUncertainty(np.full(SHAPE, 4.0)),
    InverseVariance(np.full(SHAPE, 0.25))])
@pytest.mark.parametrize('cls', [NDData, CCDData])
def test_nddata(image, uncertainty, cls, wcs):
    """
    NDData brings its uncertainty, mask, unit and WCS.
    """
    mask = np.zeros(SHAPE, bool)
    mask[5, 6] = True
    data = cls(image, uncertainty=uncertainty, mask=mask, unit='adu',
               wcs=wcs)
    cube = prepare_inputs(data)
    assert cube.unit == u.adu
    assert cube.wcs is not None
    assert_allclose(cube.error, 2.0)
    assert_equal(np.argwhere(cube.mask), [[5, 6]])
    with pytest.warns(AstropyUserWarning, match='error keyword was ignored'):
        prepare_inputs(data, error=3.0)


def test_list_of_images(image):
    """
    A list of images is a cube, units converted to those of the first.
    """
    bands = [CCDData(image, unit='Jy'), CCDData(image * 1e3, unit='mJy')]
    cube = prepare_inputs(bands, bands=('r', 'z'))
    assert_allclose(cube.data[0], cube.data[1], rtol=1e-6)
    assert cube.unit == u.Jy
    with pytest.raises(ValueError, match='same shape'):
        prepare_inputs([image, image[1:]])
    with pytest.raises(ValueError, match='mask must have the same shape'):
        prepare_inputs([NDData(image, mask=np.ones((3, 3), bool)), image])
    with pytest.raises(ValueError, match='error must have the same shape'):
        prepare_inputs([NDData(image, uncertainty=StdDevUncertainty(
            np.ones(24)))] * 2)


@pytest.mark.parametrize('error', [
    2.0, [2.0, 2.0], np.full(SHAPE, 2.0), np.full((2, *SHAPE), 2.0)])
def test_error_shapes(image, error):
    """
    Errors may be a number, one per band, an image or a cube.
    """
    cube = prepare_inputs(np.stack([image, image]), error=error)
    assert_equal(cube.error, np.full((2, *SHAPE), 2.0))


def test_error_without_information(image):
    """
    Pixels with infinite error are invalid.
    """
    error = np.full(SHAPE, 2.)
    error[0, 1:3] = [np.inf, np.nan]
    cube = prepare_inputs(image, error=error)
    assert_equal(np.flatnonzero(cube.mask), [1, 2])
    assert_equal(cube.error[~cube.invalid], 2.0)


def test_zero_error_of_counts():
    """
    The square root of counts is zero where there are none; those pixels are
    data, and have the noise of the sky.
    """
    counts = np.random.default_rng(0).poisson(0.35, (200, 200))
    with pytest.warns(AstropyUserWarning,
                      match=f'error is zero for {(counts == 0).sum()} pixels'):
        cube = prepare_inputs(counts, error=np.sqrt(counts))
    assert not cube.mask.any()
    assert_equal(cube.error[0][counts > 0], np.sqrt(
        counts[counts > 0]).astype(np.float32))
    assert_allclose(cube.error[0][counts == 0], np.sqrt(0.35), rtol=0.3)


def test_areas_of_zero_error(image):
    """
    Whole areas of zero error have no data, and the user hears of it.
    """
    frame = np.tile(image, (4, 4))
    error = np.ones(frame.shape)
    error[:, :12] = 0
    with pytest.warns(AstropyUserWarning,
                      match=f'error of band 1 is zero for {(error == 0).sum()} pixels in whole'):
        cube = prepare_inputs(frame, error=error)
    assert_equal(cube.mask, error == 0)
    assert_equal(cube.error, 1)


@pytest.mark.parametrize('gain', [2.0, [2.0], 2 * u.electron / u.adu])
def test_gain(image, gain):
    cube = prepare_inputs(image * u.adu, gain=gain)
    assert_equal(cube.gain, np.full((1, 1, 1), 2))


def test_gain_follows_its_band(image):
    data = np.stack([image, image + 1, image + 2])
    cube = prepare_inputs(data, gain=[3, 1, 2], bands='zgr')
    assert_equal(cube.gain.ravel(), [1, 2, 3])


@pytest.mark.parametrize(('gain', 'error'), [
    (-1, ValueError), (0, ValueError), ('two', TypeError),
    ([1, 2], ValueError), (np.ones((3, 3)), ValueError),
    (2 * u.s, ValueError)])
def test_bad_gain(image, gain, error):
    with pytest.raises(error, match='gain must'):
        prepare_inputs(image, gain=gain)


@pytest.mark.parametrize('value', [-99., -9999., 1e30, 0., 65535.])
@pytest.mark.parametrize('sky', [1000., 0.])
def test_fill_values(value, sky):
    """
    Borders of one value have no data, whatever the value.
    """
    frame = np.random.default_rng(0).normal(sky, 10, (200, 200))
    y, x = np.mgrid[:200, :200]
    border = (x + 0.3 * y < 70) | (y > 180)  # a rotated frame
    frame[border] = value
    with pytest.warns(AstropyUserWarning, match=re.escape(f'the value {value:g} in')):
        cube = prepare_inputs(frame)
    assert_equal(cube.mask, border)


@pytest.mark.parametrize('value', [-99., 1e30, 0., 65535.])
@pytest.mark.parametrize('counts', [False, True])
def test_narrow_fill(value, counts):
    """
    Gaps between chips and corners are small parts of a frame.
    """
    rng = np.random.default_rng(0)
    frame = (rng.poisson(40, (300, 300)).astype(float) if counts
             else rng.normal(100, 5, (300, 300)))
    x, y = np.meshgrid(np.arange(300), np.arange(300))
    fill = (abs(x - 150) < 6) | (x + y < 40)
    frame[fill] = value
    with pytest.warns(AstropyUserWarning, match='in whole areas'):
        cube = prepare_inputs(frame)
    assert_equal(cube.mask, fill)


def test_saturated_star_with_a_trail():
    """
    A trail beside the sky belongs to a core into which the light of the star fades.
    """
    x, y = np.meshgrid(np.arange(300), np.arange(300))
    star = 1e8 * (1 + ((x - 150)**2 + (y - 150)**2) / 16)**-2.5
    frame = np.random.default_rng(0).normal(100, 5, (300, 300)) + star
    frame[(abs(x - 150) < 3) & (abs(y - 150) < 100)] = 1e6
    assert not prepare_inputs(np.minimum(frame, 65535)).mask.any()


def test_clipped_at_zero():
    """
    A sky that is clipped at zero is none without data.
    """
    frame = np.random.default_rng(0).normal(0, 5, (400, 400)).clip(0)
    assert not prepare_inputs(frame).mask.any()


def test_several_fill_values():
    """
    Each band may have values of its own.
    """
    frame = np.random.default_rng(0).normal(0, 10, (2, 200, 200))
    frame[0, :20], frame[0, 180:], frame[1, :, :30] = -99, 1e20, np.nan
    frame[1, :, 190:] = -1e30
    with pytest.warns(AstropyUserWarning) as record:
        cube = prepare_inputs(frame)
    assert sorted(int(str(item.message).split()[0]) for item in record) == [
        2000, 4000, 4000]
    assert_equal(cube.invalid.sum(axis=(1, 2)), [8000, 8000])


def test_filled_counts():
    """
    Poisson counts, a third of the frame filled with zeros.
    """
    frame = np.random.default_rng(0).poisson(8, (300, 300))
    frame[:, :90] = 0
    with pytest.warns(AstropyUserWarning, match='the value 0 in whole areas'):
        cube = prepare_inputs(frame)
    assert_equal(cube.mask, np.arange(300) < 90 + np.zeros((300, 1)))


@pytest.mark.parametrize('kind', ['low counts', 'saturated', 'no noise',
                                  'offset'])
def test_values_that_are_data(kind):
    """
    Counts, saturated cores and a sky without noise are no fill.
    """
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :200]
    light = 1e5 * np.exp(-np.hypot(x - 3, y - 100)**2 / 200)
    frame = {
        'low counts': rng.poisson(0.1, (200, 200)).astype(float),
        'saturated': np.minimum(rng.normal(100, 5, (200, 200)) + light, 6e4),
        'no noise': np.where(np.hypot(x - 100, y - 100) < 90,
                             np.exp(-np.hypot(x - 100, y - 100) / 8), 0),
        'offset': np.rint(rng.normal(1000, 1, (200, 200)))}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert not prepare_inputs(frame).mask.any()


def test_bands_are_sorted(image):
    """
    Known filters are sorted from blue to red, data and errors with them.
    """
    data = np.stack([image, image + 1, image + 2])
    cube = prepare_inputs(data, error=[3.0, 1.0, 2.0], bands='zgr')
    assert cube.bands == ('g', 'r', 'z')
    assert_allclose(cube.data, data[[1, 2, 0]], rtol=1e-6)
    assert_equal(cube.error[:, 0, 0], [1, 2, 3])
    cube = prepare_inputs(data, bands=('z', 'blue', 'r'))
    assert cube.bands == ('z', 'blue', 'r')


def test_spectral_wcs(image):
    """
    The celestial part of a WCS with a third axis is used.
    """
    wcs = WCS(naxis=3)
    wcs.wcs.ctype = 'RA---TAN', 'DEC--TAN', 'WAVE'
    cube = prepare_inputs(np.stack([image, image]), wcs=wcs)
    assert cube.wcs.pixel_n_dim == 2
    with pytest.raises(ValueError, match='wcs must have two'):
        prepare_inputs(image, wcs='header')


@pytest.mark.parametrize(('data', 'exc', 'match'), [
    (np.zeros(30), ValueError, r'2D image or a 3D.*\(30,\)'),
    (np.zeros((2, 2, 20, 20)), ValueError, '2D image or a 3D'),
    (np.zeros((15, 40)), ValueError, r'16 x 16.*\(15, 40\)'),
    (np.zeros((40, 40, 3)), ValueError, r'\(band, y, x\).*\(40, 40, 3\)'),
    (np.zeros((400, 400, 20)), ValueError, 'moveaxis'),
    (np.zeros(SHAPE) * u.mag, ValueError, 'must be linear in flux.*mag'),
    (u.Magnitude(np.zeros(SHAPE)), ValueError, 'must be linear in flux'),
    (np.zeros(SHAPE) * u.mag / u.arcsec**2, ValueError, 'must be linear'),
    (np.zeros((0, 20, 20)), ValueError, 'shape'),
    (np.full(SHAPE, None), TypeError, 'object'),
    (np.zeros(SHAPE, complex), TypeError, 'complex'),
    (np.zeros(SHAPE, bool), TypeError, 'bool'),
    ('image.fits', TypeError, 'real numbers'),
    (None, TypeError, 'object'),
    ([[1.0, 2.0], [3.0]], ValueError, 'regular'),
    (np.full(SHAPE, np.nan), ValueError, 'no valid pixel')])
def test_bad_data(data, exc, match):
    """
    Wrong data raise one clear error.
    """
    with pytest.raises(exc, match=match):
        prepare_inputs(data)


@pytest.mark.parametrize(('keywords', 'exc', 'match'), [
    ({'mask': np.ones(SHAPE, bool)}, ValueError, 'mask must not be True'),
    ({'mask': np.ones((3, 3), bool)}, ValueError, 'mask must have the same'),
    ({'mask': np.ones(SHAPE)}, TypeError, 'mask must be a bool'),
    ({'error': np.ones((3, 3))}, ValueError, 'error must have the same'),
    ({'error': -1.0}, ValueError, 'error must not be negative'),
    ({'error': [0, 0, np.nan]}, ValueError, r'none in an array of shape \(3,\)'),
    ({'error': 'yes'}, TypeError, 'error must hold real'),
    ({'bands': 'gr'}, ValueError, "bands must name 3 bands.*got 'gr'"),
    ({'bands': 3}, TypeError, 'bands must be names, got 3'),
    ({'bands': ('g', 'g', 'r')}, ValueError, 'different'),
    ({'bands': (1, 2, 3)}, TypeError, 'bands must be names')])
def test_bad_keywords(image, keywords, exc, match):
    """
    Wrong keywords raise one clear error.
    """
    with pytest.raises(exc, match=match):
        prepare_inputs(np.stack([image] * 3), **keywords)


def test_mask_follows_its_band(image):
    """
    Bands are sorted with what is bad in them.
    """
    mask = np.zeros((3, *SHAPE), bool)
    mask[0, 3, 4] = True
    cube = prepare_inputs(np.stack([image] * 3), mask=mask, bands='zgr')
    assert_equal(np.argwhere(cube.invalid), [[2, 3, 4]])
    assert cube.data[2, 3, 4] == 0


def test_one_band_by_its_name(image):
    """
    The letters of a name are no bands.
    """
    assert prepare_inputs(image, bands='F814W').bands == ('F814W',)


def test_smallest_frame():
    image = np.random.default_rng(0).normal(10.0, 1.0, (16, 16))
    assert prepare_inputs(image).shape == (16, 16)


def test_dead_band_is_filled(image):
    with pytest.warns(AstropyUserWarning, match='all pixels of band 2'):
        cube = prepare_inputs(np.stack([image, np.full(SHAPE, 100.0)]))
    assert_equal(cube.data[1], 0)


def test_zeros_near_the_level_of_the_sky():
    frame = np.random.default_rng(0).normal(3, 1, (100, 100))
    frame[20:80, 20:30] = 0
    assert not prepare_inputs(frame).mask.any()


def test_errors_in_units_of_their_own(image):
    """
    Uncertainties are converted to the unit of the data, those of a list to
    the unit of the first image.
    """
    milli = NDData(image, unit='Jy', uncertainty=StdDevUncertainty(
        np.full(SHAPE, 2.0), unit='mJy'))
    assert_allclose(prepare_inputs(milli).error, 0.002)
    bands = [NDData(image * scale, unit=unit, uncertainty=StdDevUncertainty(
        np.full(SHAPE, scale))) for scale, unit in ((1, 'Jy'), (1e3, 'mJy'))]
    assert_allclose(prepare_inputs(bands).error, 1)


def test_axes_of_length_one(image):
    """
    Data, error and mask of radio images have axes of polarization and frequency.
    """
    wcs = WCS(naxis=4)
    wcs.wcs.ctype = 'RA---SIN', 'DEC--SIN', 'FREQ', 'STOKES'
    cube = prepare_inputs(image[None, None], error=np.ones((1, 1, *SHAPE)),
                          mask=np.zeros((1, 1, *SHAPE), bool), wcs=wcs)
    assert cube.data.shape == (1, *SHAPE)
    assert cube.wcs.pixel_n_dim == 2
    assert prepare_inputs(np.stack([image, image])[:, None]).n_bands == 2
