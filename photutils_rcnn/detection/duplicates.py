# Licensed under a 3-clause BSD style license - see LICENSE
"""
Duplicates: bright stars that were outlined more than once.

Outlines alone do not tell a star that was outlined twice from two that are blended,
whose outlines are concentric, too. The pixels do: a single star has a core as wide as
the PSF, or a saturated one, and is symmetric about it. A companion widens the core, or
stands out on one side only.
"""

__all__ = ['merge_duplicates']

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from photutils_rcnn.detection.nms import overlapping_pairs
from photutils_rcnn.detection.pixel_check import ISOPHOTE
from photutils_rcnn.preprocessing.normalization import mean_image
from photutils_rcnn.preprocessing.psf import WINGS, adaptive_fwhm
from photutils_rcnn.preprocessing.psf_peaks import HALF
from photutils_rcnn.sources.classes import PART_CLASSES
from photutils_rcnn.sources.instances import RCNN_FLAGS

LEAST_SIDE = 2.  # of the box of a bright star, FWHM
LEAST_OVERLAP = 0.25  # of two boxes about one center
# How far apart their centers may be: the larger of the two.
LARGEST_OFFSET = 0.5  # FWHM
LARGEST_RELATIVE_OFFSET = 0.25  # radii of the smaller outline
# Height times FWHM, in units of the noise. A Gaussian star has 0.75 times that as
# matched signal-to-noise ratio, here 100. Fainter cores do not tell enough.
LEAST_HEIGHT = 130.
# Two outlines of a star far brighter than that, which saturates or nearly so, are one if
# they overlap by this much (intersection over union): a second star of such an outline
# would be as bright, and show.
SATURATING_HEIGHT = 2000.
SAME_OUTLINE = 0.7
NARROWEST, WIDEST = 0.85, 1.15  # width of a core, in FWHM of the PSF
LONGEST = 1.15  # of its longer axis
# Of the pixels above half of the height of a saturated core so many are near its level;
# of a Gaussian 0.23 are.
LEVEL, LEAST_LEVEL = 0.85, 0.45
FEWEST_PIXELS = 14  # above half of the height
LEAST_AREA = 1.5  # of these, in units of that of the PSF
MOST_ELONGATED = 1.6  # two saturated cores together are longer
LARGEST_ASYMMETRY = 0.3  # difference of opposite sides, in units of their light
# Over the FWHM in pixels: what is poorly sampled cannot be turned about a point between
# pixels without error.
SAMPLED_ASYMMETRY = 0.9
CORE_RADIUS = 0.5  # beyond which sides are compared, FWHM
SIGNIFICANCE = 5.  # of a difference, in units of the noise
LEAST_FREE = 0.35  # of the smaller outline belongs to no third one
LEAST_SEEN = 0.1  # of the pixels compared have an opposite one
# Farther from the center companions have outlines of their own, pixels.
LARGEST_REACH = 60
FILLED = 0.5 * ISOPHOTE  # over the FWHM, in units of the noise


def merge_duplicates(instances, snr, invalid, fwhm):
    """
    Merge the outlines of bright stars that were outlined more than once.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        N sources.
    snr : (n_bands, ny, nx) `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.frame.SignalToNoise`
        The bands, background-subtracted, in units of their noise.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data.
    fwhm : (n_bands,) `~numpy.ndarray` or `None`
        The FWHM of the PSF in pixels. If it is not known, nothing is merged, nor are
        sources of `~photutils_rcnn.sources.classes.PART_CLASSES`.

    Returns
    -------
    merged : `~photutils_rcnn.sources.instances.Instances`
        N or fewer sources in the same order. One that was merged has the largest outline
        that is filled with light with its flags, the highest score, the class
        probabilities of the member that most probably is a star, and the flag
        ``exceeds_halo`` if any member has it; that of overlaps is to be set anew.
    """
    if fwhm is None or 'star' not in instances.class_names or len(instances) < 2:
        return instances
    fwhm = float(np.mean(fwhm))
    pairs = []
    for i, j in _concentric_pairs(instances, fwhm):
        cutout = _Cutout.around((i, j), instances.footprints(), snr, invalid)
        if _holds_one_star(cutout, fwhm):
            pairs.append((i, j) if _is_filled(cutout, fwhm) else (j, i))
    return _merge(instances, pairs) if pairs else instances


def _concentric_pairs(instances, fwhm):
    """
    The pairs of sources whose outlines have about the same center, the one with the
    larger outline first, (P, 2).
    """
    boxes, centers = instances.boxes, instances.centers
    sides = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    is_part = np.isin(np.array(instances.class_names)[instances.class_ids - 1],
                      PART_CLASSES)
    large = np.flatnonzero((sides > LEAST_SIDE * fwhm) & ~is_part)
    pairs = large[np.stack(overlapping_pairs(boxes[large], LEAST_OVERLAP), axis=1)]
    radius = 0.5 * sides[pairs].min(axis=1)
    offset = np.hypot(*(centers[pairs[:, 0]] - centers[pairs[:, 1]]).T)
    pairs = pairs[offset <= np.maximum(LARGEST_OFFSET * fwhm,
                                       LARGEST_RELATIVE_OFFSET * radius)]
    footprints = instances.footprints()
    areas, others = (footprints[side].areas for side in pairs.T)
    return np.where((areas < others)[:, None], pairs[:, ::-1], pairs)


def _merge(instances, pairs):
    """
    One source for those that are connected by pairs, of which the first is better outlined.
    """
    n = len(instances)
    better, worse = np.transpose(pairs)
    graph = sparse.coo_array((np.ones(len(pairs)), (better, worse)), (n, n))
    _, group = csgraph.connected_components(graph, directed=False)
    scores, flags = instances.scores.copy(), instances.flags.copy()
    classes = instances.class_probabilities.copy()
    star = instances.class_names.index('star')
    footprints = instances.footprints()
    keep = np.ones(n, dtype=bool)
    for label in np.unique(group[better]):
        members = np.flatnonzero(group == label)
        # In a ring of contradictions none is never the worse.
        candidates = np.setdiff1d(members, worse)
        candidates = candidates if len(candidates) else members
        best = candidates[np.argmax(footprints[candidates].areas)]
        keep[members] = False
        keep[best] = True
        scores[best] = scores[members].max()
        # others are about the footprint, which is that of the best
        flags[best] |= np.bitwise_or.reduce(flags[members]) & RCNN_FLAGS['exceeds_halo']
        probable = members[np.argmax(instances.class_probabilities[members, star])]
        classes[best] = instances.class_probabilities[probable]
    merged = instances[keep]
    merged.scores, merged.flags = scores[keep], flags[keep]
    merged.class_probabilities = classes[keep]
    return merged


@dataclass(frozen=True)
class _Cutout:
    """
    The pixels around a pair of outlines, the larger first.

    ``bands`` are NaN where there are no data, ``mean`` is 0 where none has, where not
    ``seen``. ``others`` are the outlines of sources beside the middle.
    """

    bands: np.ndarray
    mean: np.ndarray
    seen: np.ndarray
    masks: list
    others: np.ndarray
    middle: np.ndarray

    @classmethod
    def around(cls, pair, footprints, snr, invalid):
        """
        The pixels around both, as far as symmetry is looked at.
        """
        boxes = footprints.boxes[list(pair)]
        middle = 0.25 * (boxes[:, :2] + boxes[:, 2:]).sum(axis=0) - 0.5
        reach = min(0.5 * (boxes[:, 2:] - boxes[:, :2]).max(), LARGEST_REACH)
        half = int(reach) + HALF
        window = tuple(slice(max(int(c) - half, 0), min(int(c) + half + 1, n))
                       for c, n in zip(middle, footprints.shape, strict=True))
        start = [axis.start for axis in window]
        bands, bad = snr[:, *window], invalid[:, *window]
        mean, seen = mean_image(bands, bad)
        middle -= start
        *masks, others = np.zeros((3, *mean.shape), dtype=bool)
        y, x = np.round(middle).astype(int)
        all_boxes = footprints.boxes
        near = np.flatnonzero(
            (all_boxes[:, :2] < [axis.stop for axis in window]).all(axis=1)
            & (all_boxes[:, 2:] > start).all(axis=1))
        cropped, index = footprints[near].crop(*window)
        for k, i in enumerate(near[index]):
            mask = masks[pair.index(i)] if i in pair else np.zeros_like(others)
            mask[cropped.slices(k)] = cropped.masks[k]
            if i not in pair and not mask[y, x]:
                others |= mask
        return cls(np.where(bad | ~np.isfinite(bands), np.nan, bands), mean, seen,
                   masks, others, middle)

    @property
    def usable(self):
        """
        The pixels with data beside the other outlines.
        """
        return self.seen & ~self.others

    def distance(self, center):
        """
        The distance of the pixels to a point (y, x).
        """
        y, x = np.indices(self.mean.shape, sparse=True)
        return np.hypot(y - center[0], x - center[1])


def _holds_one_star(cutout, fwhm):
    """
    Whether the pixels of a pair of outlines show a single bright star.
    """
    area = np.count_nonzero(cutout.masks[1])
    if np.count_nonzero(cutout.masks[1] & cutout.usable) <= LEAST_FREE * area:
        return False
    inner = np.sqrt(area / np.pi)
    core = cutout.distance(cutout.middle) <= max(fwhm, LARGEST_RELATIVE_OFFSET * inner)
    core &= cutout.masks[0]
    if not core.any():
        return False
    smooth = ndimage.gaussian_filter(cutout.mean, 0.25 * fwhm)
    peak = np.unravel_index(np.argmax(np.where(core, smooth, -np.inf)), core.shape)
    height = smooth[peak] * fwhm
    if height < LEAST_HEIGHT:
        return False
    if height > SATURATING_HEIGHT and _intersection_over_union(
            *cutout.masks) > SAME_OUTLINE:
        return True
    radii = np.array([_level_radius(band, peak, fwhm) for band in cutout.bands])
    radii = radii[np.isfinite(radii)]
    if len(radii) and radii.min() > 0:
        # There is no peak, and what bled is not symmetric.
        return True
    radius = radii.max(initial=0)
    if not radius and not _is_narrow(cutout.mean, peak, fwhm):
        return False
    center = _centroid(cutout.mean, peak, max(fwhm, 2 * radius))
    limit = min(LARGEST_ASYMMETRY, SAMPLED_ASYMMETRY / fwhm)
    return _asymmetry(cutout, center, CORE_RADIUS * fwhm + radius, fwhm) < limit


def _intersection_over_union(first, second):
    return np.count_nonzero(first & second) / np.count_nonzero(first | second)


def _level_radius(band, peak, fwhm):
    """
    The radius in pixels of a saturated core, masked or level; 0 if it is neither, NaN
    if the band has no data there.
    """
    reach = int(np.ceil(4 * fwhm))
    window = tuple(slice(max(c - reach, 0), c + reach + 1) for c in peak)
    at = tuple(c - axis.start for c, axis in zip(peak, window, strict=True))
    pixels = band[window]
    # Single pixels overshoot where a saturated core was resampled.
    top = np.sort(pixels[np.isfinite(pixels)])[-3:]
    if len(top) < 3:
        return np.nan
    with np.errstate(invalid='ignore'):
        labels, _ = ndimage.label(ndimage.binary_fill_holes(pixels > 0.5 * top[0]))
        y, x = np.nonzero(labels == labels[at])
        level = 1 - np.mean(pixels[y, x] <= LEVEL * top[0])  # what is masked is level
    area = len(y) / (np.pi / 4 * fwhm**2)
    if not labels[at] or len(y) < FEWEST_PIXELS or level < LEAST_LEVEL or area < LEAST_AREA:
        return 0.
    # A pixel has a variance of 1/12 each way.
    small, large = np.linalg.eigvalsh(np.cov(y, x) + np.eye(2) / 12)
    if large > MOST_ELONGATED**2 * small:
        return 0.
    return float(np.sqrt(len(y) / np.pi))


def _is_narrow(mean, peak, fwhm):
    """
    Whether a core is as wide as the PSF.
    """
    padded = np.pad(mean, HALF)
    stamp = padded[peak[0]:peak[0] + 2 * HALF + 1, peak[1]:peak[1] + 2 * HALF + 1]
    width, longest = (values[0] / (WINGS * fwhm) for values in adaptive_fwhm(stamp[None]))
    return NARROWEST < width < WIDEST and longest < LONGEST


def _centroid(image, peak, width):
    """
    The centroid (y, x) of a peak under a Gaussian of a FWHM.
    """
    y, x = np.indices(image.shape, sparse=True)
    center = np.array(peak, dtype=float)
    variance = width**2 / (8 * np.log(2))
    for _ in range(8):
        dy, dx = y - center[0], x - center[1]
        weight = np.maximum(image, 0) * np.exp(-(dy**2 + dx**2) / (2 * variance))
        if not weight.any():
            break
        # A Gaussian seen through its own likeness has half its offset.
        center += 2 * np.array([(weight * dy).sum(), (weight * dx).sum()]) / weight.sum()
    return center


def _asymmetry(cutout, center, least_radius, fwhm):
    """
    The largest difference of opposite sides in the inner half of the outlines, in units
    of their light or, where that is less, of five times the noise; infinite if hardly
    any pixel has an opposite one that is seen.
    """
    inside = np.zeros(cutout.mean.shape, dtype=bool)
    for mask in cutout.masks:
        depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        inside |= depth > 0.5 * depth.max()
    indices = np.indices(inside.shape)
    turned = 2 * np.reshape(center, (2, 1, 1)) - indices
    opposite = ndimage.map_coordinates(cutout.mean, turned, order=3)
    usable = cutout.usable
    usable &= ndimage.map_coordinates(usable.astype(np.float32), turned, order=1) > 0.99
    sigma = 0.3 * fwhm
    difference, light = (
        ndimage.gaussian_filter(np.where(usable, values, 0), sigma)
        for values in (cutout.mean - opposite, 0.5 * (cutout.mean + opposite)))
    noise = np.sqrt(2 / (4 * np.pi)) / sigma
    relative = np.abs(difference) / np.hypot(np.maximum(light, 0), SIGNIFICANCE * noise)
    inside &= cutout.distance(center) > least_radius
    seen = relative[inside & usable]
    # Without both sides nothing speaks against a companion.
    return seen.max() if len(seen) > LEAST_SEEN * np.count_nonzero(inside) else np.inf


def _is_filled(cutout, fwhm):
    """
    Whether there is light between the outlines of a pair, as a footprint has.
    """
    between = cutout.masks[0] & ~cutout.masks[1] & cutout.usable
    return bool(np.median(cutout.mean[between]) > FILLED / fwhm) if between.any() else True
