# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for white and correlated noise.
"""

import numpy as np
import pytest
from scipy import ndimage

from photutils_rcnn.simulation.noise import (
    add_noise,
    amplification,
    resampling_kernel,
)

WHITE = ((1.0,), (1.0,))
KINDS = [('gaussian', 0.4), ('gaussian', 0.8), ('bilinear', 0.5),
         ('lanczos', 0.5)]


@pytest.mark.parametrize(('kind', 'width'), KINDS)
def test_kernel_keeps_the_variance(kind, width):
    rng = np.random.default_rng(1)
    kernel = resampling_kernel(rng, kind, width)
    for k in kernel:
        assert np.sum(np.square(k)) == pytest.approx(1)
    data = add_noise(rng, np.zeros((1, 400, 400), dtype=np.float32), [25.0],
                     kernel)
    assert data.std() == pytest.approx(5, rel=0.02)
    for axis, k in zip((1, 2), kernel, strict=True):
        lag_one = np.mean(data * np.roll(data, 1, axis)) / 25
        assert lag_one == pytest.approx(np.dot(k[1:], k[:-1]), abs=0.02)


@pytest.mark.parametrize('fwhm', [2.0, 4.0, 7.0])
@pytest.mark.parametrize(('kind', 'width'), KINDS)
def test_amplification_of_matched_filters(kind, width, fwhm):
    rng = np.random.default_rng(2)
    kernel = resampling_kernel(rng, kind, width)
    noise = np.zeros((1, 512, 512), dtype=np.float32)
    white = add_noise(np.random.default_rng(3), noise, [1.0], WHITE)
    correlated = add_noise(np.random.default_rng(3), noise, [1.0], kernel)
    filtered = [ndimage.gaussian_filter(data[0], fwhm / 2.355, mode='wrap')
                for data in (white, correlated)]
    assert amplification(kernel, fwhm) == pytest.approx(
        filtered[1].std() / filtered[0].std(), rel=0.03)


def test_white_noise_is_not_amplified():
    assert amplification(WHITE, 3.0) == 1


def test_photon_noise_of_sources():
    light = np.zeros((2, 300, 300), dtype=np.float32)
    light[1] = 300
    data = add_noise(np.random.default_rng(5), light, [100.0, 100.0], WHITE)
    assert data[0].std() == pytest.approx(10, rel=0.02)
    assert data[1].std() == pytest.approx(20, rel=0.02)
    assert data[1].mean() == pytest.approx(300, abs=0.3)


def test_unknown_kernel():
    with pytest.raises(ValueError, match="got 'sinc'"):
        resampling_kernel(np.random.default_rng(0), 'sinc', 1.0)
