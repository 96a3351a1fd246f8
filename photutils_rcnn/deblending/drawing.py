# Licensed under a 3-clause BSD style license - see LICENSE
"""
Drawing of templates on the frame.
"""

__all__ = ['design_matrices', 'draw']

import numpy as np
from scipy import sparse

from photutils_rcnn.deblending.psf_image import BandPSFs
from photutils_rcnn.deblending.templates import render, render_stars

# Parts of a source that are fainter, in units of the noise and of its peak, are left out of
# fits.
FAINTEST = 0.02
FAINTEST_OF_PEAK = 0.01


def draw(group, shapes, psf, stars):
    """
    Draw the templates of a group of stamps.

    Parameters
    ----------
    group : `~photutils_rcnn.deblending.stamps.StampGroup`
        The stamps.
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        The profiles of all sources.
    psf : callable
        The PSF, see `~photutils_rcnn.deblending.templates.render_stars`.
    stars : bool
        Whether they are point sources.

    Returns
    -------
    templates : (R, side, side) `~numpy.ndarray`
        The light of sources of unit flux; of several bands (n_bands, R, side, side).
    """
    some = group.in_stamps(shapes)
    return (render_stars(some.x, some.y, psf, group.side) if stars
            else render(some, psf, group.side))


def design_matrices(groups, shapes, psfs, is_star, brightness, shape):
    """
    The templates of all sources as columns, for each band.

    Parameters
    ----------
    groups : list of `~photutils_rcnn.deblending.stamps.StampGroup`
        The stamps; stars and others are in different ones.
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        The profiles.
    psfs : list of `~photutils_rcnn.deblending.psf_image.PSFImage`
        The PSF of each band.
    is_star : (N,) `~numpy.ndarray` of bool
        Which are point sources.
    brightness : (N,) `~numpy.ndarray`
        About how bright they are, in units of the noise.
    shape : (2,) tuple of int
        The shape of the frame.

    Returns
    -------
    designs : list of (ny * nx, N) `~scipy.sparse.csc_array`
        The light of the pixels for sources of unit flux in each band. All bands have it in
        the same pixels.
    """
    n_pixels = shape[0] * shape[1]
    parts = []
    for group in groups:
        templates = draw(group, shapes, BandPSFs(psfs), is_star[group.index[0]])
        least = np.minimum(FAINTEST / np.maximum(brightness[group.index], 1e-30),
                           FAINTEST_OF_PEAK * templates.max(axis=(2, 3)))
        pixels = group.pixels(shape)
        kept = (templates > least[..., None, None]).any(axis=0) & (pixels < n_pixels)
        parts.append((group.index, np.count_nonzero(kept, axis=(1, 2)),
                      pixels[kept].astype(np.int32), templates[:, kept]))
    if not parts:
        return [sparse.csc_array((n_pixels, 0))] * len(psfs)
    index, counts, rows, values = (
        np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))
    # from the order of groups to that of sources
    starts = np.append(0, np.cumsum(counts)).astype(np.int32)
    order = sparse.csc_array((np.arange(len(rows)), rows, starts),
                             shape=(n_pixels, len(index)))[:, np.argsort(index)]
    return [sparse.csc_array((band[order.data].astype(float), order.indices, order.indptr),
                             shape=order.shape) for band in values]
