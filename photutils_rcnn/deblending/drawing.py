# Licensed under a 3-clause BSD style license - see LICENSE
"""
Drawing of templates on the frame.
"""

__all__ = ['design_matrix', 'draw']

import numpy as np
from scipy import sparse

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
    psf : `~photutils_rcnn.deblending.psf_image.PSFImage`
        The PSF.
    stars : bool
        Whether they are point sources.

    Returns
    -------
    templates : (R, side, side) `~numpy.ndarray`
        The light of sources of unit flux.
    """
    some = group.in_stamps(shapes)
    return (render_stars(some.x, some.y, psf, group.side) if stars
            else render(some, psf, group.side))


def design_matrix(groups, shapes, psf, is_star, brightness, shape):
    """
    The templates of all sources as columns.

    Parameters
    ----------
    groups : list of `~photutils_rcnn.deblending.stamps.StampGroup`
        The stamps; stars and others are in different ones.
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        The profiles.
    psf : `~photutils_rcnn.deblending.psf_image.PSFImage`
        The PSF.
    is_star : (N,) `~numpy.ndarray` of bool
        Which are point sources.
    brightness : (N,) `~numpy.ndarray`
        About how bright they are, in units of the noise.
    shape : (2,) tuple of int
        The shape of the frame.

    Returns
    -------
    design : (ny * nx, N) `~scipy.sparse.csr_array`
        The light of the pixels for sources of unit flux.
    """
    n_pixels = shape[0] * shape[1]
    rows, columns = [np.zeros(0, int)], [np.zeros(0, int)]
    values = [np.zeros(0)]
    for group in groups:
        templates = draw(group, shapes, psf, is_star[group.index[0]])
        pixels = group.pixels(shape)
        peaks = templates.max(axis=(1, 2), keepdims=True)
        kept = (pixels < n_pixels) & (
            (templates * brightness[group.index, None, None] > FAINTEST)
            | (templates > FAINTEST_OF_PEAK * peaks))
        rows.append(pixels[kept])
        columns.append(np.repeat(group.index, kept.sum(axis=(1, 2))))
        values.append(templates[kept].astype(float))
    return sparse.csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(n_pixels, len(is_star)))
