# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the merging of bright stars that were outlined more than once.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection import pipeline
from photutils_rcnn.detection.duplicates import _centroid, merge_duplicates
from photutils_rcnn.sources.instances import RCNN_FLAGS, Instances

EXCEEDS_HALO = RCNN_FLAGS['exceeds_halo']
SIDE = 160
SIZE = 28
FWHM = np.array([4.0, 3.6, 4.4])
NOTHING = np.zeros((3, SIDE, SIDE), dtype=bool)


def scene(*stars, saturation=np.inf, seed=0):
    """
    Moffat stars (y, x, height) in units of the noise.
    """
    y, x = np.indices((SIDE, SIDE))
    light = np.zeros((3, SIDE, SIDE))
    for band, fwhm in enumerate(FWHM):
        scale = fwhm / (2 * np.sqrt(2**(1 / 3) - 1))
        for row, col, height in stars:
            light[band] += height * (1 + ((y - row)**2 + (x - col)**2) / scale**2)**-3
    noise = np.random.default_rng(seed).normal(size=light.shape)
    return (np.minimum(light, saturation) + noise).astype(np.float32)


def sources(*circles, star=None, scores=None):
    """
    Round outlines (y, x, radius).
    """
    n = len(circles)
    y, x, radius = np.array(circles, dtype=np.float32).T
    boxes = np.stack([y - radius, x - radius, y + radius, x + radius], axis=1) + 0.5
    axis = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    mask = np.clip(0.5 + 5 * (1 - np.hypot(axis[:, None], axis)), 0, 1)
    star = np.full(n, 0.9) if star is None else np.asarray(star)
    return Instances(
        shape=(SIDE, SIDE), boxes=boxes,
        scores=np.linspace(0.9, 0.8, n) if scores is None else np.asarray(scores),
        class_probabilities=np.stack([star, 1 - star], axis=1),
        masks=np.repeat(mask[None].astype(np.float16), n, axis=0), mask_boxes=boxes,
        flags=np.zeros(n, dtype=np.int32))


def test_rings_about_a_star_are_one_source():
    """
    The larger outline with its flags, the higher score and the class of the surer star
    remain; of the other outline the flag that it exceeds the halo. All others are as
    they were.
    """
    snr = scene((60.3, 70.8, 3000), (60, 120, 800), (120, 40, 60))
    given = sources((60, 120, 9), (61, 71, 9), (60, 70.5, 14), (120, 40, 5),
                    star=[0.8, 0.95, 0.3, 0.1], scores=[0.9, 0.99, 0.7, 0.6])
    given.flags[:] = 1, 1 + 16 + EXCEEDS_HALO, 16, 0
    merged = merge_duplicates(given, snr, NOTHING, FWHM)
    assert_equal(merged.boxes, given.boxes[[0, 2, 3]])
    assert_allclose(merged.scores, [0.9, 0.99, 0.6])
    assert_allclose(merged.class_probabilities[:, 0], [0.8, 0.95, 0.1])
    assert_equal(merged.flags, [1, 16 + EXCEEDS_HALO, 0])
    assert_equal(merged.footprints().areas, given.footprints().areas[[0, 2, 3]])
    labels, label_of_source = merged.paint()
    assert_equal(label_of_source, [1, 2, 3])
    assert np.count_nonzero(labels == 2) == given.footprints().areas[2]
    assert_allclose(given.scores, [0.9, 0.99, 0.7, 0.6])  # as it was


def test_clumps_are_no_duplicates():
    """
    A compact galaxy and the bright clump in its middle have concentric outlines, and
    the pixels show a single peak.
    """
    snr = scene((60, 70, 3000))
    given = sources((60, 70, 13), (60, 70, 9))
    assert len(merge_duplicates(given, snr, NOTHING, FWHM)) == 1
    given.class_names = 'star', 'galaxy', 'clump'
    given.class_probabilities = np.array([[0.1, 0.8, 0.1], [0.2, 0.1, 0.7]])
    assert merge_duplicates(given, snr, NOTHING, FWHM) is given


def test_three_rings():
    snr = scene((60, 70, 5000))
    merged = merge_duplicates(sources((60, 70, 9), (60, 70, 12), (60.5, 70, 15)), snr,
                              NOTHING, FWHM)
    assert len(merged) == 1
    assert_allclose(merged.boxes[0, 2] - merged.boxes[0, 0], 30)


def test_outline_without_light_is_not_kept():
    """
    The larger outline goes far beyond the star.
    """
    given = sources((60, 70, 9), (60, 70, 17))
    merged = merge_duplicates(given, scene((60, 70, 150)), NOTHING, FWHM)
    assert_equal(merged.boxes, given.boxes[:1])


@pytest.mark.parametrize(('separation', 'ratio'), [
    (0.5, 1), *((separation, ratio) for separation in (0.7, 1.0, 1.5, 2.0)
                for ratio in (1, 3, 10))])
def test_pairs_are_kept(separation, ratio):
    """
    Outlines of a close pair are concentric, whether or not each star has a peak.
    """
    shift = 4 * separation
    for angle in (0, 0.6, 1.6):
        dy, dx = shift * np.sin(angle), shift * np.cos(angle)
        snr = scene((70, 70, 2000), (70 + dy, 70 + dx, 2000 / ratio))
        given = sources((70, 70, 13), (70 + dy / 4, 70 + dx / 4, 10))
        assert len(merge_duplicates(given, snr, NOTHING, FWHM)) == 2


def test_outlines_with_different_centers_are_kept():
    """
    They are of a star and of what stands in its wings.
    """
    given = sources((60, 70, 14), (60, 79, 5))
    snr = scene((60, 70, 3000), (60, 79, 30))
    assert len(merge_duplicates(given, snr, NOTHING, FWHM)) == 2


def test_saturated_star():
    """
    A level core has no width and no peak.
    """
    given = sources((60, 70, 17), (61.5, 69, 14), star=[0.2, 0.9])
    snr = scene((60.3, 70.2, 30000), saturation=2000)
    merged = merge_duplicates(given, snr, NOTHING, FWHM)
    assert len(merged) == 1
    assert_equal(merged.class_ids, [1])


def test_saturated_in_all_bands_with_data():
    """
    Then light on one side, as what bled, does not matter, nor does a band without data.
    """
    light = (60.3, 70.2, 30000), (60, 80, 1500)
    snr = scene(*light, saturation=2000)
    given = sources((60, 70, 17), (61.5, 69, 14))
    invalid = NOTHING.copy()
    invalid[2] = True
    assert len(merge_duplicates(given, snr, invalid, FWHM)) == 1
    snr[2] = scene((60.3, 70.2, 1500), light[1])[2]  # not saturated there
    assert len(merge_duplicates(given, snr, NOTHING, FWHM)) == 2


def test_saturated_pair_is_kept():
    given = sources((60, 70, 17), (60, 72, 14))
    snr = scene((60, 64, 30000), (60, 77, 30000), saturation=2000)
    assert len(merge_duplicates(given, snr, NOTHING, FWHM)) == 2


def test_masked_core():
    """
    What is masked in the middle of a star is part of its core.
    """
    snr = scene((60.3, 70.2, 30000), saturation=2000)
    invalid = snr > 1500
    snr[invalid] = np.nan
    given = sources((60, 70, 17), (61, 69.5, 14))
    assert len(merge_duplicates(given, snr, invalid, FWHM)) == 1


def test_wide_and_faint_cores_are_kept():
    """
    A galaxy is no star, and the noise hides what a faint star is.
    """
    y, x = np.indices((SIDE, SIDE))
    galaxy = 500 * np.exp(-((y - 60)**2 + (x - 70)**2) / 40) + scene()
    given = sources((60, 70, 14), (60, 70, 10))
    assert len(merge_duplicates(given, galaxy, NOTHING, FWHM)) == 2
    faint = scene((60, 70, 20))
    assert len(merge_duplicates(given, faint, NOTHING, FWHM)) == 2


def test_neighbor_with_an_outline_of_its_own():
    """
    Its light does not count as a companion's.
    """
    snr = scene((60, 70, 3000), (69, 79, 800))
    rings = (60, 70, 16), (60, 70, 12)
    assert len(merge_duplicates(sources(*rings), snr, NOTHING, FWHM)) == 2
    merged = merge_duplicates(sources(*rings, (69, 79, 6)), snr, NOTHING, FWHM)
    assert_equal(merged.boxes, sources(*rings, (69, 79, 6)).boxes[[0, 2]])


def test_nothing_seen_of_one_side():
    """
    A companion may hide behind the outlines of others.
    """
    snr = scene((60, 70, 3000))
    rings = (60, 70, 16), (60, 70, 12)
    others = [(60 + dy, 70 + dx, 9) for dy, dx in ((-10, 0), (0, -10), (7, -7))]
    assert len(merge_duplicates(sources(*rings), snr, NOTHING, FWHM)) == 1
    assert len(merge_duplicates(sources(*rings, *others), snr, NOTHING, FWHM)) == 5


def test_at_the_border():
    snr = scene((2.2, 70.4, 3000))
    merged = merge_duplicates(sources((3, 70, 14), (3, 70, 11)), snr, NOTHING, FWHM)
    assert len(merged) == 1


def test_nothing_to_merge():
    snr = scene((60, 70, 3000))
    given = sources((60, 70, 14), (60, 70, 10))
    assert merge_duplicates(given, snr, NOTHING, None) is given
    single = given[:1]
    assert merge_duplicates(single, snr, NOTHING, FWHM) is single
    assert len(merge_duplicates(given[:0], snr, NOTHING, FWHM)) == 0
    given.masks = np.zeros_like(given.masks)  # outlines without a pixel
    assert len(merge_duplicates(given, snr, NOTHING, FWHM)) == 2


def test_segmenter_gives_a_doubled_star_once(monkeypatch):
    """
    Its flux is that of all pixels, and it overlaps nothing.
    """
    stars = [(30, 30), (30, 80), (30, 130), (80, 30), (130, 30), (130, 130), (130, 80)]
    data = scene((82.3, 90.6, 2000), *((y + 0.2, x - 0.3, 300) for y, x in stars))
    segmenter = RCNNSegmenter(background=0)
    once = segmenter.segment(data).table
    infer = pipeline.run_inference

    def infer_twice(*args, **options):
        found = infer(*args, **options)
        again = found[:]
        middle = 0.5 * np.tile(found.boxes[:, :2] + found.boxes[:, 2:], 2)
        again.boxes = (middle + 0.75 * (found.boxes - middle)).astype(np.float32)
        again.mask_boxes = (middle + 0.75 * (found.mask_boxes - middle)).astype(np.float32)
        again.scores = 0.8 * found.scores
        return Instances.concatenate([found, again])

    monkeypatch.setattr(pipeline, 'run_inference', infer_twice)
    twice = segmenter.segment(data).table
    assert len(twice) == len(once) == len(stars) + 1
    for name in ('x', 'y', 'class_id', 'score', 'detection_flags', 'area'):
        assert_allclose(np.asarray(twice[name]), np.asarray(once[name]), err_msg=name)


@pytest.mark.filterwarnings('error')
def test_centroid_without_light():
    """
    The peak, without warnings of NumPy.
    """
    assert_equal(_centroid(np.zeros((20, 20)), (7, 9), 4.), (7, 9))
