# Licensed under a 3-clause BSD style license - see LICENSE
"""
Sky structure on the scales of sources: fringes, scattered light, steps.

The noise of a pixel says nothing of a sky that varies smoothly. What it does to
detections shows in the troughs of the smoothed image, which no source makes: a sky
that rises by chance as far as it falls looks like a source there.
"""

__all__ = ['SkyScales', 'Structure', 'periodic_sky', 'smooth_sky']

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from photutils_rcnn._row_blocks import row_blocks
from photutils_rcnn.preprocessing.binned_map import bin_sums
from photutils_rcnn.preprocessing.periodic_sky import fit_waves
from photutils_rcnn.preprocessing.smoothing import gaussian_smooth

BIN = 2  # pixels
N_SCALES = 5  # 2, 4, 8, 16, 32 pixels
RING = 3.  # the local sky is that within so many times the scale
# The part of the pixels around a place that must be sky to tell its level.
LEAST_SKY = 0.2
FEWEST_PIXELS = 100
LARGEST = 1e4  # sigma; brighter pixels tell nothing of the sky
# Nor do bins above the first of these, sigma, and so many times above the median of the
# bins around: cosmic rays, hot pixels and bleed trails that are no detections.
SPIKE, SPIKE_RATIO, SPIKE_REACH = 10., 5., 2
# Tried to follow the sky, pixels.
SKY_SCALES = (32, 16, 8, 5)
EXTRA_NOISE = 1.5
WAVES_SCALE = 32  # pixels; waves are sought in what this does not follow
CLIP = 3.5  # sigma; sources too faint to be masked


@dataclass(frozen=True)
class Structure:
    """
    The sky of one image on a sequence of scales, in units of the noise.

    Parameters
    ----------
    rms : (S,) `~numpy.ndarray`
        The standard deviation of the smoothed sky about its surroundings, from
        the lower half of its values, without what white noise adds.
    depth : (S,) `~numpy.ndarray`
        How far its lowest value lies below the median.
    median : (S,) `~numpy.ndarray`
        The median.
    local_sky : list of 2D `~numpy.ndarray`
        The level around each place for each scale, in bins.
    """

    rms: np.ndarray
    depth: np.ndarray
    median: np.ndarray
    local_sky: list


class SkyScales:
    """
    An image smoothed on a sequence of scales.

    Parameters
    ----------
    snr : callable
        Gives the rows ``(slice)`` of the image in units of the noise, 0 where
        they are invalid.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data.
    """

    def __init__(self, snr, invalid):
        self.shape = invalid.shape
        self.image, self.weight = _binned(snr, invalid)
        n = min(self.image.shape)
        # Scales of which a frame holds fewer than a few cells tell nothing.
        self.scales = np.array(
            [BIN * 2**k for k in range(N_SCALES) if k == 0 or 2**k * 8 <= n])

    @cached_property
    def smoothed(self):
        """
        The image smoothed on the smallest scale, in bins, 2D `~numpy.ndarray` in
        units of the noise of a pixel.
        """
        return _smooth(self.image, self.weight, 1.)[0]

    @cached_property
    def _is_smooth(self):
        """
        Where the image is no spike, 2D bool `~numpy.ndarray`, in bins.
        """
        smooth = np.ones(self.image.shape, dtype=bool)
        height = np.abs(self.image)
        y, x = np.nonzero(height > SPIKE)
        padded = np.pad(height, SPIKE_REACH, mode='reflect')
        around = [padded[y + dy, x + dx] for dy, dx in
                  np.ndindex(2 * SPIKE_REACH + 1, 2 * SPIKE_REACH + 1)]
        smooth[y, x] = height[y, x] <= SPIKE_RATIO * np.median(around, axis=0)
        return smooth

    def levels(self, covered):
        """
        The sky on each scale, and around each place.

        Parameters
        ----------
        covered : 2D bool `~numpy.ndarray`
            The bins that are not sky.

        Returns
        -------
        sky, around : list of (2,) tuple of 2D `~numpy.ndarray`
            On each of the ``scales`` the level and how much of it is sky; of the
            bins, and as a weighted mean around each.
        """
        sky = _levels(np.clip(self.image, -LARGEST, LARGEST),
                      self.weight * (self._is_smooth & ~covered), len(self.scales))
        return sky, [_smooth(*level, RING) for level in sky]

    def measure(self, sources, beside=None):
        """
        The structure of the sky beside the sources.

        Parameters
        ----------
        sources : 2D bool `~numpy.ndarray`
            The bins that are not sky.
        beside : list, optional
            The levels around each place that are the local sky, as `levels` gives
            them; by default those beside the sources.

        Returns
        -------
        structure : `Structure`
            The structure on the ``scales``.
        """
        sky, near = self.levels(sources)
        beside = near if beside is None else beside
        good = sky[0][0][sky[0][1] > 0]
        level = float(np.median(good)) if good.size else 0.
        around, local = level, level
        rms, depth, median, local_sky = [], [], [], []
        for scale, sky_level, near_level, beside_level in zip(
                self.scales[::-1], sky[::-1], near[::-1], beside[::-1],
                strict=True):
            around = _filled(*near_level, around)
            local = _filled(*beside_level, local)
            smoothed, density = _smooth(*sky_level, 1.)
            values = (smoothed - around)[density > 0.5]
            local_sky.append(local)
            if values.size < FEWEST_PIXELS:
                rms.append(np.nan)
                depth.append(np.nan)
                median.append(np.nan)
                continue
            low, middle = np.percentile(values, [16, 50])
            white = 0.9 / (2 * np.sqrt(np.pi) * scale)
            rms.append(np.sqrt(max((middle - low)**2 - white**2, 0)))
            depth.append(middle - values.min())
            median.append(middle)
        # Where little sky is left, the next smaller scale has to do.
        rms, depth, median = (_fill(np.array(values[::-1]))
                              for values in (rms, depth, median))
        return Structure(rms, depth, median, local_sky[::-1])


def periodic_sky(scales, sources):
    """
    The waves in the sky.

    Parameters
    ----------
    scales : `SkyScales`
        The image.
    sources : 2D bool `~numpy.ndarray`
        The bins that are not sky.

    Returns
    -------
    waves : 2D `~numpy.ndarray` of float32
        Their sum in bins of ``BIN`` pixels, in units of the noise.
    """
    weight = scales.weight * ~sources
    values = np.clip(scales.image, -CLIP, CLIP)
    return fit_waves(values - _interpolated(values, weight, WAVES_SCALE / BIN),
                     weight)


def smooth_sky(scales, sources, waves=0., *, limit):
    """
    The sky itself, on the largest scale that leaves little structure.

    Parameters
    ----------
    scales : `SkyScales`
        The image.
    sources : 2D bool `~numpy.ndarray`
        The bins that are not sky; it is interpolated there.
    waves : 2D `~numpy.ndarray`, optional
        The part of the sky that needs no smoothing, see `periodic_sky`.
    limit : float
        The rms of the structure that may be left, in units of the noise.

    Returns
    -------
    sky : 2D `~numpy.ndarray` of float32
        The sky in bins of ``BIN`` pixels, in units of the noise.
    scale : int
        The standard deviation of the Gaussian that smooths it, pixels.
    noise_scale : float
        What the noise of a pixel is to be multiplied with, so that white noise
        would vary on the smallest scale 1.5 times as much as what is left; 1 if
        a scale that spares sources was enough.
    """
    weight = scales.weight * ~sources
    image = scales.image
    values = np.clip(image - waves, -CLIP, CLIP)
    for scale in SKY_SCALES:
        sky = waves + _interpolated(values, weight, scale / BIN)
        scales.image = image - sky
        left = scales.measure(sources).rms
        scales.image = image
        if (max(left[1:], default=left[0]) < limit
                and scale != SKY_SCALES[-1]):
            return sky.astype(np.float32), scale, 1.
    white = 1 / (2 * np.sqrt(np.pi) * scales.scales[0])
    return sky.astype(np.float32), scale, float(np.hypot(
        1, EXTRA_NOISE * left[0] / white))


def _binned(snr, invalid):
    """
    The mean of the valid pixels of each bin, and their fraction.
    """
    shape = tuple(-(-n // BIN) for n in invalid.shape)
    image = np.empty(shape, dtype=np.float32)
    weight = np.empty(shape, dtype=np.float32)
    for rows in row_blocks(len(invalid), 256):
        pixels = snr(rows)
        good = np.isfinite(pixels) & ~invalid[rows]
        total = bin_sums(np.where(good, pixels, 0), BIN)
        count = bin_sums(good, BIN, np.float32)
        part = slice(rows.start // BIN, rows.start // BIN + len(total))
        image[part] = total / np.maximum(count, 1)
        weight[part] = count / BIN**2
    return image, weight


def _levels(image, weight, n_levels):
    """
    The image and its weights in bins of 1, 2, 4, ... bins.
    """
    levels = [(image, weight)]
    for _ in range(n_levels - 1):
        image, weight = levels[-1]
        total, count = bin_sums(image * weight, 2), bin_sums(weight, 2)
        levels.append((total / np.maximum(count, 1e-3), count / 4))
    return levels


def _smooth(image, weight, sigma):
    """
    The weighted mean under a Gaussian, and the fraction of it with data.
    """
    total, density = (gaussian_smooth(values, sigma, truncate=3.)
                      for values in (image * weight, weight))
    return total / np.maximum(density, 0.02), density


def _filled(level, density, coarser, least=LEAST_SKY):
    """
    The level around each place; that of coarser bins where there is little sky.
    """
    if np.ndim(coarser):
        coarser = coarser.repeat(2, axis=0).repeat(2, axis=1)[
            :level.shape[0], :level.shape[1]]
    trust = np.clip(density / least, 0, 1)
    return trust * level + (1 - trust) * coarser


def _interpolated(values, weight, sigma):
    """
    The weighted mean under a Gaussian, a wider one where there is little sky.
    """
    used = values[weight > 0]
    sky = float(np.median(used)) if used.size else 0.
    n_levels = 1 + int(np.ceil(np.log2(max(max(values.shape) / (4 * sigma), 1))))
    for level in _levels(values, weight, n_levels)[::-1]:
        sky = _filled(*_smooth(*level, sigma), sky, 1.5 * LEAST_SKY)
    return sky


def _fill(values):
    """
    NaN replaced by the last value before, 0 if there is none.
    """
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.zeros_like(values)
    index = np.searchsorted(known, np.arange(len(values)), 'right') - 1
    return values[known[np.maximum(index, 0)]]
