# Licensed under a 3-clause BSD style license - see LICENSE
"""
Residual sky: its offset, and a background that follows it.
"""

__all__ = ['follow_sky', 'sky_offset']

import numpy as np

from photutils_rcnn._row_blocks import row_blocks
from photutils_rcnn.preprocessing.binned_map import map_like

# Of the sky of crowded frames only the darkest part is seen, and nothing
# makes half of a frame darker than the sky.
DARKEST = 10  # percent
SMOOTHING = 4  # pixels
HIGHEST = 1.  # in units of the noise
LOWEST = -0.5
N_SAMPLE = 1_000_000


def sky_offset(frame):
    """
    How far the sky is from zero.

    Parameters
    ----------
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.

    Returns
    -------
    offset : (n_bands,) `~numpy.ndarray` or `None`
        The level of the sky in units of the noise: the median of the pixels
        where that is below -0.5, or the tenth percentile of means of 4 x 4 pixels
        where that is above 1, which sources hardly reach. 0 for bands near
        zero; `None` if all are.
    """
    cube, snr = frame.cube, frame.snr
    offset = np.zeros(cube.n_bands)
    ny, nx = (n - n % SMOOTHING for n in cube.shape)
    step = max(1, ny * nx // N_SAMPLE) * SMOOTHING
    for band, bad in enumerate(cube.invalid):
        means, every = [], []
        for y in range(0, ny, step):
            rows = slice(y, y + SMOOTHING)
            good = ~bad[rows, :nx]
            if good.shape[0] < SMOOTHING:
                continue
            pixels = np.where(good, snr[band, rows, :nx], 0)
            good &= np.isfinite(pixels)
            every.append(pixels[good])
            count = good.reshape(SMOOTHING, -1, SMOOTHING).sum(axis=(0, 2))
            total = np.where(good, pixels, 0).reshape(
                SMOOTHING, -1, SMOOTHING).sum(axis=(0, 2))
            means.append(total[count > 0] / count[count > 0])
        every = np.concatenate(every)
        if not every.size:
            continue
        median = np.median(every)
        dark = np.percentile(np.concatenate(means), DARKEST)
        if median < LOWEST:
            offset[band] = median
        elif dark > HIGHEST:
            offset[band] = dark
    return offset if offset.any() else None


def follow_sky(frame, sky):
    """
    A background that takes away what another one left.

    Parameters
    ----------
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame.
    sky : (n_bands,) array_like or `~photutils_rcnn.preprocessing.binned_map.BinnedMap`
        The sky that was left, in units of the noise.

    Returns
    -------
    background : (n_bands, ny, nx) float32 `~numpy.ndarray` or \
            `~astropy.units.Quantity`
        The background in the unit of the data and, as `normalize_cube` expects
        it, in the order of the bands as they were given.
    """
    cube, shape = frame.cube, frame.cube.data.shape
    if isinstance(sky, np.ndarray):
        sky = sky.reshape(-1, 1, 1)
    maps = [map_like(values, shape) for values
            in (frame.background, frame.noise, sky)]
    background = np.empty(shape, dtype=np.float32)
    for rows in row_blocks(shape[1]):
        block = (slice(None), rows)
        level, noise, left = (values[block] for values in maps)
        background[:, rows] = level + noise * left
    background = cube.in_given_order(background)
    return background if cube.unit is None else background << cube.unit
