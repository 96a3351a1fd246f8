# Licensed under a 3-clause BSD style license - see LICENSE
"""
The heads of the second stage: class and box, and mask.
"""

__all__ = ['box_head', 'box_head_inputs', 'mask_head']

import keras
from keras import layers, ops

from photutils_rcnn.models.boxes import log_sides


def box_head_inputs(pooled, boxes, log_fwhm=None):
    """
    What the class and box head sees of a RoI.

    Pooling makes all RoIs equally large. Whether a source is a star
    depends on its size in pixels beside that of the PSF, so the head is
    told the logarithms of the sides and of the PSF's FWHM.

    Parameters
    ----------
    pooled : (R, P, P, C) tensor
        The pooled features.
    boxes : (R, 4) tensor
        The RoIs before their enlargement.
    log_fwhm : (R, n_bands) tensor, optional
        The natural logarithm of the FWHM of each band in pixels, 0 where it
        is not known; for networks that are conditioned on it. This head sees
        the mean.

    Returns
    -------
    inputs : list of tensor
        The inputs of `box_head`.
    """
    sides = log_sides(boxes)
    if log_fwhm is not None:
        sides = ops.concatenate(
            [sides, ops.mean(log_fwhm, axis=-1, keepdims=True)], axis=-1)
    return [pooled, sides]


def box_head(config, dtype):
    """
    The class and box head.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    dtype : str
        The precision policy of the hidden layers; the results are
        float32.

    Returns
    -------
    head : `keras.Model`
        Takes the inputs of `box_head_inputs` and returns class logits
        (R, ``config.n_classes``), background first, and box deltas
        (R, 4).
    """
    pooled = keras.Input((config.box_pool, config.box_pool,
                          config.pyramid_channels), dtype='float32',
                         name='pooled')
    sides = keras.Input((3 if config.psf_conditioned else 2,), dtype='float32',
                        name='log_sides')
    x = layers.Flatten(data_format='channels_last', dtype=dtype,
                       name='box_flatten')(pooled)
    x = layers.Concatenate(dtype=dtype, name='box_concat')([x, sides])
    for i in (1, 2):
        x = layers.Dense(config.head_width, activation='relu',
                         kernel_initializer='he_normal', dtype=dtype,
                         name=f'box_dense{i}')(x)
    logits = layers.Dense(config.n_classes, dtype='float32',
                          name='class_logits')(x)
    deltas = layers.Dense(
        4, dtype='float32', name='box_deltas',
        kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3))(x)
    return keras.Model([pooled, sides], [logits, deltas], name='box_head')


def mask_head(config, dtype):
    """
    The mask head.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    dtype : str
        The precision policy of the hidden layers; the result is float32.

    Returns
    -------
    head : `keras.Model`
        Takes pooled features (R, P, P, C) and returns mask logits
        (R, ``config.mask_size``, ``config.mask_size``), the same mask for
        all classes.
    """
    pooled = keras.Input((config.mask_pool, config.mask_pool,
                          config.pyramid_channels), dtype='float32',
                         name='mask_pooled')
    x = pooled
    for i in range(config.mask_convolutions):
        x = layers.Conv2D(config.mask_channels, 3, padding='same',
                          activation='relu', data_format='channels_last',
                          kernel_initializer='he_normal', dtype=dtype,
                          name=f'mask_conv{i + 1}')(x)
    # Sub-pixel convolution: each cell of the pooled grid gives a block of
    # cells of the mask.
    factor = config.mask_size // config.mask_pool
    x = layers.Conv2D(factor**2, 1, data_format='channels_last',
                      dtype='float32', name='mask_logits')(x)
    side = config.mask_pool
    x = layers.Reshape((side, side, factor, factor), dtype='float32',
                       name='mask_blocks')(x)
    x = layers.Permute((1, 3, 2, 4), dtype='float32',
                       name='mask_interleave')(x)
    x = layers.Reshape((config.mask_size, config.mask_size),
                       dtype='float32', name='mask_grid')(x)
    return keras.Model(pooled, x, name='mask_head')
