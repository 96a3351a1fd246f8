# Licensed under a 3-clause BSD style license - see LICENSE
"""
The layers of matterport's pyramid and heads, under their names.

They are those of github.com/matterport/Mask_RCNN, so that weights can be
told by their names.
"""

__all__ = ['box_head', 'mask_head', 'proposal_head', 'pyramid', 'take_class']

import keras
from keras import layers, ops

# The first and the last level of features that the trunk gives.
TRUNK_LEVELS = (2, 5)


def _conv(filters, size, name, dtype, **options):
    return layers.Conv2D(filters, size, data_format='channels_last',
                         name=name, dtype=dtype, **options)


def _norm(x, name, dtype):
    x = layers.BatchNormalization(axis=-1, epsilon=1e-3, dtype=dtype,
                                  name=name)(x)
    return layers.ReLU(dtype=dtype, name=f'{name}_relu')(x)


def pyramid(trunk, config, dtype):
    """
    The pyramid P2 to P6, without normalization or activation.

    P6 is every second cell of P5.

    Parameters and results are those of
    `~photutils_rcnn.models.feature_pyramid.feature_pyramid`.
    """
    first, last = TRUNK_LEVELS
    merged, features = None, {}
    for level in range(last, first - 1, -1):
        x = _conv(config.pyramid_channels, 1, f'fpn_c{level}p{level}',
                  dtype)(trunk[level])
        if merged is not None:
            merged = layers.UpSampling2D(2, data_format='channels_last',
                                         dtype=dtype,
                                         name=f'fpn_p{level + 1}upsampled')(
                                             merged)
            x = layers.Add(dtype=dtype, name=f'fpn_p{level}add')([merged, x])
        merged = x
        features[level] = _conv(config.pyramid_channels, 3, f'fpn_p{level}',
                               dtype, padding='same')(x)
    features[last + 1] = layers.MaxPooling2D(
        1, strides=2, data_format='channels_last', dtype=dtype,
        name='fpn_p6')(features[last])
    return [features[level] for level in config.levels]


def proposal_head(pyramid, config, dtype):
    """
    Objectness and box deltas of every anchor.

    Two logits per anchor, background and source; their difference is the
    logit of this package: its sigmoid is the softmax of the two.

    Parameters and results are those of
    `~photutils_rcnn.models.region_proposal.proposal_head`.
    """
    n_anchors = len(config.anchor_ratios)
    hidden = _conv(config.rpn_channels, 3, 'rpn_conv_shared', dtype,
                   padding='same', activation='relu')
    class_layer = _conv(2 * n_anchors, 1, 'rpn_class_raw', 'float32')
    box_layer = _conv(4 * n_anchors, 1, 'rpn_bbox_pred', 'float32')
    logits, deltas = [], []
    for level, features in zip(config.levels, pyramid, strict=True):
        x = hidden(features)
        logits.append(layers.Reshape(
            (-1, 2), dtype='float32', name=f'rpn_class_p{level}')(
                class_layer(x)))
        deltas.append(layers.Reshape(
            (-1, 4), dtype='float32', name=f'rpn_bbox_p{level}')(
                box_layer(x)))
    logits = layers.Concatenate(axis=1, dtype='float32',
                                name='rpn_class_logits')(logits)
    return (logits[:, :, 1] - logits[:, :, 0],
            layers.Concatenate(axis=1, dtype='float32',
                               name='rpn_bbox')(deltas))


def box_head(config, dtype):
    """
    The class and box head, with deltas for each class.

    Parameters are those of `~photutils_rcnn.models.roi_heads.box_head`.

    Returns
    -------
    head : `keras.Model`
        Takes pooled features (R, P, P, C) and returns class logits
        (R, n_classes) and box deltas (R, n_classes, 4).
    """
    n_classes = config.n_classes
    pooled = keras.Input((config.box_pool, config.box_pool,
                          config.pyramid_channels), dtype='float32',
                         name='pooled')
    x = pooled
    for i, size in ((1, config.box_pool), (2, 1)):
        x = _conv(config.head_width, size, f'mrcnn_class_conv{i}', dtype)(x)
        x = _norm(x, f'mrcnn_class_bn{i}', dtype)
    x = layers.Reshape((config.head_width,), dtype=dtype,
                       name='pool_squeeze')(x)
    logits = layers.Dense(n_classes, dtype='float32',
                          name='mrcnn_class_logits')(x)
    deltas = layers.Dense(4 * n_classes, dtype='float32',
                          name='mrcnn_bbox_fc')(x)
    deltas = layers.Reshape((n_classes, 4), dtype='float32',
                            name='mrcnn_bbox')(deltas)
    return keras.Model(pooled, [logits, deltas], name='box_head')


def mask_head(config, dtype):
    """
    The mask head, with a mask for each class.

    Parameters are those of `~photutils_rcnn.models.roi_heads.mask_head`.

    Returns
    -------
    head : `keras.Model`
        Takes pooled features (R, P, P, C) and returns mask logits
        (R, 2 P, 2 P, n_classes).
    """
    pooled = keras.Input((config.mask_pool, config.mask_pool,
                          config.pyramid_channels), dtype='float32',
                         name='mask_pooled')
    x = pooled
    for i in range(1, config.mask_convolutions + 1):
        x = _conv(config.mask_channels, 3, f'mrcnn_mask_conv{i}', dtype,
                  padding='same')(x)
        x = _norm(x, f'mrcnn_mask_bn{i}', dtype)
    x = layers.Conv2DTranspose(config.mask_channels, 2, strides=2,
                               activation='relu',
                               data_format='channels_last', dtype=dtype,
                               name='mrcnn_mask_deconv')(x)
    x = _conv(config.n_classes, 1, 'mrcnn_mask', 'float32')(x)
    return keras.Model(pooled, x, name='mask_head')


def take_class(values, classes, axis):
    """
    The values of one class per RoI.

    Parameters
    ----------
    values : (R, ..., K, ...) tensor
        Values for each class.
    classes : tensor of int
        The class of each of the R RoIs, in any shape.
    axis : int
        The axis of the classes.

    Returns
    -------
    chosen : (R, ...) tensor
        The values without that axis.
    """
    hot = ops.one_hot(ops.reshape(classes, (-1,)), values.shape[axis],
                      dtype='float32')
    shape = [-1] + [1] * (len(values.shape) - 1)
    shape[axis] = values.shape[axis]
    # A product would turn one overflow of another class into NaN.
    return ops.sum(ops.where(ops.reshape(hot, shape) > 0, values, 0.),
                   axis=axis)
