# Licensed under a 3-clause BSD style license - see LICENSE
"""
Outlines of sources as regions, for DS9 and CASA.
"""

__all__ = ['REGION_FORMATS', 'outlines', 'write_regions']

from pathlib import Path

import numpy as np

from photutils_rcnn._files import atomic_path
from photutils_rcnn.io.optional import import_optional
from photutils_rcnn.sources.classes import CLASS_COLORS

REGION_FORMATS = {'.reg': 'ds9', '.crtf': 'crtf'}


def outlines(result, level=None, *, sky=False):
    """
    The outlines of sources; see `photutils_rcnn.RCNNResult.regions`.
    """
    package = import_optional('regions')
    found = result.instances
    level = found.mask_threshold if level is None else level
    in_pixels = result.contours(level)
    on_sky = result.contours(level, sky=True) if sky else in_pixels
    regions = []
    for i, ((lines,), (drawn,)) in enumerate(zip(in_pixels, on_sky, strict=True)):
        name = found.class_names[found.class_ids[i] - 1]
        meta = {'text': str(result.label_of_source[i]), 'tag': [name]}
        visual = {'color': CLASS_COLORS[name]} if name in CLASS_COLORS else {}
        for line, vertices in zip(lines, drawn, strict=True):
            if _is_hole(line):
                continue
            # the last vertex is the first
            polygon = (package.PolygonSkyRegion(vertices[:-1]) if sky
                       else package.PolygonPixelRegion(
                           package.PixCoord(*vertices[:-1].T)))
            polygon.meta.update(meta)
            polygon.visual.update(visual)
            regions.append(polygon)
    return package.Regions(regions)


def write_regions(path, result, *, overwrite=False):
    """
    Write the outlines of the sources to a region file.

    Parameters
    ----------
    path : str or path-like
        The file, ``.reg`` for DS9 or ``.crtf`` for CASA.
    result : `~photutils_rcnn.RCNNResult`
        The result. With a WCS regions are on the sky, else in pixels, for DS9 alone.
    overwrite : bool, optional
        Whether to replace an existing file. The default is `False`.

    Raises
    ------
    ImportError
        If regions is not installed.
    OSError
        If the file exists and ``overwrite`` is `False`.
    ValueError
        If regions for CASA would be in pixels.
    """
    form = REGION_FORMATS[Path(path).suffix]
    if form == 'crtf' and result.wcs is None:
        # regions writes the pixels of polygons as degrees
        msg = 'a .crtf file needs a result with a WCS; pixels can be written to .reg'
        raise ValueError(msg)
    # CASA's default of 1e-6 degrees would show in the pixels of space telescopes
    precise = {'fmt': '.8f'} if form == 'crtf' else {}
    with atomic_path(path, overwrite=overwrite) as temporary:
        regions = outlines(result, sky=result.wcs is not None)
        regions.write(temporary, format=form, **precise)


def _is_hole(line):
    """
    Whether a closed line runs clockwise, as ContourPy draws the edges of holes.
    """
    x, y = line.T
    return np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) < 0
