# Licensed under a 3-clause BSD style license - see LICENSE
"""
The stages of inference with matterport's layers, on normalized boxes.
"""

__all__ = ['LegacyDetector', 'normalized_anchors']

import numpy as np
from keras import ops

from photutils_rcnn.astro_rcnn.layers import take_class
from photutils_rcnn.astro_rcnn.pooling import rounded_levels, sample_at, sample_positions
from photutils_rcnn.models.anchors import make_anchors
from photutils_rcnn.models.detector import Detector
from photutils_rcnn.models.roi_align import flatten_pyramid


def normalized_anchors(config, shape):
    """
    The anchors in units of the frame.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
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


class LegacyDetector(Detector):
    """
    Runs a network with matterport's layers on a frame, stage by stage.

    Unlike its parent it takes and returns normalized boxes, which are not
    yet refined: the choices between the stages are those of
    `photutils_rcnn.astro_rcnn.inference`.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.
    """

    def anchors(self, shape):
        """
        The normalized anchors of a frame; see `normalized_anchors`.

        Parameters
        ----------
        shape : (2,) tuple of int
            The shape (ny, nx) of the frame, a multiple of the largest stride.

        Returns
        -------
        anchors : (A, 4) float32 `~numpy.ndarray`
            ``(y1, x1, y2 - 1, x2 - 1) / (ny - 1, nx - 1, ...)``.
        """
        return normalized_anchors(self.config, shape)

    def _dense_stage(self):
        def dense(image, _):
            outputs = self.network(image, training=False)
            features, _ = flatten_pyramid(outputs['pyramid'])
            return (features, ops.sigmoid(outputs['objectness'][0]),
                    outputs['deltas'][0])

        return dense

    def _rows(self, boxes, shape, size, classes=None):
        """
        The regions as the stages take them: the level, the class, and the
        rows and columns of the samples.
        """
        boxes = np.asarray(boxes, dtype=np.float32)
        levels = ops.convert_to_numpy(rounded_levels(boxes, shape,
                                                     self.config))
        last = np.array(self._level_shapes(shape), dtype=np.float32) - 1
        if classes is None:
            classes = np.zeros(len(boxes))
        return np.concatenate(
            [levels[:, None], np.asarray(classes)[:, None],
             *sample_positions(boxes, last[levels], size)], axis=1)

    def _pool(self, features, shape, rows, size):
        levels = ops.cast(rows[:, 0], 'int32')
        return sample_at(features, self._level_shapes(shape),
                         rows[:, 2:2 + size], rows[:, 2 + size:],
                         ops.zeros_like(levels), levels)

    def _classify_stage(self):
        def classify(features, shape, rows):
            pooled = self._pool(features, shape, rows, self.config.box_pool)
            logits, deltas = self.network.box_head(pooled, training=False)
            return ops.softmax(logits, axis=-1), deltas

        return classify

    def _outline_stage(self):
        def outline(features, shape, rows):
            pooled = self._pool(features, shape, rows, self.config.mask_pool)
            logits = self.network.mask_head(pooled, training=False)
            classes = ops.cast(rows[:, 1], 'int32')
            return (ops.sigmoid(take_class(logits, classes, axis=-1)),)

        return outline

    def classify(self, features, boxes, shape):
        """
        The probabilities and the box deltas of all classes.

        Parameters
        ----------
        features : tensor
            From `dense`.
        boxes : (R, 4) `~numpy.ndarray` of float32
            Normalized boxes.
        shape : (2,) tuple of int
            The shape of the frame.

        Returns
        -------
        probabilities : (R, n_classes) `~numpy.ndarray`
            Background first.
        deltas : (R, n_classes, 4) `~numpy.ndarray`
            Box deltas.
        """
        rows = self._rows(boxes, shape, self.config.box_pool)
        return self._in_buckets('classify', (features, np.int32(shape)),
                                (rows,), shape)

    def outline(self, features, boxes, classes, shape):
        """
        The mask of the class of each region.

        Parameters
        ----------
        features : tensor
            From `dense`.
        boxes : (R, 4) `~numpy.ndarray` of float32
            Normalized boxes.
        classes : (R,) `~numpy.ndarray` of int
            The classes.
        shape : (2,) tuple of int
            The shape of the frame.

        Returns
        -------
        masks : (R, S, S) `~numpy.ndarray`
            Probabilities.
        """
        rows = self._rows(boxes, shape, self.config.mask_pool, classes)
        return self._in_buckets('outline', (features, np.int32(shape)),
                                (rows,), shape)[0]
