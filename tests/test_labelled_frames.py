# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for folders of labelled frames, and the command that trains on them.
"""

import json

import numpy as np
import pytest
from astropy.io import fits
from disc_scenes import make_scene
from numpy.testing import assert_equal

from photutils_rcnn.astro_rcnn.training_set_writer import write_set
from photutils_rcnn.cli import main
from photutils_rcnn.commands.labelled_frames import open_frames
from photutils_rcnn.io.coco_labels import read_coco
from photutils_rcnn.models.zoo import load_model

SHAPE = (64, 128)


@pytest.fixture
def frames():
    return [make_scene([(20, 20), (40, 90)], seed=seed) for seed in range(2)]


def masks_of(scene):
    masks = np.zeros((len(scene.footprints), *SHAPE), bool)
    for i, mask in enumerate(scene.footprints.masks):
        masks[i][scene.footprints.slices(i)] = mask
    return masks


def write_coco_frames(folder, scenes, encode):
    """
    FITS images and annotations; the class identifiers are not those of the package.
    """
    images, annotations = [], []
    for i, scene in enumerate(scenes):
        fits.writeto(folder / f'{i}.fits', scene.data[0])
        images.append({'id': 10 + i, 'file_name': f'{i}.fits', 'height': SHAPE[0],
                       'width': SHAPE[1]})
        annotations += [{'image_id': 10 + i, 'category_id': 70 + k % 2,
                         'segmentation': encode(mask), 'iscrowd': 0}
                        for k, mask in enumerate(masks_of(scene))]
    (folder / 'labels.json').write_text(json.dumps({
        'images': images, 'annotations': annotations,
        'categories': [{'id': 70, 'name': 'star'}, {'id': 71, 'name': 'lens'}]}))


def run_lengths(mask):
    flat = np.concatenate([[0], mask.T.ravel(), [0]]).astype(int)
    edges = np.flatnonzero(np.diff(flat))
    counts = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    return {'counts': counts, 'size': list(SHAPE)}


def polygon(mask):
    y, x = np.nonzero(mask)
    low, high = (x.min(), y.min()), (x.max() + 1, y.max() + 1)
    return [[int(value) for value in (*low, high[0], low[1], *high, low[0], high[1])]]


def test_scenes(frames, tmp_path):
    for i, scene in enumerate(frames):
        scene.write(tmp_path / f'{i}.npz')
    found = open_frames(tmp_path)
    assert len(found) == 2
    assert_equal(found[1].data, frames[1].data)


def test_sets_of_astro_rcnn(frames, tmp_path):
    for i, scene in enumerate(frames):
        light = masks_of(scene) * np.float32(1000)
        write_set(tmp_path / f'set_{i}', scene.data, scene.bands,
                  scene.truth['class_id'].tolist(), light)
    found = open_frames(tmp_path)
    assert len(found) == 2
    assert_equal(np.sort(found[0].truth['class_id']), [1, 2])
    assert found[0].data.shape == (3, *SHAPE)


# pycocotools' own, where it decodes
@pytest.mark.filterwarnings('ignore::DeprecationWarning')
@pytest.mark.parametrize('kind', ['file', 'folder'])
def test_coco(frames, tmp_path, kind):
    """
    Masks, classes and pixels are those of the files.
    """
    pytest.importorskip('pycocotools', reason='pycocotools is in the extra coco')
    write_coco_frames(tmp_path, frames, run_lengths)
    found = open_frames(tmp_path / 'labels.json' if kind == 'file' else tmp_path)
    assert len(found) == 2
    scene = found[0]
    assert scene.class_names == ('star', 'galaxy', 'lens')
    assert_equal(scene.truth['class_id'], [1, 3])
    assert_equal(masks_of(scene), masks_of(frames[0]))


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_coco_polygons(frames, tmp_path):
    """
    A polygon of the box has its pixels.
    """
    pytest.importorskip('pycocotools', reason='pycocotools is in the extra coco')
    write_coco_frames(tmp_path, frames[:1], polygon)
    footprints, names = read_coco(tmp_path / 'labels.json')[0].footprints()
    assert_equal(footprints.boxes, frames[0].footprints.boxes)
    assert all(mask.all() for mask in footprints.masks)
    assert names == ['star', 'lens']


@pytest.mark.parametrize('segmentation', [
    [], [[3, 3, 9, 9]], [3, 3, 9, 3, 9, 9], {'size': [64, 128]},
    {'size': [64, 128], 'counts': 'abc'}])
def test_bad_segmentations(frames, tmp_path, segmentation):
    """
    Boxes without an outline, lines and what is no run length.
    """
    pytest.importorskip('pycocotools', reason='pycocotools is in the extra coco')
    write_coco_frames(tmp_path, frames[:1], lambda mask: segmentation)
    with pytest.raises(ValueError, match=r"labels.json: image '0.fits': segmentation of "
                       'annotation 0 of the image must be polygons of three points'):
        open_frames(tmp_path)[0]


def test_bad_folders(frames, tmp_path, capsys):
    """
    What is no such folder is one error that names it, also of the command.
    """
    with pytest.raises(OSError, match='nothing: no such file or folder'):
        open_frames(tmp_path / 'nothing')
    with pytest.raises(ValueError, match=r'got 0 \*.npz, 0 \*.json, 0 set_N'):
        open_frames(tmp_path)
    (tmp_path / 'a.json').write_text('{"images": []}')
    with pytest.raises(ValueError, match='a.json: no annotations of COCO'):
        open_frames(tmp_path)
    assert main(['fine-tune', str(tmp_path), '--out', str(tmp_path / 'out')]) == 2
    assert 'fine-tune: error:' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_command(frames, tmp_path, monkeypatch):
    """
    The options reach the training.
    """
    for i, scene in enumerate(frames):
        scene.write(tmp_path / f'{i}.npz')
    seen = {}
    monkeypatch.setattr('photutils_rcnn.training.fine_tune_scenes',
                        lambda scenes, out, **options: seen.update(
                            options, n=len(scenes), out=out))
    assert main(['fine-tune', str(tmp_path), '--out', str(tmp_path / 'out'), '--minutes',
                 '5', '--held-out', '0.5', '--unlabelled', 'background', '--resume',
                 '--seed', '3', '--quiet']) == 0
    assert seen == {'n': 2, 'out': tmp_path / 'out', 'initial': 'default',
                    'minutes': 5, 'held_out': 0.5, 'unlabelled': 'background',
                    'seed': 3, 'resume': True, 'overwrite': False, 'progress_bar': False}


def test_show(capsys):
    """
    The main facts and the card of a model.
    """
    assert main(['models', 'show', 'default']) == 0
    shown = capsys.readouterr().out
    assert 'classes      star, galaxy' in shown
    assert load_model().sha256[:12] in shown
    assert '# ' in shown
    assert main(['models', 'show', 'nothing']) == 2
    assert "got 'nothing'" in capsys.readouterr().err
