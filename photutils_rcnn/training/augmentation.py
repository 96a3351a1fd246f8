# Licensed under a 3-clause BSD style license - see LICENSE
"""
Data augmentation: random changes of training crops that leave their truth valid.
"""

__all__ = ['augment', 'drop_bands', 'draw_log_fwhm', 'transform']

from dataclasses import replace

import numpy as np
from astropy.stats import gaussian_sigma_to_fwhm, mad_std
from scipy import ndimage

from photutils_rcnn.preprocessing.normalization import to_model_bands, to_model_fwhm
from photutils_rcnn.preprocessing.stretches import arcsinh
from photutils_rcnn.simulation.truth import LIMITING_SNR

# Fainter sources than this teach background; those between it and the limit
# of the truth are ignored.
MIN_IGNORED_SNR = 3.5

# The chances of each change and their largest size.
P_DROP_BANDS = 0.15
P_NOISE = 0.2
MAX_NOISE = 0.4
P_BLUR = 0.1
MAX_BLUR = 0.6
# What an estimated background leaves, in units of the noise.
P_PEDESTAL = 0.4
PEDESTAL = 0.25
PEDESTAL_OF_BAND = 0.1
# The noise of a real frame and its PSF are estimated, not known.
NOISE_ERROR = 0.05
P_FWHM_UNKNOWN = 0.15
P_FWHM_POOR = 0.25
FWHM_ERROR = 0.025
FWHM_POOR_ERROR = 0.1
# How the bands differ is measured on a few stars, or not known.
P_FWHM_COMMON = 0.15
FWHM_BAND_ERROR = 0.015


def augment(crop, rng):
    """
    A random flip or rotation, and sometimes other bands, noise or blur.

    Parameters
    ----------
    crop : `~photutils_rcnn.training.dataset.Crop`
        The example; not changed.
    rng : `numpy.random.Generator`
        The source of randomness.

    Returns
    -------
    crop : `~photutils_rcnn.training.dataset.Crop`
        The new example.
    """
    crop = transform(crop, rng.integers(4), bool(rng.integers(2)))
    snr = _sinh(crop.snr.astype(np.float32))
    # Crops may stand on a canvas without data, which stays 0.
    seen = snr.any(axis=-1)
    if rng.random() < P_DROP_BANDS and len(crop.independent) > 1:
        snr, crop = drop_bands(snr, crop, rng)
    if rng.random() < P_NOISE:
        sigma = rng.uniform(0, MAX_NOISE)
        noise = rng.standard_normal(snr.shape, dtype=np.float32)
        snr = (snr + sigma * noise) / np.hypot(1, sigma)
    if rng.random() < P_BLUR:
        sigma = rng.uniform(0.2, MAX_BLUR)
        before = _scatter(snr, seen)
        snr = ndimage.gaussian_filter(snr, (sigma, sigma, 0))
        snr *= before / np.maximum(_scatter(snr, seen), 1e-3)
        crop = replace(crop, fwhm=np.hypot(crop.fwhm,
                                           sigma * gaussian_sigma_to_fwhm))
    if rng.random() < P_PEDESTAL:
        snr = snr + rng.normal(0, PEDESTAL) + rng.normal(
            0, PEDESTAL_OF_BAND, snr.shape[-1]).astype(np.float32)
    snr = snr * seen[..., None] * rng.normal(1, NOISE_ERROR)
    return replace(crop, snr=arcsinh(snr))


def _sinh(value):
    """
    The hyperbolic sine to within 3e-7 of max(1, |sinh|).

    NumPy's own is several times slower in float32 where it has no vector code for it, and
    took most of a crop's time. Digits are lost below a thousandth of the noise.
    """
    grown = np.exp(value)
    return (grown - 1 / grown) / 2


def _scatter(snr, seen):
    """
    The noise in each band, of every sixteenth pixel with data.
    """
    pixels = snr[seen][::16]
    return mad_std(pixels, axis=0) if len(pixels) else np.ones(snr.shape[-1])


def draw_log_fwhm(fwhm, rng):
    """
    The FWHM that the network is given in training: an estimate, or nothing.

    Parameters
    ----------
    fwhm : (n_bands,) `~numpy.ndarray`
        The true FWHM of each band, pixels; NaN or 0 if it is not known.
    rng : `numpy.random.Generator`
        The source of randomness.

    Returns
    -------
    log_fwhm : (n_bands,) `~numpy.ndarray`
        The logarithm of an estimate of the FWHM, 0 if there is none.
    """
    kind, error = rng.random(), rng.standard_normal()
    if kind < P_FWHM_UNKNOWN or not (fwhm > 0).all():
        return np.zeros(len(fwhm))
    poor = kind < P_FWHM_UNKNOWN + P_FWHM_POOR
    log_fwhm = np.log(fwhm) + FWHM_BAND_ERROR * rng.standard_normal(len(fwhm))
    if rng.random() < P_FWHM_COMMON:
        log_fwhm[:] = log_fwhm.mean()
    return log_fwhm + error * (FWHM_POOR_ERROR if poor else FWHM_ERROR)


def transform(crop, n_turns, flip):
    """
    Rotate a crop by right angles and flip it.

    Parameters
    ----------
    crop : `~photutils_rcnn.training.dataset.Crop`
        The example.
    n_turns : int
        The number of quarter turns, in the sense of `numpy.rot90`.
    flip : bool
        Whether the columns are reversed first.

    Returns
    -------
    crop : `~photutils_rcnn.training.dataset.Crop`
        The transformed example.
    """
    side = crop.snr.shape[0]
    snr, masks = crop.snr, crop.masks
    boxes = {'boxes': crop.boxes, 'windows': crop.windows}
    if flip:
        snr, masks = snr[:, ::-1], masks[:, :, ::-1]
        boxes = {name: np.stack([b[:, 0], side - b[:, 3], b[:, 2],
                                 side - b[:, 1]], axis=1)
                 for name, b in boxes.items()}
    for _ in range(n_turns):
        # A quarter turn takes (y, x) to (side - x, y).
        boxes = {name: np.stack([side - b[:, 3], b[:, 0], side - b[:, 1],
                                 b[:, 2]], axis=1)
                 for name, b in boxes.items()}
    return replace(crop, snr=np.rot90(snr, n_turns),
                   masks=np.rot90(masks, n_turns, axes=(1, 2)), **boxes)


def drop_bands(snr, crop, rng):
    """
    Keep some bands, as if the others had not been observed.

    Sources that the bands left are not expected to show become background,
    or are ignored.

    Parameters
    ----------
    snr : (ny, nx, n_bands) `~numpy.ndarray`
        The image in units of its noise.
    crop : `~photutils_rcnn.training.dataset.Crop`
        The example of which it is the image, of two or more ``independent``
        bands; not changed.
    rng : `numpy.random.Generator`
        The source of randomness.

    Returns
    -------
    snr : (ny, nx, n_bands) `~numpy.ndarray`
        What the network sees of an image of fewer bands.
    crop : `~photutils_rcnn.training.dataset.Crop`
        The sources that are left in it and the PSFs that go with it, with
        the pixels of ``crop``.
    """
    n_bands = snr.shape[-1]
    choices = crop.independent
    kept = np.sort(rng.choice(choices, rng.integers(1, len(choices)),
                              replace=False))
    image = np.moveaxis(snr[..., kept], -1, 0)
    image = to_model_bands(image, np.ones(image.shape, bool), n_bands)
    left = np.sqrt(np.sum(crop.band_snr[:, kept]**2, axis=1))
    # what is not known, NaN, stays
    labels = np.where(left < LIMITING_SNR, 0, crop.labels)
    stay = ~(left < MIN_IGNORED_SNR)
    return np.moveaxis(image, 0, -1), replace(
        crop, labels=labels[stay], fwhm=to_model_fwhm(crop.fwhm[kept],
                                                      n_bands),
        **{name: getattr(crop, name)[stay]
           for name in ('boxes', 'masks', 'windows', 'band_snr')})
