# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF measurement: a stack of the stars of a frame.
"""

__all__ = ['measure_psf_images']

import numpy as np
from scipy import fft, ndimage

from photutils_rcnn.deblending.psf_image import PSFImage, choose_oversampling
from photutils_rcnn.deblending.psf_wings import aureole, moffat
from photutils_rcnn.preprocessing.psf_peaks import is_flat

N_STARS = 40  # the brightest
FEWEST = 2
LEAST_SEEN, LEAST_CORE = 0.2, 0.85  # of the pixels of a star, and of its core
BAND_SNR = 10.0
CORE = 1.2  # FWHM, the radius where stars are compared and scaled
SMOOTH = 1.8  # FWHM; beyond, rings are averaged
EDGE = 4.0  # FWHM, the radius of the image
N_ITERATIONS = 3
LARGEST_SNR = 300.0  # brighter stars count no more: there the PSF varies
OUTLIER = 3.0
# Samples, by which stacked residuals are smoothed, and the least weight of one in units of
# the mean.
SMOOTHING = 0.7
LEAST_MASS = 0.1
# The usual fraction of the light in the aureole, and its scatter.
AUREOLE = 0.04
AUREOLE_SCATTER = 0.02
# What the wings of stars cannot tell from it: the sky, in units of the noise, and the
# outskirts of the core, as a fraction of the aureole's own.
SKY_ERROR = 0.1
CORE_ERROR = 0.01


def measure_psf_images(data, noise, bad, labels, positions, star_labels, fwhm, *,
                       neighbors=None, sources=None):
    """
    Measure the PSF of each band from stars.

    Parameters
    ----------
    data : (n_bands, ny, nx) `~numpy.ndarray`
        The background-subtracted pixels.
    noise : (n_bands, ny, nx) `~numpy.ndarray`
        Their noise.
    bad : (n_bands, ny, nx) `~numpy.ndarray` of bool
        Pixels without data.
    labels : (ny, nx) `~numpy.ndarray` of int
        The label image: pixels of other sources are left out.
    positions : (N, 2) `~numpy.ndarray`
        The positions x, y of stars, brightest first.
    star_labels : (N,) `~numpy.ndarray` of int
        Their labels.
    fwhm : (n_bands,) array_like
        The FWHM of the PSF in pixels.
    neighbors : `~photutils_rcnn.deblending.neighbors.NeighborLight`, optional
        Models of all sources, to be subtracted around the stars; by default the pixels of
        other sources are left out.
    sources : (N,) `~numpy.ndarray` of int, optional
        Which of the models are the stars.

    Returns
    -------
    psfs : list of `PSFImage`
        The PSF of each band.
    n_stars : list of int
        The stars that it was measured from; 0 where it is a Moffat profile.
    """
    fwhm = np.asarray(fwhm, dtype=float)
    oversampling = choose_oversampling(fwhm)
    half = int(np.ceil(EDGE * fwhm.max()))
    stamps = _cut(data, noise, bad, labels, positions, star_labels, half, neighbors, sources)
    psfs, counts = [], []
    for band, width in enumerate(fwhm):
        psf, n = _band_psf(*(values[:, band] for values in stamps), width, oversampling)
        psfs.append(psf)
        counts.append(n)
    return psfs, counts


def _cut(data, noise, bad, labels, positions, star_labels, half, neighbors, sources):
    """
    The light, inverse variances of stars, and how far they are off the middle.
    """
    ny, nx = labels.shape
    cut = []
    for k, ((x, y), label) in enumerate(zip(positions, star_labels, strict=True)):
        ix, iy = round(float(x)), round(float(y))
        if min(ix, iy, nx - 1 - ix, ny - 1 - iy) < half:
            continue
        if is_flat(data[:, iy - 1:iy + 2, ix - 1:ix + 2]).any():
            continue
        window = np.s_[iy - half:iy + half + 1, ix - half:ix + half + 1]
        light = data[:, *window]
        if neighbors is None:
            others = (labels[window] != 0) & (labels[window] != label)
            others = ndimage.binary_dilation(others, iterations=2)
        else:
            around, others = map(np.stack, zip(*(
                neighbors.around(sources[k], b, window, noise[b][window])
                for b in range(len(data))), strict=True))
            light = light - around
        weight = np.where(bad[:, *window] | others, 0., 1 / noise[:, *window]**2)
        shift = np.broadcast_to([x - ix, y - iy], (len(data), 2))
        cut.append((light, weight, shift))
        if len(cut) == N_STARS:
            break
    if not cut:
        n, side = len(data), 2 * half + 1
        return np.zeros((0, n, side, side)), np.zeros((0, n, side, side)), np.zeros(
            (0, n, 2))
    return tuple(np.stack(part, dtype=float) for part in zip(*cut, strict=True))


def _band_psf(light, weight, shift, fwhm, oversampling):
    """
    The PSF of a band from its stars, and their number.
    """
    half, fine = light.shape[-1] // 2, oversampling * fwhm
    radius, radius_of_samples = (_radius(n, width) for n, width in (
        (half, fwhm), (half * oversampling, fine)))
    n_half = half * oversampling
    psf = (1 - AUREOLE) * _on_pixels(moffat(n_half, fine), oversampling) + (
        AUREOLE * aureole(n_half, fine))
    core = radius < CORE
    usable = (((weight[:, core] > 0).mean(axis=1) > LEAST_CORE)
              & (weight[:, radius < EDGE].astype(bool).mean(axis=1) > LEAST_SEEN))
    light, weight, shift = (values[usable] for values in (light, weight, shift))
    fraction, error, n = AUREOLE, AUREOLE_SCATTER, 0
    for _ in range(N_ITERATIONS):
        if len(light) < FEWEST:
            break
        moved = _move(psf, oversampling * shift)[
            :, ::oversampling, ::oversampling] * oversampling**2
        flux, variance = _fit(light, weight, moved, core)
        snr = flux / np.sqrt(variance)
        residual = np.where(core, (light - flux[:, None, None] * moved), 0)
        misfit = np.abs(residual).sum(axis=(1, 2)) / np.maximum(flux, 1e-30) + 1 / snr
        good = snr > BAND_SNR
        if np.count_nonzero(good) < FEWEST:
            break
        good &= misfit <= OUTLIER * np.median(misfit[good])
        n = np.count_nonzero(good)
        if n < FEWEST:
            break
        stack_weights = np.minimum(snr[good], LARGEST_SNR)**2
        # masked pixels are filled with what is known so far
        scaled = np.where(weight > 0, light / flux[:, None, None], moved)[good]
        if oversampling == 1:
            stack = np.average(_move(scaled, -shift[good]), axis=0, weights=stack_weights)
        else:
            stack = psf + _stack_residuals(scaled - moved[good], shift[good],
                                           stack_weights, oversampling)
        psf, fraction, error = _with_wings(
            stack, stack_weights, flux[good], weight[good], radius_of_samples, fine,
            oversampling)
    if n < FEWEST:
        n = 0
    return PSFImage(psf, fwhm, fraction, error, oversampling), int(n)


def _radius(half, fwhm):
    """
    The distance of samples from the middle, in FWHM.
    """
    axis = np.arange(-half, half + 1)
    return np.hypot(axis[:, None], axis) / fwhm


def _on_pixels(profile, oversampling):
    """
    A narrow profile as pixels see it, which average it.
    """
    if oversampling == 1:
        return profile
    return ndimage.convolve1d(ndimage.convolve1d(profile, [0.25, 0.5, 0.25], axis=0),
                              [0.25, 0.5, 0.25], axis=1)


def _stack_residuals(residuals, shift, stack_weights, oversampling):
    """
    The mean residual of stars, each pixel at the sample that it is nearest to: what is
    poorly sampled cannot be shifted (Anderson & King 2000, PASP 112, 1360).
    """
    half = residuals.shape[-1] // 2
    n = 2 * half * oversampling + 1
    pixels = np.arange(-half, half + 1)
    total, mass = np.zeros((2, n, n))
    for residual, (dx, dy), weight in zip(residuals, shift, stack_weights, strict=True):
        rows, cols = (np.clip(np.round(oversampling * (pixels - d)).astype(int)
                              + half * oversampling, 0, n - 1) for d in (dy, dx))
        total[np.ix_(rows, cols)] += weight * residual / oversampling**2
        mass[np.ix_(rows, cols)] += weight
    total, mass = (ndimage.gaussian_filter(values, SMOOTHING) for values in (total, mass))
    # what no pixel has seen stays as it is
    least = LEAST_MASS * stack_weights.sum() / oversampling**2
    return total / np.maximum(mass, least)


def _move(stamps, shift):
    """
    Shift images by (x, y) pixels each.
    """
    n = stamps.shape[-1]
    ky = fft.fftfreq(n)[:, None] * shift[:, 1, None, None]
    kx = fft.rfftfreq(n) * shift[:, 0, None, None]
    return fft.irfft2(fft.rfft2(stamps) * np.exp(-2j * np.pi * (ky + kx)), s=(n, n))


def _fit(light, weight, model, inside):
    """
    The flux of a model and its variance.
    """
    w = weight * inside
    norm = np.maximum((w * model**2).sum(axis=(1, 2)), 1e-30)
    return (w * model * light).sum(axis=(1, 2)) / norm, 1 / norm


def _with_wings(stack, stack_weights, flux, weight, radius, fwhm, oversampling):
    """
    The stack, of its rings the means where it is faint, the aureole and its error.
    """
    half = len(stack) // 2
    # the fraction in the aureole, from the rings outside of the core
    wing = aureole(half, fwhm)
    outer = (radius > 2.5) & (radius < EDGE)
    excess = (stack - (1 - AUREOLE) * moffat(half, fwhm))[outer]
    measured = (excess * wing[outer]).sum() / (wing[outer]**2).sum()
    noise = 1 / np.sqrt(weight.max(axis=(1, 2)))  # of the sky
    sky = SKY_ERROR / oversampling**2 * np.average(noise / flux, weights=stack_weights)
    variance = (sky * wing[outer].sum() / (wing[outer]**2).sum())**2 + CORE_ERROR**2
    trust = AUREOLE_SCATTER**2 / (AUREOLE_SCATTER**2 + variance)
    fraction = np.clip(AUREOLE + trust * (measured - AUREOLE), 0, 0.3)
    # rings
    index = np.round(radius * fwhm).astype(int)
    count = np.bincount(index.ravel())
    rings = np.bincount(index.ravel(), weights=stack.ravel()) / count
    # light is positive: what is less was subtracted with neighbors
    smooth = np.maximum(rings[index], fraction * wing)
    blend = np.clip((radius - SMOOTH) / 0.5, 0, 1)
    psf = (1 - blend) * stack + blend * smooth
    tail = np.clip((radius - 2.5) / (EDGE - 2.5), 0, 1)
    psf = (1 - tail) * psf + tail * fraction * wing
    return psf, fraction, np.sqrt((1 - trust) * AUREOLE_SCATTER**2)
