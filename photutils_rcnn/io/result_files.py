# Licensed under a 3-clause BSD style license - see LICENSE
"""
Files of a result: whole, as a table, as regions.
"""

__all__ = ['ResultFiles']

from pathlib import Path

import numpy as np
import photutils

from photutils_rcnn.io.region_files import REGION_FORMATS, outlines, write_regions
from photutils_rcnn.io.tables import WRITERS, write_table

TABLE_FORMATS = (*WRITERS, '.ldac', *REGION_FORMATS)


class ResultFiles:
    """
    Mixin of `~photutils_rcnn.RCNNResult`: writing and reading.
    """

    def write(self, path, *, include_data=False, overwrite=False):
        """
        Write all sources with their masks.

        Parameters
        ----------
        path : str or path-like
            The file. ``.asdf`` is the result, to be read again with `read`: the label
            image, the instances with their soft masks and the table of the catalog.
            ``.json`` are the footprints, boxes, classes and scores in the format of
            COCO (`photutils_rcnn.io.coco.coco_dataset`); it needs pycocotools.
        include_data : bool, optional
            Whether to store the pixels in the ASDF file as well, so that catalogs can
            be measured from it. The default is `False`.
        overwrite : bool, optional
            Whether to replace an existing file. The default is `False`.

        Raises
        ------
        ImportError
            If a package that the format needs is not installed.
        OSError
            If the file exists and ``overwrite`` is `False`.
        ValueError
            If the file is named otherwise, ``include_data`` is `True` and the file is
            no ASDF file or the result has no pixels, or the unit cannot be read again.

        See Also
        --------
        write_table : Tables of many formats.
        """
        suffix = Path(path).suffix
        if suffix not in ('.asdf', '.json'):
            msg = (f"path must end in '.asdf' or '.json', got {Path(path).name!r}; "
                   'tables and regions are written by write_table')
            raise ValueError(msg)
        if suffix == '.asdf':
            from photutils_rcnn.io.asdf import write_result

            write_result(path, self, include_data=include_data, overwrite=overwrite)
            return
        if include_data:
            msg = f'include_data needs a path that ends in .asdf, got {Path(path).name!r}'
            raise ValueError(msg)
        from photutils_rcnn.io.coco import write_coco

        write_coco(path, self, overwrite=overwrite)

    @classmethod
    def read(cls, path):
        """
        Read a result from an ASDF file.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        result : `RCNNResult`
            The result. Its ``catalog`` needs the pixels in the file;
            its ``catalog_table`` does not.
        """
        from photutils_rcnn.io.asdf import read_parts

        return cls(**read_parts(path))

    def write_table(self, path, *, band=None, overwrite=False):
        """
        Write the catalog to a file of the format that its name tells.

        Parameters
        ----------
        path : str or path-like
            The file:

            ``.ecsv``, ``.parquet``
                ``catalog_table`` with units, coordinates and provenance. Parquet
                needs pyarrow.
            ``.fits``
                the same without the provenance.
            ``.vot``
                a VOTable, with the coordinates as ``ra`` and ``dec`` (ICRS, degrees).
            ``.csv``
                likewise, numbers and names alone.
            ``.ldac``
                columns of SExtractor and cutouts of the sources in FITS_LDAC, for
                SCAMP and PSFEx (`photutils_rcnn.io.ldac.write_ldac`).
            ``.reg``, ``.crtf``
                the outlines of all sources as regions of DS9, on the sky if the
                result has a WCS, or of CASA, which needs one; see `regions` for
                others.
        band : str, optional
            The name of the band whose fluxes are written. By default those of
            ``catalog`` and, where the format has no names of its own for columns, of
            all bands.
        overwrite : bool, optional
            Whether to replace an existing file. The default is `False`.

        Raises
        ------
        ImportError
            If a package that the format needs is not installed.
        KeyError
            If there is no such band.
        OSError
            If the file exists and ``overwrite`` is `False`.
        ValueError
            If the name tells no such format, the result has no WCS and ``.crtf``
            needs it, ``band`` is given for regions, or the result was read from a file
            without the pixels that ``band`` or ``.ldac`` need.

        See Also
        --------
        photutils_rcnn.io.tables.write_table : Any table.
        """
        suffix = Path(path).suffix
        if suffix not in TABLE_FORMATS:
            msg = f"path must end in {', '.join(TABLE_FORMATS)}, got {Path(path).name!r}"
            raise ValueError(msg)
        if suffix in REGION_FORMATS:
            if band is not None:
                msg = f'band is of fluxes, which regions do not have, got {band!r}'
                raise ValueError(msg)
            write_regions(path, self, overwrite=overwrite)
        elif suffix == '.ldac':
            from photutils_rcnn.io.ldac import write_ldac

            write_ldac(path, self, band=band, overwrite=overwrite)
        else:
            write_table(path, self._table_to_write(band), overwrite=overwrite)

    def regions(self, level=None, *, sky=False):
        """
        The outlines of the sources as regions of the package regions.

        They have the label (``text``) and the class (``tag``) of each source in
        ``meta``, and its color in ``visual``. Regions have no holes: those of the
        outlines are filled.

        Parameters
        ----------
        level : float, optional
            The probability that is outlined, between 0 and 1. By default the
            ``mask_threshold`` of ``instances``, which bounds the footprint.
        sky : bool, optional
            Whether to answer in sky coordinates. The default is `False`: pixels.

        Returns
        -------
        regions : ``regions.Regions``
            Polygons, in the order of ``table``; more than one for a source of several
            parts. ``regions.write`` knows the formats of DS9, CASA and FITS.

        Raises
        ------
        ImportError
            If regions is not installed.
        ValueError
            If the level is no number between 0 and 1, or ``sky`` is `True` and the
            result has no WCS.
        """
        return outlines(self, level, sky=sky)

    def _table_to_write(self, band):
        """
        The catalog as a table; without a source an empty one of instances.
        """
        catalog = None if band is None else self.band_catalog(band)
        if catalog is None:
            return self.table if self.catalog_table is None else self.catalog_table
        with photutils.use_future_column_names(), np.errstate(all='warn', under='ignore'):
            return catalog.to_table()
