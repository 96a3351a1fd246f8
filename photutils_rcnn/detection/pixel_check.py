# Licensed under a 3-clause BSD style license - see LICENSE
"""
Detection check against the pixels: significance, surface brightness, contrast.

The footprint of a source is where its light stands above an isophote
(`photutils_rcnn.simulation.truth`). So the mean of its pixels must be about as high as
that, significant, and higher than the sky varies on the scale of the footprint.
"""

__all__ = ['PixelCheck', 'check_pixels']

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from photutils_rcnn.detection.trails import LEVEL, is_on_trail
from photutils_rcnn.preprocessing.binned_map import BinnedMap
from photutils_rcnn.preprocessing.normalization import mean_image
from photutils_rcnn.preprocessing.sky_structure import BIN, SkyScales, periodic_sky, smooth_sky

# Of some 6800 true detections in simulated scenes of eight presets, these limits
# together drop 1 in 300.
LEAST_SNR = 3.5
LEAST_STRUCTURE = 4.  # in units of the rms of the structure
BEYOND_DEPTH = 1.2  # or of its deepest trough
ISOPHOTE = 3.  # over the FWHM, the level of footprints in units of the noise
LEAST_BRIGHTNESS = 0.6  # in units of the isophote
LARGE = 1000  # pixels
LEAST_BRIGHTNESS_LARGE = 1.5
WIDEST_FWHM = 8.  # pixels
FILLED_AREA = 100  # pixels
LEAST_FILLED = 0.7  # of the footprint is above a quarter of the isophote
# Sky above this rms misleads the network, in units of the noise.
STRUCTURED = 0.2
# Where no detections are made, sources may be hidden; on smaller scales it is the
# light of those in crowded fields.
HIDING = 0.3
HIDING_SCALE = 8  # pixels
MISLED = 0.02  # of the detections or of the frame
LEFT = 0.12  # of which this much may be left
N_ROUNDS = 5
SETTLED = 0.005  # of the detections may change from round to round


@dataclass(frozen=True)
class PixelCheck:
    """
    Which detections the pixels show.

    Parameters
    ----------
    keep : (N,) `~numpy.ndarray` of bool
        `True` for detections that stand out.
    snr : (N,) `~numpy.ndarray`
        The S/N of the footprints in the mean of the bands, 0 without valid
        pixels: their sum over its noise, that of the sky alone.
    sources : 2D bool `~numpy.ndarray`
        The bins that those cover.
    rms : float
        The rms of the structure of the sky, as it would be in each band if it is
        the same in all, in units of the noise, on the scale where it is largest.
    scale : int
        That scale, pixels.
    lost_area : float
        The part of the frame that the other detections cover.
    images : list
        The bands, each indexed like an image and with its ``invalid`` pixels.
    """

    keep: np.ndarray
    snr: np.ndarray
    sources: np.ndarray
    rms: float
    scale: int
    lost_area: float
    images: list

    @property
    def misled(self):
        """
        Whether the structure of the sky made detections, a few or large ones, or
        is so strong that it hides sources.
        """
        return bool(self.made_detections
                    or (self.rms > HIDING and self.scale >= HIDING_SCALE)
                    or self._is_periodic)

    @property
    def made_detections(self):
        """
        Whether the structure of the sky made detections, a few or large ones.
        """
        lost = np.count_nonzero(~self.keep)
        many = lost > 1 and lost >= MISLED * len(self.keep)
        return bool(self.rms > STRUCTURED and (many or self.lost_area > MISLED))

    @property
    def _is_periodic(self):
        # Often only the reddest band has fringes.
        return (self.rms * np.sqrt(len(self.images)) > STRUCTURED
                and max(waves.std() for waves in self._waves) > STRUCTURED)

    @cached_property
    def _scales(self):
        return [SkyScales(image.__getitem__, image.invalid) for image in self.images]

    @cached_property
    def _waves(self):
        """
        The periodic part of the sky of each band.
        """
        return [periodic_sky(scales, self.sources) for scales in self._scales]

    def smooth_sky(self):
        """
        The sky beside the detections that stand out.

        Returns
        -------
        sky : `~photutils_rcnn.preprocessing.binned_map.BinnedMap`
            The sky of each band in units of its noise.
        scale : int
            The smallest scale on which a band was smoothed, pixels.
        noise_scale : (n_bands,) tuple of float
            What to multiply the noise of each band with, see
            `~photutils_rcnn.preprocessing.sky_structure.smooth_sky`.
        """
        found = [smooth_sky(scales, self.sources, waves, limit=LEFT)
                 for scales, waves in zip(self._scales, self._waves, strict=True)]
        skies, scales, noise_scales = zip(*found, strict=True)
        return (BinnedMap(np.stack(skies), BIN, self.images[0].invalid.shape),
                min(scales), noise_scales)


def check_pixels(footprints, snr, invalid, fwhm=None):
    """
    Check detections against the pixels.

    A detection must stand out in the mean of the bands or in at least one of them.

    Parameters
    ----------
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The footprints of N detections.
    snr : `~photutils_rcnn.preprocessing.normalization.SignalToNoise`
        The bands, background-subtracted, in units of their noise.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data.
    fwhm : (n_bands,) `~numpy.ndarray`, optional
        The FWHM of the PSF in pixels, which sets the isophote; by default 8.

    Returns
    -------
    check : `PixelCheck`
        The answer.
    """
    isophote = ISOPHOTE / (WIDEST_FWHM if fwhm is None else np.max(fwhm))
    images = [_Band(snr, invalid, band) for band in range(len(invalid))]
    mean, seen = mean_image(snr, invalid)
    scales = SkyScales(mean.__getitem__, ~seen)
    pixels = footprints.pixels()
    covered = _Covered(*pixels, scales)
    _, beside = scales.levels(covered.by(np.ones(len(footprints), bool)))
    test = _Test(mean, ~seen, scales, footprints, pixels, isophote)
    keep, footprint_snr = test.bright, test.snr
    # Sources hide the sky, and structure that passes for a source hides itself:
    # what is dropped in one round is sky in the next.
    for _ in range(N_ROUNDS):
        sources = covered.by(keep)
        structure = scales.measure(sources, beside)
        found = test.stands_out(structure)
        n_changed = np.count_nonzero(found != keep)
        keep = found
        if n_changed <= SETTLED * len(keep):
            break
    if len(images) > 1 and not keep.all():
        # Structure that only one band has is that much stronger there.
        rest = np.flatnonzero(~keep)
        others = footprints[rest]
        pixels = others.pixels()
        for image in images:
            test = _Test(image, image.invalid, scales, others, pixels, isophote)
            keep[rest] |= test.stands_out(structure, np.sqrt(len(images)))
    worst = int(np.argmax(structure.rms))
    return PixelCheck(keep, footprint_snr, covered.by(keep),
                      float(structure.rms[worst] / np.sqrt(len(images))),
                      int(scales.scales[worst]),
                      float(covered.by(~keep).mean()), images)


class _Band:
    """
    One band of the frame.
    """

    def __init__(self, snr, invalid, band):
        self._snr, self._band = snr, band
        self.invalid = invalid[band]

    def __getitem__(self, window):
        window = window if isinstance(window, tuple) else (window,)
        return np.where(self.invalid[window], 0, self._snr[self._band, *window])


class _Test:
    """
    The detections in one image.
    """

    def __init__(self, image, invalid, scales, footprints, pixels, isophote):
        self.scales = scales
        n = len(footprints)
        seen = ~invalid[pixels[1:]]
        source, y, x = (values[seen] for values in pixels)
        area = np.bincount(source, minlength=n)
        known = np.maximum(area, 1)
        self._mean = np.bincount(source, image[y, x], n) / known
        y, x = y // BIN, x // BIN
        above = scales.smoothed[y, x] > 0.25 * isophote
        filled = np.bincount(source, above, n) / known
        self._possible = (area < FILLED_AREA) | (filled > LEAST_FILLED)
        for i in np.flatnonzero(self._mean > LEVEL):
            if is_on_trail(image, footprints.boxes[i], footprints.shape):
                self._possible[i] = False
        self._middle = np.zeros((n, 2), dtype=int)
        middle = (np.cumsum(area) - area + area // 2)[area > 0]
        self._middle[area > 0] = np.stack([y[middle], x[middle]], axis=1)
        self.snr = self._mean * np.sqrt(area)
        self._noise = LEAST_SNR / np.sqrt(np.maximum(area, 1))
        self._least = isophote * np.where(
            area > LARGE, LEAST_BRIGHTNESS_LARGE, LEAST_BRIGHTNESS)
        self._possible &= area > 0
        # The Gaussian of the same effective area.
        self._scale = np.sqrt(np.maximum(area, 1) / (4 * np.pi))

    @property
    def bright(self):
        """
        The detections that would be sources on an even sky.
        """
        return self._possible & (
            self._mean > np.maximum(self._noise, self._least))

    def stands_out(self, structure, factor=1.):
        """
        The detections that the structure of the sky, so many times larger than
        it was measured, does not explain.
        """
        if not len(self._scale):
            return np.zeros(0, dtype=bool)
        logs = np.log(self.scales.scales)
        rms, depth, median = (np.interp(np.log(self._scale), logs, values)
                              for values in (structure.rms, structure.depth,
                                             structure.median))
        nearest = np.argmin(abs(np.log(self._scale)[:, None] - logs), axis=1)
        local = np.empty(len(nearest))
        for level, sky in enumerate(structure.local_sky):
            of_level = nearest == level
            y, x = self._middle[of_level].T // 2**level
            local[of_level] = sky[y, x]
        limit = factor * np.minimum(LEAST_STRUCTURE * rms,
                                    BEYOND_DEPTH * np.maximum(depth, 0))
        limit = np.maximum(np.hypot(self._noise, limit), self._least)
        return self._possible & (self._mean - (local + median) / factor > limit)


class _Covered:
    """
    The bins that footprints cover, and their neighbors.
    """

    def __init__(self, source, y, x, scales):
        self._shape = scales.image.shape
        self._source, self._y, self._x = source, y // BIN, x // BIN

    def by(self, chosen):
        """
        Those of some of the footprints, 2D.
        """
        of_chosen = chosen[self._source]
        bins = np.zeros(self._shape, dtype=bool)
        bins[self._y[of_chosen], self._x[of_chosen]] = True
        covered = bins.copy()
        # Many times as fast as the dilation of SciPy.
        for side, other in ((covered, bins), (covered.T, bins.T)):
            side[1:] |= other[:-1]
            side[:-1] |= other[1:]
        return covered
