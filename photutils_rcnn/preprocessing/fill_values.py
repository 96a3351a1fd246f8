# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fill values: areas of one exact value where no exposure has data.

Noisy pixels repeat a value singly, counts in small groups. Saturated cores and the
empty sky of an image without noise are areas of one value as well; they are told apart
by what is next to them, into which light fades. Areas within the frame at the level of
its sky do no harm and stay.
"""

__all__ = ['fill_areas', 'find_fill']

import numpy as np
from astropy.stats import mad_std
from scipy import ndimage

SIDE = 5  # pixels of a square of the fill
SIDE_OF_COUNTS = 31  # where pixels have few different values
LEAST_AREA = 100  # pixels
LEAST_SEEN = 0.1  # of the frame must hold other values
PLAUSIBLE = 5.  # times the scatter about the median
LARGE = 0.05  # of the frame: areas of a high value are no saturated cores
N_STEPS = 3.  # of counts, to what is next to an area that is smaller than that square
FADED = 0.1  # times the excess of a saturated core, of the brightest next to it
RARE = 0.001  # of the other pixels hold a value that is implausible for counts
STEP = 0.3  # times the scatter, between the fill and what is next to it
N_VALUES = 6
MAX_SAMPLE = 100_000


def find_fill(image, invalid, *, step=0.):
    """
    The pixels that hold a fill value.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        The pixels of a band.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels that are known to be without data.
    step : float, optional
        The step between the values of pixels that have few, such as counts
        (`~photutils_rcnn.preprocessing.noise.value_step`). The default is 0: many values.

    Returns
    -------
    fill : dict of float to (ny, nx) bool `~numpy.ndarray`
        The areas of each fill value; empty if there are none.
    """
    fill = {}
    for value in _repeated(image, invalid):
        same = (image == value) & ~invalid
        area = _areas(same, SIDE)
        if step and area.any() and (
                _rim_step(value, area, image, invalid) <= N_STEPS * step):
            area = _areas(same, SIDE_OF_COUNTS)
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
    known = invalid | filled
    for value in list(fill):
        if value > level + PLAUSIBLE * scatter:
            fill[value] = _without_saturated(value, fill[value], image, known,
                                             level, scatter)
        elif not _is_fill(value, fill[value], image, known, level, scatter,
                          step and (seen == value).mean() < RARE):
            del fill[value]
    return {value: area for value, area in fill.items() if area.any()}


def fill_areas(image, invalid, value, *, step=0.):
    """
    The areas of a value that is known to be a fill.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        The pixels.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels to leave out.
    value : float
        The value.
    step : float, optional
        See `find_fill`.

    Returns
    -------
    areas : (ny, nx) bool `~numpy.ndarray`
        The pixels.
    """
    return _areas((image == value) & ~invalid, SIDE_OF_COUNTS if step else SIDE)


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

    Borders of the frame cut squares off by less than a half.
    """
    # Beyond half a square from any of the pixels there is nothing to find.
    near = np.ix_(*(ndimage.maximum_filter1d(same.any(axis=axis), side)
                    for axis in (1, 0)))
    areas = np.zeros_like(same)
    same = same[near]
    core = ndimage.minimum_filter(same, side, mode='nearest')
    if not core.any():
        return areas
    core = ndimage.maximum_filter(core, side) & same
    if side == SIDE:
        # the jagged rim of a rotated border
        core = ndimage.binary_propagation(core, mask=same)
    areas[near] = core
    return areas


def _rim(area, known):
    """
    What is next to areas, two pixels wide.
    """
    return ndimage.maximum_filter(area, 5) & ~area & ~known


def _rim_step(value, area, image, known):
    """
    The median difference between a value and what is next to its areas.
    """
    beside = image[_rim(area, known)]
    return np.median(abs(beside - value)) if len(beside) else 0.0


def _without_saturated(value, area, image, known, level, scatter):
    """
    The areas of a high value that are no saturated cores.
    """
    if area.mean() > LARGE or scatter == 0:
        return area if area.mean() > LARGE else np.zeros_like(area)
    parts, _ = ndimage.label(area)
    fill = np.zeros_like(area)
    for i, box in enumerate(ndimage.find_objects(parts), start=1):
        box = tuple(slice(max(side.start - 2, 0), side.stop + 2) for side in box)
        part = parts[box] == i
        beside = image[box][_rim(part, known[box])]
        # some of the rim, for cores have trails
        if np.count_nonzero(part) >= LEAST_AREA and len(beside) and (
                np.percentile(beside, 98) - level < FADED * (value - level)):
            fill[box] |= part
    return fill


def _is_fill(value, area, image, known, level, scatter, rare):
    """
    Whether areas of a value that is not high are without data.
    """
    if value < level - PLAUSIBLE * scatter:
        return True
    at_border = (area[0].any() or area[-1].any() or area[:, 0].any()
                 or area[:, -1].any())
    # Without noise the light of sources fades into the empty sky.
    return (rare or at_border) and (
        _rim_step(value, area, image, known) > STEP * scatter > 0)
