# Licensed under a 3-clause BSD style license - see LICENSE
"""
Mask R-CNN (He et al. 2017, arXiv:1703.06870).
"""

__all__ = ['LOSS_NAMES', 'MaskRCNN']

import keras
from keras import ops

from photutils_rcnn.models.attribute_head import attribute_head, attribute_head_inputs
from photutils_rcnn.models.backbones import compact_trunk
from photutils_rcnn.models.boxes import clip_boxes, decode_boxes, scale_boxes
from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.feature_pyramid import feature_pyramid
from photutils_rcnn.models.profile_head import profile_head, profile_head_inputs, sample_profiles
from photutils_rcnn.models.region_proposal import proposal_head
from photutils_rcnn.models.roi_align import roi_align, roi_levels
from photutils_rcnn.models.roi_heads import box_head, box_head_inputs, mask_head
from photutils_rcnn.models.stage_losses import StageLosses

LOSS_NAMES = ('objectness', 'rpn_box', 'class', 'box', 'mask')


class MaskRCNN(StageLosses, keras.Model):
    """
    Detects, classifies and outlines the sources of normalized images.

    Calling the model runs the dense part: trunk, pyramid and proposal
    network. Training adds the second stage in `compute_loss`, on sampled
    regions of interest (RoIs); inference calls `classify_rois` on those it
    chose, and `sample_profiles`, `classify_profiles` and `predict_masks` on
    those it kept.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`, optional
        The network; the compact one by default. A network that is to be
        trained needs a
        `~photutils_rcnn.models.training_config.TrainingConfig`.
    precision : {'float32', 'mixed_bfloat16', 'mixed_float16'}, optional
        The precision of trunk, pyramid and hidden layers of the heads.
        Geometry, profiles, logits and losses are float32 in any case.
    seed : int, optional
        The seed of the sampling of RoIs in training.

    Notes
    -----
    Input: (B, ny, nx, n_bands) float32, with sides that are multiples of
    the largest stride. Output of the call: a dictionary of ``pyramid``, a
    list of feature maps, ``objectness`` (B, A), logits, and ``deltas``
    (B, A, 4).
    """

    # The builders of the parts, called with the configuration and the
    # precision; networks that have other parts replace them.
    make_trunk = staticmethod(compact_trunk)
    make_pyramid = staticmethod(feature_pyramid)
    make_proposal_head = staticmethod(proposal_head)
    make_box_head = staticmethod(box_head)
    make_mask_head = staticmethod(mask_head)

    def __init__(self, config=None, *, precision='float32', seed=0):
        # A model under a mixed policy would cast the boxes handed to it.
        super().__init__(dtype='float32')
        self.config = MaskRCNNConfig() if config is None else config
        self.precision = precision
        image = keras.Input((None, None, self.config.n_bands),
                            dtype='float32', name='image')
        options = self.config, precision
        pyramid = self.make_pyramid(self.make_trunk(image, *options), *options)
        objectness, deltas = self.make_proposal_head(pyramid, *options)
        self.dense_part = keras.Model(
            image, {'pyramid': pyramid, 'objectness': objectness,
                    'deltas': deltas}, name='dense_part')
        self.box_head = self.make_box_head(*options)
        self.mask_head = self.make_mask_head(*options)
        self.profile_head = None
        if self.config.profile_size:
            self.profile_head = profile_head(self.config)
            # It needs the PSF of whole frames, and is trained alone.
            self.profile_head.trainable = False
        self.attribute_heads = {}
        for attribute in self.config.attributes:
            head = attribute_head(self.config, attribute)
            head.trainable = False  # trained alone, too
            self.attribute_heads[attribute.name] = head
        #: The attribute that is trained with the rest, on cutouts; see `train_attribute`.
        self.joint_attribute = None
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.loss_trackers = [keras.metrics.Mean(name=name)
                              for name in LOSS_NAMES]
        self.built = True

    def layer_mode(self, training):
        """
        The mode of layers: batch normalization is all that has one.
        """
        return training

    def call(self, images, training=None):
        """
        Run the dense part.

        Parameters
        ----------
        images : (B, ny, nx, n_bands) tensor of float32
            Normalized images, with sides that are multiples of the largest
            stride.
        training : bool, optional
            Whether the model is being trained. The default, `None`, leaves
            it to Keras.

        Returns
        -------
        outputs : dict
            ``pyramid``, a list of feature maps, and the tensors
            ``objectness`` (B, A), logits, and ``deltas`` (B, A, 4).
        """
        return self.dense_part(images, training=self.layer_mode(training))

    # === Second stage ===

    def box_head_inputs(self, pooled, boxes, log_fwhm):
        """
        What the class and box head sees of RoIs; see `box_head_inputs
        <photutils_rcnn.models.roi_heads.box_head_inputs>`.
        """
        log_fwhm = (self._known_fwhm(boxes, log_fwhm)
                    if self.config.psf_conditioned else None)
        return box_head_inputs(pooled, boxes, log_fwhm)

    def pool_rois(self, features, shapes, boxes, image_index, size,
                  context=1., shift=0):
        """
        Pool the features of RoIs.

        Parameters
        ----------
        features, shapes, boxes, image_index
            See `classify_rois`.
        size : int
            The number of bins on a side.
        context : float, optional
            The factor by which RoIs are enlarged.
        shift : int, optional
            Take features this many levels finer.

        Returns
        -------
        pooled : (R, size, size, C) tensor
            The pooled features.
        """
        levels = roi_levels(boxes, self.config, shift)
        return roi_align(features, shapes, self.config.strides,
                         scale_boxes(boxes, context), image_index, levels,
                         size)

    def classify_rois(self, features, shapes, boxes, image_index,
                      log_fwhm=None, training=None):
        """
        Class logits and box deltas of RoIs.

        Parameters
        ----------
        features, shapes
            From `~photutils_rcnn.models.roi_align.flatten_pyramid`.
        boxes : (R, 4) tensor
            The RoIs.
        image_index : (R,) tensor of int32
            The image of each RoI.
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
            Box deltas.
        """
        pooled = self.pool_sources(features, shapes, boxes, image_index)
        return self.box_head(self.box_head_inputs(pooled, boxes, log_fwhm),
                             training=self.layer_mode(training))

    def sample_profiles(self, images, boxes, image_index, log_fwhm=None):
        """
        The pixels around sources, once they are known to be sources.

        Parameters
        ----------
        images : (B, ny, nx, n_bands) tensor
            The images as they were given to the network.
        boxes : (R, 4) tensor
            The refined boxes.
        image_index : (R,) tensor of int32
            The image of each box.
        log_fwhm : (R, n_bands) tensor, optional
            See `classify_rois`.

        Returns
        -------
        profiles : (R, S, S, n_bands) tensor
            See `sample_profiles <photutils_rcnn.models.profile_head.sample_profiles>`.
        """
        return sample_profiles(images, boxes, image_index,
                               self._known_fwhm(boxes, log_fwhm), self.config)

    def classify_profiles(self, profiles, boxes, logits, log_fwhm=None, psf=None):
        """
        The classes of sources, by a network with a profile head.

        Parameters
        ----------
        profiles : (R, S, S, n_bands) tensor
            From `sample_profiles`.
        boxes : (R, 4) tensor
            The refined boxes.
        logits : (R, n_classes) tensor
            The class logits from `classify_rois`.
        log_fwhm : (R, n_bands) tensor, optional
            See `classify_rois`.
        psf : (R, S, S, n_bands) tensor, optional
            The PSF on the grid of the profile head, 1 in the middle; 0 (the
            default) where it is not known.

        Returns
        -------
        logits : (R, n_classes - 1) tensor
            Class logits without background.
        """
        if psf is None:
            psf = ops.zeros_like(profiles)
        return logits[:, 1:] + self.profile_head(profile_head_inputs(
            profiles, psf, boxes, logits,
            self._known_fwhm(boxes, log_fwhm), self.config), training=False)

    def _known_fwhm(self, boxes, log_fwhm):
        if log_fwhm is None or not self.config.psf_conditioned:
            return ops.zeros((ops.shape(boxes)[0], self.config.n_bands),
                             dtype='float32')
        return log_fwhm

    def predict_masks(self, features, shapes, boxes, image_index,
                      training=None):
        """
        Mask logits of RoIs, on boxes enlarged by ``mask_context``.

        Parameters are those of `classify_rois`.

        Returns
        -------
        logits : (R, mask_size, mask_size) tensor
            Mask logits.
        """
        config = self.config
        pooled = self.pool_rois(features, shapes, boxes, image_index,
                                config.mask_pool, config.mask_context,
                                config.mask_level_shift)
        return self.mask_head(pooled, training=self.layer_mode(training))

    def pool_sources(self, features, shapes, boxes, image_index):
        """
        The features that the class and box head and attribute heads see.

        Parameters are those of `classify_rois`.

        Returns
        -------
        pooled : (R, box_pool, box_pool, C) tensor
            The pooled features.
        """
        return self.pool_rois(features, shapes, boxes, image_index,
                              self.config.box_pool, self.config.box_context)

    def predict_attribute(self, name, pooled, stamps, numbers, training=None):
        """
        The outputs of an attribute head.

        Parameters
        ----------
        name : str
            The attribute.
        pooled : (R, box_pool, box_pool, C) tensor or `None`
            From `pool_sources`; `None` for a head without features of the trunk.
        stamps, numbers
            See `attribute_head_inputs
            <photutils_rcnn.models.attribute_head.attribute_head_inputs>`.
        training : bool, optional
            Whether the head is being trained.

        Returns
        -------
        outputs : (R, K) tensor
            The logits of the classes, or the value and the logarithm of its variance.
        """
        attribute, = (one for one in self.config.attributes if one.name == name)
        inputs = [*attribute_head_inputs(stamps, numbers, attribute.stamp_size)]
        if attribute.trunk_features:
            inputs.append(ops.cast(pooled, 'float32'))
        return self.attribute_heads[name](inputs, training=training)

    def refine_boxes(self, boxes, deltas, shape):
        """
        Apply deltas to boxes and clip them to the image.

        Parameters
        ----------
        boxes : (R, 4) tensor
            The RoIs or anchors.
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
