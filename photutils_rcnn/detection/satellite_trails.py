# Licensed under a 3-clause BSD style license - see LICENSE
"""
Satellite trails: straight lines of even brightness.

Lines are found with the fast Radon transform (Brady 1998, SIAM J. Comput. 27, 107; for
trails: Nir et al. 2018, AJ 156, 229) of the binned and clipped frame, and checked on its
pixels.
"""

__all__ = ['find_satellite_trails']

import numpy as np
from scipy import ndimage

SIDE = 128  # of the binned frame, at most
CLIPPED = 3.  # in units of the noise, so that stars on a line are no trail
LEAST_SNR = 8.  # of a line
MOST_TRIED = 4
HALF_WIDTH = 20  # pixels; of the strip along a line; so many at its sides are sky,
WIDEST = 6  # and a trail is no more than four times as wide
BLOCK = 16  # pixels, along a trail
SHORTEST = 6  # blocks
LIT = 0.8  # of the blocks between the ends of a trail
# Most blocks are as bright as the median one within this factor: spikes of stars are not.
EVEN, EVEN_PART = 2., 0.7
LEAST_LIGHT = 2.  # of the pixels of a trail, in units of the noise, if it is brighter;
CORE = 0.7  # of a fainter one in units of its maximum


def find_satellite_trails(image, invalid):
    """
    Find the pixels of one band that trails of satellites cross.

    Parameters
    ----------
    image : 2D `~numpy.ndarray`
        The background-subtracted pixels in units of the noise of the sky.
    invalid : 2D bool `~numpy.ndarray`
        `True` for pixels without data and other artifacts.

    Returns
    -------
    trail : 2D bool `~numpy.ndarray`
        `True` where a trail is brighter than twice the noise; of fainter trails where
        they are brighter than 0.7 of their maximum.
    """
    image = np.where(invalid, 0, image)
    trail = np.zeros(image.shape, dtype=bool)
    binned, n_bins = _binned(image, invalid)
    weights = np.ones_like(binned)
    for _ in range(MOST_TRIED):
        snr, ends = _brightest_line(binned * weights, weights)
        if snr < LEAST_SNR:
            break
        found = _trail_on_line(image, (ends + 0.5) * n_bins - 0.5)
        if found is not None:
            trail |= found
        # whatever it was, others may be found beside it
        rows, cols = np.indices(binned.shape)
        weights[_distance(rows, cols, ends) < 1 + 2 * WIDEST / n_bins] = 0
    return trail


def _binned(image, invalid):
    """
    The frame in bins, clipped, of mean 0 and standard deviation 1, and the side of a bin.
    """
    n_bins = -(-max(image.shape) // SIDE)
    ny, nx = (side // n_bins for side in image.shape)
    cut = np.s_[:ny * n_bins, :nx * n_bins]
    clipped = np.clip(image[cut], -CLIPPED, 2 * CLIPPED)
    binned = clipped.reshape(ny, n_bins, nx, n_bins).sum(axis=(1, 3)) / n_bins
    binned = np.clip(binned - np.median(binned), -CLIPPED, CLIPPED)
    return (binned - binned.mean()) / max(binned.std(), 1e-9), n_bins


def _brightest_line(binned, weights):
    """
    The S/N of the brightest line and its ends [[y, x], [y, x]].
    """
    best, ends = 0., None
    for transposed in (False, True):
        for flipped in (False, True):
            pair = np.stack([binned, weights])
            pair = pair.transpose(0, 2, 1) if transposed else pair
            pair = pair[..., ::-1] if flipped else pair
            total, count = _lines(pair)
            snr = np.where(count > len(pair[0]) / 4, total / np.sqrt(np.maximum(count, 1)), 0)
            shift, x = np.unravel_index(np.argmax(snr), snr.shape)
            if snr[shift, x] <= best:
                continue
            best = float(snr[shift, x])
            n_rows, n_cols = pair.shape[1:]
            slope = shift / (len(snr) - 1)
            x = x - len(snr)
            line = np.array([[0., x], [n_rows - 1., x + slope * (n_rows - 1)]])
            if flipped:
                line[:, 1] = n_cols - 1 - line[:, 1]
            ends = line[:, ::-1] if transposed else line
    return best, ends


def _lines(images):
    """
    The sums along all lines that lean to the right by up to 45 degrees, (n, N, nx + N): by
    how far they lean over N rows, and where they start, N columns before the first.
    """
    n_images, ny, nx = images.shape
    size = 1 << max(ny - 1, 1).bit_length()
    sums = np.zeros((n_images, size, 1, nx + 2 * size), dtype=np.float32)
    sums[:, :ny, 0, size:size + nx] = images
    while sums.shape[1] > 1:
        upper, lower = sums[:, ::2], sums[:, 1::2]
        n = 2 * sums.shape[2]
        sums = np.empty((n_images, upper.shape[1], n, sums.shape[3]), dtype=np.float32)
        for shift in range(n):
            # lines of half the height, the second where the first one ends
            offset = (shift + 1) // 2
            sums[:, :, shift] = upper[:, :, shift // 2]
            sums[:, :, shift, :sums.shape[3] - offset] += lower[
                :, :, shift // 2, offset:]
    return sums[:, 0, :, :nx + size]


def _distance(y, x, ends):
    """
    The distance of pixels from the line through two points.
    """
    (y1, x1), (y2, x2) = ends
    return np.abs((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / np.hypot(y2 - y1, x2 - x1)


def _trail_on_line(image, ends):
    """
    The pixels of a trail near a line, `None` if there is none.
    """
    for _ in range(2):
        strip, along, direction = _strip(image, ends)
        ends = _recentered(strip, along, direction, ends)
    strip, along, _ = _strip(image, ends)
    n_blocks = len(strip) // BLOCK
    if n_blocks < SHORTEST:
        return None
    blocks = np.median(strip[:n_blocks * BLOCK].reshape(n_blocks, BLOCK, -1), axis=1)
    inner = slice(HALF_WIDTH - WIDEST // 2, HALF_WIDTH + WIDEST // 2 + 1)
    beside = np.concatenate([blocks[:, :WIDEST], blocks[:, -WIDEST:]], axis=1)
    light = blocks[:, inner].mean(axis=1) - np.median(beside, axis=1)
    noise = 1.25 / np.sqrt(BLOCK * (WIDEST + 1))
    lit = ndimage.binary_closing(np.pad(light > 4 * noise, 2), iterations=2)[2:-2]
    runs, n = ndimage.label(lit)
    if not n:
        return None
    (run,) = ndimage.find_objects(runs)[np.argmax(np.bincount(runs)[1:])]
    light = light[run]
    level = np.median(light)
    even = (light < EVEN * level) & (light > level / EVEN)
    if len(light) < SHORTEST or even.mean() < EVEN_PART or (light > 4 * noise).mean() < LIT:
        return None
    pixels = slice(run.start * BLOCK, run.stop * BLOCK)
    profile = np.median(strip[pixels], axis=0)
    profile = profile - np.median(np.append(profile[:WIDEST], profile[-WIDEST:]))
    bright = profile > min(LEAST_LIGHT, CORE * profile.max())
    cores, _ = ndimage.label(bright)
    core = np.flatnonzero(cores == cores[np.argmax(profile)])
    if len(core) > 4 * WIDEST:
        return None
    first, last = along[pixels.start], along[pixels.stop - 1]
    return _drawn(image.shape, ends, (first, last), core[[0, -1]] - HALF_WIDTH)


def _strip(image, ends):
    """
    The pixels along a line and beside it, (length, width), where on the line they are and
    its direction (y, x).
    """
    direction = np.subtract(*ends[::-1]) / np.linalg.norm(np.subtract(*ends[::-1]))
    length = np.linalg.norm(np.subtract(*ends))
    along = np.arange(int(length) + 1.)
    y, x = (ends[0][:, None] + direction[:, None] * along)
    inside = (y >= 0) & (y < image.shape[0]) & (x >= 0) & (x < image.shape[1])
    along, y, x = along[inside], y[inside], x[inside]
    across = np.arange(-HALF_WIDTH, HALF_WIDTH + 1)
    places = (y[:, None] - direction[1] * across, x[:, None] + direction[0] * across)
    return ndimage.map_coordinates(image, places, order=1, mode='constant'), along, direction


def _recentered(strip, along, direction, ends):
    """
    The line moved and turned to the middle of the light along it.
    """
    clipped = np.clip(strip, -CLIPPED, 2 * CLIPPED)
    # of all lines between two sides of the strip the brightest
    reach = np.arange(-6, 7)
    best, found = -np.inf, (0, 0)
    smooth = ndimage.uniform_filter1d(clipped, 3, axis=1)
    rows = np.arange(len(along))
    for first in reach:
        for last in reach:
            cols = np.rint(HALF_WIDTH + first + (last - first) * rows / max(len(rows) - 1, 1))
            light = smooth[rows, cols.astype(int)].sum()
            if light > best:
                best, found = light, (first, last)
    normal = np.array([-direction[1], direction[0]])
    if not len(along):
        return ends
    points = ends[0] + direction * along[[0, -1], None]
    return points + normal * np.array(found)[:, None]


def _drawn(shape, ends, limits, width):
    """
    The pixels between two places along a line and two beside it.
    """
    direction = np.subtract(*ends[::-1]) / np.linalg.norm(np.subtract(*ends[::-1]))
    y, x = np.ogrid[:shape[0], :shape[1]]
    dy, dx = y - ends[0][0], x - ends[0][1]
    along = dy * direction[0] + dx * direction[1]
    across = dx * direction[0] - dy * direction[1]
    return ((along >= limits[0] - 1) & (along <= limits[1] + 1)
            & (across >= width[0] - 0.5) & (across <= width[1] + 0.5))
