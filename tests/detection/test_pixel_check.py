# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the check of detections against the pixels, and of the sky they stand on.
"""

import warnings

import numpy as np
import pytest
from astropy.convolution import convolve
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose
from photutils.segmentation import SourceFinder, make_2dgaussian_kernel
from photutils.utils.exceptions import NoDetectionsWarning
from scipy import ndimage
from scipy.spatial import KDTree

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection.pixel_check import PixelCheck, check_pixels
from photutils_rcnn.preprocessing.binned_map import bin_sums
from photutils_rcnn.preprocessing.sky_structure import SkyScales, smooth_sky
from photutils_rcnn.sources.footprints import Footprints

SHAPE = (400, 400)
Y, X = np.mgrid[:SHAPE[0], :SHAPE[1]]


def _noise(seed=0):
    return np.random.default_rng(seed).normal(0, 1, SHAPE)


def _fringes(amplitude, period):
    return amplitude * np.sin(2 * np.pi * (X + 0.3 * Y) / period)


def _smooth(rms, scale):
    field = ndimage.gaussian_filter(_noise(7), scale, mode='wrap')
    return rms * field / field.std()


# The period grows from 20 to 40 pixels.
CURVED = np.sin(2 * np.pi * (X / 20 - X**2 / 32000 + Y**2 / 16000))
STRUCTURES = {
    'fringes 1 20': _fringes(1, 20), 'fringes 2 20': _fringes(2, 20),
    'curved fringes': CURVED,
    'fringes 0.5 60': _fringes(0.5, 60), 'fringes 1 60': _fringes(1, 60),
    'fringes 2 200': _fringes(2, 200), 'smooth 0.5 12': _smooth(0.5, 12),
    'smooth 2 12': _smooth(2, 12), 'smooth 1 40': _smooth(1, 40),
    'steps': np.where(X // 100 % 2, 1.5, 0.),
    'checks': 0.7 * np.sign(np.sin(X / 6.4) * np.sin(Y / 6.4))}


@pytest.fixture(scope='module')
def segmenter():
    return RCNNSegmenter()


@pytest.fixture(scope='module')
def sources():
    """
    The light of 100 sources in units of the noise, and their positions.
    """
    rng = np.random.default_rng(5)
    light, positions = np.zeros(SHAPE), []
    for y0 in range(20, 400, 40):
        for x0 in range(20, 400, 40):
            x, y = x0 + rng.uniform(-6, 6), y0 + rng.uniform(-6, 6)
            sigma = rng.uniform(1.7, 3)
            flux = sigma**2 * rng.uniform(50, 400)
            light += flux / (2 * np.pi * sigma**2) * np.exp(
                -((X - x)**2 + (Y - y)**2) / (2 * sigma**2))
            positions.append((x, y))
    return light, np.array(positions)


def _found(segmenter, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return segmenter.segment(data, **options)


def _rates(result, positions):
    table = result.table
    found = np.transpose([table['x'], table['y']])
    complete = KDTree(found).query(positions)[0] < 3
    pure = KDTree(positions).query(found)[0] < 3
    return complete.mean(), pure.mean()


@pytest.mark.parametrize('name', STRUCTURES)
def test_structure_is_no_source(segmenter, name):
    """
    A sky with structure and nothing else is labelled less than by a threshold.
    """
    image = _noise() + STRUCTURES[name]
    smooth = convolve(image - np.median(image),
                      make_2dgaussian_kernel(3.0, size=5))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        thresholded = SourceFinder(10, progress_bar=False)(smooth, 1.5)
    others = 0 if thresholded is None else (thresholded.data > 0).mean()
    result = _found(segmenter, 1000 + 10 * image)
    assert (result.labels > 0).mean() <= max(0.5 * others, 0.005)


@pytest.mark.parametrize('name', STRUCTURES)
def test_sources_on_structure(segmenter, sources, name):
    """
    Sources are found as on an even sky, and hardly anything else is.
    """
    light, positions = sources
    rates = []
    for seed in (1, 2):
        data = 1000 + 10 * (_noise(seed) + light)
        rates.append((_rates(_found(segmenter, data), positions), _rates(
            _found(segmenter, data + 10 * STRUCTURES[name]), positions)))
    (even, _), (complete, pure) = np.mean(rates, axis=0)
    assert even > 0.9
    assert complete >= 0.9 * even
    assert pure >= 0.97


def test_fringes_in_one_band(segmenter, sources):
    """
    They are taken away there, also beside pixels without data, and nowhere else.
    """
    light, positions = sources
    sky = np.stack([0 * X, 0 * X, _fringes(2, 20)])
    data = np.stack([_noise(seed) + light for seed in range(3)])
    data[:, 150:170, 100:180] = np.nan
    even, _ = _rates(_found(segmenter, data), positions)
    result = _found(segmenter, data + sky)
    complete, pure = _rates(result, positions)
    assert complete >= 0.95 * even
    assert pure >= 0.97
    left = (result.background - sky).std(axis=(1, 2))
    assert left[:2].max() < 0.1
    assert left[2] < 0.35


def test_user_is_told_of_structure(segmenter):
    data = np.random.default_rng(0).normal(1000, 10, SHAPE)
    data += 5 * np.sin(2 * np.pi * X / 60)
    with (pytest.warns(NoDetectionsWarning, match='No sources'),
          pytest.warns(AstropyUserWarning, match='structure on the scale of')):
        result = segmenter.segment(data)
    assert not result.labels.any()


def test_wrong_error_is_told_once(segmenter):
    """
    Also where the sky is searched more than once.
    """
    data = 1000 + 10 * (_noise() + _fringes(2, 60))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        segmenter.segment(data, error=0.1)
    told = [str(item.message) for item in caught]
    assert sum('does not fit the data' in text for text in told) == 1
    assert sum('structure on the scale of' in text for text in told) == 1
    assert {item.filename for item in caught
            if 'structure on' in str(item.message)} == {__file__}


@pytest.mark.parametrize('level', [-30, -8, 30, 1000])
def test_sky_that_is_not_zero(segmenter, sources, level):
    """
    A wrong background is told, and the sources are found all the same.
    """
    light, positions = sources
    data = 10 * (_noise(2) + light)
    even, _ = _rates(_found(segmenter, data, background=0), positions)
    with pytest.warns(AstropyUserWarning, match='not near zero'):
        result = segmenter.segment(data + level, background=0)
    complete, pure = _rates(result, positions)
    assert complete >= 0.95 * even
    assert pure >= 0.97
    # what is measured is what was given
    assert_allclose(result.background, 0)


def test_empty_negative_sky(segmenter):
    data = np.random.default_rng(0).normal(-30, 10, SHAPE)
    with (pytest.warns(NoDetectionsWarning, match='No sources'),
          pytest.warns(AstropyUserWarning, match='sky is at -3')):
        result = segmenter.segment(data, background=0)
    assert not result.labels.any()


@pytest.mark.parametrize('width', [1, 3, 5])
def test_bleed_trail(segmenter, sources, width):
    """
    A bleed trail is no row of sources.
    """
    light, positions = sources
    data = light.copy()
    data += 3e4 * np.exp(-np.hypot(X - 200, Y - 200)**2 / 18)
    rng = np.random.default_rng(1)
    for column in range(200 - width // 2, 201 + width // 2):
        low, high = rng.integers(30, 50), rng.integers(340, 370)
        data[low:high, column] = rng.normal(4000, 20, high - low)
    data = np.minimum(data, 4000) + _noise(3)
    table = _found(segmenter, data).table
    on_trail = (abs(table['x'] - 200) < 5) & (abs(table['y'] - 200) > 25)
    assert np.count_nonzero(on_trail) <= np.count_nonzero(
        (abs(positions[:, 0] - 200) < 9) & (abs(positions[:, 1] - 200) > 25))


def _discs(positions, radius=3):
    boxes = [(y - radius, x - radius, y + radius + 1, x + radius + 1)
             for x, y in positions]
    rows, cols = np.mgrid[-radius:radius + 1, -radius:radius + 1]
    return Footprints(boxes, [np.hypot(rows, cols) <= radius] * len(boxes),
                      SHAPE)


def test_significance():
    """
    Footprints on noise alone are dropped, those on light are kept; one band
    is enough.
    """
    positions = [(50, 50), (150, 50), (250, 50), (50, 150)]
    snr = np.stack([_noise(4), _noise(5)])
    snr[0, 47:54, 147:154] += 3
    snr[1, 47:54, 247:254] += 3
    snr[:, 147:154, 47:54] -= 3
    check = check_pixels(_discs(positions), snr,
                         np.zeros(snr.shape, bool), np.array([4., 4.]))
    assert check.keep.tolist() == [False, True, True, False]


def test_no_detections():
    check = check_pixels(Footprints([], [], SHAPE), _noise()[None],
                         np.zeros((1, *SHAPE), bool))
    assert check.keep.shape == (0,)
    assert not check.misled


def test_detections_without_pixels():
    """
    A detection on invalid pixels alone is not in the pixels.
    """
    invalid = np.zeros((1, *SHAPE), bool)
    invalid[:, 40:60, 40:60] = True
    snr = np.where(invalid, np.nan, _noise()[None] + 5)
    assert not check_pixels(_discs([(50, 50)]), snr, invalid).keep.any()


@pytest.mark.parametrize('scale', [4, 12, 30])
def test_rms_of_structure(scale):
    """
    The rms of a smooth field is found near its scale, that of white noise is 0.
    """
    none = np.zeros((200, 200), bool)

    def measure(image):
        scales = SkyScales(lambda rows: image[rows], np.zeros(SHAPE, bool))
        return scales.measure(none).rms

    assert measure(_noise(8)).max() < 0.03
    rms = measure(_noise(8) + _smooth(2, scale))
    assert 0.5 < rms.max() < 2.2


def test_smooth_sky():
    """
    The sky is followed, also under sources, on the largest scale that does.
    """
    sky = _fringes(1.5, 150)
    covered = np.hypot(X - 200, Y - 200) < 12
    image = _noise(9) + sky + 50 * covered
    scales = SkyScales(lambda rows: image[rows], np.zeros(SHAPE, bool))
    found, scale, noise_scale = smooth_sky(scales, bin_sums(covered, 2), limit=0.12)
    assert scale >= 8
    assert noise_scale == 1
    found = found.repeat(2, axis=0).repeat(2, axis=1)
    assert (found - sky)[20:-20, 20:-20].std() < 0.35
    assert abs(found - sky)[covered].max() < 1.2


def test_clump_on_a_galaxy_is_kept():
    """
    What lies on the outline of another source stands out from the sky as that does.
    """
    disc = 20 * np.exp(-np.hypot(X - 200, Y - 200) / 15)
    light = disc + 8 * np.exp(-0.5 * ((X - 215)**2 + (Y - 205)**2) / 1.7**2)
    outlines = disc > 1, np.hypot(X - 215, Y - 205) < 3
    boxes, masks = zip(*(Footprints.from_full(mask, (0, 0), SHAPE) for mask in outlines),
                       strict=True)
    bands = np.stack([light + _noise(k) for k in range(3)]).astype(np.float32)
    check = check_pixels(Footprints(boxes, masks, SHAPE), bands,
                         np.zeros(bands.shape, bool), np.full(3, 4.))
    assert check.keep.all()
    assert not check.misled


@pytest.mark.parametrize(('n_lost', 'lost_area', 'made'), [
    (3, 0.001, False), (30, 0.001, True), (1, 0.1, True)])
def test_few_lost(n_lost, lost_area, made):
    """A few small detections of many are no sign of a sky that makes sources."""
    check = PixelCheck(np.arange(450) >= n_lost, np.ones(450), np.zeros((2, 2), bool), rms=0.25,
                       scale=32, lost_area=lost_area, images=[])
    assert check.made_detections == made
