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
            use_bias=False, conv_name, bn_name, dtype):
    """
    Convolution, batch normalization and an optional ReLU.

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
    conv_name, bn_name : str
        The names of the layers.
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
                                  name=bn_name)(x)
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
                           conv_name=f'{name}_shortcut',
                           bn_name=f'{name}_shortcut_bn', dtype=dtype)
    if downsample:
        x = downsampling_conv(x, filters, name=f'{name}_conv1', dtype=dtype)
    else:
        x = conv_bn(x, filters, 3, conv_name=f'{name}_conv1',
                    bn_name=f'{name}_conv1_bn', dtype=dtype)
    x = conv_bn(x, filters, 3, activation=False, conv_name=f'{name}_conv2',
                bn_name=f'{name}_conv2_bn', dtype=dtype)
    x = layers.Add(dtype=dtype, name=f'{name}_add')([x, shortcut])
    return layers.ReLU(dtype=dtype, name=f'{name}_relu')(x)


def downsampling_conv(x, filters, *, name, dtype):
    """
    A 4x4 convolution of stride 2, centered on its output cells.

    Parameters
    ----------
    x : Keras tensor
        The input, of even sides.
    filters : int
        The channels of the output.
    name : str
        The name of the layer.
    dtype : str
        The precision policy.

    Returns
    -------
    x : Keras tensor
        The output, of half the sides.
    """
    x = layers.ZeroPadding2D(1, data_format='channels_last', dtype=dtype,
                             name=f'{name}_pad')(x)
    x = layers.Conv2D(filters, 4, strides=2, padding='valid', use_bias=False,
                      data_format='channels_last',
                      kernel_initializer='he_normal', dtype=dtype,
                      name=name)(x)
    x = layers.BatchNormalization(axis=-1, momentum=BN_MOMENTUM, dtype=dtype,
                                  name=f'{name}_bn')(x)
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
    x = conv_bn(image, config.stem_filters, 3, conv_name='stem',
                bn_name='stem_bn', dtype=dtype)
    features = {}
    stages = zip(config.stage_filters, config.stage_blocks, strict=True)
    for level, (filters, n_blocks) in enumerate(stages, start=1):
        if level == 1:
            x = downsampling_conv(x, filters, name='stage1_down', dtype=dtype)
        for block in range(n_blocks):
            x = _basic_block(x, filters, level > 1 and block == 0,
                             f'stage{level}_block{block + 1}', dtype)
        features[level] = x
    return features
