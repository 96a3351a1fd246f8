# Licensed under a 3-clause BSD style license - see LICENSE
"""
The shipped weights give the answers they were shipped with.

``golden_demo.csv`` was written by running this file as a script; it has to
be written anew when the weights change, and only then.
"""

from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose
from scipy.spatial import KDTree

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.simulation.scene import Scene

GOLDEN = Path(__file__).parent / 'golden_demo.csv'


def _detect(runtime='keras'):
    """
    The sources of the demo field; in float32, which all machines have.
    """
    scene = Scene.read(resources.files('photutils_rcnn')
                       / 'data' / 'demo' / 'field.npz')
    segmenter = RCNNSegmenter(load_model(precision='float32'), runtime=runtime)
    result = segmenter.segment(scene.data, mask=scene.mask,
                               bands=scene.bands)
    table = result.table['x', 'y', 'class_id', 'score', 'prob_star']
    return scene, Table(table, names=table.colnames)


@pytest.fixture(scope='module', params=[
    'keras', pytest.param('openvino', marks=pytest.mark.skipif(
        find_spec('openvino') is None, reason='OpenVINO is another runtime'))])
def detected(request):
    """
    The scene and its sources, found once by each runtime.
    """
    return _detect(request.param)


def test_golden(detected):
    """
    All confident sources are where they were, with their class and score.
    """
    _, table = detected
    golden = Table.read(GOLDEN, format='ascii.csv', comment='#')
    for one, other in ((golden, table), (table, golden)):
        sure = one[one['score'] > 0.6]
        tree = KDTree(np.transpose([other['x'], other['y']]))
        distance, index = tree.query(np.transpose([sure['x'], sure['y']]))
        assert distance.max() < 0.05
        assert_allclose(other['score'][index], sure['score'], atol=0.01)
        assert_allclose(other['prob_star'][index], sure['prob_star'],
                        atol=0.01)


def test_demo_against_truth(detected):
    """
    The sources of the demo field are found, and few others.
    """
    scene, table = detected
    truth = scene.truth[~scene.truth['ignore']]
    found, _ = KDTree(np.transpose([table['x'], table['y']])).query(
        np.transpose([truth['x'], truth['y']]))
    right, _ = KDTree(np.transpose([scene.truth['x'], scene.truth['y']])
                      ).query(np.transpose([table['x'], table['y']]))
    fwhm = scene.psf_fwhm.mean()
    assert np.mean(found < fwhm) > 0.9
    assert np.mean(right < fwhm) > 0.85


if __name__ == '__main__':
    rows = _detect()[1]
    for name in ('x', 'y', 'score', 'prob_star'):
        rows[name] = np.round(rows[name], 3)
    rows.meta['comments'] = ['The demo field by the shipped weights; '
                             'see test_golden.py']
    rows.write(GOLDEN, format='ascii.csv', comment='# ', overwrite=True)
