# Licensed under a 3-clause BSD style license - see LICENSE
"""
Light of overlapping sources: models, fluxes and images of each alone.
"""

__all__ = ['DeblendedLight']

from dataclasses import dataclass

import numpy as np

from photutils_rcnn.deblending.blendedness import Blending
from photutils_rcnn.deblending.drawing import draw, draw_source
from photutils_rcnn.deblending.stamps import Canvas
from photutils_rcnn.deblending.templates import Shapes


@dataclass(frozen=True)
class DeblendedLight:
    """
    The models of the N sources of a frame.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        The profiles.
    is_star : (N,) `~numpy.ndarray` of bool
        Which are point sources.
    groups : list of `~photutils_rcnn.deblending.stamps.StampGroup`
        Their stamps.
    psfs : list of `~photutils_rcnn.deblending.psf_image.PSFImage`
        The PSF of each band.
    n_psf_stars : list of int
        The stars that it was measured from, 0 where it is a Moffat profile or given.
    flux, flux_err, chi2 : (N, n_bands) `~numpy.ndarray`
        The fluxes, their errors, and the mean squared residuals.
    blending : `~photutils_rcnn.deblending.blendedness.Blending`
        How they share the light of the frame.
    sky : (n_bands, ny, nx) `~numpy.ndarray`
        What was subtracted from each band besides the background.
    """

    shape: tuple
    shapes: Shapes
    is_star: np.ndarray
    groups: list
    psfs: list
    n_psf_stars: list
    flux: np.ndarray
    flux_err: np.ndarray
    chi2: np.ndarray
    blending: Blending
    sky: np.ndarray

    def __len__(self):
        return len(self.is_star)

    def template(self, i, band):
        """
        The light of a source of unit flux.

        Parameters
        ----------
        i : int
            The source.
        band : int
            The index of the band.

        Returns
        -------
        slices : (2,) tuple of slice
            Where it lies on the frame.
        values : 2D `~numpy.ndarray`
            The light of each pixel.
        """
        return draw_source(i, self.groups, self.shapes, self.psfs[band], self.is_star[i],
                           self.shape)

    def model_image(self, band, chosen=None):
        """
        The models of sources in a band.

        Parameters
        ----------
        band : int
            The index of the band.
        chosen : (N,) `~numpy.ndarray` of bool, optional
            Which sources; by default all.

        Returns
        -------
        image : (ny, nx) `~numpy.ndarray`
            Their sum.
        """
        image = Canvas(np.zeros(self.shape), max((g.side for g in self.groups), default=1))
        flux = np.nan_to_num(self.flux[:, band])
        for group in self.groups:
            if chosen is not None:
                group = group[chosen[group.index]]
            if len(group.index) == 0:
                continue
            templates = draw(group, self.shapes, self.psfs[band],
                             self.is_star[group.index[0]])
            image.add(group, flux[group.index, None, None] * templates)
        return image.frame.copy()
