# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the detections interface.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.evaluation.detections import Detections
from photutils_rcnn.sources.footprints import Footprints


@pytest.fixture
def footprints():
    """
    Two small footprints.
    """
    return Footprints([[0, 0, 2, 4], [3, 3, 6, 6]],
                      [np.ones((2, 4), bool), np.ones((3, 3), bool)], (9, 9))


def test_defaults(footprints):
    """Positions are the box centers in pixel coordinates."""
    detections = Detections(footprints, [0.5, 0.6])
    assert_allclose(detections.x, [1.5, 4])
    assert_allclose(detections.y, [0.5, 4])
    assert_equal(detections.class_ids, 0)
    assert_allclose(detections.class_scores, [0.5, 0.6])
    assert len(detections[detections.scores > 0.55]) == 1


def test_from_result(footprints):
    """The class is the more probable one, the position that of the table."""
    found = SimpleNamespace(
        boxes=np.array([[0, 0, 2, 4], [3, 3, 6, 6.5]], np.float32),
        scores=np.array([0.5, 0.8]),
        class_probabilities=np.array([[0.9, 0.1], [0.25, 0.75]]))
    detections = Detections.from_result(SimpleNamespace(
        instances=found, footprints=footprints,
        table={'x': [1.0, 4.0], 'y': [0.5, 4.5]}))
    assert_equal(detections.class_ids, [1, 2])
    assert_allclose(detections.class_scores, [0.45, 0.6])
    assert_allclose(detections.x, [1, 4])
    assert_allclose(detections.y, [0.5, 4.5])
    assert_allclose(detections.boxes, found.boxes)


def test_positions_at_the_threshold():
    """Those above the threshold are placed as if the others were not."""
    tables = {0.05: {'x': [1.0, 4.0], 'y': [0.5, 4.5]},
              0.5: {'x': [3.0], 'y': [2.0]}}
    found = SimpleNamespace(
        scores=np.array([0.2, 0.8]), boxes=np.zeros((2, 4)),
        class_probabilities=np.array([[0.9, 0.1], [0.25, 0.75]]))
    masks = [np.ones((2, 2), bool)] * 2
    result = SimpleNamespace(
        instances=found, table=tables[0.05],
        footprints=Footprints([(0, 0, 2, 2), (3, 3, 5, 5)], masks, (6, 6)),
        above=lambda threshold: SimpleNamespace(table=tables[threshold]))
    detections = Detections.from_result(result, 0.5)
    assert_allclose(detections.x, [1, 3])
    assert_allclose(detections.y, [0.5, 2])
    assert_allclose(tables[0.05]['x'], [1, 4])


def test_empty():
    """No detections are valid."""
    detections = Detections.empty((5, 6))
    assert len(detections) == 0
    assert detections.class_probabilities.shape == (0, 2)
    assert len(detections.class_scores) == 0


def test_invalid(footprints):
    """Wrong lengths, NaN and unknown classes are refused."""
    with pytest.raises(ValueError, match='scores must have one element'):
        Detections(footprints, [0.5])
    with pytest.raises(ValueError, match='scores must be finite'):
        Detections(footprints, [0.5, np.nan])
    for wrong in (-1, 3, 1.5, np.nan):
        with pytest.raises(ValueError, match='class_ids must be integers '
                           f'from 0 to 2, got {wrong}'):
            Detections(footprints, [0.5, 0.6], [2, wrong])
