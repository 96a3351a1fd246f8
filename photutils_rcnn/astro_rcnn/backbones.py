# Licensed under a 3-clause BSD style license - see LICENSE
"""
ResNet with the layer names of matterport's Mask R-CNN.
"""

__all__ = ['resnet_trunk']

from keras import layers

from photutils_rcnn.models.backbones import conv_bn


def _bottleneck(x, filters, stage, block, strides, dtype):
    """
    A bottleneck block; the stride is in the first 1x1 convolution.
    """
    base = f'{stage}{block}_branch'
    options = {'use_bias': True, 'dtype': dtype}
    shortcut = x
    if block == 'a':
        shortcut = conv_bn(x, 4 * filters, 1, strides=strides,
                           activation=False, conv_name=f'res{base}1',
                           bn_name=f'bn{base}1', **options)
    x = conv_bn(x, filters, 1, strides=strides, conv_name=f'res{base}2a',
                bn_name=f'bn{base}2a', **options)
    x = conv_bn(x, filters, 3, conv_name=f'res{base}2b',
                bn_name=f'bn{base}2b', **options)
    x = conv_bn(x, 4 * filters, 1, activation=False,
                conv_name=f'res{base}2c', bn_name=f'bn{base}2c', **options)
    x = layers.Add(dtype=dtype, name=f'res{stage}{block}_add')([x, shortcut])
    return layers.ReLU(dtype=dtype, name=f'res{stage}{block}_out')(x)


def resnet_trunk(image, config, dtype):
    """
    A ResNet of bottleneck blocks (He et al. 2016, arXiv:1512.03385).

    Parameters and results are those of
    `~photutils_rcnn.models.backbones.compact_trunk`; ``stage_blocks`` of the
    configuration makes it ResNet-50 or ResNet-101, of levels 2 to 5.
    """
    x = conv_bn(image, 64, 7, strides=2, use_bias=True, conv_name='conv1',
                bn_name='bn_conv1', dtype=dtype)
    x = layers.MaxPooling2D(3, strides=2, padding='same',
                            data_format='channels_last', dtype=dtype,
                            name='pool1')(x)
    features = {}
    for i, n_blocks in enumerate(config.stage_blocks):
        for j in range(n_blocks):
            strides = 2 if i > 0 and j == 0 else 1
            x = _bottleneck(x, 64 * 2**i, i + 2, chr(97 + j), strides, dtype)
        features[i + 2] = x
    return features
