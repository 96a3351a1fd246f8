# Licensed under a 3-clause BSD style license - see LICENSE
"""
The augmentation of Burke et al. (2019), for training their network.
"""

__all__ = ['augment']

from dataclasses import replace

import numpy as np
from astropy.stats import gaussian_sigma_to_fwhm
from scipy import ndimage

from photutils_rcnn.sources.footprints import Footprints
from photutils_rcnn.training.augmentation import transform
from photutils_rcnn.training.mini_masks import box_mask, mini_mask

MAX_OPERATIONS = 4
BLUR = (2., 6.)
NOISE = 0.1


def augment(crop, rng):
    r"""
    Zero to four of: two flips, a rotation, blur and noise.

    The number is drawn first, each with the same chance, then as many
    different operations, which are applied in this order:

    1. left and right are exchanged,
    2. up and down are exchanged,
    3. a rotation by 90, 180 or 270 degrees,
    4. a Gaussian blur of image and masks, with a standard deviation
       :math:`\sigma` between 2 and 6 pixels,
    5. noise, uniform and independent in each pixel and band, of up to 10
       percent of the maximum of the image.

    Parameters are those of `photutils_rcnn.training.augmentation.augment`.

    Returns
    -------
    crop : `~photutils_rcnn.training.dataset.Crop`
        The new example; ``crop`` itself if no operation is drawn.

    Notes
    -----
    After `Burke et al. (2019)
    <https://ui.adsabs.harvard.edu/abs/2019MNRAS.490.3952B>`_, whose images
    are z-scores, in which light is linear and the scale arbitrary. For
    ``arcsinh`` of signal to noise this means:

    * Blur and noise act on the light itself, and the result is divided by
      its noise, so that the sky keeps unit noise. The noise of a blurred
      sky is taken to be that of independent pixels,
      :math:`1 / (2 \sqrt{\pi} \sigma)`, so correlated noise comes out
      larger. It cannot be measured: after such a blur the scatter of the
      pixels is mostly that of faint sources. What is left of the
      background grows with respect to the noise, as sources do.
    * A blurred mask ends at half of its own maximum. At half of unity, all
      masks with a radius below :math:`1.2 \sigma` would vanish, and
      most sources with them. So footprints grow to the width of the blur,
      and those wider than it stay, although the light of bright sources
      then reaches beyond them.
    * The maximum is that of ``arcsinh``, and its tenth is taken as
      the amplitude at the level of the sky, mostly 0.5 to 1.5 times its
      noise. A tenth of the light of a bright star would leave nothing of
      the other sources.

    The code of the paper differs from its text: flips that were chosen
    happen half of the time, :math:`\sigma` is uniform between 0 and a
    number drawn once for the whole training, masks are not blurred, and
    the noise is below one in a thousand of the range of the images.
    """
    n_chosen = rng.integers(MAX_OPERATIONS + 1)
    chosen = rng.choice(len(OPERATIONS), n_chosen, replace=False)
    for i in np.sort(chosen):
        crop = OPERATIONS[i](crop, rng)
    return crop


def _flip_columns(crop, rng):
    return transform(crop, 0, flip=True)


def _flip_rows(crop, rng):
    return transform(crop, 2, flip=True)


def _rotate(crop, rng):
    return transform(crop, rng.integers(1, 4), flip=False)


def _blur(crop, rng):
    sigma = rng.uniform(*BLUR)
    snr = np.sinh(crop.snr.astype(np.float32))
    snr = ndimage.gaussian_filter(snr, (sigma, sigma, 0))
    snr *= 2 * np.sqrt(np.pi) * sigma
    truth = [_blur_mask(*source, sigma, len(snr)) for source in
             zip(crop.boxes, crop.masks, crop.windows, strict=True)]
    boxes, masks, windows = zip(*truth, strict=True) if truth else 3 * [()]
    return replace(
        crop, snr=np.arcsinh(snr),
        boxes=np.reshape(boxes, crop.boxes.shape).astype(np.float32),
        masks=np.reshape(masks, crop.masks.shape).astype(np.float16),
        windows=np.reshape(windows, crop.windows.shape).astype(np.float32),
        fwhm=np.hypot(crop.fwhm, sigma * gaussian_sigma_to_fwhm))


def _blur_mask(box, grid, window, sigma, side):
    """
    The box, mini mask and window of a blurred source.
    """
    box = box.astype(int)
    margin = int(np.ceil(4 * sigma))
    # At the borders of the crop the mask ends where the image does, so that
    # both are continued alike.
    low = np.maximum(box[:2] - margin, 0)
    high = np.minimum(box[2:] + margin, side)
    mask = np.zeros(high - low, dtype=np.float32)
    mask[tuple(map(slice, box[:2] - low, box[2:] - low))] = box_mask(
        box, grid, window)
    mask = ndimage.gaussian_filter(mask, sigma)
    box, mask = Footprints.from_full(mask >= mask.max() / 2, low,
                                     (side, side))
    return box, *mini_mask(box, mask, len(grid))


def _add_noise(crop, rng):
    amplitude = np.sinh(NOISE * crop.snr.max().astype(np.float32))
    noise = amplitude * rng.uniform(-1, 1, crop.snr.shape)
    snr = np.sinh(crop.snr.astype(np.float32)) + noise
    return replace(crop, snr=np.arcsinh(
        snr / np.sqrt(1 + amplitude**2 / 3)).astype(np.float32))


OPERATIONS = (_flip_columns, _flip_rows, _rotate, _blur, _add_noise)
