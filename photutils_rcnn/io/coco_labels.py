# Licensed under a 3-clause BSD style license - see LICENSE
"""
Labelled sources read from annotations in the format of COCO.
"""

__all__ = ['COCOFrame', 'read_coco']

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photutils_rcnn.io.optional import import_optional
from photutils_rcnn.sources.footprints import Footprints


@dataclass(frozen=True)
class COCOFrame:
    """
    An image of COCO and its annotations.

    Parameters
    ----------
    file_name : str
        The file of the image.
    shape : (2,) tuple of int
        Its shape (ny, nx).
    annotations : list of dict
        The annotations, with ``segmentation``: compressed or uncompressed
        run lengths, or polygons. Row 0 is the first of the image.
    class_names : list of str or `None`
        The category of each; `None` for crowds, which are no single source.
    """

    file_name: str
    shape: tuple
    annotations: list
    class_names: list

    def footprints(self):
        """
        The annotated sources.

        Returns
        -------
        footprints : `~photutils_rcnn.sources.footprints.Footprints`
            Those with a pixel.
        class_names : list of str or `None`
            Their classes.

        Raises
        ------
        ImportError
            If pycocotools is not installed.
        ValueError
            If a segmentation is neither polygons nor run lengths, or not of the size of
            the image.
        """
        boxes, masks, names = [], [], []
        for i, (annotation, name) in enumerate(
                zip(self.annotations, self.class_names, strict=True)):
            try:
                mask = _decode(annotation['segmentation'], self.shape)
            except (IndexError, KeyError, TypeError, ValueError) as exc:
                msg = (f'segmentation of annotation {i} of the image must be polygons of '
                       f'three points or more or run lengths, got '
                       f'{str(annotation["segmentation"])[:60]}')
                raise ValueError(msg) from exc
            if mask.shape != tuple(self.shape):
                msg = (f'segmentation of annotation {i} must have the size of the image, '
                       f'{self.shape}, got {mask.shape}')
                raise ValueError(msg)
            box, mask = Footprints.from_full(mask, (0, 0), self.shape)
            if box is not None:
                boxes.append(box)
                masks.append(mask)
                names.append(name)
        return Footprints(boxes, masks, self.shape), names


def _decode(segmentation, shape):
    import_optional('pycocotools')
    from pycocotools import mask as rle

    if isinstance(segmentation, list):
        encoded = rle.merge(rle.frPyObjects(segmentation, *shape))
    elif isinstance(segmentation['counts'], list):
        encoded = rle.frPyObjects(segmentation, *shape)
    else:
        encoded = segmentation
    return np.asarray(rle.decode(encoded), dtype=bool)


def read_coco(path):
    """
    Read annotations of COCO.

    Parameters
    ----------
    path : path-like
        The file, JSON with ``images``, ``annotations`` and ``categories``.

    Returns
    -------
    frames : list of `COCOFrame`
        The images, in the order of the file; masks are decoded when they are asked for.

    Raises
    ------
    ValueError
        If the file does not fit.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
        names = {row['id']: str(row['name']) for row in content['categories']}
        frames = {row['id']: COCOFrame(str(row['file_name']), (row['height'], row['width']),
                                       [], []) for row in content['images']}
        for row in content['annotations']:
            frame = frames[row['image_id']]
            frame.annotations.append({'segmentation': row['segmentation']})
            frame.class_names.append(None if row.get('iscrowd') == 1
                                     else names[row['category_id']])
    except (KeyError, TypeError, ValueError) as exc:
        msg = f'{path}: no annotations of COCO ({type(exc).__name__}: {exc})'
        raise ValueError(msg) from exc
    if not frames:
        msg = f'{path}: no images'
        raise ValueError(msg)
    return list(frames.values())
