# Licensed under a 3-clause BSD style license - see LICENSE
"""
Background estimation.
"""

__all__ = ['estimate_background', 'expand_mesh', 'filter_mesh', 'fit_trend',
           'mask_sources', 'resolve_background', 'rough_side', 'sky_level', 'trend_on',
           'trend_stride']

import warnings
from functools import lru_cache

import numpy as np
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning
from photutils.background import Background2D, SExtractorBackground
from scipy import ndimage

from photutils_rcnn._row_blocks import CACHED_ROWS, row_blocks
from photutils_rcnn._wording import count
from photutils_rcnn.preprocessing.binned_map import BinnedMap, bin_sums
from photutils_rcnn.preprocessing.containers import by_band, same_unit
from photutils_rcnn.preprocessing.noise import center_and_scatter, clipped_rms

BIN = 4  # pixels are binned for the mesh: quicker, and faint halos show
BOX = 128  # pixels; the side of a mesh box, well above a large galaxy's core
ROUGH_BOX = 512
MIN_MESH_SIDE = 192  # smaller frames have one level


def resolve_background(cube, background):
    """
    The background to subtract from each band.

    Parameters
    ----------
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The frame.
    background : 'auto', float, `~numpy.ndarray`, `~astropy.units.Quantity` or \
            `~photutils_rcnn.preprocessing.binned_map.BinnedMap`
        See `~photutils_rcnn.preprocessing.normalization.normalize_cube`.

    Returns
    -------
    background : float32 `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.binned_map.BinnedMap`
        Shape (n_bands, ny, nx), or (n_bands, 1, 1) if constant.

    Raises
    ------
    TypeError, ValueError
        If ``background`` is of a wrong type, shape or unit.
    """
    if isinstance(background, str):
        if background != 'auto':
            msg = ("background must be 'auto', a number or an array, got "
                   f'{background!r}')
            raise ValueError(msg)
        levels = np.broadcast_arrays(*map(_estimate, cube.data, cube.invalid))
        if min(cube.shape) < MIN_MESH_SIDE:
            return np.stack(levels)
        return BinnedMap(np.stack(levels), BIN, cube.shape)
    if isinstance(background, BinnedMap):
        return background
    if np.isscalar(background) and background == 0:
        return np.zeros((cube.n_bands, 1, 1), dtype=np.float32)
    level = same_unit(background, cube.unit, 'background')
    if level is None or (level.ndim < 2 and not np.isfinite(level).all()):
        msg = f"background must be 'auto' or finite, got {background!r}"
        raise ValueError(msg)
    level = cube.in_band_order(by_band(level, cube.data.shape, 'background'))
    unknown = ~np.isfinite(level)
    if unknown.any():
        n_lost = np.count_nonzero(unknown & ~cube.invalid)
        if n_lost:
            msg = ('background must be finite where the data are valid, got '
                   f'{count(n_lost, "pixel")} without')
            raise ValueError(msg)
        level = np.where(unknown, 0, level)
    return level.astype(np.float32)


def estimate_background(image, invalid):
    """
    Estimate the background of one band.

    Frames at least 192 pixels wide get a smooth map from
    `~photutils.background.Background2D` on 4 x 4 binned pixels: sources are
    found against a rough mesh (512 pixels) and masked in the
    final one (128 pixels), so that the mesh does not eat large galaxies and
    halos; both follow what a plane or a bowl, fitted first, leaves. Smaller frames
    get one level. All take the mode
    (`~photutils.background.SExtractorBackground`) after sigma clipping.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        The pixels.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` for pixels to leave out.

    Returns
    -------
    background : float32 `~numpy.ndarray`
        The background, of the shape (ny, nx) or (1, 1).
    """
    level = _estimate(image, invalid)
    if level.size == 1:
        return level
    return BinnedMap(level[None], BIN, image.shape)[0]


def _estimate(image, invalid):
    """
    The background of one band in bins, or one level, (1, 1).
    """
    if invalid.all():
        return np.zeros((1, 1), dtype=np.float32)
    if min(image.shape) < MIN_MESH_SIDE:
        return np.full((1, 1), sky_level(image[~invalid]), dtype=np.float32)

    binned, bad = _bin(image, invalid)
    stride = trend_stride(binned.shape)
    thin = np.s_[::stride, ::stride]
    trend = trend_on(fit_trend(binned[thin], bad[thin], binned.shape), binned.shape)
    binned = binned - trend
    residual = binned - _mesh(binned, bad, rough_side(binned.shape))
    sigma = clipped_rms(residual[~bad])
    smooth = trend + _mesh(binned, bad | mask_sources(residual, bad, sigma), BOX // BIN)
    # the mesh is so smooth that steps of a few pixels do not show
    return smooth.astype(np.float32)


def _bin(image, invalid):
    """
    The mean of the valid pixels of each bin, and the bins with too few.
    """
    shape = tuple(-(-n // BIN) for n in image.shape)
    total, count = np.empty(shape), np.empty(shape, dtype=np.uint8)
    for rows in row_blocks(len(image), CACHED_ROWS):
        part = slice(rows.start // BIN, -(-rows.stop // BIN))
        total[part] = bin_sums(np.where(invalid[rows], 0, image[rows]), BIN, float)
        count[part] = bin_sums(~invalid[rows], BIN, np.uint8)
    # of sparse pixels, one color of a mosaic filter say, bins hold few
    typical = np.median(count[count > 0])
    return total / np.maximum(count, 1), count < max(typical / 2, 1)


def _mesh(binned, mask, side):
    """
    The smooth background of binned pixels.
    """
    if mask.all():
        return np.zeros_like(binned)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyUserWarning)
            mesh = Background2D(
                binned, side, mask=mask, filter_size=1, exclude_percentile=80,
                sigma_clip=SigmaClip(3.0),
                bkg_estimator=SExtractorBackground()).background_mesh
    except ValueError:  # no box has enough sky
        return np.full_like(binned, sky_level(binned[~mask]))
    return expand_mesh(filter_mesh(mesh), side, binned.shape)


def filter_mesh(mesh):
    """
    Filter a mesh as `~photutils.background.Background2D` does, many times as fast.

    Parameters
    ----------
    mesh : (my, mx) `~numpy.ndarray`
        The values of the boxes.

    Returns
    -------
    mesh : (my, mx) `~numpy.ndarray`
        The medians of 3 x 3 boxes.
    """
    padded = np.pad(mesh, 1, constant_values=np.nan)
    return np.nanmedian(np.lib.stride_tricks.sliding_window_view(
        padded, (3, 3)).reshape(*mesh.shape, 9), axis=-1)


def expand_mesh(mesh, side, shape, window=np.s_[:, :]):
    """
    Expand a mesh by cubic splines as `~photutils.background.Background2D` does, many times
    as fast.

    Parameters
    ----------
    mesh : (my, mx) `~numpy.ndarray`
        The values in the middle of boxes.
    side : int
        The side of a box in pixels.
    shape : (2,) tuple of int
        The shape of the image; the last boxes may reach beyond it.
    window : (2,) tuple of slice or `~numpy.ndarray` of int, optional
        The rows and columns of pixels. By default all.

    Returns
    -------
    image : 2D `~numpy.ndarray`
        The values of the pixels, none beyond those of the mesh.
    """
    to_rows, to_cols = (_spline_matrix(n_boxes, side, n)[part] for n_boxes, n, part
                        in zip(mesh.shape, shape, window, strict=True))
    return np.clip(to_rows @ mesh @ to_cols.T, mesh.min(), mesh.max())


@lru_cache(maxsize=4)  # for all bands
def _spline_matrix(n_boxes, side, n):
    """
    What interpolates along an axis, from values in the middle of boxes to bins, by cubic
    splines, (n, n_boxes).
    """
    return np.stack([ndimage.zoom(unit, side, order=3, mode='reflect', grid_mode=True)[:n]
                     for unit in np.eye(n_boxes)], axis=1)


def rough_side(shape):
    """
    The side of the boxes of the mesh that sources are found against.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (my, mx) of the frame in bins.

    Returns
    -------
    side : int
        The side in bins.
    """
    return min(ROUGH_BOX // BIN, max(BOX // BIN, min(shape) // 2))


def mask_sources(residual, bad, sigma):
    """
    The bins with the light of sources.

    Parameters
    ----------
    residual : (my, mx) `~numpy.ndarray`
        The bins above the rough background.
    bad : (my, mx) bool `~numpy.ndarray`
        `True` for bins to leave out.
    sigma : float
        Their scatter.

    Returns
    -------
    sources : (my, mx) bool `~numpy.ndarray`
        `True` where sources are. It depends on what is within 6 bins.
    """
    smooth = ndimage.gaussian_filter(np.where(bad, 0, residual), 1)
    return ndimage.binary_dilation(smooth > 1.5 * sigma, iterations=2)


def _terms(y, x):
    return [1, y, x, y**2, x**2, x * y]


def trend_stride(shape):
    """
    The step each way between the bins that the trend is fitted to.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (my, mx) of the frame in bins.

    Returns
    -------
    stride : int
        The step.
    """
    return int(np.ceil(np.sqrt(np.prod(shape, dtype=float) / 20_000)))


def fit_trend(binned, mask, shape):
    """
    Fit the plane through the sky, or the bowl if that is what it is.

    Halos and galaxies rise towards the middle of the frame or one of its sides, never
    to all sides.

    Parameters
    ----------
    binned : 2D `~numpy.ndarray`
        The frame in bins, of which every trend_stride-th each way is here.
    mask : 2D bool `~numpy.ndarray`
        `True` for bins to leave out.
    shape : (2,) tuple of int
        The shape (my, mx) of the frame in bins.

    Returns
    -------
    factors : (K,) `~numpy.ndarray`
        Those of the terms, for `trend_on`; none without a good bin.
    """
    if mask.all():
        return np.zeros(0)
    stride = trend_stride(shape)
    y, x = (np.linspace(-0.5, 0.5, n)[::stride] for n in shape)
    rows, cols = np.nonzero(~mask)
    values = binned[rows, cols]

    def fit(n_terms):
        return _clipped_fit(_terms(y[rows], x[cols])[:n_terms], values)

    bowl, scatter = fit(6)
    yy, xx, xy = bowl[3:]
    # how far it rises from the middle to a side, at least
    rise = np.linalg.eigvalsh([[yy, xy / 2], [xy / 2, xx]])[0] / 4
    return bowl if rise > scatter else fit(3)[0]


def trend_on(factors, shape, window=np.s_[:, :]):
    """
    The trend on bins.

    Parameters
    ----------
    factors : (K,) `~numpy.ndarray`
        From `fit_trend`.
    shape : (2,) tuple of int
        The shape (my, mx) of the frame in bins.
    window : (2,) tuple of slice or `~numpy.ndarray` of int, optional
        The rows and columns of bins. By default all.

    Returns
    -------
    trend : 2D `~numpy.ndarray`
        The values.
    """
    y, x = (np.linspace(-0.5, 0.5, n)[part]
            for n, part in zip(shape, window, strict=True))
    trend = np.zeros((len(y), len(x)))
    for factor, term in zip(factors, _terms(y[:, None], x), strict=False):
        trend += factor * term
    return trend


def _clipped_fit(terms, values):
    """
    The factors of terms by least squares with sigma clipping, and the scatter about
    their sum.
    """
    terms = np.stack(np.broadcast_arrays(*terms), axis=1)
    used = np.ones(len(values), dtype=bool)
    for _ in range(5):
        chosen = terms[used]
        # few terms of order one: their products lose no digits that count
        factors = np.linalg.lstsq(chosen.T @ chosen, chosen.T @ values[used])[0]
        residual = values - terms @ factors
        center, scatter = center_and_scatter(np.sort(residual[used]))
        used = np.abs(residual - center) <= 3 * scatter
    return factors, scatter


def sky_level(values):
    """
    The mode of pixels after sigma clipping.

    Parameters
    ----------
    values : (N,) `~numpy.ndarray`
        The pixels.

    Returns
    -------
    level : float
        The level.
    """
    # In float32, squares of fluxes in small units are 0.
    return SExtractorBackground(sigma_clip=SigmaClip(3.0))(
        values.astype(float))
