# Licensed under a 3-clause BSD style license - see LICENSE
"""
Attribute head: a class or a value of a source, from features of the trunk and pixels.

It sees an image of the source on a grid as large as the source needs, how large the
source and a cell of this grid are beside the PSF, and, if it is to, the features that
the trunk has of the source. So it can be trained alone.
"""

__all__ = ['N_NUMBERS', 'attribute_head', 'attribute_head_inputs']

import numpy as np
from keras import Input, Model, layers, ops

from photutils_rcnn.models.attribute_config import ATTRIBUTE

# log10 of height, width and cells over FWHM
N_NUMBERS = 3
# Images are also seen with the brightest light as unit, where it is so many times the
# noise at least; ``arcsinh`` of this many times that shows the outskirts.
FAINTEST = 1.
CONTRAST = 15.
BRIGHTEST = 3.  # of neighbors
MIDDLE = 0.3  # the part of the grid where the brightest light is looked for
DROPOUT = 0.3


def _middle(side):
    """
    1 in the middle of the grid, 0 elsewhere, (1, S, S, 1).
    """
    at = np.abs(np.arange(side) - (side - 1) / 2) <= max(MIDDLE * side / 2, 1)
    return (at[:, None] & at).astype(np.float32)[None, ..., None]


def attribute_head_inputs(stamps, numbers, size):
    """
    What the layers of an attribute head see of a source.

    Parameters
    ----------
    stamps : (R, S, S, n_bands) tensor
        The pixels around the source, ``arcsinh`` of the S/N.
    numbers : (R, 3) tensor
        From `~photutils_rcnn.detection.attribute_stamps.source_numbers`.
    size : int
        The side S of the stamps.

    Returns
    -------
    images : (R, S, S, 3 * n_bands) tensor
        The pixels, stretched, and in units of the brightest light, stretched and not.
    numbers : (R, 3 + n_bands) tensor
        The numbers and the light of the bands relative to their mean.
    """
    light = ops.sinh(ops.clip(stamps, -12., 12.))
    smooth = ops.average_pool(ops.mean(light, axis=-1, keepdims=True), 3, 1,
                              padding='same', data_format='channels_last')
    # of the source, which is in the middle, not of a brighter neighbor
    own = _middle(size)
    peak = ops.maximum(ops.max(smooth * own, axis=(1, 2), keepdims=True), FAINTEST)
    relative = ops.minimum(light / peak, BRIGHTEST)
    images = ops.concatenate(
        [stamps / 4, ops.arcsinh(CONTRAST * relative) / 3, relative], axis=-1)
    near = own * ops.cast(smooth > 0.3 * peak, light.dtype)
    bands = ops.sum(light * near, axis=(1, 2)) / ops.maximum(
        ops.sum(near, axis=(1, 2)), 1.)
    colors = ops.arcsinh(bands / FAINTEST) - ops.arcsinh(
        ops.mean(bands, axis=-1, keepdims=True) / FAINTEST)
    return images, ops.concatenate([numbers, colors], axis=-1)


def attribute_head(config, attribute):
    """
    An attribute head, in float32.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.

    Returns
    -------
    head : `keras.Model`
        Takes the images and the numbers of `attribute_head_inputs` and, with
        ``attribute.trunk_features``, pooled features (R, ``box_pool``, ``box_pool``, C);
        returns (R, ``attribute.n_outputs``).
    """
    n_bands = len(attribute.bands) or config.n_bands
    side, prefix = attribute.stamp_size, ATTRIBUTE + attribute.name
    options = {'data_format': 'channels_last', 'dtype': 'float32'}
    active = {'activation': 'relu', 'kernel_initializer': 'he_normal'}
    images = Input((side, side, 3 * n_bands), dtype='float32', name=f'{prefix}_images')
    numbers = Input((N_NUMBERS + n_bands,), dtype='float32', name=f'{prefix}_numbers')
    x = images
    for i, filters in enumerate(attribute.filters):
        x = layers.Conv2D(filters, 3 if i else 5, strides=1 if i else 2,
                          padding='same', name=f'{prefix}_conv{i + 1}', **active, **options)(x)
        if i == 1:
            x = layers.MaxPooling2D(2, name=f'{prefix}_pool', **options)(x)
    inputs = [images, numbers]
    seen = [layers.GlobalAveragePooling2D(name=f'{prefix}_mean', **options)(x),
            layers.GlobalMaxPooling2D(name=f'{prefix}_max', **options)(x), numbers]
    if attribute.trunk_features:
        inputs.append(Input((config.box_pool, config.box_pool, config.pyramid_channels),
                            dtype='float32', name=f'{prefix}_pooled'))
        y = layers.Conv2D(attribute.width // 2, 3, name=f'{prefix}_trunk_conv', **active,
                          **options)(inputs[-1])
        seen.append(layers.GlobalAveragePooling2D(
            name=f'{prefix}_trunk_mean', **options)(y))
    x = layers.Concatenate(dtype='float32', name=f'{prefix}_concat')(seen)
    for i in (1, 2):
        x = layers.Dense(attribute.width, dtype='float32', name=f'{prefix}_dense{i}', **active)(x)
        x = layers.Dropout(DROPOUT, dtype='float32', name=f'{prefix}_dropout{i}')(x)
    x = layers.Dense(attribute.n_outputs, kernel_initializer='zeros', dtype='float32',
                     name=f'{prefix}_outputs')(x)
    return Model(inputs, x, name=prefix)
