# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the PSF stacked from the stars of a frame.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.detection.psf_profile import measure_psf_profile
from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.detector import Detector
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.stages import KerasStages

CONFIG = MaskRCNNConfig()
DETECTOR = Detector(CONFIG, KerasStages(MaskRCNN(CONFIG)))
FWHM = np.array([4.0, 3.0, 5.0])


def frame(stars, flux=200., side=200, seed=0):
    """
    Gaussian stars of the FWHM of each band in noise, as the network gets them.
    """
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side))
    image = rng.normal(size=(side, side, 3))
    for row, col in stars:
        r2 = (y - row)**2 + (x - col)**2
        image += flux * np.exp(-4 * np.log(2) * r2[..., None] / FWHM**2)
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
