# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of scenes that are read from color pictures.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

pytest.importorskip('galsim')

from photutils_rcnn.simulation import make_scene
from photutils_rcnn.simulation.pictures import through_picture
from photutils_rcnn.simulation.presets import draw_settings

SIDE = 64
NOISE = np.array([1., 5., 20.])


def bands(peak, noise=True):
    """
    A smooth source, of the given S/N and red, on the sky.
    """
    y, x = np.indices((SIDE, SIDE)) - SIDE // 2
    snr = peak * np.exp(-0.5 * (x**2 + y**2) / 8**2) * np.array([0.7, 1., 1.3])[:, None, None]
    if noise:
        snr = snr + np.random.default_rng(0).standard_normal(snr.shape)
    return snr * NOISE[:, None, None]


@pytest.mark.parametrize('magnification', [1, 2, 3])
def test_light_is_kept_in_unit_and_place(magnification):
    data = bands(100., noise=False)
    read = through_picture(data, NOISE, picture_noise=0.03, magnification=magnification,
                           quality=95)
    assert read.dtype == np.float32
    middle = (slice(None), *(slice(SIDE // 2 - 12, SIDE // 2 + 13),) * 2)
    assert_allclose(read[middle].sum(axis=(1, 2)), data[middle].sum(axis=(1, 2)), rtol=0.05)
    assert_allclose(np.median(read[:, :10], axis=(1, 2)) / NOISE, 0, atol=0.3)


def test_noise_is_gray_and_partly_cut_off():
    data = bands(0.)
    read = through_picture(data, NOISE, picture_noise=0.04) / NOISE[:, None, None]
    before = np.corrcoef(data.reshape(3, -1))[0, 2]
    after = np.corrcoef(read.reshape(3, -1))[0, 2]
    assert abs(before) < 0.1
    assert after > 0.8
    assert read.min() >= -1.5 - 1e-5


def test_bright_colors_are_white_at_most():
    read = through_picture(bands(1e6), NOISE, picture_noise=0.05)
    assert np.isfinite(read).all()
    assert read.max() < np.sinh(8) / 8 / 0.05 * NOISE.max() * 3


def test_scene_as_picture_has_the_truth_of_the_scene():
    plain, picture = (make_scene('clumps', 3, bands=('g', 'r', 'i'), n_discs=1, kernel=(
        (1.,), (1.,)), wavelengths=(475., 621., 762.), magnification=2, picture_noise=noise)
        for noise in (0., 0.04))
    assert (plain.data != picture.data).any()
    assert_allclose(plain.truth['x'], picture.truth['x'])
    assert_allclose(plain.truth['flux_g'], picture.truth['flux_g'])
    np.testing.assert_array_equal(plain.truth['ignore'], picture.truth['ignore'])


@pytest.mark.parametrize(('name', 'value', 'message'), [
    ('magnification', 0, 'magnification must be a whole number of at least 1, got 0'),
    ('quality', 96, 'quality must be a whole number from 1 to 95, got 96'),
    ('picture_noise', -1., 'picture_noise must be a number of at least 0, got -1.0')])
def test_wrong_settings(name, value, message):
    with pytest.raises(ValueError, match=message):
        draw_settings('clumps', np.random.default_rng(0), **{name: value})


def test_picture_needs_three_bands():
    with pytest.raises(ValueError, match='picture_noise must be 0 without three bands'):
        draw_settings('universal', np.random.default_rng(0), picture_noise=0.1, bands=('g',),
                      wavelengths=(475.,), zero_points=(28.,), variance=(100.,), fwhm=(3.,),
                      components=(), shifts=())


@pytest.mark.parametrize('seed', range(6))
def test_other_numbers_of_bands_are_no_pictures(seed):
    drawn = draw_settings('clumps', np.random.default_rng(seed), bands=('g',),
                          wavelengths=(475.,), zero_points=(28.,), variance=(100.,),
                          fwhm=(3.,), components=(), shifts=())
    assert drawn.picture_noise == 0


def test_half_of_the_clumpy_galaxies_are_pictures():
    drawn = [draw_settings('clumps', np.random.default_rng(seed)) for seed in range(200)]
    pictures = [one for one in drawn if one.picture_noise]
    assert 70 < len(pictures) < 130
    assert {one.bands for one in pictures} == {('g', 'r', 'i')}
    assert {one.magnification for one in pictures} == {1, 2, 3, 4}
