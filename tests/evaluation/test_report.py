# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of whole evaluations.
"""

import json

import numpy as np
import pytest
from astropy.table import QTable
from numpy.testing import assert_allclose

from photutils_rcnn.evaluation import Detections, evaluate
from photutils_rcnn.evaluation.baselines import (
    GRID_RUNS,
    DetectionImage,
    detect_photutils,
    detect_sep,
)
from photutils_rcnn.evaluation.report import check_folder


def perfect(scene):
    """
    The truth as detections.
    """
    n = len(scene.footprints)
    class_ids = np.array(scene.truth['class_id'])
    return Detections(scene.footprints, np.linspace(0.6, 0.9, n), class_ids,
                      np.eye(2)[class_ids - 1], scene.truth['x'],
                      scene.truth['y'])


def test_perfect(scene):
    """Perfect detections have perfect tables."""
    tables = evaluate(perfect, [scene, scene], baselines=None).tables()
    ap = tables['paper_ap']
    ours = ap[ap['source'] == 'photutils_rcnn']
    assert_allclose(ours['AP'], 100)
    assert_allclose(ours['P80'], 100)
    assert_allclose(tables['coco_ap']['AP'], 100)
    assert_allclose(tables['summary']['completeness'], 1)
    assert_allclose(tables['summary']['purity'], 1)
    assert tables['blends']['n_close'][0] == 4
    assert tables['blends']['n_pairs'][0] == 2
    assert_allclose(tables['blends']['recall_close'], 1)
    assert tables['blends']['n_shredded'][0] == 0
    assert tables['blends']['n_unrecognized'][0] == 0
    assert_allclose(tables['class']['purity_right_class'], 1)
    assert list(tables['confusion_50']['no match']) == [0, 0, 0]
    for quantity in ('magnitude', 'snr', 'separation'):
        for fraction in ('completeness', 'purity'):
            table = tables[f'{fraction}_{quantity}']
            assert table['n'].sum() == 26
            assert table['n_success'].sum() == 26


def test_nothing_found(scene, tmp_path):
    """A method that finds nothing stands in the report."""
    report = evaluate(lambda scene: None, [scene], baselines='default')
    report.write(tmp_path / 'report')
    table = QTable.read(tmp_path / 'report' / 'summary.ecsv')
    assert table['completeness'][0] == 0
    assert len(table) == 3


def test_merged_pair(scene):
    """A pair found as one is a missed and an unrecognized blend."""
    def merging(scene):
        return perfect(scene)[np.arange(12)]

    tables = evaluate(merging, [scene], baselines=None).tables()
    assert_allclose(tables['blends']['recall_close'], 0.5)
    assert_allclose(tables['blends']['both_found'], 0)
    assert_allclose(tables['summary']['completeness'], 12 / 13)
    assert tables['confusion_50']['no match'][0] == 1


def test_score_threshold_and_ignored_truth(scene):
    """Low scores enter the pooled AP only; ignored truth enters nothing."""
    def low(scene):
        found = perfect(scene)
        found.scores[0] = 0.3
        return found

    scene.truth['ignore'][1] = True
    tables = evaluate(low, [scene], baselines=None).tables()
    summary = tables['summary'][0]
    assert (summary['n_truth'], summary['n_found']) == (12, 11)
    assert (summary['n_detections'], summary['n_right']) == (11, 11)
    coco = tables['coco_ap']
    assert_allclose(coco['AP'], 100)
    assert tables['paper_ap']['AP'][0] < 100


@pytest.mark.parametrize('detect', [detect_photutils, detect_sep])
def test_baselines_find_bright_sources(scene, detect):
    """Both classical methods find and place the bright isolated sources."""
    if detect is detect_sep:
        pytest.importorskip('sep')
    found = detect(DetectionImage.from_scene(scene))
    distance = np.hypot(found.x[:, np.newaxis] - scene.truth['x'],
                        found.y[:, np.newaxis] - scene.truth['y']).min(axis=0)
    assert (distance[1:12] < 1).all()
    assert found.scores.max() > 50
    assert not found.class_ids.any()


@pytest.mark.parametrize('detect', [detect_photutils, detect_sep])
def test_baselines_find_nothing(detect):
    """An empty frame gives no detection and no warning."""
    if detect is detect_sep:
        pytest.importorskip('sep')
    image = DetectionImage.from_arrays(np.zeros((1, 32, 40)), 1.0, 3.0)
    assert len(detect(image)) == 0


def test_sep_default_kernel_is_its_own(scene):
    """Without options sep sees what its own defaults give."""
    sep = pytest.importorskip('sep')
    image = DetectionImage.from_scene(scene)
    _, labels = sep.extract(image.snr, 1.5, err=1.0, mask=image.mask,
                            segmentation_map=True)
    assert_allclose(detect_sep(image).footprints.areas,
                    np.bincount(labels.ravel())[1:])


def test_kernels():
    """Unit sum; the one of the PSF follows its width; no other names."""
    image = DetectionImage.from_arrays(np.zeros((1, 9, 9)), 1.0, 5.0)
    kernels = [image.kernel(name) for name in ('3x3', 'guide', 'psf')]
    assert [k.shape for k in kernels] == [(3, 3), (5, 5), (11, 11)]
    assert_allclose([k.sum() for k in kernels], 1)
    # at half the FWHM a Gaussian has fallen to half
    assert_allclose(kernels[2][5, 5 + 2:5 + 4].mean() / kernels[2][5, 5],
                    0.5, atol=0.03)
    with pytest.raises(ValueError, match="kernel must be .* got 'box'"):
        detect_photutils(image, kernel='box')


def test_more_peaks_than_sep_allows():
    """Crowded fields do not end the evaluation; sep's limits come back."""
    sep = pytest.importorskip('sep')
    limit = sep.get_sub_object_limit()
    y, x = np.indices((240, 240))
    waves = np.cos(2 * np.pi * x / 6) * np.cos(2 * np.pi * y / 6)
    noise = np.random.default_rng(0).normal(0, 0.1, waves.shape)
    image = DetectionImage.from_arrays((24 + 20 * waves + noise)[None], 1.0,
                                       3.0)
    assert len(detect_sep(image)) > 0
    assert sep.get_sub_object_limit() == limit


def test_detection_image_noise():
    """The combined image has unit noise, with missing pixels too."""
    data = np.random.default_rng(0).normal(0, 3, (3, 100, 100))
    data[0, :50] = np.nan
    mask = np.zeros((100, 100), bool)
    mask[:, :10] = True
    image = DetectionImage.from_arrays(data, 3.0, 4.0, mask=mask)
    assert_allclose(image.snr[:50, 10:].std(), 1, atol=0.03)
    assert_allclose(image.snr[50:, 10:].std(), 1, atol=0.03)
    assert image.mask.sum() == 1000


def test_comparison(scene, tmp_path):
    """Both baselines in one report, written and read again."""
    pytest.importorskip('sep')
    report = evaluate(perfect, [scene], baselines='default')
    tables = report.tables()
    equal = tables['equal_purity']
    assert list(equal['method']) == ['photutils', 'sep']
    assert (equal['main_completeness'] >= equal['completeness']).all()
    assert 'Burke' in report.format()
    assert 'paper' in report.format('paper')
    assert 'equal purity' not in report.format('coco')
    report.write(tmp_path / 'out')
    assert QTable.read(tmp_path / 'out' / 'equal_purity.ecsv').meta[
        'n_scenes'] == 1
    content = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert content['tables']['summary'][0]['completeness'] == 1
    with pytest.raises(OSError, match='already holds a report'):
        report.write(tmp_path / 'out')
    report.write(tmp_path / 'out', overwrite=True)
    assert len(GRID_RUNS) > 8


def test_overwrite_leaves_nothing_of_the_older_report(scene, tmp_path):
    """Tables and pictures that the new report lacks go; other files stay."""
    pytest.importorskip('matplotlib')
    (tmp_path / 'mine.ecsv').touch()
    evaluate(perfect, [scene], baselines={'same': lambda image: perfect(
        scene)}).write(tmp_path, figures=True)
    conditional = {'equal_purity.ecsv', 'completeness_curve.ecsv',
                   'completeness_purity.png', 'precision_recall_star.png'}
    assert conditional <= {path.name for path in tmp_path.iterdir()}
    new = evaluate(lambda scene: None, [scene], baselines=None)
    new.write(tmp_path, overwrite=True)
    left = {path.name for path in tmp_path.iterdir()}
    new.write(tmp_path / 'fresh')
    assert left == {'mine.ecsv'} | {path.name for path in
                                    (tmp_path / 'fresh').iterdir()}


def test_unfinished_report_is_replaced(scene, tmp_path, monkeypatch):
    """A failure between the files leaves the numbers, and a report."""
    report = evaluate(perfect, [scene], baselines=None)

    def fail(*args, **kwargs):
        raise OSError('disk full')

    with monkeypatch.context() as patch:
        patch.setattr(QTable, 'write', fail)
        with pytest.raises(OSError, match='disk full'):
            report.write(tmp_path)
    assert 'summary' in json.loads((tmp_path / 'report.json').read_text())[
        'tables']
    with pytest.raises(OSError, match='already holds a report'):
        report.write(tmp_path)


def test_file_in_the_place_of_the_folder(tmp_path):
    """It is found before the work begins, above the folder too."""
    path = tmp_path / 'out'
    check_folder(path / 'a', overwrite=False)
    path.touch()
    for folder in (path, path / 'a'):
        with pytest.raises(NotADirectoryError, match='got the file .*out'):
            check_folder(folder, overwrite=True)


def test_figures(scene, tmp_path):
    """The curves are drawn."""
    pytest.importorskip('matplotlib')
    evaluate(perfect, [scene], baselines=None).write(tmp_path, figures=True)
    assert len(list(tmp_path.glob('*.png'))) == 4


def test_undefined_values_are_said(build_scene):
    """A scene without stars, nothing found: NaN with a note."""
    scene = build_scene([(30, 30)], [2000], [2])
    report = evaluate(lambda scene: None, [scene], baselines=None)
    ap = report.tables()['paper_ap']
    assert np.isnan(ap['AP'][0])
    assert ap['AP'][1] == 0
    assert any("'star'" in note for note in report.notes())
    coco = '\n'.join(report.notes('coco'))
    assert "in 'star' AP, AP50, AP75, AP_S, AP_M, AP_L (COCO)" in coco
    # 22 pixels across: small for COCO, of medium size for the paper
    assert "in 'galaxy' AP_M, AP_L (COCO)" in coco
    assert 'paper' not in coco
    assert 'published' not in coco
    paper = '\n'.join(report.notes('paper'))
    assert "in 'galaxy' AP_S, AP_L (paper)" in paper
    assert "rows 'star', without counted truth: 1 of 1 image." in paper
    assert 'COCO' not in paper
    assert all(note in report.format('coco') for note in report.notes('coco'))
    assert "'star' AP" not in report.format('coco').replace(coco, '')
    assert np.isnan(report.tables()['summary']['purity'][0])
    assert report.format()


def test_invalid(scene):
    """Clear errors for wrong arguments."""
    with pytest.raises(ValueError, match='at least one scene'):
        evaluate(perfect, [])
    report = evaluate(perfect, [scene], baselines=None)
    with pytest.raises(ValueError, match='protocol must be'):
        report.format('x')
