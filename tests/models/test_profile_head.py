# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the profile head.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from numpy.testing import assert_allclose, assert_array_less, assert_equal
from scipy import ndimage
from tiny_network import make_batch, tiny_config

from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.detector import Detector
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.profile_head import (
    USUAL_FWHM,
    fit_psf,
    profile_head_inputs,
    sample_profiles,
)
from photutils_rcnn.models.stages import KerasStages

CONFIG = MaskRCNNConfig()


def samples(*args):
    return ops.convert_to_numpy(sample_profiles(*args))


def star_images(centers, fwhm, flux, side=80):
    """
    Round Gaussians, (R, side, side, 3), as the network gets them.
    """
    y, x = np.indices((side, side)) + 0.5
    centers = np.reshape(centers, (-1, 1, 1, 1, 2))
    r2 = (y[..., None] - centers[..., 0])**2 + (x[..., None] - centers[..., 1])**2
    stars = np.reshape(flux, (-1, 1, 1, 1)) * np.exp(
        -4 * np.log(2) * r2 * np.ones(3) / np.square(fwhm))
    return (np.arcsinh(stars) / CONFIG.stretch_scale).astype(np.float32)


def gaussian_psf(extra=0.):
    """
    The profile of a Gaussian PSF on the grid of the head, of a FWHM of 1.
    """
    n = CONFIG.profile_size
    axis = ((np.arange(n) + 0.5) / n - 0.5) * CONFIG.profile_extent
    r2 = axis[:, None]**2 + axis**2
    psf = np.exp(-4 * np.log(2) * r2 / (1 + extra)**2)
    return np.repeat(psf[..., None], 3, -1).astype(np.float32)


@given(y=st.floats(5, 35), x=st.floats(5, 25), fwhm=st.floats(1.8, 8))
@settings(deadline=None, max_examples=30)
def test_samples(y, x, fwhm):
    """
    Where nothing shines, samples are SciPy's bilinear ones, on a grid around the
    middle of the box that is as wide as the configuration and the PSF of the
    band say.
    """
    rng = np.random.default_rng(0)
    images = np.zeros((2, 40, 30, 3), np.float32)
    # a slope has no moment that is limited: noise of 1e-3 moves nothing
    images[1] = rng.normal(0, 1e-4, (40, 30, 3))
    box = np.float32([[y - 3, x - 5, y + 3, x + 5]])
    fwhms = fwhm * np.array([1.1, 1, 0.8])
    found = samples(images, box, np.int32([1]),
                    np.float32([np.log(fwhms)]), CONFIG)
    n = CONFIG.profile_size
    for band, half in enumerate(CONFIG.profile_extent * fwhms / 2):
        steps = (np.arange(n) + 0.5) / n * 2 * half - half - 0.5
        grid = np.meshgrid(y + steps, x + steps, indexing='ij')
        expected = ndimage.map_coordinates(
            CONFIG.stretch_scale * images[1, :, :, band], grid, order=1,
            mode='grid-constant')
        assert_allclose(found[0, :, :, band], expected, atol=2e-5)


@given(dy=st.floats(-1, 1), dx=st.floats(-1, 1), flux=st.floats(30, 3000),
       fwhm=st.floats(2.5, 7))
@settings(deadline=None, max_examples=30)
def test_stars_are_centered(dy, dx, flux, fwhm):
    """
    Wherever the box is, to within a twentieth of the FWHM.
    """
    shift = 0.35 * fwhm * np.array([dy, dx])
    images = star_images([40 + shift], fwhm, flux)
    found = samples(images, np.float32([[35, 35, 45, 45]]), np.int32([0]),
                    np.full((1, 3), np.log(fwhm), np.float32), CONFIG)[0]
    axis = np.linspace(-0.5, 0.5, CONFIG.profile_size) * CONFIG.profile_extent
    core = found * (gaussian_psf() > 0.1)
    assert abs((core * axis[:, None, None]).sum() / core.sum()) < 0.05
    assert abs((core * axis[None, :, None]).sum() / core.sum()) < 0.05


def test_bands_are_centered_by_themselves():
    images = np.concatenate([star_images([[40, 40 + dx]], 4., 1000)[..., :1]
                             for dx in (-0.4, 0., 0.4)], axis=-1)
    found = samples(images, np.float32([[35, 35, 45, 45]]), np.int32([0]),
                    np.full((1, 3), np.log(4), np.float32), CONFIG)[0]
    for band in (0, 2):
        assert_allclose(found[..., band], found[..., 1], atol=40)


def test_unknown_fwhm():
    images = np.random.default_rng(0).normal(size=(1, 40, 40, 3))
    images = images.astype(np.float32)
    box = np.float32([[10, 10, 20, 20]])
    unknown, usual = (samples(images, box, np.int32([0]),
                              np.full((1, 3), value, np.float32), CONFIG)
                      for value in (0., np.log(USUAL_FWHM)))
    assert_allclose(unknown, usual, atol=1e-6)


def inputs_of(profiles, psf=None, n=1):
    psf = np.zeros(profiles.shape, 'f4') if psf is None else psf
    images, numbers = profile_head_inputs(
        profiles, np.broadcast_to(psf, profiles.shape),
        np.tile(np.float32([37, 37, 43, 43]), (n, 1)), np.zeros((n, 3), 'f4'),
        np.full((n, 3), np.log(4), 'f4'), CONFIG)
    return ops.convert_to_numpy(images), ops.convert_to_numpy(numbers)


def test_scaled_profiles_do_not_depend_on_brightness():
    """
    They are the same for a source twenty times brighter and in images of broader
    PSFs.
    """
    found = []
    for flux, fwhm in ((100, [4., 4., 4.]), (2000, [4., 4., 4.]),
                       (500, [7., 6., 6.5])):
        profiles = sample_profiles(
            star_images([[40, 40]], fwhm, flux), np.float32([[37, 37, 43, 43]]),
            np.int32([0]), np.float32([np.log(fwhm)]), CONFIG)
        images, numbers = inputs_of(profiles)
        assert images.shape == (1, 21, 21, 15)
        assert numbers.shape == (1, 17)
        found.append(images[0, :, :, 3:6])
    assert found[0].max() > 0.5
    assert_allclose(found[1], found[0], atol=0.02)
    assert_allclose(found[2], found[0], atol=0.04)


def test_noise_is_not_scaled_up():
    images, _ = inputs_of(np.full((1, 21, 21, 3), 1e-3, np.float32))
    assert_array_less(images[..., :12], 2e-3)


def test_fit_of_the_psf():
    """
    The height is that of a star; a star leaves nothing, wider sources are
    significantly wider, narrower ones the other way, faint ones less so.
    """
    psf = gaussian_psf()
    profiles = np.stack([200 * gaussian_psf(extra) for extra in (0, 0.1, -0.1)]
                        + [5 * gaussian_psf(0.1)])
    height, snr, spread = (ops.convert_to_numpy(values) for values in fit_psf(
        profiles, np.broadcast_to(psf, profiles.shape), CONFIG))
    assert_allclose(height[0], 200, rtol=1e-4)
    assert_allclose(snr[0], 0, atol=0.05)
    assert_allclose(spread[0], 0, atol=1e-3)
    assert (snr[1] > 10).all()
    assert (snr[2] < -10).all()
    assert ((snr[3] > 0.3) & (snr[3] < snr[1] / 10)).all()
    assert (spread[1] > 0.005).all()
    residual = inputs_of(profiles[:1], psf)[0][..., 6:12]
    assert np.abs(residual).max() < 0.02


def test_noise_of_the_fit():
    """
    The significance of a wider PSF has a standard deviation of about 1 in noise.
    """
    rng = np.random.default_rng(0)
    psf = gaussian_psf()
    profiles = 10 * psf + rng.normal(size=(400, *psf.shape)).astype('f4')
    _, snr, _ = fit_psf(profiles, np.broadcast_to(psf, profiles.shape), CONFIG)
    snr = ops.convert_to_numpy(snr)
    assert_allclose(snr.std(), 1, atol=0.15)
    assert_allclose(snr.mean(), 0, atol=0.2)


def test_unknown_psf_is_told():
    """
    A round one takes its place, and the last number says so.
    """
    profiles = 100 * gaussian_psf()[None]
    images, numbers = inputs_of(profiles)
    assert numbers[0, -1] == 0
    assert_allclose(images[0, 10, 10, 12:], 0.5, atol=0.01)
    assert inputs_of(profiles, gaussian_psf())[1][0, -1] == 1


def test_untrained_head_keeps_the_classes_of_the_box_head():
    network = MaskRCNN(tiny_config(), seed=1)
    logits = np.float32([[1, 2, 4], [0, 3, -1]])
    boxes = np.float32([[3, 3, 9, 9], [20, 20, 29, 30]])
    images = make_batch(tiny_config())[0]
    profiles = network.sample_profiles(images, boxes, np.int32([0, 1]))
    found = network.classify_profiles(profiles, boxes, logits)
    assert_allclose(ops.convert_to_numpy(found), logits[:, 1:])


def test_network_without_profile_head():
    network = MaskRCNN(tiny_config(profile_size=0))
    assert network.profile_head is None
    logits = np.float32([[1, 2, 4]])
    found = Detector(network.config, KerasStages(network)).classify_profiles(
        make_batch(tiny_config())[0][0], np.float32([[3, 3, 9, 9]]), logits)
    assert_equal(found, logits[:, 1:])


def test_training_tells_widths_apart():
    """
    Classes that differ only in their width, by 15 percent, are learned
    from the profiles, whatever the box.
    """
    config = tiny_config(profile_size=CONFIG.profile_size)
    head = MaskRCNN(config, seed=0).profile_head
    rng = np.random.default_rng(0)
    psf = np.repeat(gaussian_psf()[None], 32, 0)
    head.trainable = True
    head.compile('adam', 'mse')
    for _ in range(60):
        wide = rng.integers(0, 2, 32)
        images = star_images(np.full((32, 2), 32), (
            4. * 1.15**wide)[:, None, None, None], np.full(32, 50), side=64)
        noise = rng.normal(size=images.shape)
        images = (np.arcsinh(np.sinh(2 * images) + noise) / 2).astype('f4')
        boxes = np.tile(np.float32([28, 28, 36, 36]), (32, 1))
        boxes += rng.normal(0, 0.3, (32, 1)).astype(np.float32)
        log_fwhm = np.full((32, 3), np.log(4), np.float32)
        profiles = sample_profiles(images, boxes,
                                   np.arange(32, dtype=np.int32), log_fwhm,
                                   config)
        inputs = profile_head_inputs(profiles, psf, boxes,
                                     np.zeros((32, 3), np.float32), log_fwhm,
                                     config)
        targets = np.stack([1 - wide, wide], axis=1) * 2. - 1
        answers = ops.convert_to_numpy(head(inputs))
        head.train_on_batch(inputs, targets)
    assert ((answers[:, 1] > answers[:, 0]) == wide).mean() > 0.9
