# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for saturation, spikes, cosmic rays, trails and missing pixels.
"""



import numpy as np
import pytest

from photutils_rcnn.simulation import artifacts

FULL_WELL = 1000.0


def bright_star(peak):
    rows, cols = np.indices((101, 81))
    star = peak * np.exp(-0.5 * ((rows - 50) ** 2 + (cols - 40) ** 2) / 9)
    return star[None].astype(np.float32)


def test_saturation_clips():
    data = bright_star(5000.0)
    hot = data[0] > FULL_WELL
    before = data.copy()
    saturated = artifacts.saturate(data, FULL_WELL, False,
                                   np.random.default_rng(0))[0]
    np.testing.assert_array_equal(saturated, hot)
    assert np.all(data[0, hot] == FULL_WELL)
    np.testing.assert_array_equal(data[0, ~hot], before[0, ~hot])


def test_saturation_bleeds_along_columns():
    data = bright_star(20000.0)
    hot = data[0] > FULL_WELL
    saturated = artifacts.saturate(data, FULL_WELL, True,
                                   np.random.default_rng(0))[0]
    assert data.max() == FULL_WELL
    bled = saturated & ~hot
    assert bled.any()
    # only columns that were hot, and without a gap
    assert not bled[:, ~hot.any(axis=0)].any()
    for column in saturated[:, hot.any(axis=0)].T:
        assert np.all(np.diff(np.flatnonzero(column)) == 1)


def test_unsaturated_is_left_alone():
    data = bright_star(500.0)
    before = data.copy()
    assert not artifacts.saturate(data, FULL_WELL, True,
                                  np.random.default_rng(0)).any()
    np.testing.assert_array_equal(data, before)


@pytest.mark.parametrize('n_spikes', [4, 6, 8])
def test_spikes(n_spikes):
    light = np.zeros((1, 201, 201))
    artifacts.add_spikes(light, 100.0, 100.0, [1e7], [1.0], [3.0], n_spikes,
                         0.01, 0.3)
    assert 0.005e7 < light.sum() < 0.02e7
    phi = 0.3 + np.arange(n_spikes) * 2 * np.pi / n_spikes
    on = light[0, np.round(100 + 40 * np.sin(phi)).astype(int),
               np.round(100 + 40 * np.cos(phi)).astype(int)]
    phi += np.pi / n_spikes
    off = light[0, np.round(100 + 40 * np.sin(phi)).astype(int),
                np.round(100 + 40 * np.cos(phi)).astype(int)]
    assert on.min() > 100 * off.max()


def test_faint_stars_have_no_spikes():
    light = np.zeros((1, 64, 64))
    artifacts.add_spikes(light, 30.0, 30.0, [100.0], [1.0], [3.0], 4, 0.01, 0)
    assert not light.any()


def test_cosmic_rays():
    frame = np.zeros((128, 128), dtype=np.float32)
    charge = artifacts.add_cosmic_rays(frame, 20, 2.0, np.random.default_rng(3))
    assert 20 < np.sum(charge > 4) < 2000
    assert frame.min() == 0
    np.testing.assert_allclose(frame, charge, rtol=1e-6)


def test_satellite_trail_crosses_the_frame():
    frame = np.zeros((90, 110))
    artifacts.add_trail(frame, 1.0, 3.0, np.random.default_rng(2))
    lit = frame > 0.5 * frame.max()
    assert 60 < lit.sum() < 0.2 * frame.size
    assert lit[[0, -1]].any() or lit[:, [0, -1]].any()


@pytest.mark.parametrize('seed', range(4))
def test_residual_background(seed):
    background = artifacts.residual_background(
        (90, 130), 0.3, np.random.default_rng(seed))
    assert background.shape == (90, 130)
    assert background.mean() == pytest.approx(0, abs=1e-6)
    assert background.std() == pytest.approx(0.3)
    # smooth: half of the rms from one row to the next at most
    assert np.abs(np.diff(background, axis=0)).max() < 0.15


@pytest.mark.parametrize('kind', ['columns', 'corner', 'edge'])
@pytest.mark.parametrize('seed', range(4))
def test_missing_pixels(kind, seed):
    missing = artifacts.missing_pixels((90, 130), kind,
                                       np.random.default_rng(seed))
    assert missing.shape == (90, 130)
    assert 0 < missing.sum() < 0.6 * missing.size
    if kind == 'columns':
        assert np.all(missing == missing[0])


def test_unknown_missing_pixels():
    with pytest.raises(ValueError, match="got 'rows'"):
        artifacts.missing_pixels((9, 9), 'rows', np.random.default_rng(0))


@pytest.mark.parametrize(('peak', 'longest'), [(2.0, 0), (31.0, 10),
                                               (1e5, 120)])
def test_charge_that_bleeds(peak, longest):
    """
    The more charge, the longer the trail, both ways along the column.
    """
    data = np.zeros((1, 301, 9))
    data[0, 150, 4] = peak * FULL_WELL
    saturated = artifacts.saturate(data, FULL_WELL, True,
                                   np.random.default_rng(0))[0]
    rows, cols = np.nonzero(saturated)
    assert set(cols) == {4}
    for reach in (150 - rows.min(), rows.max() - 150):
        assert int(0.3 * longest) <= reach <= 0.7 * longest


@pytest.mark.parametrize('add', [
    lambda frame, sigma, rng: artifacts.add_cosmic_rays(frame, 20, sigma, rng),
    lambda frame, sigma, rng: artifacts.add_trail(frame, sigma, 3.0, rng)])
def test_brightness_scales_with_the_noise(add):
    frames = np.zeros((2, 128, 128))
    for frame, sigma in zip(frames, (1.0, 10.0), strict=True):
        add(frame, sigma, np.random.default_rng(3))
    assert frames[0].max() > 1
    np.testing.assert_allclose(frames[1], 10 * frames[0], rtol=1e-6,
                               atol=1e-9)


def test_width_of_trails_and_spikes():
    """
    They are as wide as the PSF.
    """
    frames = np.zeros((2, 200, 200))
    light = np.zeros((2, 201, 201))
    for i, fwhm in enumerate((3.0, 6.0)):
        artifacts.add_trail(frames[i], 1.0, fwhm, np.random.default_rng(2))
        artifacts.add_spikes(light[i:i + 1], 100.0, 100.0, [1e7], [1.0],
                             [fwhm], 4, 0.01, 0.0)
    widths = []
    for frame in frames:
        lit = frame > 0.5 * frame.max()
        along = lit.sum(axis=0).max(), lit.sum(axis=1).max()
        widths.append(1 / np.hypot(*np.divide(1, along)))
    # random, once to twice that of the PSF
    assert 2.5 < widths[0] < 6.5
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.15)
    narrow, wide = (np.count_nonzero(frame[:, 150] > 0.5 * frame[100, 150])
                    for frame in light)
    assert (narrow, wide) == (3, 7)


def test_any_edge_may_be_missing():
    edges = set()
    for seed in range(20):
        missing = artifacts.missing_pixels((30, 40), 'edge',
                                           np.random.default_rng(seed))
        edges |= {name for name, edge in (
            ('low', missing[0]), ('high', missing[-1]),
            ('left', missing[:, 0]), ('right', missing[:, -1]))
            if edge.all()}
    assert edges == {'low', 'high', 'left', 'right'}


def test_halo_is_a_ring_of_the_given_light():
    light = np.zeros((1, 301, 301))
    artifacts.add_halo(light, 150.0, 150.0, np.array([1e7]), np.array([1.0]),
                       0.01, 60.0)
    assert light.sum() == pytest.approx(1e5, rel=0.15)
    profile = light[0, 150, 150:]
    assert profile[40] > 5 * profile[5]
    assert profile[40] > 50 * profile[80]


def test_halo_below_the_noise_or_off_the_frame_is_left_out():
    light = np.zeros((1, 64, 64))
    artifacts.add_halo(light, 30.0, 30.0, np.array([100.0]), np.array([1.0]),
                       0.01, 20.0)
    artifacts.add_halo(light, -500.0, 30.0, np.array([1e9]), np.array([1.0]),
                       0.01, 20.0)
    assert not light.any()


@pytest.mark.parametrize('how', ['interpolated', 'zero', 'hole'])
def test_repaired_cores(how):
    data = bright_star(5000.0)
    before = data.copy()
    hot = data[0] >= FULL_WELL
    artifacts.repair_cores(data, hot, how)
    np.testing.assert_array_equal(data[0, ~hot], before[0, ~hot])
    assert data.max() < before.max()
    core = data[0, 50, 40]
    if how == 'interpolated':
        assert 0.5 * FULL_WELL < core < FULL_WELL
    else:
        assert core == pytest.approx({'zero': 0, 'hole': 1500}[how])


@pytest.mark.parametrize('kind', ['fringes', 'patches', 'steps'])
@pytest.mark.parametrize('seed', range(3))
def test_sky_structure(kind, seed):
    sky = artifacts.sky_structure((128, 200), kind,
                                  np.random.default_rng(seed))
    assert sky.shape == (128, 200)
    assert sky.mean() == pytest.approx(0, abs=1e-9)
    assert sky.std() == pytest.approx(1)
    # no noise of pixels
    steps = np.abs(np.diff(sky, axis=1))
    assert np.median(steps) < 0.3


def test_sky_structure_refuses_other_kinds():
    with pytest.raises(ValueError, match='kind must be'):
        artifacts.sky_structure((64, 64), 'waves', np.random.default_rng(0))
