# Licensed under a 3-clause BSD style license - see LICENSE
"""
Light of the neighbors of stars, which the PSF of a crowded frame is measured without.
"""

__all__ = ['NeighborLight']

from dataclasses import dataclass

import numpy as np

from photutils_rcnn.deblending.drawing import draw_source
from photutils_rcnn.deblending.templates import Shapes

# The error of a model of a neighbor, as a fraction of its light.
MISFIT = 0.05


@dataclass(frozen=True)
class NeighborLight:
    """
    The models of the N sources of a frame, to be subtracted around any of them.

    Parameters
    ----------
    groups : list of `~photutils_rcnn.deblending.stamps.StampGroup`
        The stamps.
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        The profiles.
    psfs : list of `~photutils_rcnn.deblending.psf_image.PSFImage`
        The PSF of each band.
    is_star : (N,) `~numpy.ndarray` of bool
        Which are point sources.
    flux : (N, n_bands) `~numpy.ndarray`
        The fluxes.
    models : (n_bands, ny, nx) `~numpy.ndarray`
        The light of all sources.
    """

    groups: list
    shapes: Shapes
    psfs: list
    is_star: np.ndarray
    flux: np.ndarray
    models: np.ndarray

    @classmethod
    def of_light(cls, light):
        """
        The neighbors in deblended light.

        Parameters
        ----------
        light : `~photutils_rcnn.deblending.light.DeblendedLight`
            The models.

        Returns
        -------
        neighbors : `NeighborLight`
            In the unit of the data.
        """
        models = np.stack([light.model_image(b) for b in range(len(light.psfs))])
        return cls(light.groups, light.shapes, light.psfs, light.is_star, light.flux, models)

    def around(self, i, band, window, noise):
        """
        The light of all but one source.

        Parameters
        ----------
        i : int
            The source.
        band : int
            The index of the band.
        window : (2,) tuple of slice
            Pixels of the frame.
        noise : 2D `~numpy.ndarray`
            The noise of these pixels.

        Returns
        -------
        light : 2D `~numpy.ndarray`
            The light of the others.
        hidden : 2D `~numpy.ndarray` of bool
            Where they outshine the source so much that the errors of their models are above
            the noise.
        """
        everything = self.models[band][window]
        own = np.zeros(self.models[band].shape, dtype=np.float32)
        slices, template = draw_source(i, self.groups, self.shapes, self.psfs[band],
                                       self.is_star[i], own.shape)
        own[slices] = np.nan_to_num(self.flux[i, band]) * template
        own = own[window]
        others = everything - own
        return others, others > np.maximum(noise / MISFIT, own)
