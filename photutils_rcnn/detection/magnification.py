# Licensed under a 3-clause BSD style license - see LICENSE
"""
Magnification of crowded, poorly sampled parts of a frame before the network sees them.

Where the PSF is narrower than 2.5 pixels and a star stands in every hundred, the network
misses most of them, though they are resolved: their boxes are as small and as close as its
finest cells. Interpolated to twice the pixels, the same network finds them.
"""

__all__ = ['crowded_window', 'infer_magnified']

from dataclasses import replace

import numpy as np

from photutils_rcnn.detection.inference import run_inference, smallest_tile
from photutils_rcnn.detection.nms import suppress
from photutils_rcnn.preprocessing.interpolation import magnify
from photutils_rcnn.preprocessing.noise import clipped_rms
from photutils_rcnn.preprocessing.normalization import NormalizedImage, to_model_fwhm
from photutils_rcnn.preprocessing.psf_trend import relative_width
from photutils_rcnn.sources.instances import Instances

FACTOR = 2
# FWHM in pixels. In simulated crowded fields with wider PSFs magnification finds more, but
# false sources, too.
WIDEST = 2.5
CELL = 64  # pixels, the side of the squares in which sources are counted
# Pixels for each source in a crowded one. In 8 simulated fields of FWHM 2 with a star in 19
# to 860 pixels completeness at 90 percent purity rises by .01 to .24, the more, the denser.
LARGEST_AREA = 150.
LEAST_SCORE = 0.5  # of the sources that are counted
MARGIN = 32  # pixels around crowded cells that the network sees, too
# Pixels, of the longer side of a source. Larger ones are those found without magnification:
# the network was trained on few that large.
LARGEST_SIDE = 48.
SPLINE_REACH = 8  # pixels, beyond which others have no influence on an interpolated one
SAMPLE = 512  # pixels, the side of the square in the middle of which the noise is measured


def crowded_window(instances, fwhm):
    """
    The part of a frame in which stars stand closer than the network can tell.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources that were found.
    fwhm : (n_bands,) `~numpy.ndarray` or `None`
        The FWHM of the PSF in pixels.

    Returns
    -------
    window : (2,) tuple of slice or `None`
        The rows and columns of the smallest rectangle with all crowded cells; `None` if
        there is none, or if the FWHM is not known or above 2.5 pixels.
    """
    if fwhm is None or np.mean(fwhm) > WIDEST:
        return None
    edges = [_cell_edges(n) for n in instances.shape]
    places = 0.5 + instances.centers[instances.scores >= LEAST_SCORE, ::-1]
    counts, *_ = np.histogram2d(*places.T, bins=edges)
    crowded = counts * LARGEST_AREA > np.multiply.outer(*map(np.diff, edges))
    if not crowded.any():
        return None
    return tuple(slice(int(axis[index.min()]), int(axis[index.max() + 1]))
                 for axis, index in zip(edges, np.nonzero(crowded), strict=True))


def _cell_edges(n):
    """
    The borders of cells along an axis. The last is half a cell wide at least, or in a strip
    of a few pixels two sources were a crowd.
    """
    return np.append(CELL * np.arange(max((n + CELL // 2) // CELL, 1)), n)


def infer_magnified(model, normalized, instances, window, psf, stretch, given=None,
                    tile_size=None, **options):
    """
    Find the sources of a part of a frame once more, at twice the pixels.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.
    normalized : `~photutils_rcnn.preprocessing.normalization.NormalizedCube`
        The frame.
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources that were found on it.
    window : (2,) tuple of slice
        The part, see `crowded_window`.
    psf : `~photutils_rcnn.detection.pipeline.FramePSF`
        The PSF; its FWHM is known.
    stretch : callable
        The stretch of the model.
    given : `~photutils_rcnn.preprocessing.given_psf.GivenPSF`, optional
        The models of the PSF, where a user gave them.
    tile_size : int, optional
        The side of square tiles, magnified pixels, which is left to the default if a
        frame, but not its magnified part, is as small as that.
    **options
        Those of `~photutils_rcnn.detection.inference.run_inference`, but the PSF.

    Returns
    -------
    instances : `~photutils_rcnn.sources.instances.Instances`
        All sources of the frame: the large ones and those beside the window as they were
        found first, the others of the window as they were found now.
    """
    shape = instances.shape
    seen = tuple(slice(max(axis.start - MARGIN, 0), min(axis.stop + MARGIN, n))
                 for axis, n in zip(window, shape, strict=True))
    start = np.array([axis.start for axis in seen])
    source = _Magnified(normalized.frame, seen)
    invalid = _repeat(normalized.invalid[seen])
    image = NormalizedImage(source, source.invalid, stretch, normalized.image.shape[-1])
    middle = np.array([(axis.start + axis.stop - 1) / 2 for axis in seen])
    fwhm = FACTOR * psf.fwhm * relative_width(psf.slopes, middle, shape)
    slopes = np.asarray(psf.slopes) * np.subtract(
        [axis.stop for axis in seen], start) / shape
    inside = ((psf.stars >= start) & (psf.stars < [axis.stop for axis in seen])).all(axis=1)
    stars = FACTOR * (psf.stars[inside] - start)
    if tile_size is not None and tile_size < smallest_tile(model):
        tile_size = None
    found = run_inference(
        model, image, invalid, psf_fwhm=to_model_fwhm(fwhm, image.shape[-1]),
        psf=given and given.magnified(FACTOR, tuple(start[::-1])), psf_stars=stars,
        psf_slopes=slopes, tile_size=tile_size, **options)
    found = _on_frame(found, start, shape)
    again = _within(found, window) & ~_is_large(found)
    kept = ~_within(instances, window) | _is_large(instances)
    both = Instances.concatenate([instances[kept], found[again]])
    distinct = both[suppress(both.boxes, both.scores, model.thresholds['nms'])]
    x, y = distinct.centers.T
    ordered = distinct[np.lexsort((x, y))]
    ordered.flag_overlaps()
    return ordered


class _Magnified:
    """
    A part of a frame in units of its noise at twice the pixels, computed where it is asked
    for; pixels without data are 0.
    """

    def __init__(self, frame, window):
        self._snr, self._bad = frame.snr, frame.cube.invalid
        self._window = window
        self.shape = (self._snr.shape[0],
                      *(FACTOR * (axis.stop - axis.start) for axis in window))
        self.invalid = _Repeated(self._bad, window)
        self._scale = np.ones((len(self._bad), 1, 1), dtype=np.float32)
        low = [max((axis.stop - axis.start - SAMPLE) // 2, 0) for axis in window]
        own = tuple(slice(axis.start + n, min(axis.start + n + SAMPLE, axis.stop))
                    for n, axis in zip(low, window, strict=True))
        new = tuple(slice(FACTOR * n, FACTOR * (n + SAMPLE)) for n in low)
        pixels = self._snr[:, *own]
        groups = zip(pixels, np.isfinite(pixels) & ~self._bad[:, *own],
                     self[:, *new], ~self.invalid[:, *new], strict=True)
        # Interpolation smoothes the noise, if it is white; the network is to see unit noise.
        self._scale = np.float32([
            _scatter_ratio(first[good], second[seen])
            for first, good, second, seen in groups]).reshape(-1, 1, 1)

    def _pixels(self, *window):
        """
        The pixels that those of a window are interpolated from, and where it begins in them.
        """
        slices, starts = [], []
        for axis, whole, n in zip(window, self._window, self._snr.shape[1:], strict=True):
            first, last, _ = axis.indices(FACTOR * (whole.stop - whole.start))
            low, high = whole.start + first // FACTOR, whole.start - (-last // FACTOR)
            slices.append(slice(max(low - SPLINE_REACH, 0), min(high + SPLINE_REACH, n)))
            starts.append(first + FACTOR * (whole.start - slices[-1].start))
        pixels = self._snr[:, *slices]
        good = np.isfinite(pixels) & ~self._bad[:, *slices]
        return np.where(good, pixels, 0), starts

    def __getitem__(self, index):
        bands, *window = index
        pixels, starts = self._pixels(*window)
        pixels = pixels[bands]
        sides = [axis.indices(n) for axis, n in zip(window, self.shape[1:], strict=True)]
        cut = tuple(slice(start, start + max(high - low, 0))
                    for start, (low, high, _) in zip(starts, sides, strict=True))
        return self._scale[bands] * np.stack([magnify(band, FACTOR)[cut] for band in pixels])


class _Repeated:
    """
    A part of boolean maps of a frame at twice the pixels.
    """

    def __init__(self, maps, window):
        self._maps = maps[:, *window]

    def __getitem__(self, index):
        bands, *window = index
        slices, cut = [], []
        for axis, n in zip(window, self._maps.shape[1:], strict=True):
            low, high, _ = axis.indices(FACTOR * n)
            slices.append(slice(low // FACTOR, -(-high // FACTOR)))
            cut.append(slice(low % FACTOR, low % FACTOR + max(high - low, 0)))
        return _repeat(self._maps[bands, *slices])[:, *cut]


def _scatter_ratio(*both):
    """
    How much wider one group of pixels scatters than another; 1 if one does not.
    """
    # Squares of the brightest exceed single precision.
    first, second = (clipped_rms(pixels.astype(float)) if pixels.size else 0.
                     for pixels in both)
    return first / second if first > 0 and second > 0 else 1.


def _repeat(maps):
    return maps.repeat(FACTOR, axis=-2).repeat(FACTOR, axis=-1)


def _on_frame(found, start, shape):
    """
    Sources of a magnified window on the pixels of the frame.
    """
    offset = np.tile(start, 2).astype(np.float32)
    return replace(found, shape=shape, boxes=found.boxes / FACTOR + offset,
                   mask_boxes=found.mask_boxes / FACTOR + offset)


def _within(instances, window):
    """
    Whether the centers of sources are within a window.
    """
    places = instances.centers[:, ::-1]
    return ((places >= [axis.start - 0.5 for axis in window])
            & (places < [axis.stop - 0.5 for axis in window])).all(axis=1)


def _is_large(instances):
    return (instances.boxes[:, 2:] - instances.boxes[:, :2]).max(axis=1) > LARGEST_SIDE
