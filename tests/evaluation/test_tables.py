# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the numbers in the tables on small scenes made by hand.
"""

import numpy as np
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn.evaluation import Detections, evaluate
from photutils_rcnn.sources.footprints import Footprints


def tables_of(scene, detections):
    """
    The tables of a method, which is also run beside itself.
    """
    tables = evaluate(lambda _: detections, [scene], score_threshold=None,
                      baselines={'again': lambda _: detections}).tables()
    for name in ('summary', 'blends'):
        first, second = (list(row.values())[1:] for row in tables[name])
        assert_equal(first, second)
    return {name: table[0] if name in ('summary', 'blends') else table
            for name, table in tables.items()}


def detect(boxes, positions, shape=(128, 128)):
    """
    Full boxes ``(y1, x1, y2, x2)`` at positions ``(x, y)``.
    """
    masks = [np.ones((y2 - y1, x2 - x1), bool) for y1, x1, y2, x2 in boxes]
    x, y = np.transpose(positions)
    return Detections(Footprints(boxes, masks, shape),
                      np.linspace(0.9, 0.5, len(boxes)), x=x, y=y)


def test_ignored_truth_excuses_one_detection(build_scene):
    """A second one at its place counts, unless it lies on its footprint."""
    scene = build_scene([(30, 30), (90, 90)], [2000] * 2, [1, 1],
                        ignore=[False, True])
    found = detect([(26, 26, 35, 35), (86, 86, 95, 95), (90, 96, 94, 108),
                    (88, 88, 91, 91)],
                   [(30, 30), (90, 90), (92, 90), (89, 92)])
    summary = tables_of(scene, found)['summary']
    assert (summary['n_detections'], summary['n_right']) == (2, 1)
    assert_allclose(summary['completeness'], 1)


def test_unrecognized_counts_what_counts(build_scene):
    """Two ignored detections over two sources beside a counted blend."""
    positions = [(20, 20), (20, 100), (60, 20), (70, 20), (60, 100),
                 (70, 100), (110, 60), (118, 60)]
    scene = build_scene(positions, [2000] * 8, [1] * 8,
                        ignore=[True] * 2 + [False] * 6)
    found = detect([(10, 10, 30, 80), (90, 10, 110, 80), (50, 100, 70, 126)],
                   [(20, 20), (20, 100), (110, 60)])
    blends = tables_of(scene, found)['blends']
    assert blends['n_unrecognized'] == 1
    assert_allclose(blends['unrecognized'], 1)
    assert blends['n_hidden'] == 1
    assert_allclose(blends['hidden'], 1 / 6)


def test_shredded_is_a_fraction_of_found_sources(build_scene):
    """Two pieces of a missed source are no shredded source."""
    scene = build_scene([(30, 30), (60, 60), (90, 90)], [9000] * 3, [2] * 3)
    found = detect([(20, 20, 29, 29), (32, 32, 40, 40),      # two pieces
                    (52, 52, 68, 68), (53, 53, 56, 56),      # with a piece
                    (82, 82, 98, 98)],
                   [(24, 24), (36, 36), (60, 60), (54, 54), (90, 90)])
    tables = tables_of(scene, found)
    assert tables['summary']['n_found'] == 2
    assert tables['blends']['n_shredded'] == 1
    assert_allclose(tables['blends']['shredded'], 0.5)


def test_bins_of_purity_add_up(build_scene):
    """No flux is the faintest flux."""
    scene = build_scene([(30, 30), (70, 30)], [2000, 50000], [1, 1])
    scene.data[:, 90:110, 90:110] = -5
    found = detect([(26, 26, 35, 35), (26, 66, 35, 75), (95, 95, 100, 100),
                    (5, 5, 5, 9)],
                   [(30, 30), (70, 30), (97, 97), (7, 5)])
    tables = tables_of(scene, found)
    summary = tables['summary']
    assert summary['n_detections'] == 4
    for quantity in ('magnitude', 'snr', 'separation'):
        table = tables[f'purity_{quantity}']
        table = table[table['method'] == 'again']
        assert table['n'].sum() == summary['n_detections']
        assert table['n_success'].sum() == summary['n_right']
    table = tables['purity_magnitude']
    table = table[table['method'] == 'again']
    assert np.isinf(table['magnitude_max'][-1])
    assert (table['n'][-1], table['n_success'][-1]) == (2, 0)
