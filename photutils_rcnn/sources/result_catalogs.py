# Licensed under a 3-clause BSD style license - see LICENSE
"""
Catalogs of a result: of the mean of the bands, of single bands, and as a table.
"""

__all__ = ['ResultCatalogs']

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import photutils
from photutils.segmentation import SegmentationImage

from photutils_rcnn.sources.photometry import band_pixels, detection_pixels, measure
from photutils_rcnn.sources.source_table import attribute_columns, probability_columns


class ResultCatalogs:
    """
    Mixin of `~photutils_rcnn.RCNNResult`: catalogs of its sources.
    """

    @cached_property
    def catalog(self):
        """
        The `~photutils.segmentation.SourceCatalog`, or `None`.

        It is measured on the background-subtracted data in their own unit;
        for several bands on their inverse-variance weighted mean
        (`~photutils_rcnn.sources.photometry.detection_pixels`). Its additional
        columns are ``score``, ``class_name``, ``class_id``, ``prob_star``
        and ``detection_flags``. Errors of fluxes follow from the ``error`` of
        the data or, without one, from the measured noise of the sky and the
        ``gain``; ``meta['error']`` tells which. A result read from a file
        without its pixels has none: asking for it, or unpacking the result, is
        a `ValueError`.
        """
        if self._segments is None:
            return None
        return self._add_columns(self._measured)

    @cached_property
    def catalogs(self):
        """
        A mapping from the name of a band to its catalog; see
        `band_catalog`. Catalogs are measured when first asked for.
        """
        return _BandCatalogs(self)

    def band_catalog(self, band):
        """
        The catalog of one band.

        Positions, shapes and apertures are those of `catalog`
        (``detection_catalog`` of photutils); fluxes are those of the band.

        Parameters
        ----------
        band : str
            The name of the band.

        Returns
        -------
        catalog : `~photutils.segmentation.SourceCatalog` or `None`
            The catalog, with the same labels.

        Raises
        ------
        KeyError
            If there is no such band.
        ValueError
            If the result was read from a file without its pixels.
        """
        return self.catalogs[band]

    @property
    def catalog_table(self):
        """
        The `~astropy.table.QTable` of the catalog, or `None`.

        It has all default columns of photutils and the additional ones, and
        for several bands the fluxes of each, ``segment_flux_<band>``
        and ``kron_flux_<band>`` with their errors. Once `deblended` was asked for,
        it has ``flux_<band>`` and what goes with them, too.
        """
        if self._catalog_table is None and self._segments is not None:
            with (photutils.use_future_column_names(),
                  np.errstate(all='warn', under='ignore')):
                table = self.catalog.to_table()
                if len(self.bands) > 1:
                    for band in self.bands:
                        catalog = self._measure_band(band)
                        for name in ('segment_flux', 'segment_flux_err',
                                     'kron_flux', 'kron_flux_err'):
                            table[f'{name}_{band}'] = getattr(catalog, name)
                        # Each has an image of its own.
                        del catalog
            self._catalog_table = table
        if (self._is_deblended and self._catalog_table is not None
                and 'blendedness' not in self._catalog_table.colnames):
            self._join_deblended(self._catalog_table)
        return self._catalog_table

    @cached_property
    def _segments(self):
        """
        The label image that catalogs are measured on, `None` if it is empty.
        """
        return SegmentationImage(self.labels) if self.labels.any() else None

    @cached_property
    def _measured(self):
        """
        The catalog without the columns of the instances.
        """
        pixels = detection_pixels(self._frame('catalog'))
        return measure(pixels, self._segments, unit=self.cube.unit, wcs=self.wcs)

    def _measure_band(self, band):
        """
        The catalog of a band without the columns of the instances.
        """
        pixels = band_pixels(self._frame('band_catalog'), self.bands.index(band))
        return measure(pixels, self._segments, unit=self.cube.unit,
                       wcs=self.wcs, detection_catalog=self.catalog)

    def _positions(self):
        """
        The x and y of the sources, (N,) arrays in pixels.

        Boxes are lopsided where a footprint is: bright stars beside others
        would be off by many pixels.
        """
        x, y = self.instances.centers.T.astype(float)
        rows = np.flatnonzero(self.label_of_source)
        index = self.label_of_source[rows] - 1
        if len(rows) == 0:
            return x, y
        if self.cube is not None:
            found = self._measured.x_centroid, self._measured.y_centroid
        elif self._catalog_table is not None:
            found = [np.asarray(self._catalog_table[name])
                     for name in ('x_centroid', 'y_centroid')]
        else:
            return x, y
        x_found, y_found = (values[index] for values in found)
        y1, x1, y2, x2 = self.footprints.boxes[rows].T - 0.5
        inside = ((x1 <= x_found) & (x_found <= x2)
                  & (y1 <= y_found) & (y_found <= y2))
        x[rows[inside]], y[rows[inside]] = x_found[inside], y_found[inside]
        return x, y

    def _add_columns(self, catalog):
        """
        Give a catalog the columns of the instances.
        """
        rows = np.flatnonzero(self.label_of_source)
        rows = rows[np.argsort(self.label_of_source[rows])]
        names = ['score', 'class_name', 'class_id',
                 *probability_columns(self.instances.class_names),
                 *attribute_columns(self.instances),
                 'detection_flags']
        for name in names:
            catalog.add_property(name, np.asarray(self.table[name][rows]))
        catalog.default_columns = [*catalog.default_columns, *names]
        catalog.meta.update(self.meta)
        return catalog


class _BandCatalogs(Mapping):
    """
    The catalogs of the bands of a result, measured when first asked for.
    """

    def __init__(self, result):
        self._result = result
        self._measured = {}

    def __iter__(self):
        return iter(self._result.bands)

    def __len__(self):
        return len(self._result.bands)

    def __getitem__(self, band):
        result = self._result
        if band not in result.bands:
            msg = f'band must be one of {result.bands}, got {band!r}'
            raise KeyError(msg)
        if result._segments is None:
            return None
        if band not in self._measured:
            self._measured[band] = result._add_columns(result._measure_band(band))
        return self._measured[band]
