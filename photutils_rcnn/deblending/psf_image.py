# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF image: a core with its wings, on stamps of any size.
"""

__all__ = ['BandPSFs', 'MixedPSF', 'PSFImage', 'choose_oversampling']

from dataclasses import dataclass

import numpy as np
from scipy import fft

from photutils_rcnn.deblending import psf_wings
from photutils_rcnn.preprocessing.given_psf import psf_values

GIVEN_EDGE = 10.0  # FWHM, the radius of the image of a PSF that was given
LARGEST = 512  # pixels, the side of the largest stamps
POORLY_SAMPLED = 2.5  # FWHM in pixels; narrower PSFs are sampled twice per pixel


def choose_oversampling(fwhm):
    """
    The samples per pixel that PSFs need.

    Parameters
    ----------
    fwhm : (n_bands,) array_like
        The FWHM in pixels.

    Returns
    -------
    oversampling : int
        2 if one is narrower than 2.5 pixels, else 1.
    """
    return 2 if np.min(fwhm) < POORLY_SAMPLED else 1


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
        The samples per pixel, see `choose_oversampling`. The default is 1.
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
        wing = psf_wings.aureole(half, self.fwhm * self.oversampling)
        total = self._core.sum() + self.aureole * (1 - wing.sum())
        self._scale = oversampling**2 / total, self.aureole / total

    @classmethod
    def of_model(cls, model, fwhm, place, oversampling=1):
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
        oversampling : int, optional
            The samples per pixel. The default is 1.

        Returns
        -------
        psf : `PSFImage`
            The PSF.
        """
        half = min(int(np.ceil(GIVEN_EDGE * fwhm)), LARGEST // 2) * oversampling
        axis = np.arange(-half, half + 1) / oversampling
        core = psf_values(model, *np.meshgrid(axis, axis), place) / oversampling**2
        return cls(core, fwhm, 0., 0., oversampling)

    def mean_with(self, other):
        """
        The mean of this PSF and another one.

        Parameters
        ----------
        other : `PSFImage`
            The PSF of the same band, with as large a core and as many samples.

        Returns
        -------
        psf : `PSFImage`
            The mean, with the error of the other's aureole.
        """
        core = 0.5 * sum(psf._scale[0] / self.oversampling**2 * psf._core
                         for psf in (self, other))
        aureole = 0.5 * (self._scale[1] + other._scale[1])
        return PSFImage(core, self.fwhm, aureole, other.aureole_err, self.oversampling)

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
        image = self._scale[1] * psf_wings.aureole(half, self.fwhm * self.oversampling)[
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
class BandPSFs:
    """
    The PSFs of all bands, for templates of each.

    Parameters
    ----------
    psfs : list of `PSFImage`
        The PSF of each band.
    """

    psfs: list

    @property
    def oversampling(self):
        """
        The samples per pixel.
        """
        return self.psfs[0].oversampling

    def __call__(self, side):
        """
        The transforms of stamps, (n_bands, 1, ...), see `PSFImage`.
        """
        return np.stack([psf(side) for psf in self.psfs])[:, None]


@dataclass(frozen=True)
class MixedPSF(BandPSFs):
    """
    The PSF of each source in a weighted mean of the bands, which depends on its color.

    Parameters
    ----------
    psfs : list of `PSFImage`
        The PSF of each band.
    fractions : (N, n_bands) `~numpy.ndarray`
        The fraction of the light of each source in the mean that is of each band.
    """

    fractions: np.ndarray

    def __getitem__(self, index):
        return MixedPSF(self.psfs, self.fractions[index])

    def __call__(self, side):
        """
        The transforms of stamps, (N, ...), see `PSFImage`.
        """
        transforms = super().__call__(side)[:, 0].view(np.float32)
        return np.tensordot(self.fractions.astype(np.float32), transforms,
                            axes=1).view(np.complex64)
