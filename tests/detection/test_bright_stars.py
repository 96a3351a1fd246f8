# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the classes of bright stars that pass for galaxies.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal
from scipy import ndimage

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection.bright_stars import _wings, confirm_stars
from photutils_rcnn.sources.instances import Instances

SIDE = 240
FWHM = np.array([4.0, 3.6, 4.4])
NOTHING = np.zeros((3, SIDE, SIDE), dtype=bool)
STARS = np.array([(30, 30), (30, 100), (30, 170), (100, 30), (170, 30), (210, 210)])


def moffat(y, x, fwhm):
    rows, cols = np.indices((SIDE, SIDE))
    scale = fwhm / (2 * np.sqrt(2**(1 / 3) - 1))
    return (1 + ((rows - y)**2 + (cols - x)**2) / scale**2)**-3


def scene(height=10000., disc=0., saturation=np.inf):
    """
    Stars, and in the middle a brighter one, with the light of a galaxy or saturated in
    the last two bands.
    """
    rng = np.random.default_rng(0)
    rows, cols = np.indices((SIDE, SIDE))
    radius = np.hypot(rows - 130, cols - 130)
    light = rng.normal(size=(3, SIDE, SIDE))
    for band, fwhm in enumerate(FWHM):
        source = height * moffat(130.2, 129.7, fwhm)
        source += disc * ndimage.gaussian_filter(np.exp(-radius / 6), 1.7)
        if band > 0:
            source = ndimage.uniform_filter(np.minimum(source, saturation), 3)
        light[band] += source
        for y, x in STARS:
            light[band] += 800 * moffat(y + 0.3, x - 0.2, fwhm)
    return light.astype(np.float32)


def sources(*circles, star=0.05):
    """
    Round outlines (y, x, radius).
    """
    y, x, radius = np.array(circles, dtype=np.float32).T
    boxes = np.stack([y - radius, x - radius, y + radius, x + radius], axis=1) + 0.5
    axis = (np.arange(28) + 0.5) / 14 - 1
    mask = np.hypot(axis[:, None], axis) < 1
    n = len(circles)
    return Instances(
        shape=(SIDE, SIDE), boxes=boxes, scores=np.full(n, 0.9),
        class_probabilities=np.tile([star, 1 - star], (n, 1)),
        masks=np.repeat(mask[None].astype(np.float16), n, axis=0), mask_boxes=boxes,
        flags=np.zeros(n, dtype=np.int32))


def test_star_saturated_in_two_bands():
    """
    The third band tells it, though the outline is not centered on the core.
    """
    given = sources((132, 127, 25), (60, 200, 14))
    corrected = confirm_stars(given, scene(saturation=1000), NOTHING, FWHM, STARS)
    assert_allclose(corrected.class_probabilities, [[0.8, 0.2], [0.05, 0.95]])
    assert_equal(given.class_ids, [2, 2])


@pytest.mark.parametrize('disc', [600, 4000])
def test_galaxies_stay(disc):
    """
    One with a bright nucleus, and one without.
    """
    snr = scene(height=10000 if disc < 1000 else 0, disc=disc)
    given = sources((130, 130, 25))
    assert confirm_stars(given, snr, NOTHING, FWHM, STARS) is given


def test_peak_on_another_outline():
    """
    It is the peak of that source.
    """
    given = sources((130, 130, 25), (131, 131, 8))
    assert confirm_stars(given, scene(), NOTHING, FWHM, STARS) is given


def test_all_bands_saturated():
    snr = scene(saturation=1000)
    snr[0] = snr[1]
    given = sources((130, 130, 25))
    assert confirm_stars(given, snr, NOTHING, FWHM, STARS) is given


def test_stars_faint_sources_and_masked_cores_stay():
    snr = scene()
    surer = sources((130, 130, 25), star=0.9)
    assert confirm_stars(surer, snr, NOTHING, FWHM, STARS) is surer
    given = sources((130, 130, 25))
    assert confirm_stars(given, scene(height=300), NOTHING, FWHM, STARS) is given
    invalid = NOTHING.copy()
    invalid[:, 128:132, 128:132] = True
    assert confirm_stars(given, snr, invalid, FWHM, STARS) is given


def test_needs_the_psf():
    given, snr = sources((130, 130, 25)), scene()
    assert confirm_stars(given, snr, NOTHING, None, None) is given
    assert confirm_stars(given, snr, NOTHING, FWHM, STARS[:4]) is given
    assert confirm_stars(given, snr, NOTHING, FWHM, STARS).class_ids == [1]


def test_at_the_border_and_without_a_band():
    """
    The wings need not be seen all around, nor in all bands.
    """
    snr = scene()[:, 124:]
    invalid = NOTHING[:, 124:].copy()
    invalid[2] = True
    given = sources((7, 130, 25))
    given.shape = snr.shape[1:]
    stars = STARS[-1:] - (124, 0)
    corrected = confirm_stars(given, snr, invalid, FWHM, np.repeat(stars, 5, axis=0))
    assert_equal(corrected.class_ids, [1])


@pytest.mark.filterwarnings('error')
def test_wings_that_cannot_be_seen():
    """
    They are NaN, without warnings of NumPy.
    """
    empty = np.zeros((3, 100, 100), dtype=np.float32)
    for pixels, fwhm in ((empty, FWHM), (empty - 1, FWHM), (empty + 1, FWHM * 0 + 0.5)):
        wings = _wings(pixels, np.zeros(pixels.shape, bool), fwhm, (50, 50))
        assert wings.shape == (3,)
    assert_equal(_wings(empty, empty > 0, FWHM, (50, 50)), np.full(3, np.nan))
    assert_equal(_wings(empty - 1, empty > 0, FWHM, (50, 50)), np.full(3, np.nan))


@pytest.mark.parametrize('star_fraction', [None, 0.01])
def test_segmenter(fake_model, star_fraction):
    """
    The star is told in a frame, given the PSF; the fraction of stars comes after.
    """
    fake_model.star_log_odds = 0., 0.  # equal odds at any S/N

    def middle(**options):
        segmenter = RCNNSegmenter(fake_model, background=0, star_fraction=star_fraction,
                                  **options)
        table = segmenter.segment(scene(saturation=1000)).table
        assert len(table) == len(STARS) + 1
        return table[np.argmin(np.hypot(table['x'] - 129.7, table['y'] - 130.2))]

    assert_allclose(middle(psf_fwhm=None)['log_bayes_factor'], np.log(0.1 / 0.9), rtol=1e-4)
    source = middle()
    assert_allclose(source['log_bayes_factor'], np.log(0.8 / 0.2), rtol=1e-4)
    expected = 0.8 if star_fraction is None else 4 / (4 + 99)
    assert_allclose(source['prob_star'], expected, rtol=1e-4)
