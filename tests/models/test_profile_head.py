# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the profile head.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from numpy.testing import assert_allclose, assert_array_less
from scipy import ndimage
from tiny_network import make_batch, tiny_config

from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.profile_head import (
    USUAL_FWHM,
    profile_head_inputs,
    sample_profiles,
)

CONFIG = MaskRCNNConfig()


def samples(*args):
    return ops.convert_to_numpy(sample_profiles(*args))


@given(y=st.floats(-2, 42), x=st.floats(-2, 32), fwhm=st.floats(1.8, 8))
@settings(deadline=None, max_examples=30)
def test_samples(y, x, fwhm):
    """
    Samples are SciPy's bilinear ones, on a grid around the middle of the
    box that is as wide as the configuration and the PSF of the band say.
    """
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 40, 30, 3)).astype(np.float32)
    box = np.float32([[y - 3, x - 5, y + 3, x + 5]])
    fwhms = fwhm * np.array([1.1, 1, 0.8])
    found = samples(images, box, np.int32([1]),
                    np.float32([np.log(fwhms)]), CONFIG)
    n = CONFIG.profile_size
    for band, half in enumerate(CONFIG.profile_extent * fwhms / 2):
        steps = (np.arange(n) + 0.5) / n * 2 * half - half - 0.5
        grid = np.meshgrid(y + steps, x + steps, indexing='ij')
        expected = ndimage.map_coordinates(images[1, :, :, band], grid,
                                           order=1, mode='grid-constant')
        assert_allclose(found[0, :, :, band], expected, atol=2e-4)


def test_unknown_fwhm():
    images = np.random.default_rng(0).normal(size=(1, 40, 40, 3))
    images = images.astype(np.float32)
    box = np.float32([[10, 10, 20, 20]])
    unknown, usual = (samples(images, box, np.int32([0]),
                              np.full((1, 3), value, np.float32), CONFIG)
                      for value in (0., np.log(USUAL_FWHM)))
    assert_allclose(unknown, usual, atol=1e-6)


def test_scaled_profiles_do_not_depend_on_brightness():
    """
    The second half of the channels is the same for a bright source and one
    twenty times brighter, and the same in images of broader PSFs.
    """
    y, x = np.indices((80, 80)) + 0.5
    found = []
    for flux, fwhm in ((100, [4., 4., 4.]), (2000, [4., 4., 4.]),
                       (500, [7., 6., 6.5])):
        r2 = ((y - 40)**2 + (x - 40)**2)[..., None]
        star = flux * np.exp(-4 * np.log(2) * r2 / np.square(fwhm))
        image = np.arcsinh(star[None]) / CONFIG.stretch_scale
        image = image.astype(np.float32)
        box = np.float32([[37, 37, 43, 43]])
        log_fwhm = np.float32([np.log(fwhm)])
        profiles = sample_profiles(image, box, np.int32([0]), log_fwhm,
                                   CONFIG)
        inputs, numbers = profile_head_inputs(
            profiles, box, np.zeros((1, 3), np.float32), log_fwhm, CONFIG)
        inputs = ops.convert_to_numpy(inputs)
        assert inputs.shape == (1, 17, 17, 6)
        assert numbers.shape == (1, 6)
        found.append(inputs[0, :, :, 3:])
    # Samples lie between stretched pixels, which curve with brightness and
    # with the sampling.
    assert found[0].max() > 0.5
    assert_allclose(found[1], found[0], atol=0.02)
    assert_allclose(found[2], found[0], atol=0.04)


def test_noise_is_not_scaled_up():
    inputs, _ = profile_head_inputs(
        np.full((1, 17, 17, 3), 1e-3, np.float32), np.ones((1, 4), 'f4'),
        np.zeros((1, 3), 'f4'), np.zeros((1, 3), 'f4'), CONFIG)
    assert_array_less(ops.convert_to_numpy(inputs), 2e-3)


def test_untrained_head_keeps_the_classes_of_the_box_head():
    network = MaskRCNN(tiny_config(), seed=1)
    logits = np.float32([[1, 2, 4], [0, 3, -1]])
    boxes = np.float32([[3, 3, 9, 9], [20, 20, 29, 30]])
    images = make_batch(tiny_config())[0]
    found = network.classify_profiles(images, boxes, np.int32([0, 1]), logits)
    assert_allclose(ops.convert_to_numpy(found), logits[:, 1:])


@pytest.mark.parametrize('size', [0, 17])
def test_training_tells_widths_apart(size):
    """
    Classes that differ only in their width, by 15 percent, are learned
    from the profiles. A network without the head has no such loss.
    """
    config = tiny_config(profile_size=size, n_positive_rois=4)
    network = MaskRCNN(config, seed=0)
    batch = make_batch(config)
    outputs = network(batch[0], training=True)
    network.compute_loss(x=batch[0], y=batch[1], y_pred=outputs)
    loss = {m.name: float(m.result()) for m in network.loss_trackers}
    assert (loss['profile'] > 0) == (size > 0)
    if not size:
        assert network.profile_head is None
        return

    rng = np.random.default_rng(0)
    y, x = np.indices((64, 64)) + 0.5
    head = network.profile_head
    head.compile('adam', 'mse')
    for _ in range(60):
        wide = rng.integers(0, 2, 32)
        widths = 4. * 1.15**wide
        images = 50 * np.exp(-4 * np.log(2) * (
            (y - 32)**2 + (x - 32)**2) / widths[:, None, None]**2)
        images = np.arcsinh(images + rng.normal(size=images.shape)) / 2
        images = np.repeat(images[..., None], 3, -1).astype(np.float32)
        boxes = np.tile(np.float32([28, 28, 36, 36]), (32, 1))
        boxes += rng.normal(0, 0.3, (32, 1)).astype(np.float32)
        log_fwhm = np.full((32, 3), np.log(4), np.float32)
        profiles = sample_profiles(images, boxes,
                                   np.arange(32, dtype=np.int32), log_fwhm,
                                   config)
        inputs = profile_head_inputs(profiles, boxes,
                                     np.zeros((32, 3), np.float32), log_fwhm,
                                     config)
        targets = np.stack([1 - wide, wide], axis=1) * 2. - 1
        answers = ops.convert_to_numpy(head(inputs))
        head.train_on_batch(inputs, targets)
    assert ((answers[:, 1] > answers[:, 0]) == wide).mean() > 0.9
