# Licensed under a 3-clause BSD style license - see LICENSE
"""
Templates: the light of a source of unit flux on a stamp, and its derivatives.
"""

__all__ = ['SIDES', 'Shapes', 'render', 'render_stars']

from dataclasses import dataclass, fields

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


def _phases(x, y, ky, kx):
    """
    The transforms of points at x and y, pixels from the middle.
    """
    return (np.exp(-1j * ky * y[:, None])[:, :, None]
            * np.exp(-1j * kx * x[:, None])[:, None, :]).astype(np.complex64)


def _to_pixels(transforms, oversampling):
    """
    Stamps with the middle at the pixel (side // 2, side // 2).
    """
    n = transforms.shape[-2]
    stamps = fft.irfft2(transforms, s=(n, n), workers=-1, overwrite_x=True)
    stamps = fft.fftshift(stamps, axes=(-2, -1))[..., ::oversampling, ::oversampling]
    return stamps * np.float32(oversampling**2)


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
        The stamps, their sum the fraction of the light that they hold; with
        ``derivatives`` (3, N, side, side).
    """
    ky, kx = _wave_numbers(side, psf.oversampling)
    spectrum = psf(side) * _phases(x, y, ky, kx)
    if derivatives:
        spectrum = np.stack([spectrum, -1j * kx * spectrum,
                             -1j * ky[:, None] * spectrum])
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
        The stamps, as of `render_stars`; with ``derivatives`` (7, N, side, side): the
        template and its derivatives with respect to the fields of `Shapes`.
    """
    ky, kx = _wave_numbers(side, psf.oversampling)
    yy, xx, xy = ky[:, None]**2, kx**2, 2 * ky[:, None] * kx
    disc, bulge = (sersic_weights(n) for n in (DISC, SPHEROID))
    covariance = _covariance(shapes.log_radius, shapes.eta1,
                             shapes.eta2).astype(np.float32)
    cxx, cyy, cxy = (c[:, None, None] for c in covariance.T)
    exponent = -0.5 * (cxx * xx + cyy * yy + cxy * xy)
    fraction = shapes.spheroid[:, None, None].astype(np.float32)
    value = np.zeros_like(exponent)
    slope = np.zeros_like(exponent)
    difference = np.zeros_like(exponent)
    for variance, d, b in zip(VARIANCES, disc, bulge, strict=True):
        gaussian = np.exp(np.float32(variance) * exponent)
        weight = np.float32(d) + np.float32(b - d) * fraction
        value += weight * gaussian
        if derivatives:
            slope += np.float32(variance) * weight * gaussian
            difference += np.float32(b - d) * gaussian
    spectrum = psf(side) * _phases(shapes.x, shapes.y, ky, kx)
    if not derivatives:
        return _to_pixels(value * spectrum, psf.oversampling)
    transforms = np.empty((7, *spectrum.shape), dtype=np.complex64)
    transforms[0] = value * spectrum
    transforms[1] = -1j * kx * transforms[0]
    transforms[2] = -1j * ky[:, None] * transforms[0]
    slope = slope * spectrum
    transforms[3] = 2 * exponent * slope
    step = 1e-3
    for i, (d1, d2) in enumerate(((step, 0), (0, step))):
        dxx, dyy, dxy = ((_covariance(
            shapes.log_radius, shapes.eta1 + d1, shapes.eta2 + d2) - _covariance(
            shapes.log_radius, shapes.eta1 - d1, shapes.eta2 - d2)) / (2 * step)
            ).astype(np.float32).T[..., None, None]
        transforms[4 + i] = -0.5 * (dxx * xx + dyy * yy + dxy * xy) * slope
    transforms[6] = difference * spectrum
    return _to_pixels(transforms, psf.oversampling)
