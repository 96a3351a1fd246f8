# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the PSF models of a frame.
"""

import numpy as np
import pytest
from astropy.table import QTable
from astropy.utils.exceptions import AstropyUserWarning
from photutils.datasets import make_model_image
from photutils.psf import MoffatPSF, PSFPhotometry

from photutils_rcnn.sources.photometry import Pixels
from photutils_rcnn.sources.psf_models import build_psf

FWHM = 3.6
TRUE = MoffatPSF(alpha=0.5 * FWHM / np.sqrt(2**(1 / 4) - 1), beta=4)


def field(n, rng):
    """
    Stars on a grid, with random fractions of a pixel, and noise.
    """
    y, x = np.mgrid[30:270:40, 30:270:40].reshape(2, -1)[:, :n]
    stars = QTable({'x_0': x + rng.uniform(-0.5, 0.5, n),
                    'y_0': y + rng.uniform(-0.5, 0.5, n),
                    'flux': 10**rng.uniform(3.7, 4.5, n)})
    image = make_model_image((300, 300), TRUE, stars, model_shape=(61, 61))
    image += rng.normal(0, 1, image.shape)
    labels = np.zeros(image.shape, dtype=np.int32)
    for i, (sx, sy) in enumerate(zip(stars['x_0'], stars['y_0'], strict=True)):
        yy, xx = np.ogrid[:300, :300]
        labels[np.hypot(yy - sy, xx - sx) < 5] = i + 1
    pixels = Pixels(image, np.ones_like(image), np.zeros(image.shape, bool))
    order = np.argsort(-stars['flux'])
    peaks = np.round(np.stack([stars['y_0'], stars['x_0']], 1)).astype(int)
    return pixels, labels, peaks[order], stars


def test_fluxes_of_psf_photometry():
    pixels, labels, peaks, stars = field(36, np.random.default_rng(0))
    psf = build_psf(pixels, labels, peaks, FWHM, 'r')
    y, x = np.mgrid[-20:21:0.5, -20:21:0.5]
    assert psf(x, y).sum() / 4 == pytest.approx(1, abs=0.02)
    guess = QTable({'x': stars['x_0'], 'y': stars['y_0']})
    found = PSFPhotometry(psf, (11, 11), aperture_radius=4)(
        pixels.data, init_params=guess, error=pixels.error)
    ratio = found['flux_fit'] / stars['flux']
    # wings beyond four FWHM are not in the image
    assert abs(np.median(ratio) - 1) < 0.02
    assert np.std(ratio) < 0.01


def test_neighbors_are_left_out():
    pixels, labels, peaks, _ = field(36, np.random.default_rng(1))
    alone = build_psf(pixels, labels, peaks, FWHM, 'r')
    yy, xx = np.ogrid[:300, :300]
    for i, (y, x) in enumerate(peaks):
        blob = np.hypot(yy - y - 9, xx - x - 3) < 3
        pixels.data[blob] += 200
        labels[blob] = 100 + i
    beside = build_psf(pixels, labels, peaks, FWHM, 'r')
    assert abs(beside.data - alone.data).max() < 0.05 * alone.data.max()


def test_too_few_stars():
    pixels, labels, peaks, _ = field(4, np.random.default_rng(2))
    with pytest.warns(AstropyUserWarning, match="'r' has 4 isolated stars"):
        psf = build_psf(pixels, labels, peaks, FWHM, 'r')
    assert isinstance(psf, MoffatPSF)
    assert psf.fwhm == pytest.approx(FWHM)
