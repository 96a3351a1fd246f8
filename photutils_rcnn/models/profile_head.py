# Licensed under a 3-clause BSD style license - see LICENSE
"""
The profile head: the class of a source from its light profile and the PSF.

A star has the profile of the PSF, a barely resolved galaxy one that is a few
percent wider. Strided and pooled features hardly keep that, so this head
looks at the pixels around a source again, in each band on a grid in units of
the FWHM of its PSF, together with the PSF on the same grid, and with what the
fitted PSF leaves.
"""

__all__ = ['fit_psf', 'profile_head', 'profile_head_inputs', 'sample_profiles']

from functools import partial

import numpy as np
from keras import Input, Model, layers, ops

from photutils_rcnn.models.boxes import log_sides
from photutils_rcnn.models.roi_align import bilinear_samples, sample_grid

# The width of the grid where the FWHM is not known, pixels.
USUAL_FWHM = 4.
# Sources fainter than this in the middle, in units of the noise of a pixel,
# are not scaled up; pixels are cut off where arcsinh of this unit is larger.
FAINTEST = 1.
LARGEST = 11.
# Bands are shifted against each other by fractions of a pixel, and boxes are not
# centered on peaks: each band is centered by itself, on the moments of a small
# grid, as far as its light tells, else with the others. Lengths in FWHM.
N_CENTERING = 2
CORE_SIZE = 9
CORE_EXTENT = 2.8
CORE_SIGMA = 0.6
GAIN = 1.7  # a moment under a Gaussian is smaller than the shift
LEAST_SNR = 5.  # to be centered at all
TRUSTED_SNR = 30.  # half of a band's own center
LARGEST_STEP = 0.25
LARGEST_SHIFT = 0.6
# The PSF is fitted within this radius, with errors of so much of its light: it
# varies over the frame, and brighter stars are wider.
FIT_RADIUS = 1.3
PSF_ERROR = 0.03
# What it leaves is seen in units of errors of so much of its light and its height.
RESIDUAL_ERROR = 0.05
RESIDUAL_FLOOR = 0.003
# For a wider alternative the PSF is blurred by this sigma.
BLUR = 0.3
# Where no star tells the PSF, it is a round Moffat profile.
MOFFAT_BETA = 3.


def _grid(size, extent):
    """
    The distances y, x and r of samples from the middle.
    """
    axis = ((np.arange(size) + 0.5) / size - 0.5) * extent
    y, x = np.meshgrid(axis, axis, indexing='ij')
    return y, x, np.hypot(y, x)


def sample_profiles(images, boxes, image_index, log_fwhm, config):
    """
    Sample images around sources.

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
        Gives the stretch of the images, the number of samples and the extent of
        the grid.

    Returns
    -------
    profiles : (R, N, N, n_bands) tensor
        Bilinear samples in units of the noise, centered on the source in each
        band; zero outside the image.
    """
    fwhm = ops.where(log_fwhm == 0, USUAL_FWHM, ops.exp(log_fwhm))[..., None]
    middle = 0.5 * (boxes[:, None, :2] + boxes[:, None, 2:])
    shape = tuple(ops.shape(images)[1:3])
    n_bands = images.shape[-1]
    pixels = ops.reshape(images, (-1, n_bands))
    # Each band of a source has a grid of its own.
    image_index = ops.cast(image_index, 'int32')[:, None]
    index, band = (ops.reshape(values, (-1,)) for values in (
        image_index + ops.zeros(n_bands, dtype='int32'),
        ops.zeros_like(image_index) + ops.arange(n_bands, dtype='int32')))

    def sample(offsets, size, extent):
        half, center = 0.5 * extent * fwhm, middle + offsets
        windows = ops.concatenate([center - half, center + half], axis=-1)
        # The center of the first pixel is half a pixel from the image's
        # edge.
        y, x = (ops.reshape(grid, (-1, size)) - 0.5
                for grid in sample_grid(windows, size))
        samples = bilinear_samples(
            pixels, (shape,), y, x, index, ops.zeros_like(index), channel=band,
            transform=partial(_flux, config=config))
        return ops.transpose(ops.reshape(samples, (-1, n_bands, size, size)),
                             (0, 2, 3, 1))

    offsets = ops.zeros_like(middle * fwhm)
    for _ in range(N_CENTERING):
        offsets = offsets + fwhm * _centering_steps(
            sample(offsets, CORE_SIZE, CORE_EXTENT))
        limit = LARGEST_SHIFT * fwhm
        offsets = ops.clip(offsets, -limit, limit)
    return sample(offsets, config.profile_size, config.profile_extent)


def _flux(images, config):
    """
    Images in units of the noise.
    """
    grown = ops.exp(ops.clip(config.stretch_scale * images, -LARGEST, LARGEST))
    return 0.5 * (grown - 1 / grown)


def _arcsinh(values):
    """
    The inverse hyperbolic sine: as a logarithm it is several times as fast in OpenVINO,
    as `_flux` is as an exponential. Errors are those of numbers of order one.
    """
    size = ops.abs(values)
    return ops.sign(values) * ops.log(size + ops.sqrt(size**2 + 1))


def _centering_steps(cores):
    """
    How far sources are from the middle in each band, (R, n_bands, 2) in FWHM.
    """
    y, x, radius = _grid(CORE_SIZE, CORE_EXTENT)
    weight = np.exp(-0.5 * (radius / CORE_SIGMA)**2)
    noise = float(np.sqrt(np.sum(weight**2)))
    moments = np.stack([weight, weight * y, weight * x], axis=-1)
    sums = ops.einsum('rijb,ijm->rbm', cores, moments.astype(np.float32))
    light, moment = ops.maximum(sums[..., :1], 0), sums[..., 1:]
    own = moment / ops.maximum(light, LEAST_SNR * noise)
    common = ops.sum(moment, axis=1, keepdims=True) / ops.maximum(
        ops.sum(light, axis=1, keepdims=True), LEAST_SNR * noise)
    snr2 = (light / noise)**2
    trust = snr2 / (snr2 + TRUSTED_SNR**2)
    return ops.clip(GAIN * (trust * own + (1 - trust) * common),
                    -LARGEST_STEP, LARGEST_STEP)


def _known_psf(psf, config):
    """
    The PSF, a round one where it is not known, and whether it is, (R, 1).
    """
    *_, radius = _grid(config.profile_size, config.profile_extent)
    # FWHM = 2 scale sqrt(2**(1 / beta) - 1)
    scale = 0.5 / np.sqrt(2**(1 / MOFFAT_BETA) - 1)
    usual = (1 + (radius / scale)**2)**-MOFFAT_BETA
    usual = (usual / usual.max()).astype(np.float32)[..., None]
    known = ops.cast(ops.max(psf, axis=(1, 2, 3)) > 0, 'float32')[:, None]
    return ops.where(known[:, :, None, None] > 0, psf, usual), known


def fit_psf(flux, psf, config):
    """
    Fit the PSF, and one that is a little wider, to sources.

    Parameters
    ----------
    flux : (R, N, N, n_bands) tensor
        From `sample_profiles`.
    psf : (R, N, N, n_bands) tensor
        The PSF on the same grid.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        Gives the extent of the grid.

    Returns
    -------
    height : (R, n_bands) tensor
        The height of the fitted PSF in units of that of ``psf``.
    snr, spread : (R, n_bands) tensor
        The significance with which a wider PSF fits better, and the weighted
        difference, positive for extended sources, as ``SPREAD_MODEL`` of
        SExtractor (Desai et al. 2012, ApJ 757, 83, Eq. 7).
    """
    size, extent = config.profile_size, config.profile_extent
    *_, radius = _grid(size, extent)
    inside = (radius < FIT_RADIUS).astype(np.float32)[..., None]

    def total(values):
        return ops.sum(values, axis=(1, 2))

    weight = inside
    height = total(flux * psf * weight) / total(psf**2 * weight)
    for _ in range(2):
        error = PSF_ERROR * height[:, None, None] * psf
        weight = ops.divide(inside, 1 + error**2)
        height = total(flux * psf * weight) / total(psf**2 * weight)
    steps = np.arange(size) * extent / size
    kernel = np.exp(-0.5 * ((steps[:, None] - steps) / BLUR)**2)
    kernel = (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)
    wide = ops.einsum('ij,rjkb,lk->rilb', kernel, psf, kernel)
    gf, pf = total(wide * flux * weight), total(psf * flux * weight)
    gg, gp, pp = (total(one * other * weight) for one, other in
                  ((wide, wide), (wide, psf), (psf, psf)))
    excess = gf * pp - pf * gp
    variance = ops.maximum(gg * pp - gp**2, 1e-6 * pp**2) * pp
    snr = excess / ops.sqrt(variance)
    spread = excess / ops.maximum(ops.abs(pf) * pp, 1e-3)
    return height, snr, spread


def profile_head_inputs(profiles, psf, boxes, logits, log_fwhm, config):
    """
    What the profile head sees of a source.

    Parameters
    ----------
    profiles : (R, N, N, n_bands) tensor
        From `sample_profiles`.
    psf : (R, N, N, n_bands) tensor
        The PSF on the same grid, 1 in the middle; 0 where it is not known.
    boxes : (R, 4) tensor
        The boxes.
    logits : (R, n_classes) tensor
        The class logits of the box head.
    log_fwhm : (R, n_bands) tensor
        See `sample_profiles`.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.

    Returns
    -------
    inputs : list of tensor
        The images: profiles, stretched and divided by the light in the middle,
        what the PSF leaves, in units of the noise and of that and of the
        error of the PSF, and the PSF; and the numbers that go with them.
    """
    psf, known = _known_psf(psf, config)
    height, snr, spread = fit_psf(profiles, psf, config)
    peak = height[:, None, None]
    residual = profiles - peak * psf
    error = ops.sqrt(1 + (RESIDUAL_ERROR * peak * psf)**2
                     + (RESIDUAL_FLOOR * peak)**2)
    *_, radius = _grid(config.profile_size, config.profile_extent)
    core = (radius < 0.75).astype(np.float32)
    middle = ops.mean(ops.einsum('rijb,ij->rb', profiles, core / core.sum()),
                      axis=1)[:, None, None, None]
    images = ops.concatenate([
        _arcsinh(profiles) / 2,
        0.5 * profiles / ops.maximum(ops.abs(middle), FAINTEST),
        _arcsinh(residual) / 2, _arcsinh(residual / error), 0.5 * psf],
        axis=-1)
    numbers = ops.concatenate([
        0.2 * logits, log_sides(boxes) - 2.5,
        ops.mean(log_fwhm, axis=-1, keepdims=True) - 1.2,
        0.5 * _arcsinh(snr), _arcsinh(20 * ops.clip(spread, -2, 2)),
        _arcsinh(height) / 2 - 1.5,
        0.5 * _arcsinh(ops.sum(snr, axis=1, keepdims=True)), known], axis=-1)
    return [ops.clip(images, -20, 20), ops.clip(numbers, -20, 20)]


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
    n, n_bands, n_classes = (config.profile_size, config.n_bands,
                             config.n_classes)
    profiles = Input((n, n, 5 * n_bands), dtype='float32', name='profiles')
    numbers = Input((n_classes + 5 + 3 * n_bands,), dtype='float32',
                    name='profile_numbers')
    x = profiles
    halfway = len(config.profile_filters) // 2
    for i, filters in enumerate(config.profile_filters):
        x = layers.Conv2D(filters, 3, strides=2 if i == halfway else 1,
                          padding='valid' if i else 'same',
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
