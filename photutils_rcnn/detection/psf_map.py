# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF over a frame: its FWHM and its image on the grid of the profile head.
"""

__all__ = ['PSFMap']

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from photutils_rcnn.preprocessing.psf_trend import relative_width

N_NODES = 5  # each way, of a trend: an exponential is all but linear between them


@dataclass(frozen=True)
class PSFMap:
    """
    The PSF at the nodes of a grid over a frame, linear between and constant beyond.

    Parameters
    ----------
    y, x : (ny,), (nx,) `~numpy.ndarray`
        The rows and the columns of the nodes, pixels; one if the PSF does not vary
        that way.
    fwhm : (ny, nx, n_bands) `~numpy.ndarray`
        The FWHM in pixels, in each band of the model.
    profiles : (ny, nx, S, S, n_bands) `~numpy.ndarray`
        The PSF on the grid of the profile head, in units of its FWHM there, 1 in the
        middle; 0 where its image is not known.
    """

    y: np.ndarray
    x: np.ndarray
    fwhm: np.ndarray
    profiles: np.ndarray

    @classmethod
    def with_slopes(cls, fwhm, profile, slopes=(0, 0), shape=(1, 1)):
        """
        A PSF whose FWHM alone varies, or nothing.

        Parameters
        ----------
        fwhm : (n_bands,) `~numpy.ndarray`
            The FWHM in the middle of the frame in pixels.
        profile : (S, S, n_bands) `~numpy.ndarray`
            The image.
        slopes : (2,) array_like, optional
            How much the logarithm of the FWHM rises from edge to edge in y and x. The
            default is no change.
        shape : (2,) tuple of int, optional
            The shape (ny, nx) of the frame.

        Returns
        -------
        psf : `PSFMap`
            The PSF.
        """
        y, x = (np.linspace(0, n - 1, N_NODES if slope else 1)
                for n, slope in zip(shape, slopes, strict=True))
        places = np.stack(np.meshgrid(y, x, indexing='ij'), axis=-1)
        scale = np.ones(places.shape[:2])
        if np.any(slopes):
            scale = relative_width(slopes, places, shape)
        return cls(y, x, scale[..., None] * fwhm,
                   np.broadcast_to(profile, (*scale.shape, *profile.shape)))

    def fwhm_at(self, centers):
        """
        The FWHM at positions.

        Parameters
        ----------
        centers : (R, 2) `~numpy.ndarray`
            The positions y and x on the frame.

        Returns
        -------
        fwhm : (R, n_bands) `~numpy.ndarray`
            The FWHM in pixels.
        """
        return self._at(self.fwhm, centers)

    def profiles_at(self, centers):
        """
        The PSF at positions.

        Parameters
        ----------
        centers : (R, 2) `~numpy.ndarray`
            The positions y and x on the frame.

        Returns
        -------
        profiles : (R, S, S, n_bands) float32 `~numpy.ndarray`
            The images.
        """
        return self._at(self.profiles, centers).astype(np.float32, copy=False)

    def _at(self, values, centers):
        axes = [i for i, nodes in enumerate((self.y, self.x)) if len(nodes) > 1]
        flat = tuple(i for i in (0, 1) if i not in axes)
        values = np.squeeze(values, axis=flat)
        if not axes:
            return np.broadcast_to(values, (len(centers), *values.shape))
        nodes = [(self.y, self.x)[i] for i in axes]
        places = [np.clip(centers[:, i], (self.y, self.x)[i][0], (self.y, self.x)[i][-1])
                  for i in axes]
        return RegularGridInterpolator(nodes, values)(np.stack(places, axis=1))
