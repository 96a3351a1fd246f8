# Licensed under a 3-clause BSD style license - see LICENSE
"""
Photon noise, white or correlated as in resampled images.
"""

__all__ = ['add_noise', 'amplification', 'limiting_magnitude',
           'resampling_kernel']

import numpy as np
from scipy import ndimage


def resampling_kernel(rng, kind, width):
    """
    Draw a separable kernel that correlates neighboring pixels.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    kind : {'gaussian', 'bilinear', 'lanczos'}
        The kind of resampling.
    width : float
        The sigma of the Gaussian in pixels; the interpolating kernels shift
        by random fractions of a pixel.

    Returns
    -------
    kernel : tuple of (tuple, tuple) of float
        The kernels along y and x, their squares summing to 1.
    """
    kernels = []
    for _ in range(2):
        if kind == 'gaussian':
            k = np.exp(-0.5 * (np.arange(-3, 4) / width) ** 2)
        elif kind == 'bilinear':
            shift = rng.uniform(0.15, 0.5)
            k = np.array([0.0, 1 - shift, shift])
        elif kind == 'lanczos':
            t = np.arange(-3, 4) - rng.uniform(0.2, 0.5)
            k = np.where(np.abs(t) < 3, np.sinc(t) * np.sinc(t / 3), 0)
        else:
            msg = ("kind must be 'gaussian', 'bilinear' or 'lanczos', got "
                   f'{kind!r}')
            raise ValueError(msg)
        kernels.append(tuple((k / np.sqrt(np.sum(k**2))).tolist()))
    return tuple(kernels)


def amplification(kernel, fwhm):
    """
    By how much correlation raises the noise of PSF-sized sums.

    With the autocorrelation R of the noise and a Gaussian PSF, the variance
    of a matched filter is that of white noise times
    ``sum_d R(d) A(d) / A(0)``, A being the autocorrelation of the PSF.

    Parameters
    ----------
    kernel : tuple of (tuple, tuple) of float
        Kernels of `resampling_kernel`.
    fwhm : float
        The FWHM of the PSF in pixels.

    Returns
    -------
    factor : float
        The factor on the noise; 1 for white noise.
    """
    variance = 1.0
    for k in kernel:
        correlation = np.correlate(k, k, mode='full') / np.dot(k, k)
        lag = np.arange(len(correlation)) - len(k) + 1
        variance *= np.sum(correlation * np.exp(
            -0.25 * (lag * 2.355 / fwhm) ** 2))
    return float(np.sqrt(variance))


def limiting_magnitude(zero_point, variance, fwhm, amplify=1.0):
    """
    The magnitude of a star with a matched-filter S/N of 5.

    Parameters
    ----------
    zero_point : (n_bands,) array_like or float
        The AB magnitude of one electron.
    variance : (n_bands,) array_like
        The variance per pixel of sky and read noise in electrons squared.
    fwhm : (n_bands,) array_like
        The FWHM of the PSF in pixels.
    amplify : float, optional
        The factor of correlated noise, see `amplification`.

    Returns
    -------
    magnitude : (n_bands,) float64 `~numpy.ndarray`
        The AB magnitude.
    """
    noise = np.sqrt(np.asarray(variance) * 2.6) * np.asarray(fwhm) * amplify
    return np.asarray(zero_point) - 2.5 * np.log10(5 * noise)


def add_noise(rng, light, variance, kernel):
    """
    Add photon noise of sky and sources.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    light : (n_bands, ny, nx) `~numpy.ndarray`
        The noise-free light above the sky in electrons.
    variance : sequence of float
        The variance of sky and read noise in each band.
    kernel : tuple of (tuple, tuple) of float
        The kernels that correlate the noise; their squares sum to 1.

    Returns
    -------
    data : (n_bands, ny, nx) `~numpy.ndarray`
        The light with noise.
    """
    data = np.empty_like(light)
    for b, sky in enumerate(variance):
        noise = rng.standard_normal(light.shape[1:], dtype=np.float32)
        noise *= np.sqrt(sky + np.maximum(light[b], 0))
        for axis, k in enumerate(kernel):
            if len(k) > 1:
                noise = ndimage.convolve1d(noise, k, axis=axis, mode='wrap')
        data[b] = light[b] + noise
    return data
