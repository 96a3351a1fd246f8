# Licensed under a 3-clause BSD style license - see LICENSE
"""
Star finder for photutils' PSF photometry.
"""

__all__ = ['RCNNStarFinder']

import warnings

import numpy as np
from astropy.table import QTable
from photutils.detection import StarFinderBase
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn.segmenter import RCNNSegmenter
from photutils_rcnn.sources.classes import CLASS_NAMES
from photutils_rcnn.sources.source_table import probability_columns


class RCNNStarFinder(StarFinderBase):
    """
    Find stars for PSF photometry.

    It is called as ``finder(data, mask=mask)`` and fits wherever photutils
    takes a star finder, for instance in
    `~photutils.psf.PSFPhotometry` and
    `~photutils.psf.IterativePSFPhotometry`.

    Parameters
    ----------
    segmenter : `~photutils_rcnn.RCNNSegmenter`, optional
        The segmenter. By default one with the shipped model.
    classes : sequence of str, optional
        The classes to return. The default is ``('star',)``; with
        ``('star', 'galaxy')`` nothing is left out.

    Raises
    ------
    TypeError
        If ``segmenter`` is none.
    ValueError
        If a class is unknown.
    """

    def __init__(self, segmenter=None, *, classes=('star',)):
        classes = tuple(np.atleast_1d(classes).tolist())
        if segmenter is None:
            segmenter = RCNNSegmenter()
        elif not hasattr(segmenter, 'segment'):
            msg = f'segmenter must be an RCNNSegmenter, got {segmenter!r}'
            raise TypeError(msg)
        known = segmenter.model.settings['network'].get('class_names',
                                                        CLASS_NAMES)
        if not classes or not set(classes) <= set(known):
            msg = f'classes must be among {tuple(known)}, got {classes!r}'
            raise ValueError(msg)
        self.segmenter = segmenter
        self.classes = classes

    def __repr__(self):
        return (f'{type(self).__name__}({self.segmenter!r}, '
                f'classes={self.classes})')

    def find_stars(self, data, *, mask=None):
        """
        Find stars in an image.

        Parameters
        ----------
        data : 2D array_like or `~astropy.units.Quantity`
            The image.
        mask : 2D array_like of bool, optional
            `True` for pixels to ignore.

        Returns
        -------
        table : `~astropy.table.QTable` or `None`
            ``id``, ``x_centroid``, ``y_centroid``, ``flux`` (the
            background-subtracted sum over the segment, in the unit of the
            data), ``score``, ``class_name`` and ``prob_star``; `None` if
            there is none.

        Warns
        -----
        `~photutils.utils.exceptions.NoDetectionsWarning`
            If no sources were found.
        """
        result = self.segmenter.segment(data, mask=mask)
        catalog = result.catalog
        if catalog is None:
            return None
        # residual images make segments without a positive sum
        chosen = (np.isin(catalog.class_name, self.classes)
                  & np.isfinite(catalog.x_centroid)
                  & np.isfinite(catalog.y_centroid)
                  & (np.asarray(catalog.segment_flux) > 0))
        if not chosen.any():
            warnings.warn(f'No sources were found of the classes '
                          f'{self.classes}.', NoDetectionsWarning,
                          stacklevel=3)
            return None
        table = QTable(meta=result.meta)
        table['id'] = np.arange(1, np.count_nonzero(chosen) + 1)
        table['x_centroid'] = catalog.x_centroid[chosen]
        table['y_centroid'] = catalog.y_centroid[chosen]
        table['flux'] = catalog.segment_flux[chosen]
        for name in ('score', 'class_name',
                     *probability_columns(result.instances.class_names)):
            table[name] = getattr(catalog, name)[chosen]
        return table
