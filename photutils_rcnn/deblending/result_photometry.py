# Licensed under a 3-clause BSD style license - see LICENSE
"""
Deblended photometry of a result.
"""

__all__ = ['ResultPhotometry']

import warnings
from functools import cached_property

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.deblending.deblend import deblend
from photutils_rcnn.deblending.photometry import DeblendedPhotometry
from photutils_rcnn.sources.source_table import detection_flags

# The columns that the table of the catalog gets, of each band where there are such.
JOINED = ('flux', 'flux_err', 'blendedness', 'flux_fraction_own', 'flux_fraction_outside')


class ResultPhotometry:
    """
    Mixin of `~photutils_rcnn.RCNNResult`: the light of overlapping sources.
    """

    @property
    def deblended(self):
        """
        The `~astropy.table.QTable` of deblended fluxes, one row for each of `table`.

        Models of all sources are fitted together when it is first asked for: the PSF to
        stars (``prob_star`` at least 0.5), to others a disc and a spheroid convolved with
        it. So overlapping sources share the light of every pixel; see the page on
        deblended photometry. ``label`` and ``detection_flags`` are those of `table`.
        ``flux_<band>`` is the total flux, the light beyond the footprint included
        (``flux_fraction_outside``), and ``flux_err_<band>`` its error: noise, photon noise
        (with ``error`` or ``gain``), neighbors, sky, profile and aperture correction.
        Fluxes are not negative, and not a number where a source has no pixel.
        ``blendedness`` is 0 for a source that stands alone, near 1 for one that drowns
        in others; ``flux_fraction_own`` is the fraction of the light of the footprint
        that is the source's own. ``chi2`` is the mean squared residual in units of the
        errors. ``meta`` holds the number of stars that the PSF of each band was measured from
        (``n_psf_stars``) and the fraction of its light in the aureole (``psf_aureole``).
        ``x``, ``y``, ``half_light_radius`` (circularized, without the PSF; 0 for
        stars), ``axis_ratio``, ``orientation`` and ``spheroid_fraction`` are those of the
        fitted profile. Of a frame that shows no PSF it is a `ValueError`, unless the
        segmenter was given ``psf_fwhm`` or the frame its ``psf``, as it is of a result that
        was read from a file without its pixels.
        """
        deblending = self._deblending
        table = deblending.table[self._rows].copy()
        table.add_column(self.label_of_source.astype(np.int32), index=0, name='label')
        table['detection_flags'] = detection_flags(self.instances, self.label_of_source)
        table.meta.update({**self.meta, **deblending.meta})
        return table

    def deblended_catalog(self, band=None):
        """
        The catalog of a band, each source measured without its neighbors.

        Where `band_catalog` leaves out the pixels of neighbors, the light of these is
        subtracted here: of the models of `deblended` and of what the models leave, see
        `source_image`. The pixels of a source are those of its whole footprint, also where
        others cover it. Positions, shapes and apertures are measured in the band.

        Parameters
        ----------
        band : str, optional
            The name of the band; by default the only one.

        Returns
        -------
        table : `~astropy.table.QTable`
            The default columns of `~photutils.segmentation.SourceCatalog` and
            ``half_flux_radius``, that of a circle with half of the Kron flux (``FLUX_RADIUS``
            of SExtractor), one row for each of `table`, with its labels.

        Raises
        ------
        KeyError
            If there is no such band.
        """
        whole = self if self._whole is None else self._whole
        table = self._deblending.catalog(self._band_index(band), whole.footprints)[
            np.atleast_1d(np.arange(len(whole))[self._rows])]
        table['label'] = self.label_of_source.astype(np.int32)
        table.meta.update(self.meta)
        return table

    def model_image(self, band=None, label=None):
        """
        The models of all sources in a band, or of one; see `deblended`.

        Parameters
        ----------
        band : str, optional
            The name of the band; by default the only one.
        label : int, optional
            The label of a source; by default all sources.

        Returns
        -------
        image : (ny, nx) `~numpy.ndarray` or `~astropy.units.Quantity`
            Their sum, in the unit of the data.

        Raises
        ------
        KeyError
            If there is no such band.
        ValueError
            If there is no such label.
        """
        index = self._band_index(band)
        if label is None:
            return self._with_unit(self._deblending.model_image(index))
        light = self._deblending.light
        chosen = np.arange(len(light)) == self._row_of_all(label)
        return self._with_unit(light.model_image(index, chosen))

    def residual_image(self, band=None):
        """
        The background-subtracted data of a band without the models of `deblended`.

        Parameters
        ----------
        band : str, optional
            The name of the band; by default the only one.

        Returns
        -------
        image : (ny, nx) `~numpy.ndarray` or `~astropy.units.Quantity`
            The residual, in the unit of the data; not a number where there are no data.

        Raises
        ------
        KeyError
            If there is no such band.
        """
        return self._with_unit(self._deblending.residual_image(self._band_index(band)))

    def source_image(self, label, band=None):
        """
        The light of one source, without its neighbors; see `deblended`.

        It is the model, and of what all models leave of a pixel the fraction of the
        light there that is the source's.

        Parameters
        ----------
        label : int
            The label of the source.
        band : str, optional
            The name of the band; by default the only one.

        Returns
        -------
        cutout : `~astropy.nddata.Cutout2D`
            The pixels around the source, in the unit of the data.

        Raises
        ------
        KeyError
            If there is no such band.
        ValueError
            If there is no such label.
        """
        cutout = self._deblending.source_image(self._row_of_all(label),
                                               self._band_index(band))
        cutout.data = self._with_unit(cutout.data)
        return cutout

    @cached_property
    def _deblending(self):
        """
        The models of all sources of the frame.
        """
        if self._whole is not None:
            return self._whole._deblending
        frame = self._frame('deblended')
        fwhm = np.ones(len(self.bands))  # of nothing
        if len(self.instances):
            fwhm = self._psf_fwhm(frame)
            self._warn_of_varying_psf()
        with np.errstate(all='warn', under='ignore'):
            light = deblend(
                frame, self.instances, self.labels, self.label_of_source, fwhm,
                None if self._given_psf is None else list(self._given_psf.values()))
        return DeblendedPhotometry(light, frame, self.wcs)

    def _warn_of_varying_psf(self):
        """
        Warn where the PSF varies, which the models do not.
        """
        # photutils' PSF models take a while to import.
        from photutils.psf import GriddedPSFModel

        given = (self._given_psf or {}).values()
        if any(isinstance(model, GriddedPSFModel) for model in given) or any(
                self.meta.get('psf_slopes', ())):
            msg = ('The PSF varies over the frame; deblended fluxes stand on that in the '
                   'middle.')
            warnings.warn(msg, AstropyUserWarning, stacklevel=4)

    def _deblend(self, stacklevel=2):
        """
        Fit the models now; where that is impossible, warn.

        Returns
        -------
        done : bool
            Whether it was possible.
        """
        try:
            _ = self._deblending
        except ValueError as exc:
            warnings.warn(f'There are no deblended fluxes: {exc}.', AstropyUserWarning,
                          stacklevel=stacklevel + 1)
            return False
        return True

    def _light_around(self, band, label, window, noise):
        """
        The light of all sources but one in a window of a band, the sky between them
        included, and the pixels that it hides.
        """
        deblending = self._deblending
        i = int(np.flatnonzero(self.label_of_source == label)[0])
        light, hidden = deblending.neighbors.around(i, band, window, noise)
        return light + deblending.light.sky[band][window], hidden

    @property
    def _is_deblended(self):
        """
        Whether the models have been fitted.
        """
        whole = self if self._whole is None else self._whole
        return '_deblending' in vars(whole)

    def _join_deblended(self, table):
        """
        Give a table of labeled sources the deblended fluxes.
        """
        deblended = self.deblended
        rows = np.flatnonzero(self.label_of_source)
        rows = rows[np.argsort(self.label_of_source[rows])]
        for name in JOINED:
            for column in deblended.colnames:
                if column == name or column.removeprefix(f'{name}_') in self.bands:
                    table[column] = deblended[column][rows]

    def _row_of_all(self, label):
        """
        The row of a label among all sources of the frame.
        """
        rows = np.arange(len(self._deblending.light))[self._rows]
        return int(rows[self._row_of_label(label)])

    def _band_index(self, band):
        if band is None and len(self.bands) == 1:
            return 0
        if band not in self.bands:
            msg = f'band must be one of {self.bands}, got {band!r}'
            raise KeyError(msg)
        return self.bands.index(band)

    def _with_unit(self, image):
        """
        Pixels in the unit of the data.
        """
        return image if self.cube.unit is None else image << self.cube.unit
