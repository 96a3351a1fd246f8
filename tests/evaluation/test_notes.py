# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the notes below the tables.
"""

import numpy as np

from photutils_rcnn.evaluation import Detections, evaluate


def found(scene, scores):
    """
    The truth with scores, all of it at its true place but the first.
    """
    x = np.array(scene.truth['x'])
    x[0] += 60
    return Detections(scene.footprints, scores, np.ones(len(x), int), x=x,
                      y=scene.truth['y'])


def test_purity_not_reached(build_scene):
    """
    Only methods that have a purity are said not to be reached.
    """
    scene = build_scene([(20, 20), (60, 90), (100, 20)], [2000] * 3, [1] * 3)
    right = np.array([1, 2])
    report = evaluate(
        lambda scene: found(scene, [0.9, 0.8, 0.7]), [scene],
        baselines={'silent': lambda _: None,
                   'pure': lambda _: found(scene, [9, 8, 7])[right],
                   'alike': lambda _: found(scene, [9, 8, 7])})
    notes = report.notes()
    assert ("The purity of 'pure' is not reached by photutils_rcnn at any "
            'score.') in notes
    assert ("'silent' without detections that count: no purity to be equal "
            'to.') in notes
    assert ("The purity of photutils_rcnn is not reached by 'silent' at any "
            'score.') in notes
    for protocol in ('paper', 'coco'):
        assert not any('purity' in note for note in report.notes(protocol))
    assert not any('elsewhere' in note for note in report.notes('coco'))


def test_fractions_of_nothing_are_said(build_scene):
    """
    NaN outside of the average precisions has a note where it is printed.
    """
    scene = build_scene([(20, 20)], [2000], [1])
    report = evaluate(lambda scene: None, [scene], baselines=None)
    assert np.isnan(report.tables()['blends']['both_found'][0])
    assert any('elsewhere' in note for note in report.notes())
    assert not any('elsewhere' in note for note in report.notes('coco'))
