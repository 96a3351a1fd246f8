# Licensed under a 3-clause BSD style license - see LICENSE
"""
The shipped model of clumps.
"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.models.zoo import load_model

SHAPE, FWHM = (128, 128), 3.
CENTER = 63.7, 64.2
CLUMPS = np.array([(44., 60.), (55., 84.), (78., 80.), (84., 52.)])  # x, y
# of the light of the knots in each band
LIGHT = np.array([900., 800., 600.])
SCORES = 0.785, 0.802, 0.848, 0.853


def galaxy(*, knots=True):
    """
    A disc in three bands, with blue knots.
    """
    rng = np.random.default_rng(7)
    y, x = np.indices(SHAPE)
    radius = np.hypot(x - CENTER[0], (y - CENTER[1]) / 0.8)
    disc = np.exp(-radius / 14)
    sigma = FWHM / 2.355
    data = rng.normal(size=(3, *SHAPE))
    for band, (height, light) in enumerate(zip((12., 20., 24.), LIGHT, strict=True)):
        data[band] += height * disc
        for place in CLUMPS if knots else ():
            r2 = (x - place[0])**2 + (y - place[1])**2
            data[band] += light / (2 * np.pi * sigma**2) * np.exp(-r2 / (2 * sigma**2))
    return data


def find(data, **options):
    segmenter = RCNNSegmenter(load_model('clumps', precision='float32'), psf_fwhm=FWHM,
                              background=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return segmenter.segment(data, bands=('u', 'g', 'r'))


@pytest.fixture(scope='module')
def result():
    return find(galaxy())


def test_clumps_of_a_disc(result):
    clumps = result.clumps
    matches = match_positions(clumps['x'].value, clumps['y'].value, *CLUMPS.T, 1.)
    assert np.count_nonzero(matches.hits) == len(CLUMPS) == len(clumps)
    assert len(set(clumps['host_label'])) == 1
    host = result.table[result.table['label'] == clumps['host_label'][0]]
    assert host['class_name'] == 'galaxy'
    assert_allclose([host['x'].value[0], host['y'].value[0]], CENTER, atol=3)
    assert_allclose(clumps['clump_flux_u'], LIGHT[0], rtol=0.3)


def test_smooth_disc():
    result = find(galaxy(knots=False))
    assert len(result.clumps) == 0
    assert 'galaxy' in result.table['class_name']


def test_scores(result):
    # of the weights as they were shipped
    assert_allclose(np.sort(result.clumps['score']), SCORES, atol=0.01)

