# Licensed under a 3-clause BSD style license - see LICENSE
"""
Images and numbers of sources for attribute heads.
"""

__all__ = ['source_numbers', 'source_sizes', 'source_stamps']

import numpy as np

# The FWHM where it is not known, pixels, and the smallest side of a box.
USUAL_FWHM = 4.
MIN_BOX = 6.


def _sides(boxes):
    """
    The longer side of boxes, pixels.
    """
    return np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0), MIN_BOX)


def _weights(middle, side, n_cells, n_pixels):
    """
    The pixels that cells of an axis cover, as a slice, and their fractions in each.

    A cell smaller than a pixel is as wide as one, which is linear interpolation.
    """
    cell = side / n_cells
    width = max(cell, 1.)
    low = middle - side / 2 + (np.arange(n_cells) + 0.5) * cell - width / 2
    start = int(np.clip(np.floor(low[0]), 0, n_pixels))
    stop = int(np.clip(np.ceil(low[-1] + width), start, n_pixels))
    pixels = np.arange(start, stop)
    shared = (np.minimum(low[:, None] + width, pixels + 1)
              - np.maximum(low[:, None], pixels))
    return slice(start, stop), (np.maximum(shared, 0) / width).astype(np.float32)


def source_stamps(pixels, shape, boxes, size, extent, hidden=None):
    """
    The mean signal-to-noise ratio of a pixel on a square grid around each source.

    Parameters
    ----------
    pixels : callable
        Called as ``pixels((rows, cols))`` with two slices; returns the S/N of pixels,
        (n_rows, n_cols, n_bands), 0 where there are no data.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    boxes : (N, 4) `~numpy.ndarray`
        The boxes of the sources.
    size : int
        The cells S on a side of the grid.
    extent : float
        The side of the grid in units of the longer side of the box.
    hidden : callable, optional
        Called as ``hidden(i, (rows, cols))`` with the number of a source; returns the
        pixels (n_rows, n_cols) that are to be empty sky, as `True`.

    Returns
    -------
    stamps : (N, S, S, n_bands) float32 `~numpy.ndarray`
        ``arcsinh`` of the means. Beyond the frame there is empty sky.
    """
    stamps = []
    for i, (box, longer) in enumerate(zip(boxes.astype(float), _sides(boxes),
                                          strict=True)):
        middle = (box[:2] + box[2:]) / 2
        (rows, wy), (cols, wx) = (_weights(at, extent * longer, size, n)
                                  for at, n in zip(middle, shape, strict=True))
        values = pixels((rows, cols))
        if hidden is not None:
            values = np.where(hidden(i, (rows, cols))[..., None], 0, values)
        stamps.append(wx @ np.tensordot(wy, values, 1))
    if not stamps:
        n_bands = pixels((slice(0, 0), slice(0, 0))).shape[-1]
        return np.zeros((0, size, size, n_bands), dtype=np.float32)
    return np.arcsinh(np.array(stamps, dtype=np.float32))


def source_sizes(boxes, fwhm):
    """
    The longer side of boxes.

    Parameters
    ----------
    boxes, fwhm
        See `source_numbers`.

    Returns
    -------
    sizes : (N,) `~numpy.ndarray`
        In units of the FWHM, or of a usual one where it is not known.
    """
    return _sides(boxes) / (USUAL_FWHM if fwhm is None else np.mean(fwhm))


def source_numbers(boxes, fwhm, size, extent):
    """
    How large sources are.

    Parameters
    ----------
    boxes : (N, 4) `~numpy.ndarray`
        The boxes of the sources.
    fwhm : float or (n_bands,) array_like or `None`
        The FWHM of the PSF in pixels; `None` if it is not known.
    size, extent
        See `source_stamps`.

    Returns
    -------
    numbers : (N, 3) float32 `~numpy.ndarray`
        The decadic logarithms of height, width and cell of the grid in units of the FWHM.
    """
    sizes = source_sizes(boxes, fwhm)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1) * (sizes / _sides(boxes))[:, None]
    cell = extent * sizes / size
    return np.log10(np.column_stack([sides, cell])).astype(np.float32)
