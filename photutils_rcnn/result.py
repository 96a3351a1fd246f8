# Licensed under a 3-clause BSD style license - see LICENSE
"""
Segmentation result: label image, catalog, instances.
"""

__all__ = ['RCNNResult']

from functools import cached_property
from numbers import Real

import numpy as np
import photutils
from photutils.segmentation import SegmentationImage

from photutils_rcnn.deblending.result_photometry import ResultPhotometry
from photutils_rcnn.detection.artifacts import ResultArtifacts
from photutils_rcnn.io.result_files import ResultFiles
from photutils_rcnn.plotting.plots import ResultPlots
from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.sources.band_catalogs import BandCatalogs
from photutils_rcnn.sources.clumps import ResultClumps
from photutils_rcnn.sources.contours import contours_on_sky, mask_contours
from photutils_rcnn.sources.parents import labels_of_parents
from photutils_rcnn.sources.photometry import (
    band_pixels,
    detection_pixels,
    measure,
)
from photutils_rcnn.sources.result_psf import ResultPSF
from photutils_rcnn.sources.source_table import (
    attribute_columns,
    probability_columns,
    source_table,
)


class RCNNResult(ResultArtifacts, ResultClumps, ResultFiles, ResultPhotometry, ResultPlots,
                 ResultPSF):
    """
    The sources found on a frame.

    The result unpacks to the label image and the catalog::

        segm, catalog = segmenter.segment(data)

    Both are `None` if nothing was found. The length of a result is the number
    of its sources, and an index, a slice or a boolean array chooses some of
    them, which are painted and measured anew, with the classes of the whole
    result. The parameters are attributes of the same names.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources with soft masks, ordered by the y, then the x of the
        centers of their boxes.
    labels : (ny, nx) int32 `~numpy.ndarray`
        The label image.
    label_of_source : (N,) `~numpy.ndarray` of int
        The label of each source, 0 if it has no pixel of its own.
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`, optional
        The frame. Without it there are no catalogs.
    background, noise : float32 `~numpy.ndarray`, optional
        What was subtracted, which may be a
        `~photutils_rcnn.preprocessing.binned_map.BinnedMap`, and the scatter of a pixel of
        empty sky (1 sigma), in the unit of the data and the order of
        ``bands``; shape
        (n_bands, ny, nx) or (n_bands, 1, 1). `None` for maps in a result that
        was read from a file without its pixels.
    wcs : WCS object, optional
        The celestial WCS.
    bands : tuple of str, optional
        The names of the bands, from blue to red if they are known filters.
    meta : dict, optional
        Where the result comes from: model and its checksum, thresholds,
        whether the ``psf`` was ``'measured'`` or ``'given'``, ``psf_fwhm`` in
        pixels and the order of ``bands``, ``psf_slopes``, how much its logarithm rises
        from edge to edge in x and y, the fraction of stars
        (``star_fraction``, ``star_fraction_mode``, ``star_log_odds``), versions,
        time.
    catalog_table : `~astropy.table.QTable`, optional
        The table of the catalog, where the frame is not at hand.
    psf : dict of str to `~astropy.modeling.Model`, optional
        The PSF of each band, if it was given.
    """

    _stored_with_data = False  # in the ASDF file that it was opened from
    _whole = None  # the result that these sources were chosen from,
    _rows = slice(None)  # and which
    _psf = None

    def __init__(self, instances, labels, label_of_source, *, cube=None,
                 background=None, noise=None, wcs=None, bands=(), meta=None,
                 catalog_table=None, psf=None):
        self.instances = instances
        self.labels = labels
        self.label_of_source = np.asarray(label_of_source)
        self.cube = cube
        self._background = background
        self.noise = noise
        self.wcs = wcs
        self.bands = tuple(bands)
        self.meta = dict(meta or {})
        self._catalog_table = catalog_table
        self._given_psf = psf

    def __iter__(self):
        """
        Unpack to ``(segmentation_image, catalog)``.
        """
        return iter((self.segmentation_image, self.catalog))

    def __len__(self):
        return len(self.instances)

    def __getitem__(self, index):
        found = self.instances[index]
        found.flag_overlaps()
        cube = self._frame('choosing sources').cube
        labels, label_of_source = found.paint(mask=cube.mask)
        chosen = RCNNResult(
            found, labels, label_of_source, cube=cube,
            background=self._background, noise=self.noise, wcs=self.wcs,
            bands=self.bands, meta=self.meta, psf=self._given_psf)
        chosen._stored_with_data = self._stored_with_data
        chosen._whole = self if self._whole is None else self._whole
        chosen._rows = np.atleast_1d(np.arange(len(chosen._whole))[self._rows][index])
        return chosen

    def __repr__(self):
        return (f'<{type(self).__name__}: {len(self)} sources, '
                f'{int(self.labels.max(initial=0))} labels, '
                f'shape={self.labels.shape}, bands={self.bands}>')

    @property
    def background(self):
        """
        The background in the unit of the data, a float32
        `~numpy.ndarray` of shape (n_bands, ny, nx), or (n_bands, 1, 1) if it
        is constant; made anew at each call.
        """
        return (None if self._background is None
                else np.asarray(self._background))

    @cached_property
    def segmentation_image(self):
        """
        The `~photutils.segmentation.SegmentationImage`, or `None`.

        Where footprints overlap, a pixel belongs to one source
        (`~photutils_rcnn.sources.instances.Instances.paint`). Labels are int32 and
        run from 1 without gaps, in the order of `table`. Sources whose footprints
        overlap or touch, directly or through others, are those that photutils calls
        deblended: ``parent_to_deblended_labels`` lists them by the lowest label among
        them. It is a copy: the catalogs do not see what is done to it.
        """
        if not self.labels.any():
            return None
        segmentation_image = SegmentationImage(self.labels.copy())
        # photutils has no public way to tell; its own deblending does the same
        segmentation_image._deblend_label_map = labels_of_parents(
            self.footprints, self.label_of_source)
        return segmentation_image

    @cached_property
    def footprints(self):
        """
        The overlapping `~photutils_rcnn.sources.footprints.Footprints`, one for
        each row of `table`.
        """
        return self.instances.footprints()

    @cached_property
    def table(self):
        """
        The `~astropy.table.QTable` of all sources, one row each.

        ``label`` is that of the label image, 0 for a source all of whose pixels
        belong to others. ``score`` is the probability of a source, ``prob_star``
        that of a star if it is one (``prob_<class>`` with other classes).
        ``log_bayes_factor`` is the natural logarithm of the likelihood of a star
        over that of a galaxy, from which ``prob_star`` follows with the fraction of
        stars in ``meta``; models whose training mix is not known have none. ``x``
        and ``y`` are the centroid of `catalog`; the center of the box where the
        catalog has none within the footprint. ``bbox_*`` and ``area`` are those of
        the footprint, pixels shared with others included; ``bbox_*`` are the first
        and the last column and row, as in photutils. ``detection_flags`` are
        decoded by `~photutils_rcnn.sources.instances.decode_rcnn_flags`. Positions,
        boxes and areas are in pixels. With a WCS there is ``sky_center``.
        """
        return source_table(
            self.instances, self.footprints, self.label_of_source,
            self._positions(), wcs=self.wcs, meta=self.meta)

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
        return BandCatalogs(self)

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

    def contours(self, levels=(0.1, 0.5, 0.9), *, sky=False):
        """
        The contours of the soft masks.

        Parameters
        ----------
        levels : float or sequence of float, optional
            The probabilities that a pixel belongs to the source, between 0 and 1.
            The default is ``(0.1, 0.5, 0.9)``. The ``mask_threshold`` of
            ``instances`` (0.5 for the shipped model) bounds the footprint.
        sky : bool, optional
            Whether to answer in sky coordinates. The default is `False`: pixels.

        Returns
        -------
        contours : list of list of list of (M, 2) `~numpy.ndarray` or \
                `~astropy.coordinates.SkyCoord`
            For each row of `table` and each level the closed lines, as x, y in
            pixels or as M coordinates. Islands and holes have lines of their own.

        Raises
        ------
        ValueError
            If a level is no number between 0 and 1, or ``sky`` is `True` and the
            result has no WCS.
        """
        if sky and self.wcs is None:
            msg = 'sky=True needs a result with a WCS'
            raise ValueError(msg)
        contours = mask_contours(self.instances, levels)
        return contours_on_sky(contours, self.wcs) if sky else contours

    def above(self, score_threshold):
        """
        The result of a higher score threshold, without another search.

        Parameters
        ----------
        score_threshold : float
            The minimum score; not below that of the segmenter.

        Returns
        -------
        result : `RCNNResult`
            The sources of at least that score, painted and measured anew. Their
            ``prob_star`` and the fraction of stars in ``meta`` stay those of this
            result.

        Raises
        ------
        ValueError
            If the threshold is lower than that of this result, or the
            result was read from a file without its pixels.
        """
        lowest = self.meta.get('score_threshold', 0.)
        if not (isinstance(score_threshold, Real)
                and lowest <= score_threshold <= 1):
            msg = (f'score_threshold must be between {lowest}, that of this '
                   f'result, and 1, got {score_threshold!r}')
            raise ValueError(msg)
        self._frame('above')
        chosen = self[self.instances.scores >= score_threshold]
        chosen.meta['score_threshold'] = float(score_threshold)
        return chosen

    def _frame(self, purpose):
        """
        The pixels, or an error that names what they are needed for.
        """
        if self.cube is None:
            msg = (f'{purpose} needs the pixels, which the file does not hold: '
                   'write it with include_data=True')
            raise ValueError(msg)
        return Frame(self.cube, self._background, self.noise)

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
