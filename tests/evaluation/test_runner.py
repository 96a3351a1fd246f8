# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the options of evaluations and of what methods may return.
"""

from types import MappingProxyType

import numpy as np
import pytest

from photutils_rcnn.evaluation import Detections, evaluate


def nothing(_):
    """
    A method that finds nothing.
    """


@pytest.mark.parametrize(('options', 'error', 'match'), [
    ({'ranking': 'x'}, ValueError, "ranking must be .*, got 'x'"),
    ({'baselines': 'all'}, ValueError, "baselines must be .*, got 'all'"),
    ({'baselines': ['sep']}, TypeError, r"baselines must be .*\['sep'\]"),
    ({'baselines': {'mine': 'sep'}}, TypeError, "got 'mine': 'sep'"),
    ({'baselines': {1: nothing}}, TypeError, 'baselines must map names'),
    ({'baselines': {'photutils_rcnn': nothing}}, ValueError,
     "baselines must not use .* got 'photutils_rcnn'"),
    ({'score_threshold': 1.1}, ValueError, 'score_threshold must be .* 1.1'),
    ({'score_threshold': np.nan}, ValueError, 'score_threshold must be'),
    ({'score_threshold': '0.5'}, ValueError, 'score_threshold must be'),
    ({'radius': 0}, ValueError, 'radius must be positive and finite, got 0'),
    ({'max_separation': -1}, ValueError, 'max_separation must be .*got -1'),
    ({'max_separation': np.inf}, ValueError, 'max_separation must be .*inf'),
    ({'max_separation': None}, ValueError, 'max_separation must be .*None')])
def test_options(options, error, match):
    """Each is named before a scene is read."""
    def scenes():
        pytest.fail('a scene was read')
        yield

    with pytest.raises(error, match=match) as caught:
        evaluate(nothing, scenes(), **options)
    assert '\n' not in str(caught.value)


def test_label_image_is_no_detections(scene):
    """Whatever else a method returns is named, beside which method."""
    labels = np.zeros(scene.data.shape[1:], int)
    with pytest.raises(TypeError, match='segment must return .* got ndarray'):
        evaluate(lambda _: labels, [scene], baselines=None)
    with pytest.raises(TypeError, match=r"baselines\['mine'\] must return"):
        evaluate(nothing, [scene], baselines={'mine': lambda _: (1, 2)})
    with pytest.raises(ValueError, match='frame of shape'):
        evaluate(lambda _: Detections.empty((3, 3)), [scene], baselines=None)


def test_numbers_of_numpy_and_other_mappings(scene, tmp_path):
    """A threshold of single precision can be written; `None` is nothing."""
    report = evaluate(nothing, [scene], score_threshold=np.float32(0.5),
                      max_separation=np.int64(2),
                      baselines=MappingProxyType({'mine': nothing}))
    report.write(tmp_path)
    assert list(report.tables()['summary']['n_detections']) == [0, 0]
