# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fill values: areas of one exact value where no exposure has data.

Noisy pixels repeat a value singly, counts in small groups. Saturated cores and the
empty sky of an image without noise are large areas of one value as well; they are
told apart by their brightness, and by what is next to them. Areas within the frame
at the level of its sky do no harm and stay.
"""

__all__ = ['find_fill']

import numpy as np
from astropy.stats import mad_std
from scipy import ndimage

SIDE = 5  # pixels of a square of the fill
SIDE_OF_COUNTS = 31  # where pixels have few different values
LEAST_AREA = 100  # pixels
LEAST_SEEN = 0.1  # of the frame must hold other values
PLAUSIBLE = 5.  # times the scatter about the median
LARGE = 0.05  # of the frame: areas of a high value that are no saturated cores
RARE = 0.001  # of the other pixels hold a value that is implausible for counts
STEP = 0.3  # times the scatter, between the fill and what is next to it
N_VALUES = 6
MAX_SAMPLE = 100_000


def find_fill(image, invalid, *, few_values):
    """
    The pixels that hold a fill value.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        The pixels of a band.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels that are known to be without data.
    few_values : bool
        Whether the pixels have few different values, as counts have.

    Returns
    -------
    fill : dict of float to (ny, nx) bool `~numpy.ndarray`
        The areas of each fill value; empty if there are none.
    """
    side = SIDE_OF_COUNTS if few_values else SIDE
    fill = {}
    for value in _repeated(image, invalid):
        same = (image == value) & ~invalid
        area = _areas(same, side)
        if np.count_nonzero(area) >= LEAST_AREA:
            fill[float(value)] = area
    if not fill:
        return {}
    filled = np.any(list(fill.values()), axis=0)
    seen = image[~invalid & ~filled]
    if len(seen) < LEAST_SEEN * image.size:
        return {}
    seen = seen[::-(-len(seen) // MAX_SAMPLE)].astype(float)
    level, scatter = np.median(seen), mad_std(seen)
    return {value: area for value, area in fill.items()
            if _is_fill(value, area, image, invalid | filled, level, scatter,
                        few_values and (seen == value).mean() < RARE)}


def _repeated(image, invalid):
    """
    The values that most often equal their neighbors.
    """
    good = ~invalid
    same = ((image[:-1, :-1] == image[1:, :-1])
            & (image[:-1, :-1] == image[:-1, 1:]) & good[:-1, :-1])
    values = image[:-1, :-1][same]
    if len(values) < LEAST_AREA // 2:
        return []
    step = max(1, len(values) // MAX_SAMPLE)
    values, counts = np.unique(values[::step], return_counts=True)
    best = np.argsort(-counts, kind='stable')[:N_VALUES]
    return [value for value, count in zip(values[best], counts[best],
                                          strict=True)
            if count * step >= LEAST_AREA // 2]


def _areas(same, side):
    """
    The connected pixels that hold squares of a side.

    Borders of the frame do not cut squares off.
    """
    inside = np.pad(same, side, mode='edge')
    core = ndimage.minimum_filter(inside, side)
    core = ndimage.maximum_filter(core, side)[side:-side, side:-side] & same
    if side == SIDE and core.any():
        # the jagged rim of a rotated border
        core = ndimage.binary_propagation(core, mask=same)
    return core


def _is_fill(value, area, image, known, level, scatter, rare):
    """
    Whether areas of one value are without data.
    """
    if value > level + PLAUSIBLE * scatter:
        # Saturated stars are as even, but small.
        return area.mean() > LARGE
    if value < level - PLAUSIBLE * scatter:
        return True
    at_border = (area[0].any() or area[-1].any() or area[:, 0].any()
                 or area[:, -1].any())
    if not (rare or at_border):
        return False
    # Without noise the light of sources fades into the empty sky.
    rim = ndimage.binary_dilation(area, iterations=2) & ~known
    beside = image[rim]
    return len(beside) > 0 and (
        np.median(abs(beside - value)) > STEP * scatter > 0)
