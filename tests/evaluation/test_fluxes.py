# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the fluxes of results and baselines.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from photutils_rcnn.evaluation.baselines import DetectionImage
from photutils_rcnn.evaluation.fluxes import kron_photutils, kron_sep, result_fluxes
from photutils_rcnn.segmenter import RCNNSegmenter

METHODS = [kron_photutils, kron_sep]


@pytest.mark.parametrize('measure', METHODS)
def test_kron_fluxes(build_scene, measure):
    """Fluxes and positions of isolated sources, in both bands."""
    pytest.importorskip('sep')
    positions, fluxes = [(30, 30), (90, 30), (60, 90)], [3000, 4000, 5000]
    scene = build_scene(positions, fluxes, [1, 1, 1])
    image = DetectionImage.from_scene(scene)
    bands = scene.data.astype(float)
    bands[1] *= 2
    found = measure(image, bands, np.ones_like(bands))
    order = [int(np.argmin(np.hypot(found.x - x, found.y - y))) for x, y in positions]
    assert_allclose(np.stack([found.x, found.y], axis=1)[order], positions, atol=0.3)
    assert_allclose(found.flux[order, 0], fluxes, rtol=0.08)
    assert_allclose(found.flux[order, 1], 2 * np.array(fluxes), rtol=0.08)
    assert (found.error > 0).all()


@pytest.mark.parametrize('measure', METHODS)
def test_nothing_found(measure):
    pytest.importorskip('sep')
    image = DetectionImage(np.zeros((64, 64)), np.zeros((64, 64), bool), 4.)
    found = measure(image, np.zeros((2, 64, 64)), np.ones((2, 64, 64)))
    assert found.flux.shape == found.error.shape == (0, 2)


def test_result_fluxes(build_scene, fake_model):
    """Those of the catalog, in the order of the table."""
    scene = build_scene([(40, 40), (90, 80)], [5000, 4000], [1, 1])
    result = RCNNSegmenter(fake_model, background=0).segment(scene.data, bands=scene.bands)
    found = result_fluxes(result, 'segment', ['r'])
    assert found.flux.shape == (2, 1)
    assert_allclose(found.flux[:, 0], result.band_catalog('r').segment_flux[
        result.label_of_source - 1])
    assert_allclose(found.x, result.table['x'].value)
