# Licensed under a 3-clause BSD style license - see LICENSE
"""
Detector of Astro R-CNN, on normalized boxes.
"""

__all__ = ['AstroRCNNDetector', 'decode', 'normalized_anchors']

import numpy as np
from keras import ops

from photutils_rcnn.astro_rcnn.pooling import rounded_levels, sample_positions
from photutils_rcnn.models.anchors import make_anchors
from photutils_rcnn.models.detector import Detector


def normalized_anchors(config, shape):
    """
    The anchors in units of the frame.

    Parameters
    ----------
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNConfig`
        The network.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame, a multiple of the largest stride.

    Returns
    -------
    anchors : (A, 4) `~numpy.ndarray` of float32
        ``(y1, x1, y2 - 1, x2 - 1) / (ny - 1, nx - 1, ...)``.
    """
    scale = np.tile(np.subtract(shape, 1), 2)
    shift = np.array([0, 0, 1, 1])
    # Rounded once, as the original does: large deltas multiply a difference
    # in the last bit.
    anchors = make_anchors(config, shape, dtype=float)
    return ((anchors - shift) / scale).astype(np.float32)


def decode(boxes, deltas, std):
    """
    Apply deltas to boxes, without any limit that a frame could notice.

    Parameters
    ----------
    boxes, deltas : (..., 4) `~numpy.ndarray` of float32
        Boxes and their deltas.
    std : (4,) sequence of float
        The scale of the deltas.

    Returns
    -------
    boxes : (..., 4) `~numpy.ndarray` of float32
        The boxes.
    """
    deltas = deltas * np.array(std, dtype=np.float32)
    sides = boxes[..., 2:] - boxes[..., :2]
    centers = boxes[..., :2] + np.float32(0.5) * sides
    centers = centers + deltas[..., :2] * sides
    # The exponential of 88 is beyond float32.
    sides = sides * np.exp(np.minimum(deltas[..., 2:], np.float32(80)))
    low = centers - np.float32(0.5) * sides
    return np.concatenate([low, low + sides], axis=-1)


class AstroRCNNDetector(Detector):
    """
    Runs a network of Astro R-CNN on a frame, stage by stage.

    Unlike those of its parent, boxes are normalized,
    ``(y1, x1, y2 - 1, x2 - 1) / (H - 1, W - 1, ...)``, and not clipped;
    those of `classify` are of each class, `predict_masks` is told the
    classes, and no stage is told of the PSF.

    Parameters
    ----------
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNConfig`
        The network.
    stages : `~photutils_rcnn.astro_rcnn.stages.AstroRCNNStages`
        What runs it.
    """

    def dense(self, image):
        """
        Trunk, pyramid and proposal network; see the parent.
        """
        features, objectness, deltas = super().dense(image)
        anchors = normalized_anchors(self.config, image.shape[:2])
        # In NumPy: compilers would change the last bits, which large deltas
        # multiply.
        return features, objectness, decode(anchors, deltas,
                                            self.config.box_std)

    def _rows(self, boxes, shape, size, classes=None):
        """
        The RoIs as the stages take them: the level, the class, and the
        rows and columns of the samples.
        """
        boxes = np.asarray(boxes, dtype=np.float32)
        levels = ops.convert_to_numpy(rounded_levels(boxes, shape,
                                                     self.config))
        last = np.array(self._stages.level_shapes(shape), dtype=np.float32) - 1
        if classes is None:
            classes = np.zeros(len(boxes))
        return np.concatenate(
            [levels[:, None], np.asarray(classes)[:, None],
             *sample_positions(boxes, last[levels], size)], axis=1)

    def classify(self, features, boxes, shape):
        """
        Classify RoIs and refine their boxes; see the parent.

        Returns
        -------
        logits : (R, n_classes) `~numpy.ndarray`
            Class logits, background first.
        boxes : (R, n_classes, 4) `~numpy.ndarray`
            The refined boxes of each class.
        """
        rows = self._rows(boxes, shape, self.config.box_pool)
        logits, deltas = self._in_buckets(
            'classify', (features, np.int32(shape)), (rows,), shape)
        return logits, decode(np.asarray(boxes)[:, None], deltas,
                              self.config.box_std)

    def predict_masks(self, features, boxes, shape, classes):
        """
        The mask of the class of each RoI.

        Parameters
        ----------
        features, boxes, shape
            See `classify`.
        classes : (R,) `~numpy.ndarray` of int
            The classes.

        Returns
        -------
        masks : (R, S, S) `~numpy.ndarray`
            Probabilities.
        mask_boxes : (R, 4) `~numpy.ndarray`
            The boxes that the masks cover: ``boxes``.
        """
        rows = self._rows(boxes, shape, self.config.mask_pool, classes)
        masks, = self._in_buckets('mask', (features, np.int32(shape)),
                                  (rows,), shape)
        return masks, boxes
