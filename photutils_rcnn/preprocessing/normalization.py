# Licensed under a 3-clause BSD style license - see LICENSE
"""
Normalization of frames for the network.

Background and noise are estimated once per frame, the bands are mapped to
those of the model in units of signal to noise, and a stretch compresses
the range.
"""

__all__ = ['NormalizedCube', 'NormalizedImage',
           'independent_bands', 'mean_image', 'normalize_cube',
           'to_model_bands', 'to_model_fwhm']

from dataclasses import dataclass

import numpy as np

from photutils_rcnn._row_blocks import CACHED_ROWS, row_blocks
from photutils_rcnn._wording import count
from photutils_rcnn.preprocessing.background import resolve_background
from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.noise import estimate_noise, scaled_noise
from photutils_rcnn.preprocessing.stretches import ArcsinhStretch


def _band_groups(n_bands, n_model_bands):
    """
    Which bands make up each band of a model.

    The answer is a list of arrays of indices, see `to_model_bands`.
    """
    if n_bands >= n_model_bands:
        return np.array_split(np.arange(n_bands), n_model_bands)
    positions = np.linspace(0, n_bands - 1, n_model_bands)
    return [np.unique([int(np.floor(at)), int(np.ceil(at))])
            for at in positions]


def to_model_bands(snr_image, valid, n_model_bands=3):
    r"""
    Map any number of bands to those of a model.

    As many bands as the model has are kept, one is replicated, more are
    split into contiguous groups (the first groups get the surplus), fewer
    are spread, with the sum of two neighbors between them: two bands
    become :math:`(a, (a + b) / \sqrt{2}, b)` in a model of three. The sum
    of the signal-to-noise images of ``k`` bands is divided by
    :math:`\sqrt{k}`, which keeps unit noise: for bands of equal noise it
    is the inverse-variance weighted mean.

    A pixel that is bad in some bands takes the mean of the other bands
    there, and 0 (the sky) if it is bad in all.

    Parameters
    ----------
    snr_image : (n_bands, ny, nx) `~numpy.ndarray`
        Background-subtracted images divided by their noise, blue to red.
    valid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` where a pixel is good.
    n_model_bands : int, optional
        The number of bands of the model. The default is 3.

    Returns
    -------
    model_image : (n_model_bands, ny, nx) float32 `~numpy.ndarray`
        The images in units of the noise.
    """
    snr = np.array(snr_image, dtype=np.float32)
    valid = np.asarray(valid, dtype=bool)
    if snr.ndim != 3 or valid.shape != snr.shape:
        msg = ('snr_image must be 3D and valid of the same shape, got '
               f'{snr.shape} and {valid.shape}')
        raise ValueError(msg)
    snr[~valid] = 0
    if not valid.all():
        count = valid.sum(axis=0)
        patch = (count > 0) & (count < len(snr))
        mean = snr[:, patch].sum(axis=0) / count[patch]
        snr[:, patch] = np.where(valid[:, patch], snr[:, patch], mean)

    if len(snr) == n_model_bands:
        return snr
    return np.stack([snr[group].sum(axis=0) / np.float32(np.sqrt(len(group)))
                     for group in _band_groups(len(snr), n_model_bands)])


def independent_bands(n_bands, n_model_bands=3):
    """
    The bands of a model that share no band of the frame.

    Parameters
    ----------
    n_bands : int
        The number of bands of the frame.
    n_model_bands : int, optional
        The number of bands of the model. The default is 3.

    Returns
    -------
    index : list of int
        All bands of the model for a frame of as many or more, see
        `to_model_bands`; for fewer those that are not sums or copies.
    """
    found = {}
    for i, group in enumerate(_band_groups(n_bands, n_model_bands)):
        if len(group) == 1 or n_bands >= n_model_bands:
            found.setdefault(tuple(group), i)
    return list(found.values())


def to_model_fwhm(fwhm, n_model_bands=3):
    """
    The FWHM of the PSF in the bands of a model.

    Parameters
    ----------
    fwhm : (n_bands,) `~numpy.ndarray`
        The FWHM in each band, pixels.
    n_model_bands : int, optional
        The number of bands of the model. The default is 3.

    Returns
    -------
    model_fwhm : (n_model_bands,) `~numpy.ndarray`
        The means over the bands of which `to_model_bands` takes the sum,
        pixels.
    """
    return np.array([np.mean(fwhm[group]) for group in
                     _band_groups(len(fwhm), n_model_bands)])


def mean_image(snr, invalid):
    """
    The mean of the bands with data, scaled to unit noise.

    Parameters
    ----------
    snr : (n_bands, ny, nx) `~numpy.ndarray` or `~photutils_rcnn.preprocessing.frame.SignalToNoise`
        Background-subtracted images in units of their noise.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data; so are those not finite.

    Returns
    -------
    mean : (ny, nx) float32 `~numpy.ndarray`
        The mean, 0 where no band has data.
    seen : (ny, nx) bool `~numpy.ndarray`
        Where any band has.
    """
    mean = np.empty(snr.shape[1:], dtype=np.float32)
    seen = np.empty(snr.shape[1:], dtype=bool)
    for rows in row_blocks(len(mean), CACHED_ROWS):
        pixels = snr[:, rows]
        good = np.isfinite(pixels) & ~invalid[:, rows]
        count = good.sum(axis=0, dtype=np.uint16)
        total = np.where(good, pixels, 0).sum(axis=0, dtype=np.float32)
        mean[rows] = total / np.sqrt(np.maximum(count, 1), dtype=np.float32)
        seen[rows] = count > 0
    return mean, seen


class NormalizedImage:
    """
    A frame as the network sees it, computed where it is asked for.

    Parameters
    ----------
    source : (n_bands, ny, nx) `~numpy.ndarray` or \
            `~photutils_rcnn.preprocessing.frame.SignalToNoise`
        The pixels.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` where a pixel is bad. One that is not finite is, too.
    stretch : callable
        The stretch.
    n_bands : int
        The number of bands of the model.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, source, invalid, stretch, n_bands):
        self._source = source
        self._invalid = invalid
        self._stretch = stretch
        self.shape = (*source.shape[1:], n_bands)

    def __getitem__(self, window):
        """
        The pixels of a window, (ny, nx, n_model_bands).

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns.
        """
        starts, stops, _ = np.transpose([
            axis.indices(n) for axis, n in zip(window, self.shape, strict=False)])
        ny, nx = np.maximum(stops - starts, 0)
        image = np.empty((ny, nx, self.shape[-1]), dtype=self.dtype)
        # Else the stretch has to see all pixels at once.
        height = CACHED_ROWS if getattr(self._stretch, 'pixelwise', False) else ny
        for part in row_blocks(ny, height):
            rows = slice(starts[0] + part.start, starts[0] + part.stop)
            image[part] = self._rows(rows, window[1])
        return image

    def _rows(self, *window):
        pixels = self._source[:, *window]
        # One infinite pixel would undo all around it.
        valid = np.isfinite(pixels) & ~self._invalid[:, *window]
        stretched = self._stretch(to_model_bands(pixels, valid,
                                                 self.shape[-1]))
        image = np.moveaxis(stretched, 0, -1)
        image[~valid.any(axis=0)] = 0
        return image

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[:, :], dtype=dtype)


@dataclass(frozen=True)
class NormalizedCube:
    """
    A frame as the network sees it, and how it was made.

    Parameters
    ----------
    image : (ny, nx, n_model_bands) float32 `~numpy.ndarray` or \
            `NormalizedImage`
        The stretched image, 0 where no band has data.
    frame : `~photutils_rcnn.preprocessing.frame.Frame`
        The frame with its background and noise.
    invalid : (ny, nx) bool `~numpy.ndarray`
        `True` where no band has data, or none that float32 can hold in units
        of the noise.
    """

    image: np.ndarray | NormalizedImage
    frame: Frame
    invalid: np.ndarray


def normalize_cube(cube, *, background='auto', stretch=None, n_bands=3,
                   noise_scale=1., noise=None, check_error=True):
    """
    Normalize a frame for the network.

    Parameters
    ----------
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The frame.
    background : 'auto', float, `~numpy.ndarray` or \
            `~astropy.units.Quantity`, optional
        What to subtract: ``'auto'`` estimates it
        (`~photutils_rcnn.preprocessing.background.estimate_background`), a number, one
        number per band, an image or a cube is subtracted as it is, 0 says
        that the data are already subtracted. It needs the unit of the
        data, but for 0. Small cutouts full of sources need 0.
    stretch : callable, optional
        The stretch. The default is
        `~photutils_rcnn.preprocessing.stretches.ArcsinhStretch`. One with a true
        ``takes_raw_pixels`` gets the pixels as they are, background
        included, in place of those in units of the noise. With a true
        ``pixelwise`` the image is computed window by window, where it is
        asked for.
    n_bands : int, optional
        The number of bands of the model. The default is 3.
    noise_scale : float or (n_bands,) array_like, optional
        What the estimated noise is multiplied with, where a sky with structure
        acts as more noise. The default is 1.
    noise : (n_bands,) `~numpy.ndarray`, optional
        The level of the noise, where it is known
        (`~photutils_rcnn.preprocessing.noise.scaled_noise`). By default it is estimated.
    check_error : bool, optional
        Whether to warn of errors that do not fit the data. The default is
        `True`.

    Returns
    -------
    normalized : `NormalizedCube`
        The normalized frame.

    Notes
    -----
    The noise is the standard deviation of a pixel of the empty sky; see
    `~photutils_rcnn.preprocessing.noise.estimate_noise`.
    """
    stretch = ArcsinhStretch() if stretch is None else stretch
    background = resolve_background(cube, background)
    noise = (estimate_noise(cube, background, check_error) if noise is None
             else scaled_noise(cube, noise))
    noise = noise * np.reshape(noise_scale, (-1, 1, 1)).astype(np.float32)
    raw = getattr(stretch, 'takes_raw_pixels', False)
    if raw and cube.n_bands != n_bands:
        msg = (f'data must have {count(n_bands, "band")} for the stretch {stretch!r}, '
               f'got {cube.n_bands}')
        raise ValueError(msg)
    frame = Frame(cube, background, noise)
    source = cube.data if raw else frame.snr
    image = NormalizedImage(source, cube.invalid, stretch, n_bands)
    if not getattr(stretch, 'pixelwise', False):
        image = np.asarray(image)
    invalid = cube.mask
    if not raw:
        for rows in row_blocks(len(invalid)):
            invalid[rows] |= ~(np.isfinite(source[:, rows])
                               & ~cube.invalid[:, rows]).any(axis=0)
    return NormalizedCube(image=image, frame=frame, invalid=invalid)
