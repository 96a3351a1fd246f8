# Licensed under a 3-clause BSD style license - see LICENSE
"""
Background of a frame from bins on disk, a few rows of boxes at a time.

It is that of `~photutils_rcnn.preprocessing.background.estimate_background`.
"""

__all__ = ['BinFile', 'MeshBackground', 'fit_mesh']

import warnings
from dataclasses import dataclass

import numpy as np
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning
from photutils.background import Background2D, SExtractorBackground
from photutils.utils import ShepardIDWInterpolator

from photutils_rcnn.preprocessing.background import (
    BIN,
    BOX,
    expand_mesh,
    filter_mesh,
    fit_trend,
    mask_sources,
    rough_side,
    sky_level,
    trend_on,
    trend_stride,
)
from photutils_rcnn.preprocessing.binned_map import bin_sums
from photutils_rcnn.preprocessing.noise import clipped_rms

EXCLUDED = 80  # percent of the bins of a box
REACH = 8  # bins, of the light of sources
MAX_SAMPLE = 4_000_000  # bins that tell the scatter
MAX_STRIP = 2_000_000  # bins in memory


class BinFile:
    """
    The means of bins of a frame in files.

    They are mapped into memory while they are read or written only: mapped pages count as
    memory of the process.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where the files are.
    n_bands : int
        The number of bands.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    """

    def __init__(self, folder, n_bands, shape):
        self.shape = tuple(-(-n // BIN) for n in shape)
        self._paths = folder / 'bins.npy', folder / 'counts.npy'
        for path, dtype in zip(self._paths, (np.float32, np.uint8), strict=True):
            np.lib.format.open_memmap(path, 'w+', dtype, (n_bands, *self.shape))
        self._histogram = np.zeros((n_bands, BIN**2 + 1), dtype=np.int64)

    def write(self, window, images, invalid):
        """
        Bin a window.

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns of pixels, which begin at bins.
        images, invalid : (n_bands, ny, nx) `~numpy.ndarray`
            The pixels, and `True` for those to leave out.
        """
        bins, counts = (np.load(path, mmap_mode='r+') for path in self._paths)
        part = tuple(slice(axis.start // BIN, -(-axis.stop // BIN)) for axis in window)
        for band, (image, bad) in enumerate(zip(images, invalid, strict=True)):
            count = bin_sums(~bad, BIN, np.uint8)
            total = bin_sums(np.where(bad, 0, image), BIN, float)
            bins[band, *part] = total / np.maximum(count, 1)
            counts[band, *part] = count
            self._histogram[band] += np.bincount(count.ravel(), minlength=BIN**2 + 1)

    def read(self, band, window):
        """
        Read bins.

        Parameters
        ----------
        band : int
            The band.
        window : (2,) tuple of slice
            The rows and columns of bins.

        Returns
        -------
        binned : 2D `~numpy.ndarray`
            The means.
        bad : 2D bool `~numpy.ndarray`
            `True` for bins with few pixels.
        """
        bins, counts = (np.load(path, mmap_mode='r') for path in self._paths)
        n_seen = np.cumsum(self._histogram[band, 1:])
        # of sparse pixels, one color of a mosaic filter say, bins hold few
        typical = 1 + np.searchsorted(n_seen, n_seen[-1] / 2)
        return (bins[band, *window].astype(float),
                counts[band, *window] < max(typical / 2, 1))

    def remove(self):
        """
        Remove the files.
        """
        for path in self._paths:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class MeshBackground:
    """
    The background of a band: a trend, and a mesh of what that leaves.

    Parameters
    ----------
    trend : (K,) `~numpy.ndarray`
        See `~photutils_rcnn.preprocessing.background.fit_trend`.
    mesh : (my, mx) `~numpy.ndarray`
        The values of boxes.
    shape : (2,) tuple of int
        The shape of the frame in bins.
    """

    trend: np.ndarray
    mesh: np.ndarray
    shape: tuple

    def bins(self, window):
        """
        The background of bins.

        Parameters
        ----------
        window : (2,) tuple of slice or `~numpy.ndarray` of int
            The rows and columns of bins.

        Returns
        -------
        level : 2D float32 `~numpy.ndarray`
            The background.
        """
        smooth = expand_mesh(self.mesh, BOX // BIN, self.shape, window)
        return (trend_on(self.trend, self.shape, window) + smooth).astype(np.float32)


def fit_mesh(bins, band):
    """
    Fit the background of a band.

    Parameters
    ----------
    bins : `BinFile`
        The bins.
    band : int
        The band.

    Returns
    -------
    background : `MeshBackground`
        The background.
    """
    shape, width = bins.shape, slice(0, bins.shape[1])

    def read(rows, stride=1):
        return bins.read(band, (rows, slice(0, shape[1], stride)))

    def sample(stride):
        parts = [read(slice(y, y + 1), stride) for y in range(0, shape[0], stride)]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    thin = sample(trend_stride(shape))
    trend = fit_trend(*thin, shape)
    if not len(trend):  # a band without data
        return MeshBackground(trend, np.zeros([-(-n // (BOX // BIN)) for n in shape]), shape)
    fallback = sky_level(thin[0][~thin[1]])
    rough = rough_side(shape)
    mesh = _fit_boxes(lambda rows: _without_trend(read(rows), trend, shape, rows), shape,
                      rough, fallback)

    def above(rows, cols, pixels):
        binned, bad = pixels
        return (binned - trend_on(trend, shape, (rows, cols))
                - expand_mesh(filter_mesh(mesh), rough, shape, (rows, cols))), bad

    stride = int(np.ceil(np.sqrt(np.prod(shape, dtype=float) / MAX_SAMPLE)))
    scatter = []
    for rows in _strips(shape, stride):
        rows = np.arange(-(-rows.start // stride) * stride, rows.stop, stride)
        if len(rows):
            cols = slice(0, shape[1], stride)
            residual, bad = above(rows, cols, bins.read(band, (rows, cols)))
            scatter.append(residual[~bad])
    sigma = clipped_rms(np.concatenate(scatter))

    def without_sources(rows):
        wide = slice(max(rows.start - REACH, 0), min(rows.stop + REACH, shape[0]))
        residual, bad = above(wide, width, read(wide))
        bad |= mask_sources(residual, bad, sigma)
        own = slice(rows.start - wide.start, rows.stop - wide.start)
        return _without_trend((read(rows)[0], bad[own]), trend, shape, rows)

    return MeshBackground(trend, filter_mesh(_fit_boxes(
        without_sources, shape, BOX // BIN, fallback)), shape)


def _without_trend(pixels, trend, shape, rows):
    binned, bad = pixels
    return binned - trend_on(trend, shape, (rows, slice(None))), bad


def _strips(shape, side):
    """
    Blocks of whole rows of boxes.
    """
    height = side * max(1, MAX_STRIP // (side * shape[1]))
    return [slice(y, min(y + height, shape[0])) for y in range(0, shape[0], height)]


def _fit_boxes(read, shape, side, fallback):
    """
    The values of boxes; of those with little sky from their neighbors, as
    `~photutils.background.Background2D` does.
    """
    mesh = np.concatenate([_boxes(*read(rows), side) for rows in _strips(shape, side)])
    empty = np.isnan(mesh)
    if empty.all():
        return np.full_like(mesh, fallback)
    if empty.any():
        known = ShepardIDWInterpolator(np.argwhere(~empty), mesh[~empty])
        mesh[empty] = known(np.argwhere(empty), n_neighbors=10)
    return mesh


def _boxes(binned, bad, side):
    """
    The values of the boxes of a strip, NaN for those with little sky.
    """
    shape = tuple(-(-n // side) for n in binned.shape)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyUserWarning)
            found = Background2D(
                binned, side, mask=bad, filter_size=1, exclude_percentile=EXCLUDED,
                sigma_clip=SigmaClip(3.0), bkg_estimator=SExtractorBackground())
            mesh, n_good = found.background_mesh, found.n_pixels_mesh
    except ValueError:  # no box has enough sky
        return np.full(shape, np.nan)
    return np.where(n_good <= (1 - EXCLUDED / 100) * side**2, np.nan, mesh)
