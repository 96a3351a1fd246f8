# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the augmentation of Burke et al. (2019).
"""

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal
from scipy import stats

from photutils_rcnn.astro_rcnn import augmentation as module
from photutils_rcnn.astro_rcnn.augmentation import OPERATIONS, augment
from photutils_rcnn.training.dataset import scene_crops
from photutils_rcnn.training.mini_masks import box_mask, mini_mask

FLIP_COLUMNS, FLIP_ROWS, ROTATE, BLUR, ADD_NOISE = OPERATIONS


@pytest.fixture
def crop(scene, config):
    return scene_crops(scene, config, 64)[0]


def disc_crop(crop, radius, *, side=128, light=1e4, size=16):
    """
    A disc of constant brightness without noise, its truth exact.
    """
    y, x = np.indices((side, side))
    disc = np.hypot(y - side // 2, x - side // 2) <= radius
    low, high = side // 2 - radius, side // 2 + radius + 1
    box = np.array([low, low, high, high])
    grid, window = mini_mask(box, disc[low:high, low:high], size)
    snr = np.repeat(np.arcsinh(light * disc)[..., None], 3, axis=-1)
    return replace(crop, snr=snr.astype(np.float16),
                   boxes=box[None].astype(np.float32), masks=grid[None],
                   windows=window[None], labels=np.array([1], np.int32))


def sources(crop):
    """
    The masks of a crop on all its pixels.
    """
    images = np.zeros((len(crop.labels), *crop.snr.shape[:2]))
    for image, box, grid, window in zip(images, crop.boxes.astype(int),
                                        crop.masks, crop.windows,
                                        strict=True):
        image[box[0]:box[2], box[1]:box[3]] = box_mask(box, grid, window)
    return images


def test_number_and_order(monkeypatch):
    """
    Zero to four with the same chance, all kinds alike, none twice, always
    in the same order.
    """
    monkeypatch.setattr(module, 'OPERATIONS', [
        lambda done, rng, i=i: [*done, i] for i in range(5)])
    rng = np.random.default_rng(1)
    drawn = [augment([], rng) for _ in range(3000)]
    assert all((np.diff(done) > 0).all() for done in drawn)
    counts = np.bincount([len(done) for done in drawn])
    assert len(counts) == 5
    assert stats.chisquare(counts).pvalue > 1e-3
    # Each kind is in two of five on average.
    kinds = np.bincount(np.concatenate(drawn).astype(int)) / len(drawn)
    assert_allclose(kinds, 0.4, atol=0.04)


def test_flips_and_rotations(crop):
    """
    Pixels and truth follow the operations of NumPy.
    """
    rng = np.random.default_rng(2)
    before = sources(crop)
    for operation, axis in ((FLIP_COLUMNS, 1), (FLIP_ROWS, 0)):
        found = operation(crop, rng)
        assert_equal(found.snr, np.flip(crop.snr, axis))
        assert_equal(sources(found), np.flip(before, axis + 1))
    turns = set()
    for _ in range(30):
        found = ROTATE(crop, rng)
        n_turns, = (n for n in range(4) if np.array_equal(
            found.snr, np.rot90(crop.snr, n)))
        assert_equal(sources(found), np.rot90(before, n_turns, (1, 2)))
        turns.add(n_turns)
    assert turns == {1, 2, 3}


@pytest.mark.parametrize(('radius', 'size', 'n_differ'), [
    (1, 80, 0), (3, 80, 0), (6, 80, 8), (12, 80, 8), (30, 80, 8),
    # Cells of four pixels are right to half a cell at the rim.
    (30, 16, 2 * 2 * np.pi * 30)])
def test_blurred_mask_follows_the_light(crop, radius, size, n_differ):
    """
    Of a disc of light it is what is above half of the brightest pixel, up
    to rounding of equal values.
    """
    rng = np.random.default_rng(radius)
    disc = disc_crop(crop, radius, size=size)
    for _ in range(4):
        found = BLUR(disc, rng)
        light = np.sinh(found.snr[..., 0])
        mask, = sources(found) >= 0.5
        expected = light >= light.max() / 2
        assert np.count_nonzero(mask != expected) <= n_differ
        assert (found.boxes[0, 2:] - found.boxes[0, :2] >= 4).all()
        for name in ('boxes', 'masks', 'windows'):
            assert (getattr(found, name).dtype
                    == getattr(disc, name).dtype)


def test_blur_widens_the_psf(crop):
    """
    By 2 to 6 pixels; light is kept, in units of the new noise.
    """
    rng = np.random.default_rng(3)
    star = disc_crop(crop, 0)
    y, x = np.indices((128, 128)) - 64
    sigmas = []
    for _ in range(40):
        found = BLUR(star, rng)
        light = np.sinh(found.snr[..., 0].astype(float))
        sigma = np.sqrt((light * y**2).sum() / light.sum())
        assert_allclose((light * x**2).sum() / light.sum(), sigma**2,
                        rtol=1e-3)
        assert_allclose(found.fwhm**2 - star.fwhm**2, 8 * np.log(2)
                        * sigma**2, rtol=0.02)
        assert_allclose(light.sum(), 1e4 * 2 * np.sqrt(np.pi) * sigma,
                        rtol=0.02)
        sigmas.append(sigma)
    assert 1.98 < min(sigmas) < 2.6
    assert 5.4 < max(sigmas) < 6.02


@pytest.mark.parametrize('operation', [BLUR, ADD_NOISE])
def test_sky_keeps_unit_noise(crop, operation):
    rng = np.random.default_rng(4)
    sky = rng.normal(0, 1, (256, 256, 3))
    sky[0, 0] = 3e4
    blank = replace(crop, snr=np.arcsinh(sky).astype(np.float16))
    for _ in range(4):
        found = np.sinh(operation(blank, rng).snr)[40:, 40:]
        assert_allclose(found.std(axis=(0, 1)), 1, atol=0.12)
        assert_allclose(found.mean(axis=(0, 1)), 0, atol=0.25)


def test_noise_follows_the_maximum(crop):
    """
    Uniform on a dark sky, with the amplitude of a tenth of arcsinh.
    """
    rng = np.random.default_rng(5)
    disc = disc_crop(crop, 3)
    found = np.sinh(ADD_NOISE(disc, rng).snr[:40].astype(float))
    amplitude = np.sinh(0.1 * np.arcsinh(1e4))
    limit = amplitude / np.sqrt(1 + amplitude**2 / 3)
    assert_allclose([found.min(), found.max()], [-limit, limit], rtol=2e-3)
    assert stats.kstest(found.ravel() / limit, 'uniform',
                        args=(-1, 2)).pvalue > 1e-3
    dark = replace(crop, snr=np.zeros_like(crop.snr))
    assert not ADD_NOISE(dark, rng).snr.any()


def test_truth_stays_consistent(crop):
    """
    Of whatever is drawn: boxes in the crop and tight around their masks,
    windows that hold them. The rest is tested with the other augmentation.
    """
    rng = np.random.default_rng(6)
    for result in [augment(crop, rng) for _ in range(40)]:
        assert result.masks.shape == crop.masks.shape
        assert (result.boxes >= 0).all()
        assert (result.boxes <= 64).all()
        for box, mask in zip(result.boxes, sources(result), strict=True):
            rows, cols = np.nonzero(mask >= 0.5)
            assert_allclose(box, [rows.min(), cols.min(), rows.max() + 1,
                                  cols.max() + 1], atol=1)


def test_crop_without_sources(crop):
    empty = replace(crop, boxes=crop.boxes[:0], masks=crop.masks[:0],
                    windows=crop.windows[:0], labels=crop.labels[:0])
    for operation in OPERATIONS:
        found = operation(empty, np.random.default_rng(7))
        assert found.boxes.shape == found.windows.shape == (0, 4)
        assert found.masks.shape == (0, 16, 16)


def test_reproducible(crop):
    for seed in range(5):
        first, second = (augment(crop, np.random.default_rng(seed))
                         for _ in range(2))
        for field in fields(first):
            assert_equal(getattr(first, field.name),
                         getattr(second, field.name))
