# Licensed under a 3-clause BSD style license - see LICENSE
"""
The profile head: which class a source has, from its light itself.

A star has the profile of the PSF, a barely resolved galaxy one that is a few
percent wider. Strided and pooled features hardly keep that, so this head
looks at the pixels around a source again, in each band on a grid in units of
the FWHM of its PSF, on which the stars of all images look alike.
"""

__all__ = ['profile_head', 'profile_head_inputs', 'sample_profiles']

from keras import Input, Model, layers, ops

from photutils_rcnn.models.boxes import log_sides
from photutils_rcnn.models.roi_align import bilinear_samples, sample_grid

# The width of the grid where the FWHM is not known, pixels.
USUAL_FWHM = 4.
# Sources fainter than this in the middle, in units of the noise of a pixel,
# are not scaled up; pixels are cut off where arcsinh of this unit is larger.
FAINTEST = 1.
LARGEST = 11.


def sample_profiles(images, boxes, image_index, log_fwhm, config):
    """
    Sample images around the centers of boxes.

    Parameters
    ----------
    images : (B, ny, nx, n_bands) tensor
        The images as the network gets them.
    boxes : (R, 4) tensor
        The boxes of sources, pixels.
    image_index : (R,) tensor of int32
        The image of each box.
    log_fwhm : (R, n_bands) tensor
        The logarithm of the FWHM of the PSF of each band in pixels, 0 where
        it is not known.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        Gives the number of samples and the extent of the grid.

    Returns
    -------
    profiles : (R, N, N, n_bands) tensor
        Bilinear samples; zero outside the image.
    """
    fwhm = ops.where(log_fwhm == 0, USUAL_FWHM, ops.exp(log_fwhm))
    half = 0.5 * config.profile_extent * fwhm
    center = 0.5 * (boxes[:, :2] + boxes[:, 2:])
    shape = tuple(ops.shape(images)[1:3])
    samples = []
    for band in range(images.shape[-1]):
        reach = half[:, band:band + 1]
        windows = ops.concatenate([center - reach, center + reach], axis=-1)
        y, x = sample_grid(windows, config.profile_size)
        flat = ops.reshape(images[..., band], (-1, 1))
        # The center of the first pixel is half a pixel from the image's
        # edge.
        samples.append(bilinear_samples(flat, (shape,), y - 0.5, x - 0.5,
                                        image_index,
                                        ops.zeros_like(image_index)))
    return ops.concatenate(samples, axis=-1)


def profile_head_inputs(profiles, boxes, logits, log_fwhm, config):
    """
    What the profile head sees of a source.

    Parameters
    ----------
    profiles : (R, N, N, n_bands) tensor
        From `sample_profiles`.
    boxes : (R, 4) tensor
        The boxes.
    logits : (R, n_classes) tensor
        The class logits of the box head.
    log_fwhm : (R, n_bands) tensor
        See `sample_profiles`.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        Gives the stretch of the images.

    Returns
    -------
    inputs : list of tensor
        The profiles, as they are and as fluxes divided by that in the
        middle, and the numbers that go with them.
    """
    n = profiles.shape[1]
    middle = slice(n // 2 - n // 8, n // 2 + n // 8 + 1)
    flux = ops.sinh(ops.clip(config.stretch_scale * profiles,
                             -LARGEST, LARGEST))
    height = ops.mean(flux[:, middle, middle], axis=(1, 2, 3), keepdims=True)
    scaled = 0.5 * flux / ops.maximum(ops.abs(height), FAINTEST)
    sides = log_sides(boxes)
    numbers = ops.concatenate(
        [logits, sides, ops.mean(log_fwhm, axis=-1, keepdims=True)], axis=-1)
    return [ops.concatenate([profiles, scaled], axis=-1), numbers]


def profile_head(config):
    """
    The profile head, in float32: it is to see differences of a percent.

    Parameters
    ----------
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.

    Returns
    -------
    head : `keras.Model`
        Takes the inputs of `profile_head_inputs` and returns what to add
        to the box head's logits of the classes without background,
        (R, ``config.n_classes - 1``).
    """
    n, n_classes = config.profile_size, config.n_classes
    profiles = Input((n, n, 2 * config.n_bands), dtype='float32',
                     name='profiles')
    numbers = Input((n_classes + 3,), dtype='float32', name='profile_numbers')
    x = profiles
    halfway = len(config.profile_filters) // 2
    for i, filters in enumerate(config.profile_filters):
        x = layers.Conv2D(filters, 3, strides=2 if i == halfway else 1,
                          activation='relu', data_format='channels_last',
                          kernel_initializer='he_normal', dtype='float32',
                          name=f'profile_conv{i + 1}')(x)
    x = layers.Flatten(data_format='channels_last', dtype='float32',
                       name='profile_flatten')(x)
    x = layers.Concatenate(dtype='float32', name='profile_concat')([x,
                                                                   numbers])
    for i, width in enumerate((128, 64)):
        x = layers.Dense(width, activation='relu',
                         kernel_initializer='he_normal', dtype='float32',
                         name=f'profile_dense{i + 1}')(x)
    x = layers.Dense(n_classes - 1, dtype='float32',
                     kernel_initializer='zeros', name='profile_logits')(x)
    return Model([profiles, numbers], x, name='profile_head')
