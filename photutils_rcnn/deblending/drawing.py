# Licensed under a 3-clause BSD style license - see LICENSE
"""
Drawing of templates on the frame.
"""

__all__ = ['design_matrices', 'draw', 'draw_source']

import numpy as np
from scipy import sparse

from photutils_rcnn.deblending.psf_image import BandPSFs
from photutils_rcnn.deblending.templates import render, render_stars

# Parts of a source that are fainter, in units of the noise and of its peak, are left out of
# fits.
FAINTEST = 0.02
FAINTEST_OF_PEAK = 0.01


def draw(group, shapes, psf, stars, *, derivatives=False):
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
    derivatives : bool, optional
        Whether to draw the derivatives as well. The default is `False`.

    Returns
    -------
    templates : (R, side, side) `~numpy.ndarray`
        The light of sources of unit flux; of several bands (n_bands, R, side, side). With
        ``derivatives`` of point sources (R, 3, side, side), of others (R, 7, side, side).
    """
    some = group.in_stamps(shapes)
    return (render_stars(some.x, some.y, psf, group.side, derivatives=derivatives) if stars
            else render(some, psf, group.side, derivatives=derivatives))


def draw_source(i, groups, shapes, psf, star, shape):
    """
    Draw one source.

    Parameters
    ----------
    i : int
        The source.
    groups, shapes, psf
        See `draw`; of all sources, and the PSF of one band.
    star : bool
        Whether it is a point source.
    shape : (2,) tuple of int
        The shape of the frame.

    Returns
    -------
    slices : (2,) tuple of slice
        Where it lies on the frame.
    values : 2D `~numpy.ndarray`
        The light of each pixel for a source of unit flux.

    Raises
    ------
    IndexError
        If there is no such source.
    """
    found = [(group, k) for group in groups for k in np.flatnonzero(group.index == i)]
    if not found:
        msg = f'there is no source {i}'
        raise IndexError(msg)
    (group, k), = found
    values, = draw(group[k:k + 1], shapes, psf, star)
    starts = int(group.y1[k]), int(group.x1[k])
    inside = [slice(max(-start, 0), min(n - start, group.side))
              for start, n in zip(starts, shape, strict=True)]
    slices = tuple(slice(start + part.start, start + part.stop)
                   for start, part in zip(starts, inside, strict=True))
    return slices, values[tuple(inside)].astype(float)


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
        The light of the pixels for sources of unit flux, of all bands at the same pixels.
    """
    n_pixels = shape[0] * shape[1]
    parts = []
    for group in groups:
        templates = draw(group, shapes, BandPSFs(psfs), is_star[group.index[0]])
        pixels = group.pixels(shape).astype(np.int32)
        on_frame = pixels < n_pixels
        faintest = FAINTEST / np.maximum(brightness[group.index], 1e-30)
        least = np.minimum(faintest, FAINTEST_OF_PEAK * templates.max(axis=(2, 3)))
        kept = on_frame & (templates > least[..., None, None]).any(axis=0)
        parts.append((group.index, np.count_nonzero(kept, axis=(1, 2)), pixels[kept],
                      templates[:, kept].T))
    shape = n_pixels, len(is_star)
    if not parts:
        return [sparse.csc_array(shape) for _ in psfs]
    index, counts, rows, values = map(np.concatenate, zip(*parts, strict=True))
    # from the order of groups to that of sources
    order = np.argsort(index)
    first = (np.cumsum(counts) - counts)[order]
    ends = np.cumsum(counts[order])
    moved = np.arange(len(rows)) + np.repeat(first - ends + counts[order], counts[order])
    rows, starts = rows[moved], np.append(0, ends).astype(np.int32)
    return [sparse.csc_array((band[moved].astype(float), rows, starts), shape=shape)
            for band in values.T]
