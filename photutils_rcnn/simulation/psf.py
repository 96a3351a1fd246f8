# Licensed under a 3-clause BSD style license - see LICENSE
"""
Point-spread functions of one band.
"""

__all__ = ['PointSpread']

import numpy as np
from scipy import fft

from photutils_rcnn.simulation._galsim import galsim

ROUND = ((1.0, 1.0, 0.0, 0.0),)

_GSPARAMS = galsim.GSParams(folding_threshold=2e-2, maxk_threshold=1e-2,
                            maximum_fft_size=16384)


class _RadialTable:
    """
    A sheared circular profile from a table: Bessel functions are slow.
    """

    _REACH = 30

    def __init__(self, profile, fwhm, e1, e2):
        self._step = fwhm / 100
        n = 100 * self._REACH
        image = galsim.ImageD(galsim.BoundsI(0, n, 0, 0))
        profile.drawImage(image, scale=self._step, method='no_pixel',
                          center=galsim.PositionD(0, 0))
        self._values = image.array[0] / self._step**2
        # beyond the table the mean of the rings, falling as radius**-3
        self._outer = self._values[-500:].mean() * (
            (n - 250) * self._step) ** 3
        matrix = galsim.Shear(e1=e1, e2=e2).getMatrix()
        self._inverse = np.linalg.inv(matrix)

    def __call__(self, x, y):
        (a, b), (c, d) = self._inverse
        index = np.hypot(a * x + b * y, c * x + d * y) / self._step
        inner = np.interp(index, np.arange(len(self._values)), self._values)
        outer = self._outer / np.maximum(index * self._step, 1) ** 3
        return np.where(index < len(self._values), inner, outer)


def _sum_of_copies(core, fwhm, components):
    """
    A sum of scaled and shifted copies of the FWHM of the core, the mean diameter
    of the area above half of the peak.
    """
    profile = galsim.Add([
        flux * core.dilate(scale).shift(dx * fwhm, dy * fwhm)
        for flux, scale, dx, dy in components])
    image = profile.drawImage(nx=80, ny=80, scale=fwhm / 20, method='no_pixel')
    area = np.count_nonzero(image.array > image.array.max() / 2) / 400
    return profile.dilate(1 / np.sqrt(4 * area / np.pi))


class PointSpread:
    """
    A core, an aureole and the pixel, with unit flux.

    Parameters
    ----------
    kind : {'moffat', 'kolmogorov', 'airy'}
        The core: seeing (the first two) or a telescope in space.
    fwhm : float
        The FWHM of the core in pixels.
    beta : float, optional
        The exponent of the Moffat core, above 1.1.
    e1, e2 : float, optional
        The ellipticity (distortion) of the core.
    obscuration : float, optional
        The linear central obscuration of an Airy core.
    aureole : float, optional
        The fraction of the flux in an aureole.
    components : sequence of (flux, scale, dx, dy), optional
        The core is a sum of copies of one profile, with these fractions of its
        flux, relative widths and offsets in units of the FWHM: a coadd of
        exposures of different seeing, coma, trefoil or drift. The sum has the
        FWHM that was asked for. Not for Airy cores.
    aureole_slope : float, optional
        The aureole falls as radius to the power of minus this number
        (King 1971, PASP 83, 199, measured 2). It must be above 2.2, where
        there is an aureole: GalSim has no Moffat profile of ``beta``, half of
        this number, of 1.1 or less.

    Attributes
    ----------
    fwhm : float
        The FWHM of the core in pixels, the pixel left out; of an Airy core
        with the light that diffuses in the detector, to half a percent.
    """

    def __init__(self, kind, fwhm, *, beta=3.0, e1=0.0, e2=0.0,
                 obscuration=0.0, aureole=0.0, aureole_slope=2.5,
                 components=ROUND):
        if kind == 'moffat':
            core = galsim.Moffat(beta=beta, fwhm=fwhm, gsparams=_GSPARAMS)
        elif kind == 'kolmogorov':
            core = galsim.Kolmogorov(fwhm=fwhm, gsparams=_GSPARAMS)
        elif kind == 'airy':
            # FWHM = 1.03 lambda/D, a little less with an obscuration
            scale = fwhm / (1.03 - 0.25 * obscuration**2)
            # three wavelengths of a broad filter smear the outer rings
            core = galsim.Add([
                galsim.Airy(lam_over_diam=scale * stretch, flux=1 / 3,
                            obscuration=obscuration, gsparams=_GSPARAMS)
                for stretch in (0.86, 1.0, 1.14)])
        else:
            msg = f'kind must be moffat, kolmogorov or airy, got {kind!r}'
            raise ValueError(msg)
        self.fwhm = float(fwhm)
        self._diffusion = 0.0
        if kind == 'airy':
            # the light that diffuses in a detector blurs the sharp rings;
            # the FWHM was measured on images for obscurations to 0.4
            self._diffusion = 0.2 * fwhm
            self.fwhm *= 1.0507 - 0.258 * obscuration**2
        self._rings = _RadialTable(core, fwhm, e1, e2) if (
            kind == 'airy') else None
        profile = core.shear(e1=e1, e2=e2)
        if tuple(components) != ROUND:
            profile = _sum_of_copies(profile, fwhm, components)
        if aureole > 0:
            wide = galsim.Moffat(beta=aureole_slope / 2,
                                 scale_radius=3 * fwhm, gsparams=_GSPARAMS)
            profile = (1 - aureole) * profile + aureole * wide
            self._smooth = aureole * wide if self._rings else profile
        else:
            self._smooth = None if self._rings else profile
        self._core_flux = 1 - aureole
        self._profile = profile
        self._transforms = {}
        self._radii = np.geomspace(0.5, 600, 60)
        values = np.array([max(profile.xValue(r, 0.0), profile.xValue(0.0, r))
                           for r in self._radii])
        self._envelope = np.maximum.accumulate(values[::-1])[::-1]

    def radius(self, level):
        """
        The radius (pixels) beyond which the PSF stays below a level.

        Parameters
        ----------
        level : float
            A fraction of the flux per pixel.

        Returns
        -------
        radius : float
            The next of the tabulated radii, at most 600; 1 if the PSF is
            above the level at none of them.
        """
        above = np.flatnonzero(self._envelope > level)
        if len(above) == 0:
            return 1.0
        return float(self._radii[min(above[-1] + 1, len(self._radii) - 1)])

    def _samples(self, m, oversample):
        """
        The PSF, without the pixel, per sample on ``m`` x ``m`` samples.
        """
        image = galsim.ImageD(m, m)
        if self._smooth is not None:
            self._smooth.drawImage(image, scale=1 / oversample,
                                   method='no_pixel', use_true_center=False)
        if self._rings is None:
            return image.array
        axis = (np.arange(m) - m // 2) / oversample
        return image.array + self._core_flux / oversample**2 * (
            self._rings(axis[None, :], axis[:, None]))

    def transform(self, n, oversample):
        """
        The Fourier transform on a periodic stamp of ``n`` x ``n`` pixels.

        Parameters
        ----------
        n : int
            The even side of the stamp in pixels. The PSF fades to zero
            towards the circle inscribed in the stamp.
        oversample : int
            The samples per pixel.

        Returns
        -------
        transform : 2D `~numpy.ndarray`
            In the layout of `scipy.fft.rfft2` of ``n * oversample`` samples,
            the PSF centered on the first sample, the pixel included.
        """
        key = (n, oversample)
        if key not in self._transforms:
            m = n * oversample
            image = self._samples(m, oversample)
            axis = (np.arange(m) - m // 2) / (m / 2)
            radius = np.hypot(axis[:, None], axis[None, :])
            taper = np.clip((1 - radius) / 0.2, 0, 1)
            stamp = image * taper**2 * (3 - 2 * taper)
            nu_y = fft.fftfreq(m, 1 / oversample)[:, None]
            nu_x = fft.rfftfreq(m, 1 / oversample)[None, :]
            pixel = np.sinc(nu_y) * np.sinc(nu_x)
            if self._diffusion:
                pixel = pixel * np.exp(-2 * (np.pi * self._diffusion) ** 2
                                       * (nu_x**2 + nu_y**2))
            self._transforms[key] = fft.rfft2(fft.ifftshift(stamp)) * pixel
        return self._transforms[key]
