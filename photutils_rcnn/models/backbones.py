# Licensed under a 3-clause BSD style license - see LICENSE
"""
Backbone: a convolutional trunk of residual blocks.

Every operation has a finite receptive field, so that an image cut into
tiles gives the features of the whole.
"""

__all__ = ['compact_trunk', 'conv_bn']

from keras import layers

BN_MOMENTUM = 0.95


def conv_bn(x, filters, kernel_size, *, strides=1, activation=True,
            use_bias=False, conv_name, bn_name=None, dtype):
    """
    Convolution, batch normalization and an optional ReLU.

    One of 4 x 4 pixels and stride 2 is centered on its output cells.

    Parameters
    ----------
    x : Keras tensor
        The input, channels last.
    filters, kernel_size, strides : int
        The convolution.
    activation : bool, optional
        Whether a ReLU follows.
    use_bias : bool, optional
        Whether the convolution has a bias of its own.
    conv_name : str
        The name of the convolution.
    bn_name : str, optional
        The name of the normalization; by default ``conv_name`` and ``_bn``.
    dtype : str
        The precision policy.

    Returns
    -------
    x : Keras tensor
        The output.
    """
    # Explicit, symmetric padding: 'same' pads a strided convolution on one
    # side only, which would shift the grid of features by half a pixel.
    if kernel_size > 1:
        x = layers.ZeroPadding2D((kernel_size - 1) // 2,
                                 data_format='channels_last', dtype=dtype,
                                 name=f'{conv_name}_pad')(x)
    x = layers.Conv2D(filters, kernel_size, strides=strides,
                      use_bias=use_bias, data_format='channels_last',
                      kernel_initializer='he_normal', dtype=dtype,
                      name=conv_name)(x)
    x = layers.BatchNormalization(axis=-1, momentum=BN_MOMENTUM, dtype=dtype,
                                  name=bn_name or f'{conv_name}_bn')(x)
    if activation:
        x = layers.ReLU(dtype=dtype, name=f'{conv_name}_relu')(x)
    return x


def _basic_block(x, filters, downsample, name, dtype):
    """
    Two 3x3 convolutions and a shortcut (He et al. 2016, arXiv:1512.03385).

    A down-sampling block has a 4x4 kernel of stride 2 and an averaging
    shortcut: both are centered on the cell they produce, so a feature cell
    and its pixels share their center at every stride.
    """
    shortcut = x
    if downsample:
        shortcut = layers.AveragePooling2D(
            2, data_format='channels_last', dtype=dtype,
            name=f'{name}_pool')(shortcut)
    if shortcut.shape[-1] != filters:
        shortcut = conv_bn(shortcut, filters, 1, activation=False,
                           conv_name=f'{name}_shortcut', dtype=dtype)
    size, strides = (4, 2) if downsample else (3, 1)
    x = conv_bn(x, filters, size, strides=strides, conv_name=f'{name}_conv1',
                dtype=dtype)
    x = conv_bn(x, filters, 3, activation=False, conv_name=f'{name}_conv2',
                dtype=dtype)
    x = layers.Add(dtype=dtype, name=f'{name}_add')([x, shortcut])
    return layers.ReLU(dtype=dtype, name=f'{name}_relu')(x)


def compact_trunk(image, config, dtype):
    """
    A small residual trunk with features from stride 2.

    Parameters
    ----------
    image : Keras tensor
        The images, (B, ny, nx, n_bands).
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    dtype : str
        The precision policy.

    Returns
    -------
    features : dict of int to Keras tensor
        For each level ``k`` the features of stride ``2**k``.
    """
    x = conv_bn(image, config.stem_filters, 3, conv_name='stem', dtype=dtype)
    features = {}
    stages = zip(config.stage_filters, config.stage_blocks, strict=True)
    for level, (filters, n_blocks) in enumerate(stages, start=1):
        if level == 1:
            x = conv_bn(x, filters, 4, strides=2, conv_name='stage1_down',
                        dtype=dtype)
        for block in range(n_blocks):
            x = _basic_block(x, filters, level > 1 and block == 0,
                             f'stage{level}_block{block + 1}', dtype)
        features[level] = x
    return features
