# Licensed under a 3-clause BSD style license - see LICENSE
"""
Rendering of sources, band by band, on their own stamps.

GalSim gives the Fourier transforms of the profiles. They are the same in all
bands up to the fluxes of bulge and disc, and the PSF's transform is the same
for all stamps of one size; so each is computed once and a stamp costs one
inverse transform per band. That is several times faster than one
`galsim.GSObject.drawImage` per band and source, with the same pixels.
"""

__all__ = ['Renderer', 'Stamp']

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, special

from photutils_rcnn.simulation._galsim import galsim
from photutils_rcnn.sources.classes import STAR

STAMP_SIDES = (16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320,
               384, 512, 640)
MAX_GALAXY_SIDE = 512
MAX_STAR_SIDE = 640
EDGE_LEVEL = 0.1
# half-light radius of a disc, in FWHM, above which its arms are continuous
SMOOTH_ARMS = 1.5
KNOT_FRACTION = 0.02  # of the points of an arm, twelve times as bright as others
BAR_FRACTION = 0.5

_GSPARAMS = galsim.GSParams(folding_threshold=2e-2, maxk_threshold=1e-2,
                            kvalue_accuracy=1e-4)


@dataclass
class Stamp:
    """
    The noise-free light of one source on a part of the frame.

    Attributes
    ----------
    light : (n_bands, h, w) `~numpy.ndarray` of float32
        The light in electrons.
    y1, x1 : int
        The frame's pixel under the first pixel of the stamp.
    """

    light: np.ndarray
    y1: int
    x1: int

    @property
    def slices(self):
        """
        The part of the frame under the stamp.
        """
        height, width = self.light.shape[1:]
        return (slice(self.y1, self.y1 + height),
                slice(self.x1, self.x1 + width))


@lru_cache(maxsize=64)
def _frequencies(n, oversample):
    m = n * oversample
    ky = 2 * np.pi * fft.fftfreq(m, 1 / oversample)
    kx = 2 * np.pi * fft.rfftfreq(m, 1 / oversample)
    return ky, kx


@lru_cache(maxsize=8)
def _sersic(index):
    if index == 1.0:
        return galsim.Exponential(half_light_radius=1, gsparams=_GSPARAMS)
    return galsim.Sersic(n=index, half_light_radius=1, gsparams=_GSPARAMS)


def _sersic_transform(index, radius, q, angle, n, oversample):
    m = n * oversample
    shear = galsim.Shear(q=max(q, 0.05), beta=angle * galsim.radians)
    profile = _sersic(index).dilate(radius * np.sqrt(q)).shear(shear)
    image = galsim.ImageCD(galsim.BoundsI(0, m // 2, -m // 2, m // 2 - 1))
    profile.drawKImage(image, scale=2 * np.pi / n, recenter=False)
    return fft.ifftshift(image.array.real, axes=0)


def _sersic_reach(flux, radius, index, q, level):
    """
    The major-axis radius at which a Sersic profile falls below a level.
    """
    if flux <= 0 or radius <= 0:
        return 0.0
    b = special.gammaincinv(2 * index, 0.5)
    center = flux * b ** (2 * index) / (
        2 * np.pi * index * q * radius**2 * special.gamma(2 * index))
    if center <= level:
        return 0.0
    return float(radius * (np.log(center / level) / b) ** index)


class Renderer:
    """
    Draw the sources of a population.

    Parameters
    ----------
    point_spreads : list of `PointSpread`
        The PSF of each band.
    zero_points : (n_bands,) array_like
        The magnitude of one data unit.
    noise : (n_bands,) array_like
        The noise per pixel, which decides how far a profile is followed.
    shape : tuple of int
        The shape ``(ny, nx)`` of the frame.
    shifts : sequence of (dx, dy), optional
        How far the sources of each band are from their true positions, pixels;
        0 by default.
    """

    def __init__(self, point_spreads, zero_points, noise, shape, shifts=None):
        self.shifts = shifts or [(0.0, 0.0)] * len(point_spreads)
        self.point_spreads = point_spreads
        self._narrowest = min(psf.fwhm for psf in point_spreads)
        self.zero_points = np.asarray(zero_points, dtype=float)
        self.noise = np.asarray(noise, dtype=float)
        self.shape = shape

    def fluxes(self, population):
        """
        The fluxes of the sources in data units, of shape (N, n_bands).

        Parameters
        ----------
        population : `Population`
            The N sources.

        Returns
        -------
        fluxes : (N, n_bands) float64 `~numpy.ndarray`
            The fluxes.
        """
        return 10 ** (0.4 * (self.zero_points - population.magnitudes))

    def _side(self, population, i, flux):
        """
        The side of the stamp on which the light falls below the noise.
        """
        is_star = population.class_id[i] == STAR
        reach = 0.0
        for b, psf in enumerate(self.point_spreads):
            level = EDGE_LEVEL * self.noise[b]
            here = psf.radius(level / flux[b])
            if not is_star:
                fraction = population.bulge_fraction[i, b]
                extent = max(
                    _sersic_reach(flux[b] * fraction,
                                  population.bulge_radius[i],
                                  population.bulge_n[i],
                                  population.bulge_q[i], level),
                    _sersic_reach(flux[b] * (1 - fraction),
                                  population.disc_radius[i],
                                  population.disc_n[i],
                                  population.disc_q[i], level)
                    + np.hypot(population.disc_dx[i],
                               population.disc_dy[i]))
                here = max(here, 1.5 * psf.fwhm + extent)
            reach = max(reach, here)
        # the PSF fades from 0.8 of the inscribed circle
        wanted = 2 * (reach * 1.2 + 2)
        largest = MAX_STAR_SIDE if is_star else MAX_GALAXY_SIDE
        side = next((s for s in STAMP_SIDES if s >= wanted), largest)
        return min(side, largest)

    def _oversample(self, side, is_star):
        """
        The samples per pixel without visible aliasing. The spectrum that is
        cut at one sample per pixel rings along rows and columns by 1e-4 of
        the peak, which shows around bright stars, the ones on large stamps.
        """
        if self._narrowest < 2.8:
            return 2
        return 2 if is_star and side >= 96 and self._narrowest < 5.5 else 1

    def _clump_transform(self, population, i, n, oversample, rng):
        """
        The transform of star-forming knots, or of spiral arms and a bar.
        """
        radius, q = population.disc_radius[i], population.disc_q[i]
        arms = population.arms[i]
        scale = radius / 1.678
        if arms:
            # well-resolved arms are continuous, with knots on them
            smooth = radius > SMOOTH_ARMS * self._narrowest
            count = (400 if smooth else 60) * arms
            r = np.clip(rng.gamma(2.0, scale, count), 0.5 * radius,
                        (3 if smooth else 5) * radius)
            winding = rng.uniform(2.0, 4.5) * rng.choice([-1, 1])
            theta = (winding * np.log(r / radius)
                     + rng.integers(0, arms, count) * 2 * np.pi / arms
                     + rng.normal(0, 0.22, count))
            weight = rng.exponential(1.0, count)
            if smooth:
                weight = np.where(rng.random(count) < KNOT_FRACTION, 12, 1) * weight
                if rng.random() < BAR_FRACTION:
                    # the arms begin where the bar ends
                    phi = winding * np.log(0.5) + np.pi
                    along = 0.5 * radius * rng.uniform(-1, 1, 150)
                    across = 0.06 * radius * rng.normal(size=150)
                    r = np.append(r, np.hypot(along, across))
                    theta = np.append(theta, phi + np.arctan2(across, along))
                    weight = np.append(weight, np.full(
                        150, rng.uniform(0.2, 0.6) * weight.sum() / 150))
        else:
            # single knots of a well-resolved disc are faint
            resolved = radius > 1.2 * self._narrowest
            count = int(rng.integers(12, 40) if resolved
                        else rng.integers(3, 11))
            r = np.minimum(rng.gamma(2.0, scale, count), 3 * radius)
            theta = rng.uniform(0, 2 * np.pi, count)
            weight = rng.uniform(0.3, 1.0, count)
        weight /= weight.sum()
        u, v = r * np.cos(theta), q * r * np.sin(theta)
        angle = population.angle[i]
        dx = u * np.cos(angle) - v * np.sin(angle)
        dy = u * np.sin(angle) + v * np.cos(angle)
        m = n * oversample
        grid = np.zeros((m, m))
        fx, fy = dx * oversample, dy * oversample
        ix, iy = np.floor(fx).astype(int), np.floor(fy).astype(int)
        fx, fy = fx - ix, fy - iy
        for sy, wy in ((0, 1 - fy), (1, fy)):
            for sx, wx in ((0, 1 - fx), (1, fx)):
                np.add.at(grid, ((iy + sy) % m, (ix + sx) % m),
                          weight * wy * wx)
        ky, kx = _frequencies(n, oversample)
        sigma = 0.07 * radius
        blur = np.exp(-0.5 * sigma**2 * ky**2)[:, None] * np.exp(
            -0.5 * sigma**2 * kx**2)
        return fft.rfft2(grid) * blur

    def draw(self, population, i, flux, rng):
        """
        Draw one source.

        Parameters
        ----------
        population : `Population`
            The sources.
        i : int
            The index of the source.
        flux : (n_bands,) `~numpy.ndarray`
            Its fluxes in data units.
        rng : `numpy.random.Generator`
            The random generator, used for knots.

        Returns
        -------
        stamp : `Stamp` or `None`
            The part on the frame; `None` if there is none.
        """
        n = self._side(population, i, flux)
        x, y = population.x[i], population.y[i]
        x1, y1 = int(np.floor(x + 0.5)) - n // 2, int(
            np.floor(y + 0.5)) - n // 2
        rows = slice(max(-y1, 0), min(self.shape[0] - y1, n))
        cols = slice(max(-x1, 0), min(self.shape[1] - x1, n))
        if rows.stop <= rows.start or cols.stop <= cols.start:
            return None
        oversample = self._oversample(n, population.class_id[i] == STAR)
        ky, kx = _frequencies(n, oversample)
        phase = np.exp(-1j * ky * (y - y1))[:, None] * np.exp(
            -1j * kx * (x - x1)) * oversample**2
        bulge = disc = None
        if population.class_id[i] != STAR:
            fraction = population.bulge_fraction[i]
            if fraction.max() > 1e-3:
                bulge = _sersic_transform(
                    population.bulge_n[i], population.bulge_radius[i],
                    population.bulge_q[i], population.angle[i], n,
                    oversample)
            if fraction.min() < 0.999:
                disc = _sersic_transform(
                    population.disc_n[i], population.disc_radius[i],
                    population.disc_q[i], population.angle[i], n,
                    oversample)
                dx, dy = population.disc_dx[i], population.disc_dy[i]
                if dx or dy:
                    disc = disc * np.exp(-1j * ky * dy)[:, None] * np.exp(
                        -1j * kx * dx)
                clumps = population.clump_fraction[i]
                if clumps > 0:
                    disc = (1 - clumps) * disc + clumps * (
                        self._clump_transform(population, i, n, oversample,
                                              rng))
        light = np.empty((len(flux), rows.stop - rows.start,
                          cols.stop - cols.start), dtype=np.float32)
        for b, psf in enumerate(self.point_spreads):
            source = flux[b]
            if bulge is not None and disc is not None:
                source = source * (fraction[b] * bulge + (1 - fraction[b]) * disc)
            elif bulge is not None or disc is not None:
                source = source * (disc if bulge is None else bulge)
            if any(self.shifts[b]):
                dx, dy = self.shifts[b]
                source = source * np.exp(-1j * ky * dy)[:, None] * np.exp(
                    -1j * kx * dx)
            image = fft.irfft2(source * phase * psf.transform(n, oversample),
                               overwrite_x=True)
            image = image[::oversample, ::oversample]
            np.maximum(image[rows, cols], 0, out=light[b])
        return Stamp(light, y1 + rows.start, x1 + cols.start)
