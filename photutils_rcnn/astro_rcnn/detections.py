# Licensed under a 3-clause BSD style license - see LICENSE
"""
The detection files of Astro R-CNN: one HDU per source.
"""

__all__ = ['AstroRCNNDetections', 'read_detections', 'write_detections']

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from photutils_rcnn.sources.footprints import Footprints


@dataclass
class AstroRCNNDetections:
    """
    The content of a detection file.

    Parameters
    ----------
    boxes : (N, 4) `~numpy.ndarray` of int
        Half-open boxes ``[y1, x1, y2, x2]`` in pixels.
    masks : list of 2D bool `~numpy.ndarray`
        The masks within the boxes. They may overlap.
    class_ids : (N,) `~numpy.ndarray` of int
        1 star, 2 galaxy.
    scores : (N,) `~numpy.ndarray`
        The scores, to 3 decimals.
    weights : str
        The name of the weights.
    """

    boxes: np.ndarray
    masks: list
    class_ids: np.ndarray
    scores: np.ndarray
    weights: str

    def footprints(self, shape):
        """
        The masks on a frame; the files do not tell its shape.

        Parameters
        ----------
        shape : (2,) tuple of int
            The shape (ny, nx) of the frame.

        Returns
        -------
        footprints : `~photutils_rcnn.sources.footprints.Footprints`
            The masks.
        """
        return Footprints(self.boxes, self.masks, shape)


def write_detections(path, footprints, class_ids, scores, *, weights='',
                     overwrite=False):
    """
    Write detections as Astro R-CNN does.

    One HDU per detection, by decreasing score and the first as primary HDU,
    with the mask in its box as 0 and 1 (uint8) and the keywords
    ``CLASS_ID``, ``SCORE``, ``BBOX`` and ``WEIGHTS``.

    Parameters
    ----------
    path : path-like
        The file, ``output_<n>.fits``.
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The masks. Empty ones are left out: FITS has no empty images.
    class_ids : (N,) array_like of int
        The classes.
    scores : (N,) array_like of float
        The scores.
    weights : str, optional
        The name of the weights.
    overwrite : bool, optional
        Whether to replace an existing file. The default is `False`.

    Returns
    -------
    path : `~pathlib.Path` or `None`
        The file; `None` if there is no detection: then none is written.
    """
    scores = np.asarray(scores, dtype=float)
    class_ids = np.asarray(class_ids)
    if not len(footprints) == len(class_ids) == len(scores):
        msg = ('footprints, class_ids and scores must have the same length, '
               f'got {len(footprints)}, {len(class_ids)} and {len(scores)}')
        raise ValueError(msg)
    hdus = fits.HDUList()
    for i in np.argsort(-scores, kind='stable'):
        mask = footprints.masks[i].astype(np.uint8)
        if mask.size == 0:
            continue
        hdu = (fits.ImageHDU if hdus else fits.PrimaryHDU)(mask)
        hdu.header['CLASS_ID'] = int(class_ids[i])
        hdu.header['SCORE'] = round(float(scores[i]), 3)
        hdu.header['BBOX'] = str(footprints.boxes[i])
        hdu.header['WEIGHTS'] = weights
        hdus.append(hdu)
    if not hdus:
        return None
    hdus.writeto(path, overwrite=overwrite)
    return Path(path)


def read_detections(path):
    """
    Read what `write_detections` or Astro R-CNN wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    detections : `AstroRCNNDetections`
        The detections, in the order of the file.

    Raises
    ------
    ValueError
        If an HDU lacks a keyword, or its mask does not fit its box.
    """
    boxes, masks, class_ids, scores, weights = [], [], [], [], ''
    with fits.open(path, memmap=False) as hdus:
        for i, hdu in enumerate(hdus):
            try:
                box = [int(word) for word
                       in hdu.header['BBOX'].strip(' []').split()]
                class_ids.append(int(hdu.header['CLASS_ID']))
                scores.append(float(hdu.header['SCORE']))
                weights = str(hdu.header['WEIGHTS'])
            except (KeyError, ValueError) as error:
                msg = f'{path}: HDU {i} is not a detection: {error}'
                raise ValueError(msg) from error
            if len(box) != 4 or hdu.shape != (box[2] - box[0],
                                              box[3] - box[1]):
                msg = (f'{path}: HDU {i} has a mask of shape {hdu.shape} '
                       f'and the box {box}')
                raise ValueError(msg)
            boxes.append(box)
            masks.append(hdu.data.astype(bool))
    return AstroRCNNDetections(np.array(boxes, dtype=np.int64).reshape(-1, 4),
                               masks, np.array(class_ids, dtype=int),
                               np.array(scores, dtype=float), weights)
