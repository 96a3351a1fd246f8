# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the figures on held-out frames.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from photutils_rcnn.models.model import Model
from photutils_rcnn.sources.instances import Instances
from photutils_rcnn.training import held_out
from photutils_rcnn.training.held_out import (
    figure_table,
    held_out_figures,
    is_worse,
    mean_precision,
)


class FakeSegmenter:
    """
    Detections that fill the boxes of the first of the true sources, and one on the sky.
    """

    n_found = 3
    classes = (1, 2, 1)

    def __init__(self, model, score_threshold, runtime):
        self.score_threshold = score_threshold

    def segment(self, data, mask, bands):
        boxes = np.float32([[16, 16, 25, 25], [36, 86, 45, 95], [50, 5, 58, 15],
                            [5, 100, 12, 109]])[:self.n_found + 1]
        n = len(boxes)
        probability = np.full((n, 3), 0.1, np.float32)
        for i, k in enumerate((*self.classes[:self.n_found], 2)):
            probability[i, k - 1] = 0.8
        self.instances = Instances(
            shape=data.shape[1:], boxes=boxes,
            scores=np.float32([0.9, 0.9, 0.9, 0.2])[:n], class_probabilities=probability,
            masks=np.ones((n, 28, 28), np.float16), mask_boxes=boxes,
            flags=np.zeros(n, np.int32), class_names=('star', 'galaxy', 'lens'))
        return self


@pytest.fixture
def scenes(make_scene, monkeypatch):
    monkeypatch.setattr(held_out, 'RCNNSegmenter', FakeSegmenter)
    scene = make_scene([(20, 20), (40, 90), (10, 60)])
    for i, box in enumerate(scene.footprints.boxes):
        y1, x1, y2, x2 = box
        scene.footprints.masks[i] = np.ones((y2 - y1, x2 - x1), bool)
    return [scene]


def make_model(score=0.5):
    model = object.__new__(Model)
    model.thresholds = {'score': score}
    return model


def test_figures(scenes):
    """
    Two of three are found; a detection on the sky costs purity above the threshold alone.
    """
    figures = held_out_figures(make_model(), scenes)
    assert list(figures) == ['star', 'galaxy']
    # the second star is missed, and the claimed one on the sky is wrong
    assert figures['star']['n_sources'] == 2
    assert_allclose([figures['star'][name] for name in ('completeness', 'purity')], 50)
    assert_allclose([figures['galaxy'][name] for name in ('AP', 'completeness', 'purity')],
                    100)
    loose = held_out_figures(make_model(0.1), scenes)
    assert_allclose(loose['galaxy']['purity'], 50)
    assert loose['galaxy']['AP'] == figures['galaxy']['AP']


def test_new_class_and_ignored(scenes):
    """
    A class that the model never says has no detections; what is ignored does not count.
    """
    truth = scenes[0].truth
    truth['class_id'][0] = 3
    truth['ignore'][2] = True
    truth.meta['class_names'] = ('star', 'galaxy', 'lens')
    figures = held_out_figures(make_model(), scenes)
    assert list(figures) == ['galaxy', 'lens']
    assert [figures['lens'][name] for name in ('AP', 'completeness', 'purity')] == [
        0, 0, 100]


def make_figures(ap, completeness=90., purity=80.):
    return {'star': {'n_sources': 9, 'AP': ap, 'completeness': completeness,
                     'purity': purity}}


@pytest.mark.parametrize(('after', 'worse'), [
    (make_figures(51), False), (make_figures(49.9), True),
    (make_figures(60, completeness=88.9), True), (make_figures(60, purity=79.1), False)])
def test_worse(after, worse):
    """
    A larger average precision does not make up for another figure.
    """
    assert is_worse(after, make_figures(50.)) == worse


def test_table():
    both = figure_table(make_figures(50), make_figures(60))
    assert both['AP_before'][0] == 50
    assert both['AP_after'][0] == 60
    assert len(figure_table({}, {})) == 0
    assert mean_precision({}) == 0
