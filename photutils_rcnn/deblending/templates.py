# Licensed under a 3-clause BSD style license - see LICENSE
"""
Templates: the light of a source of unit flux on a stamp, and its derivatives.
"""

__all__ = ['SIDES', 'Shapes', 'render', 'render_stars']

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from scipy import fft

from photutils_rcnn.deblending.sersic import VARIANCES, sersic_weights

# Sides of stamps, pixels: few sizes are rendered together.
SIDES = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
DISC, SPHEROID = 1.0, 4.0


@dataclass
class Shapes:
    """
    The intrinsic profiles of sources: a disc and a spheroid of one ellipse.

    Parameters
    ----------
    x, y : (N,) `~numpy.ndarray`
        Positions in pixels.
    log_radius : (N,) `~numpy.ndarray`
        The natural logarithm of the circularized half-light radius in pixels.
    eta1, eta2 : (N,) `~numpy.ndarray`
        The conformal shear: the axis ratio is ``exp(-hypot(eta1, eta2))``, the
        position angle from x to y is half of the angle of ``(eta1, eta2)``.
    spheroid : (N,) `~numpy.ndarray`
        The fraction of the light in the spheroid (Sersic index 4; the disc has 1).
    """

    x: np.ndarray
    y: np.ndarray
    log_radius: np.ndarray
    eta1: np.ndarray
    eta2: np.ndarray
    spheroid: np.ndarray

    def __getitem__(self, index):
        return Shapes(*(getattr(self, f.name)[index] for f in fields(self)))


def _covariance(log_radius, eta1, eta2):
    """
    The matrix (xx, yy, xy) of an ellipse, (N, 3), of half-light radius 1.
    """
    eta = np.hypot(eta1, eta2)
    slope = np.sinh(eta) / np.maximum(eta, 1e-6)
    matrix = np.stack([np.cosh(eta) + slope * eta1, np.cosh(eta) - slope * eta1,
                       slope * eta2], axis=-1)
    return np.exp(2 * log_radius)[:, None] * matrix


def _wave_numbers(side, oversampling):
    n = side * oversampling
    ky = 2 * np.pi * fft.fftfreq(n, 1 / oversampling)
    kx = 2 * np.pi * fft.rfftfreq(n, 1 / oversampling)
    return ky.astype(np.float32), kx.astype(np.float32)


@lru_cache(maxsize=2 * len(SIDES))
def _squares(side, oversampling):
    """
    What the matrix of an ellipse is multiplied with in the exponent of its Gaussian.
    """
    ky, kx = _wave_numbers(side, oversampling)
    return -0.5 * np.stack(np.broadcast_arrays(
        kx**2, ky[:, None]**2, 2 * ky[:, None] * kx)).reshape(3, -1)


def _phases(x, y, side, ky, kx):
    """
    The transforms of points at x and y, pixels from the middle pixel of the stamp.
    """
    x, y = (values[:, None] + side // 2 for values in (x, y))
    return (np.exp(-1j * ky * y).astype(np.complex64)[:, :, None]
            * np.exp(-1j * kx * x).astype(np.complex64)[:, None, :])


def _to_pixels(transforms, oversampling):
    """
    The stamps of transforms.
    """
    n = transforms.shape[-2]
    stamps = fft.irfft2(transforms, s=(n, n), overwrite_x=True)
    if oversampling == 1:
        return stamps
    return stamps[..., ::oversampling, ::oversampling] * np.float32(oversampling**2)


def render_stars(x, y, psf, side, *, derivatives=False):
    """
    Render point sources.

    Parameters
    ----------
    x, y : (N,) `~numpy.ndarray`
        Positions, pixels from the middle pixel of the stamp.
    psf : callable
        ``psf(side)`` is the transform of the PSF of all or of each of them, see
        `~photutils_rcnn.deblending.psf_image.PSFImage`.
    side : int
        The side of the stamps.
    derivatives : bool, optional
        Whether to render the derivatives with respect to x and y as well. The default
        is `False`.

    Returns
    -------
    templates : (N, side, side) float32 `~numpy.ndarray`
        The stamps, their sum the fraction of the light that they hold, of several bands
        (n_bands, N, side, side); with ``derivatives`` (N, 3, side, side).
    """
    ky, kx = _wave_numbers(side, psf.oversampling)
    spectrum = psf(side) * _phases(x, y, side, ky, kx)
    if derivatives:
        spectrum = np.stack([spectrum, -1j * kx * spectrum, -1j * ky[:, None] * spectrum],
                            axis=1)
    return _to_pixels(spectrum, psf.oversampling)


def render(shapes, psf, side, *, derivatives=False):
    """
    Render extended sources.

    Parameters
    ----------
    shapes : `Shapes`
        The sources, with positions from the middle pixel of the stamp.
    psf : callable
        See `render_stars`.
    side : int
        The side of the stamps.
    derivatives : bool, optional
        Whether to render the derivatives as well. The default is `False`.

    Returns
    -------
    templates : (N, side, side) float32 `~numpy.ndarray`
        The stamps, as of `render_stars`; with ``derivatives`` (N, 7, side, side): the
        template and its derivatives with respect to the fields of `Shapes`.
    """
    ky, kx = _wave_numbers(side, psf.oversampling)
    grid = len(ky), len(kx)
    squares = _squares(side, psf.oversampling)
    covariance = _covariance(shapes.log_radius, shapes.eta1, shapes.eta2)
    gaussians = (covariance.astype(np.float32) @ squares)[:, None] * VARIANCES.astype(
        np.float32)[:, None]
    np.exp(gaussians, out=gaussians)
    disc, bulge = (sersic_weights(n) for n in (DISC, SPHEROID))
    mixture = disc + shapes.spheroid[:, None] * (bulge - disc)
    spectrum = _phases(shapes.x, shapes.y, side, ky, kx)
    if not derivatives:
        value = mixture.astype(np.float32)[:, None] @ gaussians
        spectrum *= value.reshape(-1, *grid)
        return _to_pixels(spectrum * psf(side), psf.oversampling)
    spectrum *= psf(side)
    mixtures = np.stack([mixture, np.broadcast_to(bulge - disc, mixture.shape),
                         VARIANCES * mixture], axis=1).astype(np.float32)
    factors = np.empty((len(mixture), 5, squares.shape[1]), dtype=np.float32)
    np.matmul(mixtures, gaussians, out=factors[:, :3])
    slope = factors[:, 2].copy()
    np.matmul(_covariance_slopes(shapes, covariance).astype(np.float32), squares,
              out=factors[:, 2:])
    factors[:, 2:] *= slope[:, None]
    transforms = np.empty((len(mixture), 7, *grid), dtype=np.complex64)
    for k, factor in zip((0, 6, 3, 4, 5), factors.swapaxes(0, 1), strict=True):
        np.multiply(spectrum, factor.reshape(-1, *grid), out=transforms[:, k])
    np.multiply(transforms[:, 0], -1j * kx, out=transforms[:, 1])
    np.multiply(transforms[:, 0], -1j * ky[:, None], out=transforms[:, 2])
    return _to_pixels(transforms, psf.oversampling)


def _covariance_slopes(shapes, covariance):
    """
    The derivatives of the matrix with respect to size and shear, (N, 3, 3).
    """
    step = 1e-3
    return np.stack([2 * covariance, *(
        (_covariance(shapes.log_radius, shapes.eta1 + d1, shapes.eta2 + d2)
         - _covariance(shapes.log_radius, shapes.eta1 - d1, shapes.eta2 - d2)) / (2 * step)
        for d1, d2 in ((step, 0), (0, step)))], axis=1)
