# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for scenes of labelled images.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from photutils.segmentation import SegmentationImage

from photutils_rcnn.simulation.label_scenes import label_footprints
from photutils_rcnn.simulation.scene import Scene

SHAPE = (120, 150)
POSITIONS = {7: (25, 30), 2: (40, 100), 900: (90, 60)}  # labels: (y, x)
CLASSES = {7: 'star', 2: 'galaxy', 900: 'lens'}


def make_image(noise=2.0):
    """
    Discs with labels on a sky of 50.
    """
    rng = np.random.default_rng(1)
    data, labels = rng.normal(50, noise, SHAPE), np.zeros(SHAPE, int)
    y, x = np.indices(SHAPE)
    for label, (yc, xc) in POSITIONS.items():
        disc = np.hypot(y - yc, x - xc) < 4.5
        data[disc] += 40
        labels[disc] = label
    return data, labels


def test_measured():
    """
    Positions, fluxes, S/N and noise are those of the pixels; the sky is taken out.
    """
    data, labels = make_image()
    scene = Scene.from_labels(data, labels, CLASSES, bands='r')
    assert scene.class_names == ('star', 'galaxy', 'lens')
    assert_equal(scene.truth['label'], [2, 7, 900])
    assert_equal(scene.truth['class_id'], [2, 1, 3])
    assert_allclose(scene.truth['x'], [100, 30, 60], atol=0.2)
    assert_allclose(scene.truth['y'], [40, 25, 90], atol=0.2)
    area = scene.footprints.areas
    assert_allclose(scene.truth['flux_r'], 40 * area, rtol=0.05)
    assert_allclose(scene.noise, 2, rtol=0.1)
    assert_allclose(scene.truth['snr'], 20 * np.sqrt(area), rtol=0.1)
    assert not scene.truth['ignore'].any()
    assert abs(np.median(scene.data)) < 0.5


@pytest.mark.parametrize('kind', ['segm', 'ccd', 'fits', 'float'])
def test_kinds_of_input(kind, tmp_path):
    """
    The scene does not depend on what holds image and labels.
    """
    data, labels = make_image()
    expected = Scene.from_labels(data, labels, CLASSES)
    if kind == 'segm':
        labels = SegmentationImage(labels)
    elif kind == 'ccd':
        data = CCDData(data, unit='adu')
    elif kind == 'float':
        labels = labels.astype(float)
    else:
        fits.writeto(tmp_path / 'a.fits', data)
        fits.writeto(tmp_path / 'b.fits', labels.astype(np.int32))
        data, labels = tmp_path / 'a.fits', tmp_path / 'b.fits'
    scene = Scene.from_labels(data, labels, CLASSES)
    assert_allclose(scene.data, expected.data, atol=1e-3)
    assert_equal(scene.footprints.boxes, expected.footprints.boxes)
    assert_equal(scene.truth['class_id'], expected.truth['class_id'])


def test_kinds_of_classes():
    """
    Classes by label, in a table, in the order of the labels, or one for all.
    """
    data, labels = make_image()
    table = Table({'label': list(CLASSES), 'class_name': list(CLASSES.values())})
    for classes in (table, ['galaxy', 'star', 'lens']):
        truth = Scene.from_labels(data, labels, classes).truth
        assert_equal(truth['class_id'], [2, 1, 3])
    assert_equal(Scene.from_labels(data, labels, 'galaxy').truth['class_id'], 2)


@pytest.mark.parametrize('unknown', [None, '', np.nan, np.ma.masked])
def test_unknown_class_is_ignored(unknown):
    """
    A source whose class is not known counts neither way.
    """
    data, labels = make_image()
    scene = Scene.from_labels(data, labels, {**CLASSES, 7: unknown})
    assert_equal(scene.truth['ignore'], [False, True, False])


def test_ignored():
    """
    Sources that are too small, too faint or mostly masked are ignored.
    """
    data, labels = make_image()
    labels[5, 5:9] = 11
    labels[60:70, 60:70] = 12  # nothing but sky
    mask = np.zeros(SHAPE, bool)
    mask[:, :60] = True
    scene = Scene.from_labels(data, labels, {**CLASSES, 11: 'star', 12: 'star'}, mask=mask)
    ignored = dict(zip(scene.truth['label'].tolist(), scene.truth['ignore'].tolist(),
                       strict=True))
    assert ignored == {2: False, 7: True, 11: True, 12: True, 900: False}


def test_overlapping_masks():
    """
    Masks may share pixels, which label images cannot.
    """
    data, labels = make_image()
    masks = np.array([labels == 7, labels == 2, labels == 0, np.zeros(SHAPE)], bool)
    masks[2] = masks[0] | (labels == 900)
    scene = Scene.from_labels(data, masks, ['star', 'galaxy', 'galaxy', 'star'])
    assert_equal(scene.footprints.overlap, [True, False, True])
    assert_equal(scene.truth['label'], [1, 2, 3])


def test_masks_without_a_pixel():
    """
    The names are those of the masks, also of one that is empty.
    """
    data, labels = make_image()
    masks = np.stack([labels == 7, labels == 1, labels == 900])
    truth = Scene.from_labels(data, masks, ['galaxy', 'lens', 'star']).truth
    assert_equal(truth['label'], [1, 3])
    assert_equal(truth['class_id'], [2, 1])
    with pytest.raises(ValueError, match='each of 3 labels, got 2'):
        Scene.from_labels(data, masks, ['galaxy', 'star'])


def test_files(tmp_path):
    """
    A scene with names of classes is what was written.
    """
    data, labels = make_image()
    scene = Scene.from_labels(data, labels, CLASSES)
    scene.write(tmp_path / 'scene.npz')
    again = Scene.read(tmp_path / 'scene.npz')
    assert again.class_names == scene.class_names
    assert_equal(again.data, scene.data)


@given(st.lists(st.integers(1, 2**40), min_size=1, max_size=6, unique=True))
def test_any_labels(ids):
    """
    Labels may be any whole numbers; each has its own pixels.
    """
    labels = np.zeros((4, 8), dtype=np.int64)
    for i, label in enumerate(ids):
        labels[1:3, i] = label
    footprints, found, _ = label_footprints(labels)
    assert_equal(found, np.sort(ids))
    for i, label in enumerate(found):
        assert (labels[footprints.slices(i)][footprints.masks[i]] == label).all()
    assert footprints.areas.sum() == np.count_nonzero(labels)


def test_full_labels():
    """
    A label image without background.
    """
    footprints, ids, _ = label_footprints(np.full((3, 4), 5))
    assert_equal(ids, [5])
    assert_equal(footprints.areas, [12])


@pytest.mark.parametrize(('labels', 'classes', 'match'), [
    (np.zeros((10, 10), int), CLASSES, r'labels must have the shape .* got \(10, 10\)'),
    (np.full(SHAPE, np.nan), CLASSES, 'labels must be an image of whole numbers'),
    (np.full(SHAPE, -1), CLASSES, 'labels must be an image .* from -1'),
    (None, {7: 'star'}, r'got none for \[2, 900\]'),
    (None, ['star'], 'a name for each of 3 labels, got 1'),
    (None, Table({'id': [1]}), r"columns label and class_name, got \['id'\]"),
    (None, Table({'label': [2, 7, 900, 7], 'class_name': ['star'] * 4}),
     r'one row for each label, got several for \[7\]'),
    (None, {**CLASSES, 7: 'Star'}, "spelled alike, got 'Star' beside 'star'"),
    (None, {**CLASSES, 7: 'lens '}, "spelled alike, got 'lens ' beside 'lens'"),
    (None, {**CLASSES, 7: 3}, 'classes must be names, got 3 for the label 7')])
def test_bad_input(labels, classes, match):
    data, own = make_image()
    with pytest.raises((TypeError, ValueError), match=match):
        Scene.from_labels(data, own if labels is None else labels, classes)


def test_no_sources():
    """
    An image without labelled sources is a scene of sky.
    """
    data, labels = make_image()
    scene = Scene.from_labels(data, np.zeros_like(labels), {})
    assert len(scene.truth) == len(scene.footprints) == 0
    assert scene.truth['class_id'].dtype == np.int32
    assert scene.truth['ignore'].dtype == bool


def test_given_class_names():
    data, labels = make_image()
    with pytest.raises(ValueError, match=r"class_names \('star', 'galaxy'\), got \['lens'\]"):
        Scene.from_labels(data, labels, CLASSES, class_names=('star', 'galaxy'))
