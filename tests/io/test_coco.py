# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the format of COCO.
"""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.io.coco import coco_dataset
from photutils_rcnn.sources.instances import Instances


@pytest.fixture
def result(fake_model, field, wcs):
    return RCNNSegmenter(fake_model).segment(field, wcs=wcs)


@pytest.fixture
def coco():
    pytest.importorskip('pycocotools', reason='pycocotools is in the extra coco')
    return pytest.importorskip('pycocotools.coco')


# pycocotools' own, where it decodes
@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_read_by_pycocotools(result, coco, tmp_path, capsys):
    """
    pycocotools gives back masks, boxes, areas and classes.
    """
    result.write(tmp_path / 'field.json')
    dataset = coco.COCO(tmp_path / 'field.json')
    assert [row['name'] for row in dataset.loadCats(dataset.getCatIds())] == [
        'star', 'galaxy']
    assert dataset.imgs[1]['width'] == 150
    annotations = dataset.loadAnns(dataset.getAnnIds(imgIds=[1]))
    assert len(annotations) == len(result) == 3
    for i, annotation in enumerate(annotations):
        mask = np.zeros(result.labels.shape, bool)
        mask[result.footprints.slices(i)] = result.footprints.masks[i]
        assert_equal(dataset.annToMask(annotation), mask)
        assert annotation['area'] == mask.sum()
        y1, x1, y2, x2 = result.footprints.boxes[i]
        assert annotation['bbox'] == [x1, y1, x2 - x1, y2 - y1]
        assert annotation['category_id'] == result.table['class_id'][i]
        assert annotation['label'] == i + 1
    results = dataset.loadRes(annotations)
    assert_allclose([row['score'] for row in results.anns.values()], 0.9)


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_masks_at_the_borders(coco):
    """
    Masks of several parts, at the first and the last pixel of the frame, or on all of
    it are exact; a source without a pixel is left out.
    """
    shape, side = (9, 12), 2
    masks = np.ones((4, side, side), np.float16)
    masks[1] = np.eye(2)
    boxes = np.array([(0, 0, 9, 12), (0, 0, 9, 12), (8, 11, 9, 12), (3, 3, 3, 3)], 'f4')
    found = Instances(shape, boxes, np.ones(4, 'f4'), np.ones((4, 2), 'f4') / 2, masks,
                      boxes, np.zeros(4, 'i4'))
    labels, label_of_source = found.paint()
    dataset = coco_dataset(RCNNResult(found, labels, label_of_source))
    from pycocotools import mask as rle

    assert [row['id'] for row in dataset['annotations']] == [1, 2, 3]
    for row, mask, box in zip(dataset['annotations'], found.footprints().masks,
                              found.footprints().boxes, strict=False):
        y1, x1, y2, x2 = box
        decoded = rle.decode(row['segmentation'])
        assert decoded.shape == shape
        assert_equal(decoded[y1:y2, x1:x2], mask)
        assert decoded.sum() == mask.sum()


def test_missing_pycocotools(result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pycocotools', None)
    with pytest.raises(ImportError, match=r'pip install "photutils_rcnn\[coco\]"'):
        result.write(tmp_path / 'field.json')
    assert not list(tmp_path.iterdir())
