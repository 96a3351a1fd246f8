# Licensed under a 3-clause BSD style license - see LICENSE
"""
Segmentation result: label image, catalog, instances.
"""

__all__ = ['RCNNResult']

from functools import cached_property
from numbers import Integral, Real

import numpy as np
from photutils.segmentation import SegmentationImage

from photutils_rcnn._wording import count
from photutils_rcnn.deblending.result_photometry import ResultPhotometry
from photutils_rcnn.detection.artifacts import ResultArtifacts
from photutils_rcnn.io.result_files import ResultFiles
from photutils_rcnn.plotting.plots import ResultPlots
from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.sources.clumps import ResultClumps
from photutils_rcnn.sources.contours import contours_on_sky, mask_contours
from photutils_rcnn.sources.parents import labels_of_parents
from photutils_rcnn.sources.result_catalogs import ResultCatalogs
from photutils_rcnn.sources.result_psf import ResultPSF
from photutils_rcnn.sources.source_table import source_table


class RCNNResult(ResultArtifacts, ResultCatalogs, ResultClumps, ResultFiles,
                 ResultPhotometry, ResultPlots, ResultPSF):
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
        return (f'<{type(self).__name__}: {count(len(self), "source")}, '
                f'{count(int(self.labels.max(initial=0)), "label")}, '
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

    def _row_of_label(self, label):
        rows = np.flatnonzero(self.label_of_source == label) if (
            isinstance(label, Integral) and label > 0) else ()
        if len(rows) == 0:
            msg = (f'label must be one of 1 to {self.label_of_source.max(initial=0)}, got '
                   f'{label!r}')
            raise ValueError(msg)
        return int(rows[0])
