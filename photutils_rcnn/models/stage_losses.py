# Licensed under a 3-clause BSD style license - see LICENSE
"""
Losses of Mask R-CNN: of both stages together, and of an attribute head.
"""

__all__ = ['StageLosses']

import keras
from keras import ops

from photutils_rcnn.models.anchors import anchor_grids, make_anchors
from photutils_rcnn.models.boxes import encode_boxes, scale_boxes
from photutils_rcnn.models.losses import (
    class_loss,
    focal_loss,
    gaussian_loss,
    mask_loss,
    smooth_l1,
)
from photutils_rcnn.models.region_proposal import propose
from photutils_rcnn.models.roi_align import flatten_pyramid
from photutils_rcnn.models.targets import match_anchors, sample_masks, sample_rois, with_truth


class StageLosses:
    """
    Mixin of `~photutils_rcnn.models.mask_rcnn.MaskRCNN`: its training.

    Networks that are trained otherwise replace the methods before `compute_loss`.
    """

    def train_attribute(self, name):
        """
        Train an attribute head together with the rest of the network.

        Parameters
        ----------
        name : str
            The attribute.
        """
        self.joint_attribute, = (attribute for attribute in self.config.attributes
                                 if attribute.name == name)
        self.attribute_heads[name].trainable = True
        self.loss_trackers.append(keras.metrics.Mean(name=name))

    def objectness_loss(self, logits, positive, negative):
        """
        The loss of the objectness; see `focal_loss
        <photutils_rcnn.models.losses.focal_loss>`.
        """
        return focal_loss(logits, positive, negative, self.config)

    def propose(self, objectness, deltas, anchors, shape):
        """
        The best boxes of the proposal network; see `propose
        <photutils_rcnn.models.region_proposal.propose>`.
        """
        return propose(objectness, deltas, anchors, shape, self.config)

    def sample_rois(self, proposals, valid, truth):
        """
        The RoIs on which the second stage is trained: of the proposals and
        the jittered truth, see `sample_rois
        <photutils_rcnn.models.targets.sample_rois>`.
        """
        boxes, valid = with_truth(proposals, valid, truth,
                                  self.seed_generator)
        return sample_rois(boxes, valid, truth, self.config,
                           self.seed_generator)

    def boxes_to_rois(self, boxes):
        """
        Boxes of sources as the second stage has them.
        """
        return boxes

    def rois_to_boxes(self, rois):
        """
        The inverse of `boxes_to_rois`.
        """
        return rois

    def of_class(self, values, classes, axis):
        """
        The deltas or masks of the classes of RoIs; here those of all classes
        are the same. A head with some for each has the classes on ``axis``.
        """
        return values

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None,
                     training=True):
        """
        The sum of the losses of both stages.

        Parameters
        ----------
        x : (B, ny, nx, n_bands) tensor
            The images; with `train_attribute`, those of C cutouts come last.
        y : dict of tensor
            The truth, see `photutils_rcnn.models.targets`, and with cutouts
            ``source_boxes`` (C, M, 4), the boxes of M labelled sources on each of them,
            their ``stamps`` (C, M, S, S, n_bands) and ``numbers`` (C, M, 3), the
            ``targets`` (C, M) and their ``target_weights``.
        y_pred : dict of tensor
            The output of the call.
        sample_weight : None
            Not used.
        training : bool, optional
            Whether the model is being trained.

        Returns
        -------
        loss : scalar tensor
            The weighted sum. The parts are the model's metrics.
        """
        # Keras hands arrays in dictionaries to PyTorch as they are.
        y = {name: ops.convert_to_tensor(value) for name, value in y.items()}
        cutouts = None
        if self.joint_attribute is not None and 'source_boxes' in y:
            n = y['boxes'].shape[0]
            cutouts = [level[n:] for level in y_pred['pyramid']]
            x = x[:n]
            y_pred = {'pyramid': [level[:n] for level in y_pred['pyramid']],
                      **{name: y_pred[name][:n] for name in ('objectness', 'deltas')}}
        shape = x.shape[1], x.shape[2]
        anchors = ops.convert_to_tensor(make_anchors(self.config, shape))
        losses = [*self._proposal_losses(anchors, shape, y, y_pred),
                  *self._roi_losses(anchors, shape, y, y_pred, training)]
        weights = self.config.loss_weights
        if cutouts is not None:
            losses.append(self._attribute_loss(y, cutouts))
            weights = (*weights, 1.)
        for tracker, loss in zip(self.loss_trackers, losses, strict=False):
            tracker.update_state(loss)
        return sum(weight * loss for weight, loss
                   in zip(weights, losses, strict=True))

    def _proposal_losses(self, anchors, shape, truth, outputs):
        """
        The losses of objectness and boxes of the proposal network.
        """
        config = self.config
        positive, negative, matched = match_anchors(
            anchor_grids(config, shape), truth, config)
        objectness = self.objectness_loss(outputs['objectness'], positive, negative)
        targets = ops.take_along_axis(truth['boxes'], matched[..., None], axis=1)
        targets = encode_boxes(targets, anchors, config.box_std)
        return objectness, smooth_l1(outputs['deltas'], targets, positive)

    def _roi_losses(self, anchors, shape, truth, outputs, training):
        """
        The losses of classes, boxes and masks of the second stage, on sampled RoIs.
        """
        config = self.config
        proposals, valid = self.propose(outputs['objectness'], outputs['deltas'],
                                        anchors, shape)
        rois = self.sample_rois(proposals, valid, {
            **truth, 'boxes': self.boxes_to_rois(truth['boxes'])})
        features, shapes = flatten_pyramid(outputs['pyramid'])

        boxes = ops.reshape(rois['boxes'], (-1, 4))
        n_rois = rois['weights'].shape[1]
        images = ops.repeat(ops.arange(ops.shape(rois['weights'])[0],
                                       dtype='int32'), n_rois)
        log_fwhm = truth.get('log_fwhm')
        if log_fwhm is not None:
            log_fwhm = ops.take(log_fwhm, images, axis=0)
        logits, deltas = self.classify_rois(features, shapes, boxes, images,
                                            log_fwhm, training)
        classes = class_loss(logits, ops.reshape(rois['classes'], (-1,)),
                             ops.reshape(rois['weights'], (-1,)))
        targets = encode_boxes(ops.reshape(rois['targets'], (-1, 4)), boxes,
                               config.box_std)
        deltas = self.of_class(deltas, rois['classes'], axis=1)
        box = smooth_l1(deltas, targets, ops.reshape(rois['positive'], (-1,)))

        # Positive RoIs come first: the mask head sees only those.
        n = config.n_mask_rois
        boxes = rois['boxes'][:, :n]
        matched = rois['matched'][:, :n]
        windows = scale_boxes(self.rois_to_boxes(boxes), config.mask_context)
        masks = sample_masks(windows, matched, truth, config.mask_size)
        images = ops.repeat(ops.arange(ops.shape(boxes)[0], dtype='int32'), n)
        logits = self.predict_masks(features, shapes,
                                    ops.reshape(boxes, (-1, 4)), images,
                                    training)
        logits = self.of_class(logits, rois['classes'][:, :n], axis=-1)
        mask = mask_loss(logits, masks,
                         ops.reshape(rois['positive'][:, :n], (-1,)))
        return classes, box, mask

    def _attribute_loss(self, truth, pyramid):
        """
        The loss of an attribute head on cutouts: the weighted mean over labelled sources.
        """
        attribute = self.joint_attribute
        features, shapes = flatten_pyramid(pyramid)
        boxes = ops.reshape(truth['source_boxes'], (-1, 4))
        n_images, n_sources = truth['source_boxes'].shape[:2]
        images = ops.repeat(ops.arange(n_images, dtype='int32'), n_sources)
        pooled = self.pool_sources(features, shapes, boxes, images)
        stamps, numbers = (ops.reshape(truth[name], (-1, *truth[name].shape[2:]))
                           for name in ('stamps', 'numbers'))
        outputs = self.predict_attribute(attribute.name, pooled, stamps, numbers,
                                         training=True)
        targets, weights = (ops.reshape(truth[name], (-1,))
                            for name in ('targets', 'target_weights'))
        losses = (ops.sparse_categorical_crossentropy(
            ops.cast(targets, 'int32'), outputs, from_logits=True)
            if attribute.classes else gaussian_loss(targets, outputs))
        return ops.sum(weights * losses) / ops.maximum(ops.sum(weights), 1e-6)
