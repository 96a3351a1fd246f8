# Licensed under a 3-clause BSD style license - see LICENSE
"""
Footprints in the format of COCO.
"""

__all__ = ['coco_dataset', 'write_coco']

import json

import numpy as np

from photutils_rcnn._files import atomic_path
from photutils_rcnn.io.optional import import_optional


def coco_dataset(result):
    """
    The sources of a result as a data set of COCO.

    It has one image, without a file name. Row 0 is the first one of the frame, as in
    NumPy, hence at the bottom of usual plots of it.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result.

    Returns
    -------
    dataset : dict
        ``info``, ``images``, ``categories`` (the classes, from 1) and
        ``annotations``, one for each row of ``result.table`` in its order, from 1,
        whose footprint has a pixel: ``segmentation`` is the footprint as compressed
        RLE, ``bbox`` its ``[x, y, width, height]`` in edge coordinates, ``area`` the
        number of its pixels. ``score`` and ``label``, that of the label image, are
        added. ``annotations`` alone are what ``pycocotools.coco.COCO.loadRes`` takes.

    Raises
    ------
    ImportError
        If pycocotools is not installed.
    """
    import_optional('pycocotools')
    from pycocotools import mask as rle

    ny, nx = result.labels.shape
    found, footprints = result.instances, result.footprints
    annotations = []
    for i, mask in enumerate(footprints.masks):
        if not mask.any():
            continue
        y1, x1, y2, x2 = footprints.boxes[i].tolist()
        segmentation = rle.frPyObjects(
            {'counts': _run_lengths(mask, (y1, x1), (ny, nx)), 'size': [ny, nx]}, ny, nx)
        segmentation['counts'] = segmentation['counts'].decode('ascii')
        annotations.append({
            'id': i + 1, 'image_id': 1, 'category_id': int(found.class_ids[i]),
            'segmentation': segmentation, 'bbox': [x1, y1, x2 - x1, y2 - y1],
            'area': int(np.count_nonzero(mask)), 'iscrowd': 0,
            'score': float(found.scores[i]), 'label': int(result.label_of_source[i])})
    return {
        'info': {'description': 'Sources found by photutils_rcnn', **result.meta},
        'images': [{'id': 1, 'width': nx, 'height': ny, 'file_name': ''}],
        'categories': [{'id': k, 'name': name}
                       for k, name in enumerate(found.class_names, start=1)],
        'annotations': annotations}


def write_coco(path, result, *, overwrite=False):
    """
    Write the sources of a result to a JSON file of COCO.

    Parameters
    ----------
    path : str or path-like
        The file.
    result : `~photutils_rcnn.RCNNResult`
        The result.
    overwrite : bool, optional
        Whether to replace an existing file. The default is `False`.

    Raises
    ------
    ImportError
        If pycocotools is not installed.
    OSError
        If the file exists and ``overwrite`` is `False`.
    """
    with atomic_path(path, overwrite=overwrite) as temporary:
        temporary.write_text(json.dumps(coco_dataset(result)), encoding='utf-8')


def _run_lengths(mask, corner, shape):
    """
    The lengths of the runs of zeros and ones, column by column of the frame.

    The frame itself would be too large to make for each source.
    """
    x, y = np.nonzero(mask.T)
    pixels = (x + corner[1]) * shape[0] + y + corner[0]
    last = np.append(np.flatnonzero(np.diff(pixels) > 1), len(pixels) - 1)
    first = np.append(0, last[:-1] + 1)
    edges = np.stack([pixels[first], pixels[last] + 1], axis=1).ravel()
    return np.diff(edges, prepend=0, append=shape[0] * shape[1]).tolist()
