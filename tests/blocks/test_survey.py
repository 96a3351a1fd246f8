# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of what all blocks of a frame have in common, against a frame in memory.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.nddata import NDData
from conftest import make_field
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import GriddedPSFModel

from photutils_rcnn.blocks import mesh as mesh_module
from photutils_rcnn.blocks.frame_source import FrameSource
from photutils_rcnn.blocks.grid import make_blocks
from photutils_rcnn.blocks.psf_parts import psf_of_window
from photutils_rcnn.blocks.survey import Survey, survey_frame
from photutils_rcnn.preprocessing.background import resolve_background
from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.noise import estimate_noise
from photutils_rcnn.preprocessing.psf import find_varying_psf_stars

SHAPE = (530, 660)


@pytest.fixture(scope='module')
def data():
    """
    A sky with a slope, stars, a galaxy that fills boxes, and areas without data.
    """
    rng = np.random.default_rng(2)
    places = rng.uniform(20, 500, (60, 2))
    data = make_field(SHAPE, tuple(map(tuple, places[:, ::-1] * [1.25, 1.])), level=100.)
    y, x = np.indices(SHAPE)
    data += y / 100 + 4 * np.sin(x / 150) + 40 * np.exp(
        -((x - 200)**2 + (y - 300)**2) / (2 * 60**2))
    data[:140, :200] = np.nan
    return data.astype('f4')


@pytest.mark.parametrize('with_error', [False, True])
def test_survey(data, with_error, tmp_path, monkeypatch):
    """
    Background, noise, FWHM and stars are those of the whole frame, whatever the blocks.
    """
    monkeypatch.setattr(mesh_module, 'MAX_STRIP', 1)  # one row of boxes at a time
    error = np.linspace(0.8, 1.4, SHAPE[1]) * np.ones(SHAPE) if with_error else None
    source = FrameSource(data, error=error)
    probe = source.describe()
    segmenter = SimpleNamespace(psf_fwhm='auto', model=SimpleNamespace(
        detector=SimpleNamespace(config=SimpleNamespace(profile_size=0, n_bands=1))))
    n_read = []
    survey = survey_frame(source, probe, make_blocks(SHAPE, 192, 64), segmenter, None, tmp_path,
                          progress=lambda: n_read.append(1))
    assert len(n_read) == 3 * 12
    assert not list(tmp_path.iterdir())

    cube = prepare_inputs(data, error=error)
    background = resolve_background(cube, 'auto')
    noise = estimate_noise(cube, background)
    fwhm, stars, _ = find_varying_psf_stars(Frame(cube, background, noise).snr, cube.invalid)
    window = np.s_[64:400, 128:660]
    known = survey.estimates(window)
    assert_allclose(np.asarray(known.background), np.asarray(background)[:, *window],
                    atol=1e-4)
    assert_allclose(survey.frame(source.cube(window), window, 'auto').noise,
                    noise[:, *window] if with_error else noise, rtol=1e-4)
    assert_allclose(survey.psf.fwhm, fwhm, rtol=1e-4)
    assert_equal(np.sort(survey.psf.stars, axis=0), np.sort(stars, axis=0))

    again, fill = Survey.from_arrays(survey.to_arrays(source.fill), SHAPE)
    assert fill == [{}]
    assert_equal(again.estimates(window).background.bins, known.background.bins)
    assert_equal(again.psf.stars, survey.psf.stars)


def test_blocks():
    """
    Cores cover a frame once, and none is narrow.
    """
    covered = np.zeros((270, 455), dtype=int)
    blocks = make_blocks(covered.shape, 128, 64)
    for block in blocks:
        covered[block.core] += 1
        assert min(axis.stop - axis.start for axis in block.core) >= 64
    assert_equal(covered, 1)
    assert [block.index for block in blocks] == list(range(8))
    assert blocks[5].window == np.s_[64:270, 64:320]


def test_psf_of_window():
    """
    A PSF that varies is the same at the same place of the frame.
    """
    y, x = np.indices((21, 21)) - 10
    grid = [(0., 0.), (400., 0.), (0., 400.), (400., 400.)]
    images = np.stack([np.exp(-(x**2 + y**2) / (2 * sigma**2)) for sigma in (1.5, 2, 2.5, 3)])
    psf = GriddedPSFModel(NDData(images, meta={'grid_xypos': grid, 'oversampling': 1}))
    part = psf_of_window({'g': [psf, 3.]}, (64, 128))['g']
    assert part[1] == 3.
    x, y = np.meshgrid(np.arange(90., 110), np.arange(230., 250))
    assert_allclose(part[0].evaluate(x - 64, y - 128, 1., 100.2 - 64, 240.7 - 128),
                    psf.evaluate(x, y, 1., 100.2, 240.7))
