# Licensed under a 3-clause BSD style license - see LICENSE
"""
Detections on a frame, as an evaluation needs them.
"""

__all__ = ['Detections', 'segment_scene']

import warnings
from dataclasses import dataclass

import numpy as np
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn.sources.classes import CLASS_NAMES
from photutils_rcnn.sources.footprints import Footprints


@dataclass
class Detections:
    """
    The detections of any method on one frame.

    Parameters
    ----------
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The N masks; they may overlap.
    scores : (N,) array_like of float
        The confidence that the detection is a source; any increasing
        measure, a probability where a score cut applies.
    class_ids : (N,) array_like of int, optional
        The classes, in the order of `~photutils_rcnn.sources.classes.CLASS_NAMES`
        from 1; 0 where there is none (default).
    class_probabilities : (N, n_classes) array_like of float, optional
        The probability of each class, given that it is a source. Default is
        NaN.
    x, y : (N,) array_like of float, optional
        The positions (pixels, the center of the first pixel is 0). Default
        is the centers of the boxes.
    boxes : (N, 4) array_like of float, optional
        The boxes ``[y1, x1, y2, x2]`` in edge coordinates. Default is the
        boxes of the footprints.

    Raises
    ------
    ValueError
        If the lengths differ, a score or position is not finite, or there is
        no such class.
    """

    footprints: Footprints
    scores: np.ndarray
    class_ids: np.ndarray | None = None
    class_probabilities: np.ndarray | None = None
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    boxes: np.ndarray | None = None

    def __post_init__(self):
        n = len(self.footprints)
        if self.boxes is None:
            self.boxes = self.footprints.boxes
        self.boxes = np.asarray(self.boxes, dtype=float).reshape(-1, 4)
        if self.class_ids is None:
            self.class_ids = np.zeros(n, dtype=int)
        if self.class_probabilities is None:
            self.class_probabilities = np.full((n, len(CLASS_NAMES)), np.nan)
        if self.x is None:
            self.x = (self.boxes[:, 1] + self.boxes[:, 3]) / 2 - 0.5
        if self.y is None:
            self.y = (self.boxes[:, 0] + self.boxes[:, 2]) / 2 - 0.5
        self.class_ids = _as_class_ids(self.class_ids)
        self.class_probabilities = np.asarray(
            self.class_probabilities, dtype=float).reshape(
                -1, len(CLASS_NAMES))
        for name in ('scores', 'x', 'y'):
            value = np.asarray(getattr(self, name), dtype=float)
            if not np.isfinite(value).all():
                msg = f'{name} must be finite'
                raise ValueError(msg)
            setattr(self, name, value)
        for name in ('scores', 'class_ids', 'class_probabilities', 'x', 'y',
                     'boxes'):
            if len(getattr(self, name)) != n:
                msg = (f'{name} must have one element for each of the {n} '
                       f'footprints, got {len(getattr(self, name))}')
                raise ValueError(msg)

    def __len__(self):
        return len(self.footprints)

    def __getitem__(self, index):
        """
        Select detections with an integer or boolean index array.
        """
        return Detections(self.footprints[index], self.scores[index],
                          self.class_ids[index],
                          self.class_probabilities[index], self.x[index],
                          self.y[index], self.boxes[index])

    @property
    def class_scores(self):
        """
        The probability of being a source of the given class (N,).

        The score times the probability of the class; the score alone where
        there are no class probabilities.
        """
        chosen = self.class_probabilities[np.arange(len(self)),
                                          np.maximum(self.class_ids - 1, 0)]
        return self.scores * np.where(np.isfinite(chosen)
                                      & (self.class_ids > 0), chosen, 1.0)

    @classmethod
    def empty(cls, shape):
        """
        No detections on a frame of the given shape (ny, nx).

        Parameters
        ----------
        shape : (2,) tuple of int
            The shape (ny, nx) of the frame.

        Returns
        -------
        detections : `Detections`
            Detections of length 0.
        """
        return cls(Footprints([], [], shape), np.zeros(0))

    @classmethod
    def from_result(cls, result, score_threshold=None):
        """
        The detections of a segmentation.

        Parameters
        ----------
        result : `~photutils_rcnn.RCNNResult`
            The result; the class is the more probable one.
        score_threshold : float, optional
            Detections of this score have the positions that they have in
            the result of this threshold: in that of a lower one, others
            take some of their pixels.

        Returns
        -------
        detections : `Detections`
            One for each instance, at its position in ``result.table``.
        """
        found, table = result.instances, result.table
        x, y = np.array(table['x']), np.array(table['y'])
        if score_threshold is not None:
            above = np.asarray(found.scores) >= score_threshold
            if not above.all():
                own = result.above(score_threshold).table
                x[above], y[above] = own['x'], own['y']
        probabilities = np.asarray(found.class_probabilities)
        return cls(result.footprints, np.asarray(found.scores),
                   probabilities.argmax(axis=1) + 1, probabilities,
                   x=x, y=y, boxes=np.asarray(found.boxes))


def segment_scene(segmenter, scene):
    """
    Segment a scene; that nothing is found in it is no warning here.

    Parameters
    ----------
    segmenter : `~photutils_rcnn.RCNNSegmenter`
        The segmenter.
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.

    Returns
    -------
    result : `~photutils_rcnn.RCNNResult`
        The result.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', NoDetectionsWarning)
        return segmenter.segment(scene.data, mask=scene.mask, bands=scene.bands)


def _as_class_ids(class_ids):
    """
    The classes as integers; those that do not exist are refused.
    """
    class_ids = np.asarray(class_ids)
    n = len(CLASS_NAMES)
    unknown = ~np.isin(class_ids, np.arange(n + 1))
    if unknown.any():
        msg = (f'class_ids must be integers from 0 to {n}, got '
               f'{class_ids[unknown][0]}')
        raise ValueError(msg)
    return class_ids.astype(int)
