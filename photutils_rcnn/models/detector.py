# Licensed under a 3-clause BSD style license - see LICENSE
"""
Compiled stages of inference.
"""

__all__ = ['Detector']

import threading
from collections import OrderedDict

import numpy as np
from keras import ops

from photutils_rcnn.models.anchors import anchor_cells, make_anchors
from photutils_rcnn.models.boxes import clip_boxes, decode_boxes, scale_boxes
from photutils_rcnn.models.compiled import compile_function, has_free_shapes
from photutils_rcnn.models.roi_align import flatten_pyramid

# RoIs are padded to one of these counts, so that few shapes are
# compiled where each is anew; longer lists are cut into pieces of the last.
BUCKETS = (16, 64, 256, 1024)
# Each compiled stage takes some MB. Where every shape of frames has its own,
# those not used for longest are given up.
MAX_STAGES = 48


class Detector:
    """
    Runs a network on tiles, stage by stage.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.
    """

    def __init__(self, network):
        self.network = network
        self.config = network.config
        self._stages = OrderedDict()
        self._lock = threading.RLock()

    @property
    def stride(self):
        """
        The sides of tiles are multiples of this, pixels.
        """
        return self.config.strides[-1]

    def _stage(self, name, shape):
        """
        The compiled stage for tiles of a shape.
        """
        key = (name, None if has_free_shapes() else shape)
        with self._lock:
            if key not in self._stages:
                self._stages[key] = compile_function(getattr(self, f'_{name}_stage'))
            self._stages.move_to_end(key)
            if len(self._stages) > MAX_STAGES:
                self._stages.popitem(last=False)
            return self._stages[key]

    def _level_shapes(self, shape):
        return tuple((shape[0] // stride, shape[1] // stride)
                     for stride in self.config.strides)

    def _dense_stage(self, image, anchors):
        outputs = self.network(image, training=False)
        boxes = clip_boxes(decode_boxes(outputs['deltas'][0], anchors,
                                        self.config.box_std),
                           ops.shape(image)[1:3])
        features, _ = flatten_pyramid(outputs['pyramid'])
        return features, ops.sigmoid(outputs['objectness'][0]), boxes

    def _classify_stage(self, features, shape, boxes, log_fwhm):
        logits, deltas = self.network.classify_rois(
            features, self._level_shapes(shape), boxes, _only_image(boxes),
            log_fwhm, training=False)
        return logits, self.network.refine_boxes(boxes, deltas, shape)

    def _profile_stage(self, image, boxes, logits, log_fwhm, psf):
        return (self.network.classify_profiles(
            image, boxes, _only_image(boxes), logits, log_fwhm, psf),)

    def _mask_stage(self, features, shape, boxes):
        logits = self.network.predict_masks(
            features, self._level_shapes(shape), boxes, _only_image(boxes),
            training=False)
        return ops.sigmoid(logits), scale_boxes(boxes, self.config.mask_context)

    def cells(self, shape):
        """
        The pixel (y, x) in the middle of the cell of each anchor.

        Parameters
        ----------
        shape : (2,) tuple of int
            The shape (ny, nx) of the tile.

        Returns
        -------
        cells : (A, 2) int32 `~numpy.ndarray`
            The pixels, in the order of the anchors.
        """
        return anchor_cells(self.config, shape)

    def dense(self, image):
        """
        Trunk, pyramid and proposal network.

        Parameters
        ----------
        image : (ny, nx, n_bands) `~numpy.ndarray` of float32
            A normalized tile.

        Returns
        -------
        features : tensor
            The features, for the other stages.
        objectness : (A,) `~numpy.ndarray`
            The probability of each anchor to hold a source.
        boxes : (A, 4) `~numpy.ndarray`
            The boxes of the anchors.
        """
        stage = self._stage('dense', image.shape[:2])
        features, objectness, boxes = stage(
            image[None], make_anchors(self.config, image.shape[:2]))
        return (features, ops.convert_to_numpy(objectness),
                ops.convert_to_numpy(boxes))

    def classify(self, features, boxes, shape, psf_fwhm=None):
        """
        Classify RoIs and refine their boxes.

        Parameters
        ----------
        features : tensor
            From `dense`.
        boxes : (R, 4) `~numpy.ndarray` of float32
            The RoIs.
        shape : (2,) tuple of int
            The shape of the tile.
        psf_fwhm : float, (n_bands,) or (R, n_bands) array_like, optional
            The FWHM of the PSF in pixels; `None` if it is not known.

        Returns
        -------
        logits : (R, n_classes) `~numpy.ndarray`
            Class logits, background first.
        boxes : (R, 4) `~numpy.ndarray`
            The refined boxes.
        """
        return self._in_buckets(
            'classify', (features, np.int32(shape)),
            (boxes, self._log_fwhm(psf_fwhm, len(boxes))), shape)

    def classify_profiles(self, image, boxes, logits, psf_fwhm=None,
                          psf=None):
        """
        The classes of sources.

        Parameters
        ----------
        image : (ny, nx, n_bands) `~numpy.ndarray` of float32
            The tile that was given to `dense`.
        boxes : (R, 4) `~numpy.ndarray` of float32
            Refined boxes.
        logits : (R, n_classes) `~numpy.ndarray`
            Their class logits from `classify`.
        psf_fwhm : float, (n_bands,) or (R, n_bands) array_like, optional
            The FWHM of the PSF in pixels; `None` if it is not known.
        psf : (S, S, n_bands) or (R, S, S, n_bands) `~numpy.ndarray`, optional
            The PSF on the grid of the profile head, see
            `~photutils_rcnn.models.profile_head.profile_head_inputs`; `None` if
            it is not known.

        Returns
        -------
        logits : (R, n_classes - 1) `~numpy.ndarray`
            Class logits without background.
        """
        size = self.config.profile_size
        psf = np.broadcast_to(0. if psf is None else psf,
                              (len(boxes), size, size, self.config.n_bands))
        return self._in_buckets(
            'profile', (image[None],),
            (boxes, logits, self._log_fwhm(psf_fwhm, len(boxes)), psf),
            image.shape[:2])[0]

    def predict_masks(self, features, boxes, shape):
        """
        The masks of RoIs.

        Parameters are the first three of `classify`.

        Returns
        -------
        masks : (R, S, S) `~numpy.ndarray`
            Probabilities.
        mask_boxes : (R, 4) `~numpy.ndarray`
            The boxes that the masks cover.
        """
        return self._in_buckets('mask', (features, np.int32(shape)),
                                (boxes,), shape)

    def _log_fwhm(self, psf_fwhm, n_rois):
        """
        What the network is told of the PSF: (R, n_bands), 0 if not known.
        """
        if psf_fwhm is None:
            return np.zeros((n_rois, self.config.n_bands), dtype=np.float32)
        log_fwhm = np.log(psf_fwhm)
        known = np.where(log_fwhm == 0, 1e-4, log_fwhm)  # 1 pixel is known
        return np.broadcast_to(known, (n_rois, self.config.n_bands))

    def _in_buckets(self, name, known, rows, shape):
        """
        Run a stage on rows, padded to a bucket.
        """
        stage = self._stage(name, tuple(shape))
        rows = [np.asarray(values, dtype=np.float32) for values in rows]
        results = []
        for start in range(0, max(len(rows[0]), 1), BUCKETS[-1]):
            parts = [values[start:start + BUCKETS[-1]] for values in rows]
            n = len(parts[0])
            size = next(b for b in BUCKETS if b >= n)
            padded = [np.pad(part, ((0, size - n), *[(0, 0)] * (part.ndim - 1)))
                      for part in parts]
            results.append([ops.convert_to_numpy(value)[:n]
                            for value in stage(*known, *padded)])
        return tuple(np.concatenate(values)
                     for values in zip(*results, strict=True))


def _only_image(boxes):
    """
    The index of the only image, for each of R boxes.
    """
    return ops.zeros_like(boxes[:, 0], dtype='int32')
