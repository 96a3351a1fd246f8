# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the magnification of crowded, poorly sampled parts of a frame.
"""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import CircularGaussianPSF
from scipy import ndimage

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection.inference import run_inference
from photutils_rcnn.detection.magnification import FACTOR, _Magnified, crowded_window
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.sources.instances import Instances

SHAPE = (60, 84)
FWHM = 2.0


def sources(x, y, shape, scores=0.9):
    """
    Sources of three pixels a side.
    """
    x, y = np.broadcast_arrays(x, y)
    boxes = np.stack([y - 1, x - 1, y + 2, x + 2], axis=1).astype(np.float32)
    n = len(boxes)
    return Instances(
        shape=shape, boxes=boxes, scores=np.broadcast_to(scores, n),
        class_probabilities=np.tile([0.9, 0.1], (n, 1)),
        masks=np.ones((n, 4, 4), dtype=np.float16), mask_boxes=boxes,
        flags=np.zeros(n, dtype=np.int32))


def magnified(window, bad=()):
    """
    Smooth bands and a part of them at twice the pixels.
    """
    snr = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(2, *SHAPE)),
                                  (0, 1.5, 1.5))
    invalid = np.zeros(snr.shape, dtype=bool)
    for place in bad:
        invalid[place] = True
    frame = SimpleNamespace(snr=snr, cube=SimpleNamespace(invalid=invalid))
    return snr, _Magnified(frame, window)


@pytest.mark.parametrize('window', [np.s_[0:60, 0:84], np.s_[10:43, 20:71]])
def test_pixels_are_centered(window):
    # A magnified pixel pair straddles the pixel that it comes from.
    snr, image = magnified(window)
    whole = image[:, 0:image.shape[1], 0:image.shape[2]]
    assert whole.shape == image.shape == (
        2, *(FACTOR * (axis.stop - axis.start) for axis in window))
    binned = whole.reshape(2, image.shape[1] // 2, 2, -1, 2).mean(axis=(2, 4))
    inner = np.s_[:, 2:-2, 2:-2]
    assert_allclose(binned[inner], snr[:, *window][inner], atol=0.05)
    for shift in (-1, 1):
        moved = np.roll(binned, shift, axis=2)
        assert np.abs(moved - snr[:, *window])[inner].max() > 0.1


@settings(deadline=None, max_examples=40)
@given(rows=st.tuples(st.integers(0, 65), st.integers(0, 65)),
       cols=st.tuples(st.integers(0, 101), st.integers(0, 101)))
def test_windows_agree_with_the_whole(rows, cols):
    _, image = magnified(np.s_[10:43, 20:71])
    whole = image[:, 0:66, 0:102]
    window = slice(min(rows), max(rows) + 1), slice(min(cols), max(cols) + 1)
    assert_allclose(image[:, *window], whole[:, *window], atol=1e-3)
    assert_equal(image.invalid[:, *window].shape, whole[:, *window].shape)


def test_noise_keeps_its_unit():
    rng = np.random.default_rng(1)
    frame = SimpleNamespace(snr=rng.normal(size=(1, 200, 200)),
                            cube=SimpleNamespace(invalid=np.zeros((1, 200, 200), bool)))
    image = _Magnified(frame, np.s_[0:200, 0:200])
    assert_allclose(image[:, 0:400, 0:400].std(), 1, atol=0.03)


@pytest.mark.parametrize('n_bad', [120, 200])
def test_noise_beside_pixels_without_data(n_bad):
    rng = np.random.default_rng(1)
    snr, invalid = rng.normal(size=(2, 200, 200)), np.zeros((2, 200, 200), bool)
    invalid[0, :, :n_bad] = True
    image = _Magnified(SimpleNamespace(snr=snr, cube=SimpleNamespace(invalid=invalid)),
                       np.s_[0:200, 0:200])
    whole = image[:, 0:400, 0:400]
    assert_allclose([band[~bad].std() for band, bad in zip(
        whole, image.invalid[:, 0:400, 0:400], strict=True) if not bad.all()], 1, atol=0.04)
    assert np.isfinite(whole).all()


def test_pixels_without_noise():
    # as in a simulation
    snr = np.zeros((1, 100, 100))
    snr[0, 30:33, 40:43] = 50
    frame = SimpleNamespace(snr=snr, cube=SimpleNamespace(invalid=snr < 0))
    assert _Magnified(frame, np.s_[0:100, 0:100])[:, 62:64, 82:84].min() > 40


def test_pixels_without_data():
    _, image = magnified(np.s_[10:43, 20:71], bad=[np.s_[0, 20:24, 30:36]])
    assert_equal(np.nonzero(image.invalid[0:1, 0:66, 0:102].any(axis=(0, 2)))[0],
                 np.arange(20, 28))
    assert_allclose(image[0:1, 22:26, 22:30], 0, atol=0.1)
    assert np.isfinite(image[:, 0:66, 0:102]).all()


def test_crowded_window():
    rng = np.random.default_rng(2)
    cluster = rng.uniform((64, 130), (127, 190), (50, 2))
    field = rng.uniform(0, 500, (100, 2))
    y, x = np.concatenate([cluster, field]).T
    found = sources(x, y, (512, 500))
    assert crowded_window(found, np.array([1.8, 2.2])) == np.s_[64:128, 128:192]
    assert crowded_window(found, np.array([2.4, 2.8])) is None
    assert crowded_window(found, None) is None
    assert crowded_window(found[50:], np.array([2.0])) is None
    assert crowded_window(found[:0], np.array([2.0])) is None
    faint = sources(x, y, (512, 500), np.where(np.arange(150) < 50, 0.3, 0.9))
    assert crowded_window(faint, np.array([2.0])) is None


def test_strips_at_the_edge():
    # Two sources in the last 2 columns are no crowd, nor one in the corner.
    x, y = np.array([512.5, 512.5, 40.]), np.array([300., 310., 512.5])
    assert crowded_window(sources(x, y, (514, 514)), np.array([2.0])) is None
    rng = np.random.default_rng(5)
    y, x = rng.uniform((64, 66), (95, 128), (30, 2)).T
    assert crowded_window(sources(x, y, (96, 130)), np.array([2.0])) == np.s_[64:96, 64:130]


def star_field(n, shape, extent):
    """
    Stars of S/N 20 to 200 within an extent (y1, x1, y2, x2), on a noisy sky.
    """
    rng = np.random.default_rng(4)
    y, x = rng.uniform(extent[:2], extent[2:], (n, 2)).T
    sigma = FWHM / 2.355
    flux = 2 * np.sqrt(np.pi) * sigma * 20 * 10**rng.uniform(0, 1, n)
    data = rng.normal(size=shape)
    rows, cols = np.indices(shape)
    for place_y, place_x, value in zip(y, x, flux, strict=True):
        near = np.s_[max(int(place_y) - 8, 0):int(place_y) + 9,
                     max(int(place_x) - 8, 0):int(place_x) + 9]
        r2 = (rows[near] - place_y)**2 + (cols[near] - place_x)**2
        data[near] += value / (2 * np.pi * sigma**2) * np.exp(-r2 / (2 * sigma**2))
    return x, y, data


def found_stars(data, x, y, **options):
    """
    The result, and how many stars it has.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        result = RCNNSegmenter(background=0, **options).segment(data)
    table = result.table
    matches = match_positions(table['x'].value, table['y'].value, x, y, 1.,
                              scores=np.asarray(table['score']))
    return result, np.count_nonzero(matches.hits)


def test_crowded_field(monkeypatch):
    x, y, data = star_field(500, (128, 128), (3, 3, 125, 125))
    result, n_found = found_stars(data, x, y)
    monkeypatch.setattr('photutils_rcnn.detection.pipeline.crowded_window',
                        lambda *args: None)
    plain, n_plain = found_stars(data, x, y)
    assert n_found > 0.8 * len(x)
    assert n_found > n_plain + 0.2 * len(x)
    assert n_found > 0.85 * len(result.table)
    assert_equal(result.segmentation_image.shape, data.shape)
    assert len(plain.table) < len(result.table)


def test_given_psf(monkeypatch):
    *_, data = star_field(200, (96, 160), (3, 99, 93, 157))
    seen = []

    def spy(*args, **options):
        seen.append(options['psf'])
        return run_inference(*args, **options)

    monkeypatch.setattr('photutils_rcnn.detection.magnification.run_inference', spy)
    RCNNSegmenter(background=0).segment(data, psf=CircularGaussianPSF(fwhm=FWHM))
    given, = seen
    assert given.start == (32, 0)
    assert_allclose(given.fwhm_at((10, 20)), FACTOR * FWHM, rtol=0.02)
    assert_allclose(given.fwhm, FACTOR * FWHM, rtol=0.02)


def test_tiles_as_small_as_the_frame():
    x, y, data = star_field(300, (96, 96), (3, 3, 93, 93))
    whole, n_found = found_stars(data, x, y)
    result, n_in_tiles = found_stars(data, x, y, tile_size=96)
    assert n_found == n_in_tiles
    assert_equal(result.labels, whole.labels)


def test_cluster_in_a_field(monkeypatch):
    # Beside the cluster nothing changes, and none is found twice.
    x, y, data = star_field(150, (256, 320), (134, 198, 186, 250))
    others = star_field(40, (256, 320), (10, 10, 246, 120))
    data, x, y = data + others[2], np.append(x, others[0]), np.append(y, others[1])
    result, n_found = found_stars(data, x, y)
    monkeypatch.setattr('photutils_rcnn.detection.pipeline.crowded_window',
                        lambda *args: None)
    plain, n_plain = found_stars(data, x, y)
    assert n_found > n_plain
    for one in (result, plain):
        beside = one.table[one.table['x'].value < 120]
        assert len(beside) > 25
    assert_allclose(result.table['x'][result.table['x'].value < 120],
                    plain.table['x'][plain.table['x'].value < 120])
