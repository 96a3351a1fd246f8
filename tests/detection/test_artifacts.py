# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for cosmic rays, saturated pixels, satellite trails, and the sources they touch.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.modeling.models import Gaussian2D
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_data import sample_data

from photutils_rcnn.detection.artifacts import drop_artifacts, find_artifacts, find_saturated
from photutils_rcnn.detection.cosmic_rays import find_cosmic_rays
from photutils_rcnn.detection.satellite_trails import find_satellite_trails
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import normalize_cube
from photutils_rcnn.segmenter import RCNNSegmenter
from photutils_rcnn.simulation import artifacts as simulated
from photutils_rcnn.sources.artifacts import ARTIFACT_KINDS
from photutils_rcnn.sources.instances import RCNN_FLAGS, Instances

SHAPE = (150, 170)
NOTHING = np.zeros(SHAPE, dtype=bool)


def moffat(y, x, height, fwhm, beta=3.):
    """
    A star, the mean over pixels of its profile.
    """
    alpha = 0.5 * fwhm / np.sqrt(2 ** (1 / beta) - 1)
    thirds = (np.arange(3 * max(SHAPE)) + 0.5) / 3 - 0.5
    dy, dx = (((thirds[:3 * side] - at) / alpha)**2 for side, at in zip(
        SHAPE, (y, x), strict=True))
    star = height * (1 + dy[:, None] + dx)**-beta
    return star.reshape(SHAPE[0], 3, SHAPE[1], 3).mean(axis=(1, 3))


@settings(max_examples=25, deadline=None)
@given(st.floats(1.6, 8), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(1, 3.7),
       st.integers(0, 10**6))
def test_no_star_is_a_cosmic_ray(fwhm, dy, dx, log_height, seed):
    """
    At any place within a pixel, well sampled or not, with the noise of its photons.
    """
    star = moffat(100 + dy, 100 + dx, 10**log_height, fwhm)
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    image = star + noise * np.sqrt(1 + star / 30)
    assert not find_cosmic_rays(image, NOTHING, NOTHING, fwhm)[90:111, 90:111].any()


@pytest.mark.parametrize('fwhm', [2., 3.7, 6.])
def test_cosmic_rays_among_stars(fwhm):
    rng = np.random.default_rng(4)
    image = rng.normal(size=SHAPE)
    for _ in range(15):
        image += moffat(*(rng.uniform(5, side - 5) for side in SHAPE),
                        10**rng.uniform(1, 2.5), fwhm)
    charge = simulated.add_cosmic_rays(image, 30, 1., rng)
    found = find_cosmic_rays(image, NOTHING, NOTHING, fwhm)
    hit = charge > 2
    assert np.sum(found & hit) > 0.85 * hit.sum()
    assert np.sum(found & hit) > 0.9 * found.sum()


def test_saturated_pixels():
    rng = np.random.default_rng(5)
    star = moffat(100, 100, 3000., 4.) + rng.normal(size=SHAPE)
    assert not find_saturated(star, 4.).any()
    data = (star + moffat(50, 40, 2000., 4.))[None]
    full = simulated.saturate(data, 700., True, rng)[0]
    assert full.sum() > 10
    np.testing.assert_array_equal(find_saturated(data[0], 4.), full)
    # the edges of what was clipped are sharp
    assert not find_cosmic_rays(data[0], NOTHING, full, 4.).any()


@pytest.mark.parametrize('seed', range(4))
def test_satellite_trails(seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=SHAPE)
    for _ in range(20):
        image += moffat(*(rng.uniform(5, side - 5) for side in SHAPE),
                        10**rng.uniform(1, 3), 3.5)
    assert not find_satellite_trails(image, NOTHING).any()
    light = 2 * simulated.add_trail(np.zeros(SHAPE), 2., 3.5, rng)
    found = find_satellite_trails(image + light, NOTHING)
    assert np.sum(found & (light > 2)) > 0.85 * np.sum(light > 2)
    assert np.sum(found & (light > 1)) > 0.85 * found.sum()


def test_real_trail():
    """
    A trail that ends within the frame.
    """
    data = fits.getdata(sample_data('artefacts') / 'satellite_trail.fits').astype('f4')
    table = find_artifacts(normalize_cube(prepare_inputs(data)).frame).table
    trail, = table[table['kind'] == 'satellite_trail']
    assert trail['bbox_xmin'] == pytest.approx(20, abs=16)
    assert trail['bbox_xmax'] == pytest.approx(340, abs=16)
    assert (trail['bbox_ymin'], trail['bbox_ymax']) == pytest.approx((310, 338), abs=8)


@pytest.fixture
def struck():
    """
    Three bands of a star that a cosmic ray hit in one, and a track beside it.
    """
    rng = np.random.default_rng(6)
    data = rng.normal(size=(3, *SHAPE)) + moffat(60, 60, 50., 4.)
    data[1, 57, 58:64] += rng.uniform(100, 400, 6)
    data[1, 140:142, 120:131] += rng.uniform(100, 200, (2, 11))
    return data.astype(np.float32)


def test_artifacts_of_a_frame(struck):
    struck[0, 140:142, 120:131] = np.nan
    frame = normalize_cube(prepare_inputs(struck, bands=('g', 'r', 'z')), background=0).frame
    artifacts = find_artifacts(frame, np.full(3, 4.))
    assert artifacts.masks.shape == struck.shape
    assert set(artifacts.table['band']) == {'r'}
    rows = artifacts.table[artifacts.table['bbox_ymin'] > 130]
    assert rows['kind'].tolist() == ['cosmic_ray']
    assert rows['n_pixels'][0] == pytest.approx(22, abs=2)
    assert rows['peak_snr'][0] == pytest.approx(struck[1, 140:142, 120:131].max(), rel=0.05)
    mask = artifacts.mask('r', 'cosmic_ray')
    assert mask[140:142, 120:131].all()
    assert not artifacts.mask('r', 'satellite_trail').any()
    for arguments in (('y',), ('g', 'comet')):
        with pytest.raises(ValueError, match=f'got {arguments[-1]!r}'):
            artifacts.mask(*arguments)


def test_stars_sharper_than_measured():
    """
    All bands have them, unlike a cosmic ray.
    """
    data = np.random.default_rng(7).normal(size=(3, *SHAPE)) + moffat(50, 60, 300., 1.3)
    data[2, 100, 80:90] += 30
    frame = normalize_cube(prepare_inputs(data), background=0).frame
    masks = find_artifacts(frame, np.full(3, 3.)).masks == ARTIFACT_KINDS['cosmic_ray']
    assert find_cosmic_rays(frame.snr[0], NOTHING, NOTHING, 3.)[50, 60]
    assert not masks[:, 40:60, 50:70].any()
    assert masks[2, 100, 80:90].all()


def test_tracks_are_no_sources(struck):
    """
    The track is dropped; the star has light in the other bands, and a flag.
    """
    frame = normalize_cube(prepare_inputs(struck), background=0).frame
    artifacts = find_artifacts(frame, np.full(3, 4.))
    boxes = np.float32([[54, 54, 67, 67], [139, 119, 143, 132], [20, 20, 30, 30]])
    found = Instances(
        shape=SHAPE, boxes=boxes, scores=np.ones(3), mask_boxes=boxes,
        class_probabilities=np.full((3, 2), 0.5), masks=np.ones((3, 28, 28), dtype='f2'),
        flags=np.zeros(3, dtype=np.int32))
    kept = drop_artifacts(found, artifacts, frame.snr, frame.cube.invalid)
    assert kept.boxes.tolist() == boxes[[0, 2]].tolist()
    assert kept.flags.tolist() == [RCNN_FLAGS['touches_artifact'], 0]


@pytest.mark.parametrize('artifacts', [False, True])
def test_sources_among_many_cosmic_rays(artifacts):
    """
    Tracks that the network does not take for sources are no structure of the sky.
    """
    rng = np.random.default_rng(6)
    image, stars = rng.normal(size=SHAPE), rng.uniform(5, 145, (40, 2))
    for star in stars:
        image += moffat(*star, 10**rng.uniform(1, 2.5), 4.)
    for y, x in rng.integers(0, 140, (25, 2)):
        image[y, x:x + rng.integers(2, 8)] += rng.uniform(50, 2000)
    result = RCNNSegmenter().segment(image, background=0, psf=4., artifacts=artifacts)
    centers = result.instances.centers[:, ::-1]
    nearest = np.hypot(*(stars[:, None] - centers).T).min(axis=0)
    assert np.count_nonzero(nearest < 1.5) > 30


def test_of_results(fake_model, struck):
    segmenter = RCNNSegmenter(fake_model, background=0, psf_fwhm=4.)
    plain = segmenter.segment(struck[1])
    result = segmenter.segment(struck[1], artifacts=True)
    assert len(plain) == len(result) + 1
    assert result.table['detection_flags'][0] & RCNN_FLAGS['touches_artifact']
    np.testing.assert_array_equal(plain.artifacts.masks, result.artifacts.masks)
    assert result[:1].artifacts is result.artifacts
    assert result.artifacts.masks.max() == ARTIFACT_KINDS['cosmic_ray']


def test_of_nothing():
    data = np.random.default_rng(0).normal(size=(40, 40))
    artifacts = find_artifacts(normalize_cube(prepare_inputs(data)).frame)
    assert not artifacts.masks.any()
    assert len(artifacts.table) == 0
    assert 'peak_snr' in artifacts.table.colnames


def test_gaussian_blobs_are_no_trails():
    rows, cols = np.indices(SHAPE)
    image = Gaussian2D(50, 100, 90, 30, 3, theta=0.5)(cols, rows)  # an edge-on galaxy
    assert not find_satellite_trails(image, NOTHING).any()
