# Licensed under a 3-clause BSD style license - see LICENSE
"""
The feature pyramid (Lin et al. 2017, arXiv:1612.03144).
"""

__all__ = ['feature_pyramid']

from keras import layers

from photutils_rcnn.models.backbones import conv_bn


def feature_pyramid(trunk, config, dtype):
    """
    Merge the trunk's levels, coarse to fine.

    Levels coarser than the trunk's are strided convolutions of the
    coarsest merged level. They do not feed the finer ones, which keeps
    the receptive field of small sources, and so the halo of a tile, small.

    Parameters
    ----------
    trunk : dict of int to Keras tensor
        The trunk's features by level.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    dtype : str
        The precision policy.

    Returns
    -------
    pyramid : list of Keras tensor
        The features of ``config.levels``, finest first, each with
        ``config.pyramid_channels`` channels.
    """
    channels = config.pyramid_channels
    merged, pyramid = None, {}
    for level in sorted(set(trunk) & set(config.levels), reverse=True):
        lateral = conv_bn(trunk[level], channels, 1, activation=False,
                          conv_name=f'lateral{level}', dtype=dtype)
        if merged is not None:
            merged = layers.UpSampling2D(2, data_format='channels_last',
                                         dtype=dtype,
                                         name=f'upsample{level}')(merged)
            lateral = layers.Add(dtype=dtype, name=f'merge{level}')(
                [merged, lateral])
        merged = lateral
        pyramid[level] = conv_bn(merged, channels, 3,
                                 conv_name=f'pyramid{level}', dtype=dtype)
    for level in range(max(pyramid) + 1, config.levels[-1] + 1):
        pyramid[level] = conv_bn(pyramid[level - 1], channels, 4, strides=2,
                                 conv_name=f'pyramid{level}', dtype=dtype)
    return [pyramid[level] for level in config.levels]
