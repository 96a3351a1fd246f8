# Licensed under a 3-clause BSD style license - see LICENSE
"""
User-supplied PSFs: models, images or widths, checked and in the order of bands.
"""

__all__ = ['GivenPSF', 'prepare_psf', 'psf_values']

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
from astropy import units as u
from astropy.modeling import Model
from astropy.utils.exceptions import AstropyUserWarning
from photutils.psf import GriddedPSFModel, ImagePSF

from photutils_rcnn._wording import count
from photutils_rcnn.preprocessing.psf import check_fwhm

KINDS = ('a PSF model of photutils, a 2D image of the PSF or a positive FWHM in '
         'pixels')
FEWEST_PIXELS = 4  # a side of an image; photutils interpolates with cubic splines
# How far from the middle the peak may be: the larger of the two.
LARGEST_OFFSET = 1.5  # pixels
LARGEST_RELATIVE_OFFSET = 0.5  # FWHM
LARGEST_BORDER = 0.1  # light of the image if all of it were as its border
REACH = 40  # pixels around the middle of a model in which its light is looked at
N_STEPS = 30  # of the grid on which the FWHM is measured, in one FWHM
# The FWHM of a PSF that varies is the median of those on so many positions each way.
N_POSITIONS = 3


@dataclass(frozen=True)
class GivenPSF:
    """
    The PSF of a frame as a user gave it.

    Parameters
    ----------
    fwhm : (n_bands,) `~numpy.ndarray`
        The FWHM in each band in pixels, from blue to red; the median over the frame
        of one that varies.
    models : tuple of `~astropy.modeling.Model` or `None`
        The model of each band, of unit flux and centered on the origin; `None` if the
        FWHM is all that is known.
    scale : int, optional
        The pixels of the image for one of the frame, if a part of it is magnified.
    start : (2,) tuple of float, optional
        The pixel x and y of the frame at which the image begins.
    """

    fwhm: np.ndarray
    models: tuple | None
    scale: int = 1
    start: tuple = (0, 0)

    def magnified(self, scale, start):
        """
        The PSF of a magnified part of the frame.

        Parameters
        ----------
        scale : int
            The pixels of the part each way for one of the frame.
        start : (2,) tuple of float
            The pixel x and y of the frame at which the part begins.

        Returns
        -------
        given : `GivenPSF`
            The PSF.
        """
        return replace(self, fwhm=scale * self.fwhm, scale=scale, start=start)

    @property
    def varies(self):
        """
        Whether a model varies over the frame.
        """
        return any(isinstance(model, GriddedPSFModel) for model in self.models or ())

    def fwhm_at(self, place):
        """
        The FWHM at a position of the image.

        Parameters
        ----------
        place : (2,) tuple of float
            The x and y in pixels.

        Returns
        -------
        fwhm : (n_bands,) `~numpy.ndarray`
            The diameter in pixels of a circle with the area above half of the peak.
        """
        place = self._on_frame(place)
        return self.scale * np.array([_fwhm(model, place) for model in self.models])

    def values(self, dx, dy, place):
        """
        The values of the PSF of each band.

        Parameters
        ----------
        dx, dy : 2D `~numpy.ndarray`
            The distances from the middle of the PSF in pixels of the frame.
        place : (2,) tuple of float
            The x and y in pixels of the image.

        Returns
        -------
        values : list of 2D `~numpy.ndarray`
            The values, per pixel of the frame.
        """
        place = self._on_frame(place)
        return [psf_values(model, dx, dy, place) for model in self.models]

    def grids(self, axis):
        """
        Where the models that vary are given.

        Parameters
        ----------
        axis : {0, 1}
            The axis: 0 is x.

        Returns
        -------
        grids : list of `~numpy.ndarray`
            The pixels of the image, for each of these models.
        """
        return [self.scale * (model.grid_xypos[:, axis] - self.start[axis])
                for model in self.models if isinstance(model, GriddedPSFModel)]

    def _on_frame(self, place):
        return tuple(at / self.scale + first
                     for at, first in zip(place, self.start, strict=True))


def prepare_psf(psf, cube):
    """
    Check the PSF of a frame.

    Parameters
    ----------
    psf : `~astropy.modeling.Model`, 2D array_like, float, sequence or dict
        The PSF of all bands, or a sequence of one for each in the order of the data, or
        a dictionary of one for each name of a band: PSF models of photutils, which may
        vary over the frame (`~photutils.psf.GriddedPSFModel`), images of the PSF on the
        pixels of the frame, or the FWHM in pixels. Models keep their normalization,
        images are normalized. The middle of an image is that of its central pixel; where
        a side is even, the border of the two central pixels or the center of one of
        them, whichever is nearest to the peak.
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The frame.

    Returns
    -------
    given : `GivenPSF`
        The PSF.

    Raises
    ------
    TypeError
        If a PSF is none of these.
    ValueError
        If there are more or fewer than bands, a band is unknown or missing, some bands
        have a FWHM and others a model or an image, or a PSF is not finite, has no light
        or not in the middle.
    """
    given = [_as_model(item, f'psf of band {band!r}')
             for item, band in zip(_one_for_each_band(psf, cube), cube.bands, strict=True)]
    is_width = [isinstance(item, float) for item in given]
    if all(is_width):
        return GivenPSF(np.array(given), None)
    if any(is_width):
        widths = [band for band, one in zip(cube.bands, is_width, strict=True) if one]
        msg = ('psf must be models or images for all bands, or a FWHM for all, got a '
               f'FWHM for {widths} alone')
        raise ValueError(msg)
    y, x = (np.linspace(0, n - 1, 2 * N_POSITIONS + 1)[1::2] for n in cube.shape)
    places = [(at_x, at_y) for at_y in y for at_x in x]
    fwhm = []
    for model, band in zip(given, cube.bands, strict=True):
        own = places if isinstance(model, GriddedPSFModel) else places[:1]
        for place in own:
            _check_light(_on_pixels(model, place), f'psf of band {band!r}')
        fwhm.append(np.median([_fwhm(model, place) for place in own]))
    return GivenPSF(np.array(fwhm), tuple(given))


def _one_for_each_band(psf, cube):
    """
    The PSFs in the order of the cube.
    """
    bands = cube.bands
    if isinstance(psf, Mapping):
        if set(psf) != set(bands):
            msg = f'psf must name the bands {list(bands)}, got {list(psf)}'
            raise ValueError(msg)
        return [psf[band] for band in bands]
    is_one = isinstance(psf, (Model, str)) or not np.iterable(psf) or (
        isinstance(psf, np.ndarray) and psf.ndim == 2)
    if is_one:
        return [psf] * len(bands)
    items = list(psf)
    if len(items) != len(bands):
        msg = (f'psf must be one for all or one for each of {count(len(bands), "band")} of '
               f'the data, got {len(items)}')
        raise ValueError(msg)
    order = range(len(bands)) if cube.order is None else cube.order
    return [items[i] for i in order]


def _as_model(item, name):
    """
    A model of unit flux, or the FWHM as a float.
    """
    if isinstance(item, Model):
        return _of_unit_flux(item, name)
    if isinstance(item, Real) or (isinstance(item, u.Quantity) and item.isscalar):
        return _as_width(item, name)
    try:
        image = np.asarray(item if np.iterable(item) else '', dtype=float)
    except (TypeError, ValueError) as exc:
        msg = f'{name} must be {KINDS}, got {item!r}'
        raise TypeError(msg) from exc
    return _of_image(image, name)


def _as_width(item, name):
    try:
        check_fwhm(item)
    except ValueError as exc:
        msg = f'{name} must be {KINDS}, got {item!r}'
        raise ValueError(msg) from exc
    return float(item.to_value(u.pix) if isinstance(item, u.Quantity) else item)


def _of_image(image, name):
    """
    The model of an image, of unit flux.
    """
    if image.ndim != 2 or min(image.shape) < FEWEST_PIXELS:
        msg = (f'{name} must be a 2D image of at least {FEWEST_PIXELS} x '
               f'{FEWEST_PIXELS} pixels, got the shape {image.shape}')
        raise ValueError(msg)
    _check_light(image, name)
    _warn_of_border(image, name)
    origin = []
    for n, peak in zip(image.shape, _peak(image), strict=True):
        middle = (n - 1) / 2
        nearest = [middle] if n % 2 else [middle, middle - 0.5, middle + 0.5]
        origin.append(min(nearest, key=lambda place, peak=peak: abs(peak - place)))
    return ImagePSF(image / image.sum(), origin=origin[::-1])


def _warn_of_border(image, name):
    """
    Warn of an image that does not fade to zero: it is cut off, or has a background.
    """
    border = np.concatenate([image[[0, -1]].ravel(), image[1:-1, [0, -1]].ravel()])
    level = border.mean() * image.size / image.sum()
    if abs(level) > LARGEST_BORDER:
        msg = (f'{name} does not fade to zero at its border, whose level is {level:.2g} of '
               'the light if it goes on under all of the image: fluxes that stand on it '
               'are wrong by about as much')
        warnings.warn(msg, AstropyUserWarning, stacklevel=6)


def _of_unit_flux(model, name):
    """
    A copy of a model with unit flux at the origin.
    """
    names = _parameters(model)
    if names is None or model.n_inputs != 2 or model.n_outputs != 1 or len(model) > 1:
        msg = (f'{name} must be {KINDS}, got a {type(model).__name__} without the '
               'parameters x_0, y_0 and flux')
        raise TypeError(msg)
    model = model.deepcopy()
    for parameter, value in zip(names, (0, 0, 1), strict=True):
        setattr(model, parameter, value)
    return model


def _parameters(model):
    """
    The names of position and flux, also of `~photutils.psf.make_psf_model`; `None` if
    the model has none.
    """
    usual = ('x_0', 'y_0', 'flux')
    if set(usual) <= set(model.param_names):
        return usual
    names = tuple(getattr(model, f'{name}_name', None) for name in ('x', 'y', 'flux'))
    return names if all(names) else None


def psf_values(model, dx, dy, place):
    """
    The values of a PSF.

    Parameters
    ----------
    model : `~astropy.modeling.Model`
        From `prepare_psf`.
    dx, dy : 2D `~numpy.ndarray`
        The distances from the middle of the PSF in pixels.
    place : (2,) tuple of float
        Where on the frame the PSF is to be taken, x and y in pixels.

    Returns
    -------
    values : 2D `~numpy.ndarray`
        The values, per pixel.
    """
    if not isinstance(model, GriddedPSFModel):
        return model(dx, dy)
    x, y = place
    return model.evaluate(dx + x, dy + y, 1., x, y)


def _on_pixels(model, place):
    """
    A PSF on pixels around its middle.
    """
    axis = np.arange(-REACH, REACH + 1.)
    return psf_values(model, *np.meshgrid(axis, axis), place)


def _fwhm(model, place):
    """
    The diameter of a circle with the area above half of the peak.
    """
    width = _width(_on_pixels(model, place))
    extent = 1.5 * width + 2
    for _ in range(2):  # on pixels a narrow PSF looks wider or narrower than it is
        step = max(width, 1) / N_STEPS
        axis = np.arange(-extent, extent + step, step)
        width = _width(psf_values(model, *np.meshgrid(axis, axis), place)) * step
    return width


def _width(image):
    return 2 * np.sqrt(np.count_nonzero(image >= 0.5 * image.max()) / np.pi)


def _peak(image):
    """
    The y and x of the light above half of the peak.
    """
    core = np.where(image >= 0.5 * image.max(), image, 0)
    return [core.sum(axis=1 - axis) @ np.arange(n) / core.sum()
            for axis, n in enumerate(image.shape)]


def _check_light(image, name):
    """
    Raise an error unless an image has light, and in the middle.
    """
    if not np.isfinite(image).all():
        msg = (f'{name} must be finite, got {np.count_nonzero(~np.isfinite(image))} '
               f'values that are not in {image.shape}')
        raise ValueError(msg)
    if not image.sum() > 0:
        msg = f'{name} must have a positive sum, got {image.sum():.3g}'
        raise ValueError(msg)
    border = max(side.max() for side in (image[0], image[-1], image[:, 0], image[:, -1]))
    if border >= 0.5 * image.max():
        msg = (f'{name} must fall below half of its peak within {image.shape} pixels, got '
               f'{border / image.max():.2f} of it at the border')
        raise ValueError(msg)
    distance = np.hypot(*(np.subtract(_peak(image), (np.array(image.shape) - 1) / 2)))
    if distance > max(LARGEST_OFFSET, LARGEST_RELATIVE_OFFSET * _width(image)):
        msg = (f'{name} must have its peak in the middle, got one {distance:.1f} pixels '
               'beside it')
        raise ValueError(msg)
