# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF image with its wings, from the stars of a frame.
"""

__all__ = ['MixedPSF', 'PSFImage', 'measure_psf_images']

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from photutils_rcnn.preprocessing.given_psf import psf_values

N_STARS = 40  # the brightest
FEWEST = 2
LEAST_SEEN = 0.2  # of the pixels of a star
LEAST_SNR = 30.0  # all bands together, in the core
BAND_SNR = 10.0
CORE = 1.2  # FWHM, the radius where stars are compared and scaled
SMOOTH = 1.8  # FWHM; beyond, rings are averaged
EDGE = 4.0  # FWHM, the radius of the image
GIVEN_EDGE = 10.0  # and of one that was given
N_ITERATIONS = 3
LARGEST_SNR = 300.0  # brighter stars count no more: there the PSF varies
OUTLIER = 3.0
OVERSAMPLED = 2.5  # FWHM in pixels; narrower PSFs are sampled twice per pixel
MOFFAT_BETA = 3.5
LARGEST = 512  # pixels, the side of the largest stamps
# The aureole falls as radius**-2.5 outside the seeing (King 1971, PASP 83, 199, measured -2;
# Racine 1996, PASP 108, 699): the usual fraction of the light in it, and its scatter.
AUREOLE_SCALE = 3.0  # FWHM
AUREOLE_BETA = 1.25
AUREOLE = 0.04
AUREOLE_SCATTER = 0.02
# What the wings of stars cannot tell from it: the sky, in units of the noise, and the
# outskirts of the core, as a fraction of the aureole's own.
SKY_ERROR = 0.1
CORE_ERROR = 0.01


class PSFImage:
    """
    The PSF of a band: a measured core and an aureole that goes on beyond it.

    Parameters
    ----------
    core : (M, M) `~numpy.ndarray`
        The PSF, the pixel included, on ``oversampling`` samples per pixel, M odd,
        centered on the middle; what lies beyond is the aureole alone.
    fwhm : float
        The FWHM in pixels.
    aureole, aureole_err : float
        The fraction of the light in the aureole, and its error.
    oversampling : int, optional
        The samples per pixel. The default is 1.
    """

    def __init__(self, core, fwhm, aureole, aureole_err, oversampling=1):
        self.fwhm = float(fwhm)
        self.aureole = float(aureole)
        self.aureole_err = float(aureole_err)
        self.oversampling = int(oversampling)
        self._core = np.asarray(core, dtype=float)
        self._transforms = {}
        # the whole is of unit flux
        half = len(self._core) // 2
        wing = _aureole(half, self.fwhm * self.oversampling)
        total = self._core.sum() + self.aureole * (1 - wing.sum())
        self._scale = oversampling**2 / total, self.aureole / total

    @classmethod
    def of_model(cls, model, fwhm, place):
        """
        The PSF of a model, whose flux is all of it.

        Parameters
        ----------
        model : `~astropy.modeling.Model`
            The model, see `~photutils_rcnn.preprocessing.given_psf.psf_values`.
        fwhm : float
            Its FWHM in pixels.
        place : (2,) tuple of float
            The position x, y on the frame, for models that vary.

        Returns
        -------
        psf : `PSFImage`
            The PSF.
        """
        half = min(int(np.ceil(GIVEN_EDGE * fwhm)), LARGEST // 2)
        axis = np.arange(-half, half + 1.)
        core = psf_values(model, *np.meshgrid(axis, axis), place)
        return cls(core, fwhm, 0., 0.)

    def image(self, side):
        """
        The PSF on a stamp.

        Parameters
        ----------
        side : int
            The side in pixels.

        Returns
        -------
        image : (side * oversampling, side * oversampling) `~numpy.ndarray`
            The light per sample, the middle at index ``n // 2``; the sum is the
            fraction of the light that falls on the stamp.
        """
        n = side * self.oversampling
        half = n // 2
        image = self._scale[1] * _aureole(half, self.fwhm * self.oversampling)[
            :n, :n]
        reach = min(len(self._core) // 2, half)
        middle = len(self._core) // 2
        inner = slice(half - reach, min(half + reach + 1, n))
        size = inner.stop - inner.start
        start = middle - reach
        image[inner, inner] = (self._scale[0] / self.oversampling**2 * self._core[
            start:start + size, start:start + size])
        return image

    def radius(self, level):
        """
        The radius beyond which the PSF stays below a level.

        Parameters
        ----------
        level : (N,) `~numpy.ndarray`
            Light per pixel.

        Returns
        -------
        radius : (N,) `~numpy.ndarray`
            Pixels, at most those of the largest stamps.
        """
        profile = self.image(LARGEST)
        middle = len(profile) // 2
        falling = np.maximum.accumulate(profile[middle, middle:][::-1])
        n_above = len(falling) - np.searchsorted(falling, level, side='right')
        return n_above / self.oversampling

    def __call__(self, side):
        """
        The transform of a stamp, the middle at the first sample.
        """
        if side not in self._transforms:
            self._transforms[side] = fft.rfft2(fft.ifftshift(
                self.image(side))).astype(np.complex64)
        return self._transforms[side]


@dataclass(frozen=True)
class MixedPSF:
    """
    The PSF of each source in a weighted mean of the bands, which depends on its color.

    Parameters
    ----------
    psfs : list of `PSFImage`
        The PSF of each band.
    fractions : (N, n_bands) `~numpy.ndarray`
        The fraction of the light of each source in the mean that is of each band.
    """

    psfs: list
    fractions: np.ndarray

    @property
    def oversampling(self):
        """
        The samples per pixel.
        """
        return self.psfs[0].oversampling

    def __getitem__(self, index):
        return MixedPSF(self.psfs, self.fractions[index])

    def __call__(self, side):
        """
        The transforms of stamps, (N, ...), see `PSFImage`.
        """
        transforms = np.stack([psf(side) for psf in self.psfs])
        return np.tensordot(self.fractions.astype(np.float32), transforms, axes=1)


def _aureole(half, fwhm):
    """
    The light of an aureole of unit flux, of ``2 half + 1`` samples a side.
    """
    axis = np.arange(-half, half + 1)
    scale = AUREOLE_SCALE * fwhm
    r2 = axis[:, None]**2 + axis**2
    return ((AUREOLE_BETA - 1) / (np.pi * scale**2)
            * (1 + r2 / scale**2)**-AUREOLE_BETA)


def _moffat(half, fwhm):
    """
    A Moffat profile of unit flux.
    """
    axis = np.arange(-half, half + 1)
    alpha2 = (0.5 * fwhm)**2 / (2**(1 / MOFFAT_BETA) - 1)
    r2 = axis[:, None]**2 + axis**2
    return ((MOFFAT_BETA - 1) / (np.pi * alpha2)
            * (1 + r2 / alpha2)**-MOFFAT_BETA)


def measure_psf_images(data, noise, bad, labels, positions, star_labels, fwhm):
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

    Returns
    -------
    psfs : list of `PSFImage`
        The PSF of each band.
    n_stars : list of int
        The stars that it was measured from; 0 where it is a Moffat profile.
    """
    fwhm = np.asarray(fwhm, dtype=float)
    half = int(np.ceil(EDGE * fwhm.max()))
    stamps = _cut(data, noise, bad, labels, positions, star_labels, half)
    psfs, counts = [], []
    for band, width in enumerate(fwhm):
        psf, n = _band_psf(*(values[:, band] for values in stamps), width)
        psfs.append(psf)
        counts.append(n)
    return psfs, counts


def _cut(data, noise, bad, labels, positions, star_labels, half):
    """
    The light, inverse variances of stars, and how far they are off the middle.
    """
    ny, nx = labels.shape
    cut = []
    for (x, y), label in zip(positions, star_labels, strict=True):
        ix, iy = round(float(x)), round(float(y))
        if min(ix, iy, nx - 1 - ix, ny - 1 - iy) < half:
            continue
        window = np.s_[iy - half:iy + half + 1, ix - half:ix + half + 1]
        others = (labels[window] != 0) & (labels[window] != label)
        others = ndimage.binary_dilation(others, iterations=2)
        light = data[:, *window]
        weight = np.where(bad[:, *window] | others, 0., 1 / noise[:, *window]**2)
        shift = np.broadcast_to([x - ix, y - iy], (len(data), 2))
        cut.append((light, weight, shift))
        if len(cut) == N_STARS:
            break
    if not cut:
        n, side = len(data), 2 * half + 1
        return np.zeros((0, n, side, side)), np.zeros((0, n, side, side)), np.zeros(
            (0, n, 2))
    return tuple(np.stack(part) for part in zip(*cut, strict=True))


def _band_psf(light, weight, shift, fwhm):
    """
    The stack of the stars of a band, and their number.
    """
    half = light.shape[-1] // 2
    axis = np.arange(-half, half + 1)
    radius = np.hypot(axis[:, None], axis) / fwhm
    psf = (1 - AUREOLE) * _moffat(half, fwhm) + AUREOLE * _aureole(half, fwhm)
    core = radius < CORE
    usable = ((weight[:, core] > 0).all(axis=1)
              & (weight[:, radius < EDGE].astype(bool).mean(axis=1) > LEAST_SEEN))
    light, weight, shift = (values[usable] for values in (light, weight, shift))
    aureole, error, n = AUREOLE, AUREOLE_SCATTER, 0
    for _ in range(N_ITERATIONS):
        if len(light) < FEWEST:
            break
        moved = _move(np.broadcast_to(psf, light.shape), shift)
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
        # masked pixels are filled with what is known so far
        whole = np.where(weight > 0, light, flux[:, None, None] * moved)[good]
        centered = _move(whole, -shift[good]) / flux[good, None, None]
        stack_weights = np.minimum(snr[good], LARGEST_SNR)**2
        stack = np.average(centered, axis=0, weights=stack_weights)
        psf, aureole, error = _with_wings(stack, centered, stack_weights, flux[good],
                                          weight[good], radius, fwhm)
    if n < FEWEST:
        n = 0
    return PSFImage(psf, fwhm, aureole, error), n


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


def _with_wings(stack, centered, stack_weights, flux, weight, radius, fwhm):
    """
    The stack, of its rings the means where it is faint, the aureole and its error.
    """
    half = len(stack) // 2
    # the fraction in the aureole, from the rings outside of the core
    wing = _aureole(half, fwhm)
    outer = (radius > 2.5) & (radius < EDGE)
    excess = (stack - (1 - AUREOLE) * _moffat(half, fwhm))[outer]
    measured = (excess * wing[outer]).sum() / (wing[outer]**2).sum()
    sky = SKY_ERROR * np.average(
        1 / (flux * np.sqrt(np.median(weight, axis=(1, 2)))), weights=stack_weights)
    variance = (sky * wing[outer].sum() / (wing[outer]**2).sum())**2 + CORE_ERROR**2
    trust = AUREOLE_SCATTER**2 / (AUREOLE_SCATTER**2 + variance)
    aureole = np.clip(AUREOLE + trust * (measured - AUREOLE), 0, 0.3)
    # rings
    index = np.round(radius * fwhm).astype(int)
    count = np.bincount(index.ravel())
    rings = np.bincount(index.ravel(), weights=stack.ravel()) / count
    smooth = rings[index]
    blend = np.clip((radius - SMOOTH) / 0.5, 0, 1)
    psf = (1 - blend) * stack + blend * smooth
    tail = np.clip((radius - 2.5) / (EDGE - 2.5), 0, 1)
    psf = (1 - tail) * psf + tail * aureole * wing
    return psf, aureole, np.sqrt((1 - trust) * AUREOLE_SCATTER**2)
