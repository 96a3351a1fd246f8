# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the augmentation of crops.
"""
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.training import augmentation
from photutils_rcnn.training.augmentation import (
    augment,
    draw_log_fwhm,
    drop_bands,
    transform,
)
from photutils_rcnn.training.dataset import Crop, scene_crops


@pytest.fixture
def crop(scene, config):
    return scene_crops(scene, config, 64)[0]


def paint(crop):
    """
    The boxes and the mini masks of a crop as images.
    """
    side = len(crop.snr)
    boxes = np.zeros((side, side))
    masks = np.zeros((side + 32, side + 32))
    for i, (box, window) in enumerate(zip(crop.boxes, crop.windows,
                                          strict=True)):
        y1, x1, y2, x2 = box.astype(int)
        boxes[y1:y2, x1:x2] += i + 1
        y1, x1, y2, x2 = window.astype(int) + 16
        masks[y1:y2, x1:x2] += (i + 1) * crop.masks[i].astype(float)
    return boxes, masks[16:-16, 16:-16]


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('n_turns', range(4))
def test_transform(crop, n_turns, flip):
    """
    Pixels, boxes and masks turn together.
    """
    def turned(image):
        return np.rot90(image[:, ::-1] if flip else image, n_turns)

    result = transform(crop, n_turns, flip)
    assert_equal(result.snr, turned(crop.snr))
    for after, before in zip(paint(result), paint(crop), strict=True):
        assert_equal(after, turned(before))
    assert (result.boxes[:, 2:] > result.boxes[:, :2]).all()
    assert_equal(result.labels, crop.labels)


def test_augment_leaves_its_input(crop):
    """
    Many random changes, none of them to the example itself.
    """
    before = {field.name: np.copy(getattr(crop, field.name))
              for field in fields(crop)}
    rng = np.random.default_rng(1)
    results = [augment(crop, rng) for _ in range(40)]
    for name, value in before.items():
        assert_equal(getattr(crop, name), value)
    for result in results:
        assert result.snr.shape == crop.snr.shape
        assert np.isfinite(result.snr).all()
        assert_equal(result.labels, crop.labels)
        boxes, masks = paint(result)
        inside = boxes[masks == 3]
        assert (inside == 3).all()


def test_augment_keeps_the_noise(crop):
    """
    Whatever is done, the sky has about unit noise in every band.
    """
    rng = np.random.default_rng(2)
    sky = rng.normal(0, 1, (128, 128, 3))
    blank = replace(crop, snr=np.arcsinh(sky).astype(np.float16))
    scatter = [np.sinh(augment(blank, rng).snr).std(axis=(0, 1))
               for _ in range(60)]
    assert_allclose(scatter, 1, atol=0.25)


@pytest.mark.parametrize('side', [0, 20])
def test_augment_on_a_canvas(crop, side):
    """
    A crop that fills only the middle of its canvas keeps its light, and the
    rest stays without data.
    """
    sky = np.zeros((128, 128, 3))
    middle = np.s_[64 - side:64 + side, 64 - side:64 + side]
    sky[middle] = np.random.default_rng(2).normal(0, 1, (2 * side,
                                                         2 * side, 3))
    cut = replace(crop, snr=np.arcsinh(sky).astype(np.float16))
    for seed in range(60):
        result = np.sinh(augment(cut, np.random.default_rng(seed)).snr)
        assert np.isfinite(result).all()
        if side:
            assert_allclose(result[middle].std(axis=(0, 1)), 1, atol=0.25)
        result[middle] = 0
        assert not result.any()


def test_augment_is_reproducible(crop):
    first, second = (augment(crop, np.random.default_rng(5))
                     for _ in range(2))
    assert_equal(first.snr, second.snr)
    assert_equal(first.boxes, second.boxes)


def flat_crop(independent, band_snr, labels, widths=(4., 3., 2.)):
    """
    A crop of one value per band, with sources of some signal to noise.
    """
    n = len(labels)
    order = np.arange(n, dtype=np.float32)
    return Crop(snr=None, boxes=np.tile(order[:, None], 4),
                labels=np.array(labels, np.int32),
                masks=order[:, None, None], windows=order[:, None],
                fwhm=np.array(widths), independent=list(independent),
                band_snr=np.array(band_snr, np.float32).reshape(-1, 3))


def test_drop_bands():
    """
    Some of the bands remain, in their order, with their PSFs; they fill the
    model's bands.
    """
    rng = np.random.default_rng(3)
    snr = np.ones((4, 4, 3), np.float32) * np.float32([1, 10, 100])
    crop = flat_crop(range(3), [], [])
    seen = set()
    for _ in range(30):
        before = snr.copy()
        result, changed = drop_bands(snr, crop, rng)
        assert_equal(snr, before)
        assert result.shape == snr.shape
        assert_equal(result, np.broadcast_to(result[:1, :1], result.shape))
        assert (np.diff(result[0, 0]) >= 0).all()
        seen.add((tuple(result[0, 0].round(3).tolist()),
                  tuple(changed.fwhm.tolist())))
    singles = {((value,) * 3, (width,) * 3) for value, width
               in ((1.0, 4.0), (10.0, 3.0), (100.0, 2.0))}
    assert singles <= seen
    assert len(seen) == 6
    assert (4.0, 3.0, 2.0) in {widths for _, widths in seen}


def test_drop_bands_keeps_unit_noise():
    """
    Of a frame of two bands, whose sum stands between them, one is left.
    """
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(2, 64, 64)).astype(np.float32)
    snr = np.stack([first, (first + second) / np.sqrt(2), second], axis=-1)
    crop = flat_crop((0, 2), [], [])
    seen = set()
    for _ in range(20):
        result, changed = drop_bands(snr, crop, rng)
        assert_equal(result, np.stack([result[..., 0]] * 3, axis=-1))
        assert_allclose(result.std(), 1, rtol=0.05)
        seen.add(tuple(changed.fwhm.tolist()))
    assert seen == {(4., 4., 4.), (2., 2., 2.)}


def test_drop_bands_and_the_sources_that_are_left():
    """
    A source that the bands left do not show is background or ignored; one of
    unknown signal to noise stays. Nothing else happens to the others.
    """
    crop = flat_crop(range(3), [[9, 0, 0], [3, 4, 0], [6, 6, 6],
                                [np.nan, np.nan, np.nan], [0, 4.9, 4]],
                     [1, 2, 1, 2, 2])
    expected = {(0,): ([0, 2, 3], [1, 1, 2]),
                (1,): ([1, 2, 3, 4], [0, 1, 2, 0]),
                (2,): ([2, 3, 4], [1, 2, 0]),
                (0, 1): ([0, 1, 2, 3, 4], [1, 2, 1, 2, 0]),
                (0, 2): ([0, 2, 3, 4], [1, 1, 2, 0]),
                (1, 2): ([1, 2, 3, 4], [0, 1, 2, 2])}
    rng = np.random.default_rng(5)
    snr = np.ones((4, 4, 3), np.float32) * np.float32([1, 10, 100])
    seen = set()
    for _ in range(60):
        result, changed = drop_bands(snr, crop, rng)
        ends = result[0, 0, [0, 2]].tolist()
        kept = tuple(sorted({[1., 10., 100.].index(value)
                             for value in ends}))
        rows, labels = expected[kept]
        assert_equal(changed.labels, labels)
        for name in ('boxes', 'masks', 'windows', 'band_snr'):
            assert_equal(getattr(changed, name), getattr(crop, name)[rows])
        seen.add(kept)
    assert seen == set(expected)


def test_told_fwhm():
    """
    An estimate of the logarithms of the FWHMs, or 0 for unknown ones. Their
    ratios are better known than themselves, if at all.
    """
    rng = np.random.default_rng(4)
    fwhm = np.array([4.4, 4., 3.6])
    told = np.array([draw_log_fwhm(fwhm, rng) for _ in range(2000)])
    unknown = (told == 0).all(axis=1)
    assert 0.1 < unknown.mean() < 0.4
    told = told[~unknown]
    assert (told != 0).all()
    assert_allclose(np.median(told, axis=0), np.log(fwhm), atol=0.01)
    assert 0.02 < told.std(axis=0).max() < 0.15
    common = np.ptp(told, axis=1) == 0
    assert 0.1 < common.mean() < 0.3
    assert_allclose(told[~common, 0] - told[~common, 1], np.log(1.1),
                    atol=0.1)


@pytest.mark.parametrize('fwhm', [np.nan, 0.0])
def test_unknown_fwhm(fwhm):
    """
    The network is told nothing of a PSF that is not known.
    """
    rng = np.random.default_rng(0)
    for _ in range(9):
        assert_equal(draw_log_fwhm(np.array([3.0, fwhm]), rng), [0, 0])


@pytest.fixture
def only(monkeypatch):
    """
    Let one kind of change happen always and the others never.
    """
    def choose(name):
        for other in ('P_DROP_BANDS', 'P_NOISE', 'P_BLUR', 'NOISE_ERROR'):
            monkeypatch.setattr(augmentation, other, float(other == name))

    return choose


def test_blur_widens_the_psf(crop, only):
    """
    The network is told the PSF that it sees.
    """
    only('P_BLUR')
    crop = replace(crop, fwhm=np.array([3.0, 4.0, 5.0]))
    blurred = [augment(crop, np.random.default_rng(seed)).fwhm
               for seed in range(20)]
    added = np.sqrt(np.square(blurred) - np.square(crop.fwhm)) / 2.3548
    assert_allclose(added, added[:, :1] * np.ones(3), rtol=1e-3)
    assert 0.2 <= added.min() < 0.3
    assert 0.5 < added.max() <= 0.6


def test_dropped_bands_change_the_psf(crop, only):
    only('P_DROP_BANDS')
    crop = replace(crop, fwhm=np.array([3.0, 4.0, 5.0]))
    results = {tuple(augment(crop, np.random.default_rng(seed)).fwhm)
               for seed in range(20)}
    assert {(3.0,) * 3, (4.0,) * 3, (5.0,) * 3} <= results


def test_added_noise_is_normalized(crop, only):
    only('P_NOISE')
    sky = np.random.default_rng(2).normal(0, 1, (128, 128, 3))
    blank = replace(crop, snr=np.arcsinh(sky))
    scatter = [np.sinh(augment(blank, np.random.default_rng(seed)).snr).std()
               for seed in range(20)]
    assert_allclose(scatter, 1, atol=0.015)


def test_stretch_and_back():
    """
    The stretch of crops and its inverse, against those of NumPy.
    """
    value = np.concatenate([np.linspace(-13, 13, 2001),
                            np.linspace(-1e-2, 1e-2, 201)])
    grown = np.sinh(value)
    found = augmentation._sinh(value.astype(np.float32))
    assert found.dtype == np.float32
    # rounding the argument moves the result by as much as it is large
    assert np.all(np.abs(found - grown)
                  <= 1e-6 * np.maximum(1, np.abs(value * grown)))
    found = augmentation.arcsinh(grown.astype(np.float32))
    assert_allclose(found, value, rtol=2e-7, atol=3e-7)
    assert augmentation.arcsinh(np.zeros(3, np.float32)).tolist() == [0] * 3
