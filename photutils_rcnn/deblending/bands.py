# Licensed under a 3-clause BSD style license - see LICENSE
"""
Bands of a frame, as models are fitted to them.
"""

__all__ = ['Bands']

import numpy as np

from photutils_rcnn._row_blocks import row_blocks
from photutils_rcnn.deblending.noise_correlation import correlation_factor
from photutils_rcnn.deblending.sky import FAINT, residual_sky
from photutils_rcnn.sources.photometry import band_pixels

# A pixel this much brighter than the models, in units of its noise and of half of their
# light, holds a cosmic ray or a source that was not found, and is left out.
OUTLIER = 8.0
STRUCTURE = 0.5


class Bands:
    """
    The background-subtracted bands, their noise and errors, in units of the usual noise.

    Parameters
    ----------
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.

    Attributes
    ----------
    scale : float
        The usual noise, in the unit of the data.
    data, noise, error : (n_bands, ny, nx) float32 `~numpy.ndarray`
        The light, the noise of the empty sky, and the errors.
    bad : (n_bands, ny, nx) `~numpy.ndarray` of bool
        Pixels without data.
    sky : (n_bands, ny, nx) float32 `~numpy.ndarray`
        What was subtracted besides the background.
    precision : (n_bands,) `~numpy.ndarray`
        The usual inverse variance of each band.
    """

    def __init__(self, frame):
        shape = frame.cube.data.shape
        self.scale = float(np.median(frame.noise))
        noise = np.asarray(frame.noise) / np.float32(self.scale)
        self.precision = np.array([1 / np.median(band)**2 for band in noise], dtype=float)
        self.noise = np.broadcast_to(noise, shape)
        self.bad = np.array(frame.cube.invalid)
        self.data, self.error = np.empty((2, *shape), dtype=np.float32)
        self.sky = np.zeros(shape, dtype=np.float32)
        for b in range(shape[0]):
            pixels = band_pixels(frame, b)
            self.data[b] = np.where(self.bad[b], 0, pixels.data / self.scale)
            self.error[b] = pixels.error / self.scale

    @property
    def fractions(self):
        """
        How much each band counts in the mean, (n_bands,).
        """
        return self.precision / self.precision.sum()

    def noise2(self, b):
        """
        The variance of the empty sky of a band, pixel by pixel, (ny * nx,).
        """
        return np.where(self.bad[b], np.inf, self.noise[b]**2).ravel()

    def brightness(self, amplitude):
        """
        Fluxes in the mean of the bands, in units of the noise of a pixel.
        """
        return np.maximum(amplitude, 0) * np.sqrt(self.precision.sum())

    def mean(self):
        """
        The inverse-variance weighted mean of the bands, and its inverse variance.
        """
        image, total = np.empty((2, *self.data.shape[1:]), dtype=np.float32)
        for rows in row_blocks(len(image), 64):
            weights = np.where(self.bad[:, rows], 0, self.noise[:, rows]**-2)
            total[rows] = weights.sum(axis=0)
            image[rows] = (weights * self.data[:, rows]).sum(axis=0) / np.where(
                total[rows] > 0, total[rows], 1)
        return image, total

    def subtract_sky(self, b, model, psf):
        """
        Subtract the sky between the models of a band, and leave out outliers.

        Parameters
        ----------
        b : int
            The band.
        model : (ny, nx) `~numpy.ndarray`
            The light of all sources.
        psf : `~photutils_rcnn.deblending.psf_image.PSFImage`
            The PSF.

        Returns
        -------
        error : float
            The error of the sky.
        correlation : float
            See `~photutils_rcnn.deblending.noise_correlation.correlation_factor`.
        """
        bad, noise = self.bad[b], self.noise[b]
        residual = self.data[b] - model
        sky, error = residual_sky(residual, model, noise, bad, psf.fwhm)
        self.sky[b] = sky
        residual -= sky
        correlation = correlation_factor(
            residual / noise, ~bad & (model < FAINT * noise),
            psf.image(2 * int(np.ceil(2 * psf.fwhm)) + 2)[
                ::psf.oversampling, ::psf.oversampling])
        bad |= residual > OUTLIER * np.hypot(noise, STRUCTURE * model)
        self.data[b] -= sky
        self.data[b][bad] = 0
        return error, correlation
