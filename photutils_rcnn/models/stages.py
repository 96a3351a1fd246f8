# Licensed under a 3-clause BSD style license - see LICENSE
"""
The stages of inference in Keras.
"""

__all__ = ['KerasStages']

import threading
from collections import OrderedDict
from functools import partial

from keras import ops

from photutils_rcnn.models.attribute_config import ATTRIBUTE
from photutils_rcnn.models.boxes import scale_boxes
from photutils_rcnn.models.compiled import compile_function, has_free_shapes
from photutils_rcnn.models.roi_align import flatten_pyramid

# Each compiled stage takes some MB. Where every shape of frames has its own,
# those not used for longest are given up.
MAX_STAGES = 48


class KerasStages:
    """
    What a `~photutils_rcnn.models.detector.Detector` runs, as functions of tensors.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.
    """

    n_rows = None  # any number, see `has_free_shapes`

    def __init__(self, network):
        self.network = network
        self.config = network.config
        self._compiled = OrderedDict()
        self._lock = threading.RLock()

    def run(self, name, shape, *args):
        """
        Run a stage, compiled when it is first needed.

        Parameters
        ----------
        name : {'dense', 'classify', 'sample', 'profile', 'mask', 'pool'} or str
            The method, or ``'attribute_<name>'``.
        shape : (2,) tuple of int
            The shape (ny, nx) of the tile.
        *args : array or tensor
            Its arguments.

        Returns
        -------
        values : tuple of tensor
            What it returns.
        """
        key = (name, None if has_free_shapes() else shape)
        with self._lock:
            if key not in self._compiled:
                self._compiled[key] = compile_function(self.function(name))
            self._compiled.move_to_end(key)
            if len(self._compiled) > MAX_STAGES:
                self._compiled.popitem(last=False)
            compiled = self._compiled[key]
        return compiled(*args)

    def function(self, name):
        """
        The function of a stage.

        Parameters
        ----------
        name : str
            See `run`.

        Returns
        -------
        function : callable
            A function of tensors.
        """
        if name.startswith(ATTRIBUTE):
            return partial(self.attribute, name.removeprefix(ATTRIBUTE))
        return getattr(self, name)

    @property
    def has_free_shapes(self):
        """
        Whether a stage takes any number of rows; see `has_free_shapes
        <photutils_rcnn.models.compiled.has_free_shapes>`.
        """
        return has_free_shapes()

    @staticmethod
    def to_numpy(tensor):
        """
        A tensor as an array.
        """
        return ops.convert_to_numpy(tensor)

    def dense(self, image, anchors):
        """
        The features (C, K) of all levels, and the objectness (A,) and the boxes
        (A, 4) of the anchors, of an image (1, ny, nx, n_bands).
        """
        outputs = self.network(image, training=False)
        boxes = self.network.refine_boxes(anchors, outputs['deltas'][0],
                                          ops.shape(image)[1:3])
        features, _ = flatten_pyramid(outputs['pyramid'])
        return features, ops.sigmoid(outputs['objectness'][0]), boxes

    def classify(self, features, shape, boxes, log_fwhm):
        """
        The class logits (R, n_classes) and the refined boxes (R, 4) of RoIs.
        """
        logits, deltas = self.network.classify_rois(
            features, self.level_shapes(shape), boxes, _only_image(boxes),
            log_fwhm, training=False)
        return logits, self.network.refine_boxes(boxes, deltas, shape)

    def sample(self, images, boxes, image_index, log_fwhm):
        """
        The profiles (R, S, S, n_bands) of boxes on images (B, ny, nx, n_bands);
        ``image_index`` is (R, 1).
        """
        return (self.network.sample_profiles(
            images, boxes, ops.cast(image_index[:, 0], 'int32'), log_fwhm),)

    def profile(self, profiles, boxes, logits, log_fwhm, psf):
        """
        The class logits (R, n_classes - 1) of sources.
        """
        return (self.network.classify_profiles(
            profiles, boxes, logits, log_fwhm, psf),)

    def mask(self, features, shape, boxes):
        """
        The masks (R, S, S) of RoIs and the boxes (R, 4) that they cover.
        """
        logits = self.network.predict_masks(
            features, self.level_shapes(shape), boxes, _only_image(boxes),
            training=False)
        return ops.sigmoid(logits), scale_boxes(boxes, self.config.mask_context)

    def pool(self, features, shape, boxes):
        """
        The features (R, P, P, C) of sources.
        """
        return (ops.cast(self.network.pool_sources(
            features, self.level_shapes(shape), boxes, _only_image(boxes)), 'float32'),)

    def attribute(self, name, stamps, numbers, pooled=None):
        """
        The outputs (R, K) of an attribute head.
        """
        return (self.network.predict_attribute(name, pooled, stamps, numbers,
                                               training=False),)

    def level_shapes(self, shape):
        """
        The shape (ny, nx) of each level of the pyramid.
        """
        return tuple((shape[0] // stride, shape[1] // stride)
                     for stride in self.config.strides)


def _only_image(boxes):
    """
    The index of the only image, for each of R boxes.
    """
    return ops.zeros_like(boxes[:, 0], dtype='int32')
