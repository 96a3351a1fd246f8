# Licensed under a 3-clause BSD style license - see LICENSE
"""
Baselines: photutils and sep on the same frames.

Both see one detection image: the mean over the bands of the
background-subtracted signal in units of its noise, times the square root of
the number of bands (the noise of the result is 1).

The defaults are those of the two packages' own guides. photutils: a Gaussian
kernel of FWHM 3 pixels in 5x5 pixels, threshold 1.5 times the noise, at least
10 pixels, 32 levels, contrast 0.001. sep: its 3x3 kernel, threshold 1.5 times
the noise, at least 5 pixels, 32 levels, contrast 0.005. The thresholds of both
are in units of the noise before the convolution. `GRID_RUNS` has three kernels,
three thresholds and two contrasts beside.
"""

__all__ = ['DEFAULT_RUNS', 'GRID_RUNS', 'DetectionImage', 'detect_photutils',
           'detect_sep', 'extract_sep']

import warnings
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import photutils
from astropy.utils import minversion
from astropy.utils.exceptions import AstropyWarning
from photutils.background import Background2D
from photutils.segmentation import SourceFinder, make_2dgaussian_kernel
from scipy import ndimage

from photutils_rcnn.evaluation.detections import Detections
from photutils_rcnn.sources.footprints import Footprints

# photutils 3.0 shows a progress bar by default, 3.1 warns if the keyword is given at all.
SOURCE_FINDER_KEYWORDS = {} if minversion(photutils, '3.1') else {'progress_bar': False}
BOX_SIZE = 64  # pixels, of the background
MAX_SUB_OBJECTS = 100_000

_FIXED_KERNELS = {
    '3x3': np.outer([1, 2, 1], [1, 2, 1]) / 16,
    'guide': make_2dgaussian_kernel(3.0, size=5).array}


def valid_bands(scene):
    """
    The bands with valid pixels that are not all equal, and their bad pixels.
    """
    for band in scene.data:
        bad = ~np.isfinite(band)
        if scene.mask is not None:
            bad |= scene.mask
        if not bad.all() and np.ptp(band[~bad]):
            yield band, bad


@dataclass(frozen=True)
class DetectionImage:
    """
    The image that the classical methods work on.

    Parameters
    ----------
    snr : 2D `~numpy.ndarray`
        The combined signal in units of its noise; 0 where masked.
    mask : 2D bool `~numpy.ndarray`
        The pixels to ignore.
    fwhm : float
        The FWHM of the PSF (pixels).
    """

    snr: np.ndarray
    mask: np.ndarray
    fwhm: float

    @classmethod
    def from_arrays(cls, data, noise, fwhm, *, mask=None):
        """
        Combine background-subtracted bands.

        Parameters
        ----------
        data : (n_bands, ny, nx) array_like
            The background-subtracted bands; NaN is masked.
        noise : array_like
            The noise per pixel, of a shape that broadcasts to ``data``.
        fwhm : float
            The FWHM of the PSF (pixels).
        mask : (ny, nx) array_like of bool, optional
            The pixels to ignore. Default is none.

        Returns
        -------
        image : `DetectionImage`
            The combined image. It masks the pixels that are valid in no
            band.
        """
        data = np.asarray(data, dtype=float)
        noise = np.broadcast_to(np.asarray(noise, dtype=float), data.shape)
        good = np.isfinite(data) & np.isfinite(noise) & (noise > 0)
        if mask is not None:
            good &= ~np.asarray(mask, dtype=bool)
        n_good = good.sum(axis=0)
        signal = np.divide(data, noise, out=np.zeros(data.shape), where=good)
        snr = signal.sum(axis=0) / np.sqrt(np.maximum(n_good, 1))
        return cls(snr, n_good == 0, float(fwhm))

    @classmethod
    def from_scene(cls, scene):
        """
        Subtract the background of each band and combine them.

        Parameters
        ----------
        scene : `~photutils_rcnn.simulation.scene.Scene`
            The scene; its own noise level is not used.

        Returns
        -------
        image : `DetectionImage`
            The combined image. Bands whose valid pixels are none or all
            equal are left out.

        Raises
        ------
        ValueError
            If no band is left.
        """
        data, noise = [], []
        box_size = min(BOX_SIZE, *scene.data.shape[1:])
        for band, bad in valid_bands(scene):
            background = Background2D(band, box_size, filter_size=3,
                                      mask=bad, exclude_percentile=90)
            data.append(band - background.background)
            noise.append(background.background_rms)
        if not data:
            msg = 'scene.data must have a band with valid pixels'
            raise ValueError(msg)
        return cls.from_arrays(data, noise, float(np.mean(scene.psf_fwhm)),
                               mask=scene.mask)

    def kernel(self, name):
        """
        A kernel of unit sum.

        Parameters
        ----------
        name : {'3x3', 'guide', 'psf'}
            The kernel: that of sep and SExtractor ((1, 2, 1), (2, 4, 2),
            (1, 2, 1)); that of the guide of photutils, a Gaussian of FWHM 3
            pixels in 5x5 pixels; or a Gaussian of the width of the PSF.

        Returns
        -------
        kernel : 2D `~numpy.ndarray`
            The kernel.

        Raises
        ------
        ValueError
            If there is no such kernel.
        """
        if name == 'psf':
            size = max(3, 2 * int(np.ceil(self.fwhm)) + 1)
            return make_2dgaussian_kernel(self.fwhm, size=size).array
        try:
            return _FIXED_KERNELS[name]
        except KeyError:
            msg = f"kernel must be '3x3', 'guide' or 'psf', got {name!r}"
            raise ValueError(msg) from None

    def convolved(self, name):
        """
        The signal convolved with a kernel.

        Parameters
        ----------
        name : {'3x3', 'guide', 'psf'}
            As in `kernel`.

        Returns
        -------
        convolved : 2D `~numpy.ndarray`
            The convolved signal in units of the noise before the
            convolution.
        """
        return ndimage.convolve(self.snr, self.kernel(name), mode='constant')

    def to_detections(self, labels):
        """
        The detections of a label image.

        Both use the signal convolved with the PSF, whatever kernel the
        labels were found with: the position is the center of its light
        above zero, the score its peak in units of its noise.

        Parameters
        ----------
        labels : (ny, nx) int `~numpy.ndarray`
            The label image, 0 for background.

        Returns
        -------
        detections : `~photutils_rcnn.evaluation.detections.Detections`
            The detections by increasing label, without classes.
        """
        index = np.unique(labels)
        index = index[index > 0]
        if len(index) == 0:
            return Detections.empty(labels.shape)
        convolved = self.convolved('psf')
        positive = np.clip(convolved, 1e-6, None)
        y, x = np.transpose(ndimage.center_of_mass(positive, labels, index))
        peak = ndimage.maximum(convolved, labels, index)
        noise = np.sqrt((self.kernel('psf')**2).sum())
        return Detections(Footprints.from_labels(labels), peak / noise, x=x,
                          y=y)


def detect_photutils(image, *, n_sigma=1.5, n_pixels=10, contrast=0.001,
                     n_levels=32, kernel='guide'):
    """
    Detect and deblend with `photutils.segmentation.SourceFinder`.

    Parameters
    ----------
    image : `DetectionImage`
        The image.
    n_sigma : float, optional
        The threshold on the convolved image in units of the noise of the
        unconvolved one.
    n_pixels : int, optional
        The smallest number of connected pixels.
    contrast : float, optional
        The fraction of the light a deblended source must hold.
    n_levels : int, optional
        The number of deblending levels.
    kernel : {'3x3', 'guide', 'psf'}, optional
        The kernel, as in `DetectionImage.kernel`.

    Returns
    -------
    detections : `~photutils_rcnn.evaluation.detections.Detections`
        The detections, without classes.
    """
    finder = SourceFinder(n_pixels=n_pixels, contrast=contrast,
                          n_levels=n_levels, **SOURCE_FINDER_KEYWORDS)
    with warnings.catch_warnings():
        # nothing found and sources that resist deblending are results here
        warnings.simplefilter('ignore', AstropyWarning)
        segm = finder(image.convolved(kernel), n_sigma, mask=image.mask)
    if segm is None:
        return Detections.empty(image.snr.shape)
    return image.to_detections(segm.data)


def detect_sep(image, *, n_sigma=1.5, n_pixels=5, contrast=0.005,
               n_levels=32, kernel='3x3'):
    """
    Detect and deblend with ``sep.extract``.

    Parameters
    ----------
    image : `DetectionImage`
        The image; sep convolves its unconvolved form.
    n_sigma, n_pixels, contrast, n_levels : float or int, optional
        As in `detect_photutils`.
    kernel : str, optional
        As in `detect_photutils`.

    Returns
    -------
    detections : `~photutils_rcnn.evaluation.detections.Detections`
        The detections, without classes.
    """
    return image.to_detections(extract_sep(
        image, n_sigma=n_sigma, n_pixels=n_pixels, contrast=contrast, n_levels=n_levels,
        kernel=kernel)[1])


def extract_sep(image, *, n_sigma=1.5, n_pixels=5, contrast=0.005, n_levels=32, kernel='3x3'):
    """
    Run ``sep.extract``.

    Parameters
    ----------
    image : `DetectionImage`
        The image; sep convolves its unconvolved form.
    n_sigma, n_pixels, contrast, n_levels : float or int, optional
        As in `detect_photutils`.
    kernel : str, optional
        As in `detect_photutils`.

    Returns
    -------
    catalog : `~numpy.ndarray`
        The structured array of sep.
    labels : (ny, nx) int32 `~numpy.ndarray`
        The label image, in which row ``i`` has the label ``i + 1``.

    Raises
    ------
    ImportError
        If sep is not installed.
    """
    try:
        import sep
    except ImportError as error:
        msg = 'sep is required for this comparison: pip install sep'
        raise ImportError(msg) from error
    # Crowded fields exceed the defaults, which end in an exception.
    pixstack, limit = sep.get_extract_pixstack(), sep.get_sub_object_limit()
    sep.set_extract_pixstack(max(pixstack, image.snr.size))
    sep.set_sub_object_limit(max(limit, MAX_SUB_OBJECTS))
    try:
        return sep.extract(np.ascontiguousarray(image.snr), n_sigma,
                           err=1.0, mask=image.mask, minarea=n_pixels,
                           deblend_nthresh=n_levels,
                           deblend_cont=contrast, segmentation_map=True,
                           filter_kernel=image.kernel(kernel))
    finally:
        sep.set_extract_pixstack(pixstack)
        sep.set_sub_object_limit(limit)


DEFAULT_RUNS = {'photutils': detect_photutils, 'sep': detect_sep}
GRID_RUNS = {**DEFAULT_RUNS, **{
    f'{name} {kernel} n_sigma={n_sigma} contrast={contrast:g}': partial(
        detect, n_sigma=n_sigma, n_pixels=5, contrast=contrast, kernel=kernel)
    for (name, detect), kernel, n_sigma, contrast in product(
        DEFAULT_RUNS.items(), ('3x3', 'guide', 'psf'), (1.0, 1.5, 2.0), (1e-4, 1e-3))}}
