# Licensed under a 3-clause BSD style license - see LICENSE
"""
The network of Astro R-CNN, and how it is trained.
"""

__all__ = ['AstroRCNN']

import numpy as np

from photutils_rcnn.astro_rcnn import layers
from photutils_rcnn.astro_rcnn.backbones import resnet_trunk
from photutils_rcnn.astro_rcnn.losses import mean_squares, sampled_loss
from photutils_rcnn.astro_rcnn.pooling import crop_and_resize, rounded_levels
from photutils_rcnn.astro_rcnn.targets import fill_up, limit_negatives, sample_anchors
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.targets import sample_rois

# Boxes of the second stage end a pixel before the edge of their last pixel:
# they run between the coordinates of the first and the last pixel.
END = np.float32([0, 0, 1, 1])


class AstroRCNN(MaskRCNN):
    """
    Matterport's Mask R-CNN, as Burke et al. (2019) train it.

    Unlike those of its parent, the heads have box deltas (R, n_classes, 4)
    and mask logits (R, mask_size, mask_size, n_classes) of each class.

    Parameters
    ----------
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNConfig`
        The network; an
        `~photutils_rcnn.astro_rcnn.config.AstroRCNNTrainingConfig` for one
        that is to be trained.
    **options
        Those of `~photutils_rcnn.models.mask_rcnn.MaskRCNN`.
    """

    make_trunk = staticmethod(resnet_trunk)
    make_pyramid = staticmethod(layers.pyramid)
    make_proposal_head = staticmethod(layers.proposal_head)
    make_box_head = staticmethod(layers.box_head)
    make_mask_head = staticmethod(layers.mask_head)
    of_class = staticmethod(layers.take_class)

    def box_head_inputs(self, pooled, boxes, log_fwhm):
        """
        The pooled features alone.
        """
        return pooled

    def pool_rois(self, features, shapes, boxes, image_index, size,
                  context=1., shift=0):
        """
        Pool the features of RoIs with ``crop_and_resize``.

        Parameters are those of the parent; neither ``context`` nor ``shift``
        is used.

        Returns
        -------
        pooled : (R, size, size, C) tensor
            The pooled features.
        """
        frame = np.array(shapes[0], dtype=np.float32) * self.config.strides[0]
        boxes = boxes / np.tile(frame - 1, 2)
        levels = rounded_levels(boxes, frame, self.config)
        return crop_and_resize(features, shapes, boxes, image_index, levels,
                               size)

    def layer_mode(self, training):
        """
        Batch normalization is frozen, unless the configuration says
        otherwise.
        """
        return training and self.config.train_batch_norm

    def objectness_loss(self, logits, positive, negative):
        """
        The mean cross-entropy of random anchors.
        """
        positive, negative = sample_anchors(positive, negative, self.config,
                                            self.seed_generator)
        return sampled_loss(logits, positive, negative)

    def propose(self, objectness, deltas, anchors, shape):
        """
        The best boxes of the proposal network, as RoIs.
        """
        return super().propose(objectness, deltas, self.boxes_to_rois(anchors),
                               [side - END[-1] for side in shape])

    def sample_rois(self, proposals, valid, truth):
        """
        The RoIs on which the second stage is trained: of the proposals, a
        fraction of them positive, and empty boxes for those that are missing.
        """
        rois = sample_rois(proposals, valid, truth, self.config,
                           self.seed_generator)
        return fill_up(limit_negatives(rois, self.config), self.config)

    def boxes_to_rois(self, boxes):
        """
        Boxes that end a pixel earlier.
        """
        return boxes - END

    def rois_to_boxes(self, rois):
        """
        The inverse of `boxes_to_rois`.
        """
        return rois + END

    def compute_loss(self, *args, **kwargs):
        """
        The losses of both stages and matterport's L2 regularization.

        Parameters are those of the parent.

        Returns
        -------
        loss : scalar tensor
            The sum.
        """
        return super().compute_loss(*args, **kwargs) + (
            self.config.mean_l2 * mean_squares(self.trainable_variables))
