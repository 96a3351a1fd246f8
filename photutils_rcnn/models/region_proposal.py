# Licensed under a 3-clause BSD style license - see LICENSE
"""
The region proposal network (Ren et al. 2015, arXiv:1506.01497).
"""

__all__ = ['propose', 'proposal_head']

import math

from keras import initializers, layers, ops

from photutils_rcnn.models.boxes import clip_boxes, decode_boxes, suppression_mask

# The objectness that an untrained network gives every anchor (the prior of
# Lin et al. 2017, arXiv:1708.02002, section 4.1).
PRIOR = 0.02


def proposal_head(pyramid, config, dtype):
    """
    Objectness and box deltas of every anchor.

    Parameters
    ----------
    pyramid : list of Keras tensor
        The features of each level.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    dtype : str
        The precision policy of the hidden layer; the results are float32.

    Returns
    -------
    objectness : Keras tensor
        Logits, (B, A).
    deltas : Keras tensor
        Box deltas, (B, A, 4).
    """
    hidden = layers.Conv2D(config.rpn_channels, 3, padding='same',
                           activation='relu', data_format='channels_last',
                           kernel_initializer='he_normal', dtype=dtype,
                           name='rpn_conv')
    objectness, deltas = [], []
    outputs = {}
    for level, features, sizes in zip(config.levels, pyramid,
                                      config.anchor_sizes, strict=True):
        n_anchors = len(sizes) * len(config.anchor_ratios)
        if n_anchors not in outputs:
            small = initializers.RandomNormal(stddev=0.01)
            prior = initializers.Constant(-math.log((1 - PRIOR) / PRIOR))
            outputs[n_anchors] = (
                layers.Conv2D(n_anchors, 1, kernel_initializer=small,
                              bias_initializer=prior, dtype='float32',
                              data_format='channels_last',
                              name=f'rpn_objectness{n_anchors}'),
                layers.Conv2D(4 * n_anchors, 1, kernel_initializer=small,
                              dtype='float32', data_format='channels_last',
                              name=f'rpn_deltas{n_anchors}'))
        x = hidden(features)
        class_layer, box_layer = outputs[n_anchors]
        objectness.append(layers.Reshape(
            (-1,), dtype='float32', name=f'rpn_objectness_p{level}')(
                class_layer(x)))
        deltas.append(layers.Reshape(
            (-1, 4), dtype='float32', name=f'rpn_deltas_p{level}')(
                box_layer(x)))
    return (layers.Concatenate(axis=1, dtype='float32',
                               name='rpn_objectness')(objectness),
            layers.Concatenate(axis=1, dtype='float32',
                               name='rpn_deltas')(deltas))


def propose(objectness, deltas, anchors, shape, config):
    """
    The best boxes of the proposal network, for training.

    Parameters
    ----------
    objectness : (B, A) tensor
        Logits.
    deltas : (B, A, 4) tensor
        Box deltas.
    anchors : (A, 4) tensor
        The anchors.
    shape : (2,) tuple of int
        The shape of the image.
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The network and its training.

    Returns
    -------
    boxes : (B, ``config.n_proposals``, 4) tensor
        The boxes that survive non-maximum suppression, best first.
    valid : (B, ``config.n_proposals``) tensor of bool
        Which rows are proposals; the others are padding.
    """
    n_candidates = min(config.n_pre_nms, anchors.shape[0])
    n_proposals = min(config.n_proposals, n_candidates)
    _, index = ops.top_k(ops.stop_gradient(objectness), n_candidates)
    deltas = ops.take_along_axis(ops.stop_gradient(deltas),
                                 index[..., None], axis=1)
    boxes = clip_boxes(decode_boxes(
        deltas, ops.take(anchors, index, axis=0), config.box_std), shape)
    keep = suppression_mask(boxes, config.proposal_nms_iou)
    # Survivors first, in the order of their scores.
    rank = ops.where(keep, 0, n_candidates) + ops.arange(n_candidates)
    _, order = ops.top_k(-rank, n_proposals)
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
    return boxes, ops.take_along_axis(keep, order, axis=1)
