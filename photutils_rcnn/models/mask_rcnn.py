# Licensed under a 3-clause BSD style license - see LICENSE
"""
Mask R-CNN (He et al. 2017, arXiv:1703.06870).
"""

__all__ = ['LOSS_NAMES', 'MaskRCNN']

import keras
from keras import ops

from photutils_rcnn.models.anchors import anchor_grids, make_anchors
from photutils_rcnn.models.backbones import make_trunk
from photutils_rcnn.models.boxes import clip_boxes, decode_boxes
from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.feature_pyramid import feature_pyramid
from photutils_rcnn.models.losses import mean_squares
from photutils_rcnn.models.pooling import pool_regions
from photutils_rcnn.models.profile_head import profile_head, profile_head_inputs, sample_profiles
from photutils_rcnn.models.region_proposal import proposal_head
from photutils_rcnn.models.roi_heads import box_head, box_head_inputs, mask_head
from photutils_rcnn.models.stage_losses import proposal_losses, region_losses

LOSS_NAMES = ('objectness', 'rpn_box', 'class', 'box', 'mask', 'profile')


@keras.saving.register_keras_serializable(package='photutils_rcnn')
class MaskRCNN(keras.Model):
    """
    Detects, classifies and outlines the sources of normalized images.

    Calling the model runs the dense part: trunk, pyramid and proposal
    network. Training adds the second stage in `compute_loss`, on sampled
    regions; inference calls `classify_regions` on the regions it chose,
    and `classify_sources` and `outline_regions` on those it kept.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`, optional
        The network; the compact one by default.
    precision : {'float32', 'mixed_bfloat16', 'mixed_float16'}, optional
        The precision of trunk, pyramid and hidden layers of the heads.
        Geometry, profiles, logits and losses are float32 in any case.
    seed : int, optional
        The seed of the sampling of regions in training.

    Notes
    -----
    Input: (B, ny, nx, n_bands) float32, with sides that are multiples of
    the largest stride. Output of the call: a dictionary of ``pyramid``, a
    list of feature maps, ``objectness`` (B, A), logits, and ``deltas``
    (B, A, 4).
    """

    def __init__(self, config=None, *, precision='float32', seed=0,
                 **kwargs):
        # A model under a mixed policy would cast the boxes handed to it.
        super().__init__(dtype='float32', **kwargs)
        self.config = MaskRCNNConfig() if config is None else config
        self.precision = precision
        self.seed = seed
        image = keras.Input((None, None, self.config.n_bands),
                            dtype='float32', name='image')
        trunk = make_trunk(image, self.config, precision)
        pyramid = feature_pyramid(trunk, self.config, precision)
        objectness, deltas = proposal_head(pyramid, self.config, precision)
        self.dense_part = keras.Model(
            image, {'pyramid': pyramid, 'objectness': objectness,
                    'deltas': deltas}, name='dense_part')
        self.box_head = box_head(self.config, precision)
        self.mask_head = mask_head(self.config, precision)
        self.profile_head = (profile_head(self.config)
                             if self.config.profile_size else None)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.loss_trackers = [keras.metrics.Mean(name=name)
                              for name in LOSS_NAMES]
        self.built = True

    def call(self, images, training=None):
        """
        Run the dense part.

        Parameters
        ----------
        images : (B, ny, nx, n_bands) tensor of float32
            Normalized images, with sides that are multiples of the largest
            stride.
        training : bool, optional
            Whether the model is being trained; without effect if
            ``train_batch_norm`` of the configuration is `False`. The
            default, `None`, leaves it to Keras.

        Returns
        -------
        outputs : dict
            ``pyramid``, a list of feature maps, and the tensors
            ``objectness`` (B, A), logits, and ``deltas`` (B, A, 4).
        """
        return self.dense_part(images, training=self._mode(training))

    def _mode(self, training):
        """
        The mode of layers: batch normalization is all that has one.
        """
        return training and self.config.train_batch_norm

    def get_config(self):
        """
        The arguments of the constructor.

        Returns
        -------
        config : dict
            ``config``, itself a dictionary, ``precision`` and ``seed``.
        """
        return {'config': self.config.to_dict(), 'precision': self.precision,
                'seed': self.seed}

    @classmethod
    def from_config(cls, config):
        """
        The inverse of `get_config`.

        Parameters
        ----------
        config : dict
            The dictionary of `get_config`; not changed.

        Returns
        -------
        network : `MaskRCNN`
            The network, with new weights.
        """
        config = dict(config)
        config['config'] = MaskRCNNConfig.from_dict(config['config'])
        return cls(**config)

    # === Second stage ===

    def classify_regions(self, features, shapes, boxes, image_index,
                         log_fwhm=None, training=None):
        """
        Class logits and box deltas of regions.

        Parameters
        ----------
        features, shapes
            From `~photutils_rcnn.models.roi_align.flatten_pyramid`.
        boxes : (R, 4) tensor
            The regions.
        image_index : (R,) tensor of int32
            The image of each region.
        log_fwhm : (R, n_bands) tensor, optional
            The logarithm of the FWHM of the PSF of each band, 0 (the
            default) where it is not known.
        training : bool, optional
            Whether the head is being trained.

        Returns
        -------
        logits : (R, n_classes) tensor
            Class logits, background first.
        deltas : (R, 4) tensor
            Box deltas; (R, n_classes, 4) with matterport's layers.
        """
        config = self.config
        pooled = pool_regions(features, shapes, boxes, image_index, config,
                              config.box_pool, config.box_context)
        if config.layers == 'compact':
            if not config.told_fwhm:
                log_fwhm = None
            elif log_fwhm is None:
                log_fwhm = self._unknown_fwhm(boxes)
            pooled = box_head_inputs(pooled, boxes, log_fwhm)
        return self.box_head(pooled, training=self._mode(training))

    def classify_sources(self, images, boxes, image_index, logits,
                         log_fwhm=None, training=None):
        """
        The classes of sources, once they are known to be sources.

        Parameters
        ----------
        images : (B, ny, nx, n_bands) tensor
            The images as they were given to the network.
        boxes : (R, 4) tensor
            The refined boxes.
        image_index : (R,) tensor of int32
            The image of each box.
        logits : (R, n_classes) tensor
            The class logits from `classify_regions`.
        log_fwhm : (R, n_bands) tensor, optional
            See `classify_regions`.
        training : bool, optional
            Whether the head is being trained.

        Returns
        -------
        logits : (R, n_classes - 1) tensor
            Class logits without background. A network without a profile
            head returns those of the box head.
        """
        of_sources = logits[:, 1:]
        if self.profile_head is None:
            return of_sources
        if log_fwhm is None or not self.config.told_fwhm:
            log_fwhm = self._unknown_fwhm(boxes)
        profiles = sample_profiles(images, boxes, image_index, log_fwhm,
                                   self.config)
        return of_sources + self.profile_head(
            profile_head_inputs(profiles, boxes, logits, log_fwhm,
                                self.config),
            training=self._mode(training))

    def _unknown_fwhm(self, boxes):
        return ops.zeros((ops.shape(boxes)[0], self.config.n_bands),
                         dtype='float32')

    def outline_regions(self, features, shapes, boxes, image_index,
                        training=None):
        """
        Mask logits of regions, on boxes enlarged by ``mask_context``.

        Parameters are those of `classify_regions`.

        Returns
        -------
        logits : (R, mask_size, mask_size) tensor
            Mask logits; for each class, as a last axis, with matterport's
            layers.
        """
        config = self.config
        pooled = pool_regions(features, shapes, boxes, image_index, config,
                              config.mask_pool, config.mask_context,
                              config.mask_level_shift)
        return self.mask_head(pooled, training=self._mode(training))

    def refine_boxes(self, boxes, deltas, shape):
        """
        Apply the box head's deltas and clip to the image.

        Parameters
        ----------
        boxes : (R, 4) tensor
            The regions.
        deltas : (R, 4) tensor
            Their box deltas.
        shape : (2,) tuple of int
            The shape (ny, nx) of the image.

        Returns
        -------
        boxes : (R, 4) tensor
            The refined boxes.
        """
        return clip_boxes(decode_boxes(deltas, boxes, self.config.box_std),
                          shape)

    # === Training ===

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None,
                     training=True):
        """
        The sum of the losses of both stages.

        Parameters
        ----------
        x : (B, ny, nx, n_bands) tensor
            The images.
        y : dict of tensor
            The truth, see `photutils_rcnn.models.targets`.
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
        config = self.config
        # Keras hands arrays in dictionaries to PyTorch as they are.
        y = {name: ops.convert_to_tensor(value) for name, value in y.items()}
        shape = x.shape[1], x.shape[2]
        anchors = ops.convert_to_tensor(make_anchors(config, shape))
        losses = [*proposal_losses(self, anchors, anchor_grids(config, shape),
                                   y, y_pred),
                  *region_losses(self, anchors, x, y, y_pred, training)]
        for tracker, loss in zip(self.loss_trackers, losses, strict=True):
            tracker.update_state(loss)
        total = sum(weight * loss for weight, loss
                    in zip(config.loss_weights, losses, strict=True))
        if config.mean_l2:
            total = total + config.mean_l2 * mean_squares(
                self.trainable_variables)
        return total
