# Licensed under a 3-clause BSD style license - see LICENSE
"""
Deblended photometry: a table of fluxes, and images of models, residuals and sources.
"""

__all__ = ['DeblendedPhotometry']

from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.nddata import Cutout2D
from astropy.table import QTable

from photutils_rcnn.deblending.layers import measure_layers
from photutils_rcnn.deblending.neighbors import NeighborLight
from photutils_rcnn.preprocessing.binned_map import map_like
from photutils_rcnn.sources.photometry import band_pixels


class DeblendedPhotometry:
    """
    The light of the sources of a frame, each for itself.

    Parameters
    ----------
    light : `~photutils_rcnn.deblending.light.DeblendedLight`
        The models.
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.
    wcs : WCS object, optional
        The celestial WCS.
    """

    def __init__(self, light, frame, wcs=None):
        self.light = light
        self._frame = frame
        self._wcs = wcs
        self._models, self._catalogs = {}, {}
        self._shared = {}  # what the models leave, to be shared by the sources

    @property
    def meta(self):
        """
        What the fluxes stand on, by band; plain values only.
        """
        light, bands = self.light, self._frame.cube.bands
        return {
            'n_psf_stars': dict(zip(bands, map(int, light.n_psf_stars), strict=True)),
            'psf_aureole': {band: round(psf.aureole, 4) for band, psf in zip(
                bands, light.psfs, strict=True)}}

    @cached_property
    def neighbors(self):
        """
        The `~photutils_rcnn.deblending.neighbors.NeighborLight` of the sources.
        """
        return NeighborLight.of_light(self.light)

    @cached_property
    def table(self):
        """
        The `~astropy.table.QTable` of all sources; see
        `photutils_rcnn.RCNNResult.deblended` for the columns.
        """
        light, cube = self.light, self._frame.cube
        shapes, blending = light.shapes, light.blending
        table = QTable()
        table['x'], table['y'] = shapes.x, shapes.y
        if self._wcs is not None:
            sky = self._wcs.pixel_to_world(shapes.x, shapes.y)
            if isinstance(sky, SkyCoord):
                table['sky_center'] = sky
        for b, band in enumerate(cube.bands):
            for name, values in (('flux', light.flux), ('flux_err', light.flux_err)):
                column = values[:, b]
                table[f'{name}_{band}'] = column if cube.unit is None else column << cube.unit
        seen = np.isfinite(light.chi2)
        n_seen = seen.sum(axis=1)
        table['chi2'] = np.where(n_seen > 0, np.where(seen, light.chi2, 0).sum(
            axis=1) / np.maximum(n_seen, 1), np.nan)
        table['blendedness'] = blending.blendedness
        table['flux_fraction_own'] = blending.own_fraction
        table['flux_fraction_outside'] = blending.outside_fraction
        star, eta = light.is_star, np.hypot(shapes.eta1, shapes.eta2)
        table['half_light_radius'] = np.where(star, 0, np.exp(shapes.log_radius)) * u.pix
        table['axis_ratio'] = np.where(star, np.nan, np.exp(-eta))
        table['orientation'] = np.where(
            star, np.nan, np.degrees(0.5 * np.arctan2(shapes.eta2, shapes.eta1))) * u.deg
        table['spheroid_fraction'] = np.where(star, np.nan, shapes.spheroid)
        return table

    def catalog(self, band, footprints):
        """
        The sources of a band, each measured without the others.

        Parameters
        ----------
        band : int
            The index of the band.
        footprints : `~photutils_rcnn.sources.footprints.Footprints`
            The footprints.

        Returns
        -------
        table : `~astropy.table.QTable`
            See `~photutils_rcnn.deblending.layers.measure_layers`.
        """
        if band not in self._catalogs:
            self._catalogs[band] = measure_layers(self.light, self._frame, footprints, band,
                                                  self._wcs)
        return self._catalogs[band]

    def model_image(self, band):
        """
        The models of all sources in a band.

        Parameters
        ----------
        band : int
            The index of the band.

        Returns
        -------
        image : (ny, nx) `~numpy.ndarray`
            Their sum, in the unit of the data.
        """
        if band not in self._models:
            self._models[band] = self.light.model_image(band)
        return self._models[band].copy()

    def residual_image(self, band):
        """
        The background-subtracted data of a band without the models.

        Parameters
        ----------
        band : int
            The index of the band.

        Returns
        -------
        image : (ny, nx) `~numpy.ndarray`
            The residual, in the unit of the data; not a number where there are none.
        """
        pixels = band_pixels(self._frame, band)
        return np.where(pixels.mask, np.nan, pixels.data) - self.model_image(band)

    def source_image(self, i, band):
        """
        The light of one source.

        Its model, and of the residual at each pixel the fraction that is the model's of
        all light there, or of the noise where that is brighter. So the light of all
        sources, and what of the residual belongs to none, is that of the data.

        Parameters
        ----------
        i : int
            The source.
        band : int
            The index of the band.

        Returns
        -------
        cutout : `~astropy.nddata.Cutout2D`
            The pixels around the source, in the unit of the data; where there are no
            data, the model.
        """
        slices, template = self.light.template(i, band)
        own = np.nan_to_num(self.light.flux[i, band]) * template
        noise = map_like(self._frame.noise, self._frame.cube.data.shape)[
            band, slices[0]][:, slices[1]]
        if band not in self._shared:
            self._shared[band] = self.residual_image(band) - self.light.sky[band]
        cutout = _cut(self._shared[band], slices, self._wcs)
        everything = np.maximum(self._models[band][slices], noise)
        cutout.data = own + np.nan_to_num(cutout.data) * own / everything
        return cutout


def _cut(image, slices, wcs):
    """
    A copy of a part of an image.
    """
    rows, cols = slices
    size = rows.stop - rows.start, cols.stop - cols.start
    center = (cols.start + (size[1] - 1) / 2, rows.start + (size[0] - 1) / 2)
    return Cutout2D(image, center, size, wcs=wcs, copy=True)
