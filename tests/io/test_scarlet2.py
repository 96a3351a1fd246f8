# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the sources of scarlet2.
"""

import sys

import numpy as np
import pytest
from conftest import POSITIONS, make_field
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import CircularGaussianPSF

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.io.scarlet2 import scarlet2_sources

SIGMA = 2.0  # of the PSF, pixels
MODEL_SIGMA = 0.7


@pytest.fixture
def result(fake_model):
    """Two stars, and between them in the table a wider galaxy, in two bands."""
    data = make_field()
    return RCNNSegmenter(fake_model).segment(
        np.stack([data, 2 * data]), bands='gr', psf=CircularGaussianPSF(fwhm=2.3548 * SIGMA))


@pytest.fixture
def scarlet2():
    return pytest.importorskip('scarlet2', reason='scarlet2 is in the extra scarlet2')


@pytest.fixture
def frame(result, scarlet2):
    return scarlet2.Frame(scarlet2.Box((2, *result.labels.shape)),
                          psf=scarlet2.GaussianPSF(MODEL_SIGMA), channels=list('gr'))


def observe(result, scarlet2, frame, factor=1.0):
    """The image, brighter by a factor, as scarlet2 has it."""
    axis = np.arange(-15, 16)
    psf = CircularGaussianPSF(fwhm=2.3548 * SIGMA)(*np.meshgrid(axis, axis))
    data = factor * (result.cube.data - result.background)
    observation = scarlet2.Observation(
        data, np.broadcast_to(1 / result.noise**2, data.shape), psf=np.stack([psf, psf]),
        channels=list('gr'))
    observation.match(frame)
    return observation


def test_rendered_by_scarlet2(result, scarlet2, frame):
    """
    What scarlet2 makes of the sources, with its own convolution, are the models: hence
    profiles are free of the PSF that was observed.
    """
    with scarlet2.Scene(frame) as scene:
        sources = scarlet2_sources(result)
    assert scene.sources == sources
    assert [type(source).__name__ for source in sources] == [
        'PointSource', 'Source', 'PointSource']
    rendered = np.asarray(observe(result, scarlet2, frame).render(scene()))
    for b, band in enumerate('gr'):
        model = result.model_image(band)
        assert_allclose(rendered[b].sum(), model.sum(), rtol=0.03)
        assert_allclose(rendered[b], model, atol=0.03 * model.max())


def test_attributes(result, scarlet2, frame):
    """
    Centers, boxes around the footprints, spectra and morphologies.
    """
    with scarlet2.Scene(frame):
        sources = scarlet2_sources(result)
    for source, position in zip(sources, POSITIONS, strict=True):
        assert_allclose(source.center[::-1], position, atol=0.2)
        assert_allclose(source.spectrum[1] / source.spectrum[0], 2, rtol=0.03)
    y1, x1, y2, x2 = result.footprints.boxes[1]
    _, (start_y, stop_y), (start_x, stop_x) = sources[1].bbox.bounds
    assert start_y <= y1
    assert y2 <= stop_y
    assert start_x <= x1
    assert x2 <= stop_x
    morphology = np.asarray(sources[1].morphology)
    assert morphology.min() > 0
    assert 0.99 < morphology.max() < 1
    # half of the light of a Gaussian of 4 pixels without the PSF of 2
    half = len(morphology) // 2
    radius = np.hypot(*(np.indices(morphology.shape) - half)).ravel()
    order = np.argsort(radius)
    light = np.cumsum(morphology.ravel()[order])
    assert_allclose(radius[order][np.searchsorted(light, light[-1] / 2)],
                    1.18 * np.sqrt(4**2 - SIGMA**2), rtol=0.1)
    assert_allclose(sources[0].spectrum, [result.deblended[f'flux_{band}'][0] for band in 'gr'],
                    rtol=1e-5)


def test_chosen_sources(result, scarlet2, frame):
    """
    Some of the sources, with the fluxes of the fit to all.
    """
    with scarlet2.Scene(frame):
        every = scarlet2_sources(result)
    with scarlet2.Scene(frame):
        chosen = scarlet2_sources(result[1:])
    assert len(chosen) == 2
    assert_equal(np.asarray(chosen[0].spectrum), np.asarray(every[1].spectrum))


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_fit(result, scarlet2, frame):
    """
    They are a start that scarlet2 can go on from, towards an image that is brighter.
    """
    constraints = pytest.importorskip('numpyro.distributions').constraints
    with scarlet2.Scene(frame) as scene:
        scarlet2_sources(result)
    with scarlet2.Parameters(scene):
        for i, source in enumerate(scene.sources):
            scarlet2.Parameter(source.spectrum, name=f'spectrum_{i}', stepsize=0.01,
                               constraint=constraints.positive)
        scarlet2.Parameter(scene.sources[1].morphology, name='morphology', stepsize=0.001,
                           constraint=constraints.unit_interval)
    observation = observe(result, scarlet2, frame, 1.1)
    fitted = scene.fit(observation, max_iter=20, progress_bar=False)
    before, after = (float(observation.log_likelihood(model())) for model in (scene, fitted))
    assert np.isfinite(before)
    assert after > before


def test_wrong_scenes(result, scarlet2, frame):
    with pytest.raises(RuntimeError, match='with scarlet2.Scene'):
        scarlet2_sources(result)
    with (scarlet2.Scene(scarlet2.Frame(scarlet2.Box((2, 50, 50)), psf=frame.psf)),
          pytest.raises(ValueError, match=r'pixels of the result, \(2, 120, 150\), got')):
        scarlet2_sources(result)
    with (scarlet2.Scene(scarlet2.Frame(frame.bbox, psf=frame.psf, channels=['r', 'g'])),
          pytest.raises(ValueError, match=r"channels .* \('g', 'r'\), got \['r', 'g'\]")):
        scarlet2_sources(result)
    with (scarlet2.Scene(scarlet2.Frame(frame.bbox)),
          pytest.raises(ValueError, match='psf, got None')):
        scarlet2_sources(result)


def test_not_installed(result, monkeypatch):
    monkeypatch.setitem(sys.modules, 'scarlet2', None)
    with pytest.raises(ModuleNotFoundError, match=r'photutils_rcnn\[scarlet2\]'):
        scarlet2_sources(result)
