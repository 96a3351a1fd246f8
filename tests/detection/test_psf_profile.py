# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the PSF stacked from the stars of a frame.
"""

import numpy as np
import pytest
from astropy.nddata import NDData
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import CircularGaussianPSF, GriddedPSFModel

from photutils_rcnn.detection.psf_profile import (
    given_psf_map,
    make_psf_map,
    measure_psf_profile,
)
from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.detector import Detector
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.stages import KerasStages
from photutils_rcnn.preprocessing.given_psf import GivenPSF
from photutils_rcnn.preprocessing.interpolation import magnify

CONFIG = MaskRCNNConfig()
DETECTOR = Detector(CONFIG, KerasStages(MaskRCNN(CONFIG)))
FWHM = np.array([4.0, 3.0, 5.0])


def frame(stars, flux=200., side=200, seed=0, fwhm=FWHM):
    """
    Gaussian stars of the FWHM of each band in noise, as the network gets them.
    """
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side))
    image = rng.normal(size=(side, side, 3))
    for row, col in stars:
        r2 = (y - row)**2 + (x - col)**2
        image += flux * np.exp(-4 * np.log(2) * r2[..., None] / fwhm**2)
    return (np.arcsinh(image) / CONFIG.stretch_scale).astype(np.float32)


@pytest.fixture
def stars():
    rng = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(*[np.arange(30, 190, 35)] * 2), -1)
    return grid.reshape(-1, 2) + rng.uniform(-0.5, 0.5, (25, 2))


def expected():
    """
    The same in all bands: the grid is in units of their FWHM.
    """
    axis = (np.arange(21) + 0.5) / 21 * 5.25 - 2.625
    return np.exp(-4 * np.log(2) * (axis[:, None]**2 + axis**2))


def test_stack_is_the_psf(stars):
    psf = measure_psf_profile(frame(stars), np.round(stars).astype(int), FWHM,
                              DETECTOR)
    assert psf.shape == (21, 21, 3)
    assert_allclose(psf.max(axis=(0, 1)), 1)
    for band in range(3):
        # bilinear samples are wider, by a few percent
        assert_allclose(psf[..., band], expected(), atol=0.04)


def test_galaxies_and_neighbors_are_left_out(stars):
    """
    Three of the peaks are far wider, and a third of the stars have a neighbor.
    """
    near = stars[::3] + (0, 9)
    image = frame(np.concatenate([stars, near]))
    y, x = np.indices(image.shape[:2])
    snr = np.sinh(CONFIG.stretch_scale * image)
    for row, col in stars[1:6:2]:
        r2 = (y - row)**2 + (x - col)**2
        snr += 300 * np.exp(-r2 / 50)[..., None]
    image = (np.arcsinh(snr) / CONFIG.stretch_scale).astype(np.float32)
    psf = measure_psf_profile(image, np.round(stars).astype(int), FWHM, DETECTOR)
    for band in range(3):
        assert_allclose(psf[..., band], expected(), atol=0.06)


def test_too_few_stars(stars):
    """
    Without two stars away from the border that are bright in all bands, it is not
    known.
    """
    peaks = np.round(stars).astype(int)
    image = frame(stars)
    nothing = np.zeros((21, 21, 3))
    for few in (peaks[:0], peaks[:1], np.array([[2, 2], [198, 3]])):
        assert_equal(measure_psf_profile(image, few, FWHM, DETECTOR), nothing)
    image[..., 1] = 0
    assert_equal(measure_psf_profile(image, peaks, FWHM, DETECTOR), nothing)


def test_given_psf_is_that_of_its_stars(stars):
    """
    A model is seen as the stars are that it describes.
    """
    given = GivenPSF(FWHM, tuple(CircularGaussianPSF(fwhm=fwhm) for fwhm in FWHM))
    psf = given_psf_map(given, (200, 200), DETECTOR)
    at = np.array([[20, 150]])
    assert_allclose(psf.fwhm_at(at), [FWHM])
    stacked = measure_psf_profile(frame(stars, 2000.), np.round(stars).astype(int), FWHM,
                                  DETECTOR)
    assert_allclose(psf.profiles_at(at)[0], stacked, atol=0.01)


def test_given_psf_of_a_magnified_part(stars):
    """
    It is interpolated as its stars are, and taken at its place in the frame.
    """
    fwhm = np.array([2.0, 1.9, 2.4])
    image = np.sinh(CONFIG.stretch_scale * frame(stars, 2000., fwhm=fwhm))
    image = np.stack([magnify(band, 2) for band in image.transpose(2, 0, 1)], axis=-1)
    stacked = measure_psf_profile(np.arcsinh(image) / CONFIG.stretch_scale,
                                  np.round(2 * stars).astype(int), 2 * fwhm, DETECTOR)
    given = GivenPSF(fwhm, tuple(CircularGaussianPSF(fwhm=one) for one in fwhm))
    psf = given_psf_map(given.magnified(2, (0, 0)), (400, 400), DETECTOR)
    at = np.array([[20, 150]])
    assert_allclose(psf.fwhm_at(at), [2 * fwhm])
    assert_allclose(psf.profiles_at(at)[0], stacked, atol=0.015)


def test_given_bands_are_summed_as_those_of_the_frame():
    """
    Five bands are three of the network, one is copied.
    """
    widths = np.array([3., 4., 5., 5., 4.])
    for fwhm, expected in ((widths, [3.5, 5, 4]), (widths[:1], [3, 3, 3])):
        given = GivenPSF(fwhm, tuple(CircularGaussianPSF(fwhm=one) for one in fwhm))
        psf = given_psf_map(given, (200, 200), DETECTOR)
        assert_allclose(psf.fwhm[0, 0], expected)
        assert psf.profiles.shape == (1, 1, 21, 21, 3)
        assert_allclose(psf.profiles.max(axis=(2, 3)), 1)


def test_given_psf_varies():
    """
    In units of its own FWHM a PSF that only widens looks the same everywhere.
    """
    axis = (np.arange(121) - 60) / 3
    images = [CircularGaussianPSF(fwhm=fwhm)(*np.meshgrid(axis, axis))
              for fwhm in (3, 5, 3, 5)]
    model = GriddedPSFModel(NDData(np.array(images), meta={
        'grid_xypos': [(0, 0), (199, 0), (0, 99), (199, 99)], 'oversampling': 3}))
    given = GivenPSF(np.full(3, 3.9), (model,) * 3)
    psf = given_psf_map(given, (100, 200), DETECTOR)
    assert_allclose(psf.fwhm_at(np.array([[50, 0], [50, 199]]))[:, 0], [3, 5], rtol=0.02)
    left, right = psf.profiles_at(np.array([[50, 0], [50, 199]]))
    assert_allclose(left, right, atol=0.05)  # bilinear samples widen the narrow one
    part = given_psf_map(given.magnified(2, (100, 40)), (60, 100), DETECTOR)
    assert_allclose(part.fwhm_at(np.array([[30, 0], [30, 100]])),
                    [2 * given.fwhm_at((x, 55)) for x in (100, 150)])


def test_stack_of_stars_that_widen():
    """
    Stars are stacked in units of their own FWHM.
    """
    grid = np.stack(np.meshgrid(np.arange(30, 170, 35), np.arange(30, 570, 45),
                                indexing='ij'), axis=-1).reshape(-1, 2)
    slopes = 0, 0.4
    y, x = np.indices((200, 600))
    image = np.random.default_rng(0).normal(size=(200, 600, 3))
    for row, col in grid:
        r2 = (y - row)**2 + (x - col)**2
        fwhm = FWHM * np.exp(0.4 * ((col + 0.5) / 600 - 0.5))
        image += 500 * np.exp(-4 * np.log(2) * r2[..., None] / fwhm**2)
    image = (np.arcsinh(image) / CONFIG.stretch_scale).astype(np.float32)
    psf = make_psf_map(image, FWHM, DETECTOR, stars=grid, slopes=slopes)
    assert_allclose(psf.profiles_at(np.array([[0, 0]]))[0, ..., 0], expected(), atol=0.04)
    ends = psf.fwhm_at(np.array([[100, 0], [100, 599]]))
    assert_allclose(ends[1] / ends[0], np.exp(0.4), rtol=0.01)


def test_no_star_at_all():
    nothing = np.zeros((21, 21, 3))
    none = np.zeros((0, 2), dtype=int)
    image = np.zeros((40, 40, 3), np.float32)
    assert_equal(measure_psf_profile(image, none, np.zeros((0, 3)), DETECTOR), nothing)
    psf = make_psf_map(image, FWHM, DETECTOR, stars=none)
    assert_equal(psf.profiles_at(np.array([[3, 3]]))[0], nothing)
