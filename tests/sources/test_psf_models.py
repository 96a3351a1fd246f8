# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the PSF models of a frame.
"""

import numpy as np
import pytest
from astropy.table import QTable
from astropy.utils.exceptions import AstropyUserWarning
from conftest import make_field
from numpy.testing import assert_allclose, assert_equal
from photutils.datasets import make_model_image
from photutils.psf import (
    EPSFBuilder,
    GriddedPSFModel,
    ImagePSF,
    MoffatPSF,
    PSFPhotometry,
)
from scipy import ndimage

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.sources import psf_models, result_psf
from photutils_rcnn.sources.photometry import Pixels
from photutils_rcnn.sources.psf_models import build_psf, build_varying_psf

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
    with pytest.warns(AstropyUserWarning, match="'r' has 4 isolated bright stars"):
        psf = build_psf(pixels, labels, peaks, FWHM, 'r')
    assert isinstance(psf, MoffatPSF)
    assert psf.fwhm == pytest.approx(FWHM)


def test_stars_that_are_faint_in_the_band():
    """
    They say nothing: some have a negative flux.
    """
    pixels, labels, peaks, _ = field(20, np.random.default_rng(4))
    alone = build_psf(pixels, labels, peaks[:8], FWHM, 'r')
    noise = np.random.default_rng(5).normal(0, 1, labels.shape)
    faint = np.isin(labels, labels[*peaks[8:].T])
    faint = ndimage.binary_dilation(faint, iterations=15)
    pixels.data[faint] = noise[faint]
    assert_equal(build_psf(pixels, labels, peaks, FWHM, 'r').data, alone.data)


def test_no_star_can_be_fitted(monkeypatch):
    def fail(self, stars):
        msg = 'The ePSF fitting failed for all stars.'
        raise ValueError(msg)

    monkeypatch.setattr(EPSFBuilder, '__call__', fail)
    pixels, labels, peaks, _ = field(9, np.random.default_rng(3))
    with pytest.warns(AstropyUserWarning, match="'r' has no .* failed for all stars") as caught:
        psf = build_psf(pixels, labels, peaks, FWHM, 'r')
    assert isinstance(psf, MoffatPSF)
    assert caught[0].filename == __file__


def test_varying_psf(monkeypatch):
    """
    One for each of six cells, three the way that it varies more.
    """
    pixels, labels, peaks, _ = field(36, np.random.default_rng(6))
    pixels = Pixels(*(image[:260, :260] for image in (pixels.data, pixels.error,
                                                      pixels.mask)))
    labels = labels[:260, :260]
    used = []

    def effective_psf(cutouts, fwhm):
        used.append(len(cutouts))
        return ImagePSF(len(used) * np.ones((9, 9)), oversampling=2)

    monkeypatch.setattr(psf_models, '_effective_psf', effective_psf)
    psf = build_varying_psf(pixels, labels, peaks, FWHM, 'r', slopes=(0.0, 0.2))
    assert isinstance(psf, GriddedPSFModel)
    assert used == [6] * 6
    assert_allclose(psf.grid_xypos, [(x, y) for y in (64.5, 194.5)
                                     for x in (42.833, 129.5, 216.167)], atol=1e-3)
    assert_equal(psf.data[:, 0, 0], np.arange(1, 7))
    assert_equal(psf.oversampling, [2, 2])


def test_too_few_stars_for_a_varying_psf():
    """
    Where a cell has less than five stars, all make one PSF.
    """
    pixels, labels, peaks, _ = field(9, np.random.default_rng(7))
    psf = build_varying_psf(pixels, labels, peaks, FWHM, 'r', slopes=(0.0, 0.2))
    assert_equal(psf.data, build_psf(pixels, labels, peaks, FWHM, 'r').data)
    with pytest.warns(AstropyUserWarning, match="'r' has 4 isolated bright stars") as caught:
        build_varying_psf(pixels, labels, peaks[:4], FWHM, 'r', slopes=(0.0, 0.2))
    assert caught[0].filename == __file__


@pytest.fixture
def result(fake_model):
    """
    Stars in two bands, and a galaxy, the second source.
    """
    positions = [(x, y) for y in range(30, 200, 42) for x in range(30, 200, 42)]
    data = make_field((186, 186), positions)
    return RCNNSegmenter(fake_model).segment(np.stack([data, 2 * data]), bands='gr')


def test_of_result(result):
    """
    One for each band. The stars of a selection are masked by the others, too.
    """
    assert list(result.psf) == ['g', 'r']
    assert all(isinstance(psf, ImagePSF) for psf in result.psf.values())
    assert result.psf is result.psf
    assert result[:3].psf is result.psf
    assert result.above(0.6)[:2].psf is result.psf


def test_of_crowded_result(result, monkeypatch):
    """
    The models of neighbors are subtracted; those of stars that stand alone change little.
    """
    alone = result.psf
    monkeypatch.setattr(result_psf, 'is_crowded', lambda labels: True)
    crowded = RCNNResult(
        result.instances, result.labels, result.label_of_source, cube=result.cube,
        background=result.background, noise=result.noise, bands=result.bands,
        meta=result.meta).psf
    for band in 'gr':
        assert isinstance(crowded[band], ImagePSF)
        off = crowded[band].data - alone[band].data
        assert 0 < np.abs(off).max() < 0.08 * alone[band].data.max()


@pytest.mark.parametrize('n_stars', [3, 0])
def test_galaxies_are_no_stars_of_the_psf(result, n_stars):
    """
    The peak of a source that is no star is left out. The second, wide one has none.
    """
    result.instances.class_probabilities[:] = 0.1, 0.9
    result.instances.class_probabilities[2:2 + n_stars] = 0.9, 0.1
    with pytest.warns(AstropyUserWarning, match='isolated bright stars') as caught:
        psf = result.psf
    assert [str(warning.message).split(',')[0] for warning in caught] == [
        f'Band {band!r} has {n_stars} isolated bright stars' for band in 'gr']
    assert {warning.filename for warning in caught} == {__file__}
    assert psf['r'].fwhm == pytest.approx(result.meta['psf_fwhm'][1], rel=1e-3)


def test_other_classes(result):
    """
    Where none is star, all sources of the width of the PSF serve.
    """
    result.instances.class_names = 'point', 'extended'
    result.instances.class_probabilities[:] = 0.1, 0.9
    assert isinstance(result.psf['g'], ImagePSF)


def test_frame_without_psf(fake_model):
    result = RCNNSegmenter(fake_model).segment(make_field())
    with pytest.raises(ValueError, match='no bright source that tells its PSF'):
        _ = result.psf


def test_without_pixels(result):
    stored = RCNNResult(result.instances, result.labels, result.label_of_source,
                        bands=result.bands, meta=result.meta)
    with pytest.raises(ValueError, match='^psf needs the pixels.*include_data=True'):
        _ = stored.psf
