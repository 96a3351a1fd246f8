# Licensed under a 3-clause BSD style license - see LICENSE
"""
Validation of errors and gain.
"""

__all__ = ['prepare_error', 'prepare_gain', 'replace_zero_errors', 'warn_unused_gain']

import warnings

import numpy as np
from astropy import units as u
from astropy.stats import sigma_clipped_stats
from astropy.utils.exceptions import AstropyUserWarning
from scipy import ndimage

from photutils_rcnn._wording import count
from photutils_rcnn.preprocessing.containers import by_band
from photutils_rcnn.preprocessing.fill_values import SIDE, SIDE_OF_COUNTS

MAX_SAMPLE = 100_000  # pixels that tell the noise of the sky


def prepare_error(error, shape):
    """
    The errors as a new array.

    Parameters
    ----------
    error : float, `~numpy.ndarray` or `None`
        One number, one per band, an image or a cube, in the unit of the data.
    shape : (3,) tuple of int
        The shape (n_bands, ny, nx) of the cube.

    Returns
    -------
    error : (n_bands, ny, nx) float32 `~numpy.ndarray` or `None`
        The errors.

    Raises
    ------
    ValueError
        If one is negative, or the shape does not fit.
    """
    if error is None:
        return None
    error = by_band(np.asarray(error), shape, 'error')
    if (error < 0).any():
        msg = f'error must not be negative, got {error[error < 0][0]}'
        raise ValueError(msg)
    return np.array(np.broadcast_to(error, shape), dtype=np.float32)


def replace_zero_errors(sigma, cube, invalid, steps):
    """
    Take zero errors in whole areas as no data, others as that of the sky.

    Parameters
    ----------
    sigma, cube : (n_bands, ny, nx) float32 `~numpy.ndarray`
        The errors and the data, changed in place.
    invalid : (n_bands, ny, nx) bool `~numpy.ndarray`
        `True` for pixels without data, changed in place.
    steps : sequence of float
        The step between the values of each band, see
        `~photutils_rcnn.preprocessing.noise.value_step`.

    Warns
    -----
    AstropyUserWarning
        If there are such areas, or errors are replaced.
    """
    n_replaced = 0
    for i, (error, image, bad, step) in enumerate(zip(sigma, cube, invalid, steps,
                                                      strict=True)):
        zero = (error == 0) & ~bad
        if zero.any() and not bad.all():
            side = SIDE_OF_COUNTS if step else SIDE
            blank = ndimage.binary_opening(zero, np.ones((side, side)))
            if blank.any():
                msg = (f'error of band {i + 1} is zero for '
                       f'{count(np.count_nonzero(blank), "pixel")} in whole areas, taken to be '
                       'without data; NaN or a mask says so clearly.')
                warnings.warn(msg, AstropyUserWarning, stacklevel=4)
            bad |= blank
            image[blank] = 0.0
            zero &= ~blank
            n_replaced += np.count_nonzero(zero)
            valid = image[~bad].astype(float)
            # the median deviation of sparse counts is zero
            error[zero] = sigma_clipped_stats(
                valid[::-(-valid.size // MAX_SAMPLE)])[2] or step or 1.0
        error[~(error > 0)] = 1.0
    if n_replaced:
        msg = (f'error is zero for {count(n_replaced, "pixel")} whose data are valid; '
               'the noise of the sky is taken there. The square root of '
               'counts is no error where there are few: without error it is '
               'measured.')
        warnings.warn(msg, AstropyUserWarning, stacklevel=4)


def prepare_gain(gain, unit, shape):
    """
    The gain, of a shape that broadcasts to the cube.

    Parameters
    ----------
    gain : float, array_like, `~astropy.units.Quantity` or `None`
        The electrons per unit of the data: a number, one per band, an image or
        a cube.
    unit : `~astropy.units.Unit` or `None`
        The unit of the data.
    shape : (3,) tuple of int
        The shape (n_bands, ny, nx) of the cube.

    Returns
    -------
    gain : float32 `~numpy.ndarray` or `None`
        Of the shape (n_bands, 1, 1) or that of the cube.

    Raises
    ------
    TypeError, ValueError
        If it holds no numbers, is not positive, or its unit or shape does not
        fit.
    """
    if gain is None:
        return None
    if isinstance(gain, u.Quantity):
        try:
            gain = gain.to_value(u.electron / (unit or u.dimensionless_unscaled))
        except u.UnitConversionError as exc:
            msg = ('gain must be in electrons per unit of the data '
                   f'({unit}), got {gain.unit}')
            raise ValueError(msg) from exc
    try:
        values = np.asarray(gain, dtype=np.float32)
    except (TypeError, ValueError) as exc:
        msg = f'gain must be a number or an array of numbers, got {gain!r}'
        raise TypeError(msg) from exc
    values = by_band(values, shape, 'gain')
    if not (values > 0).any() or not (values >= 0).all():
        msg = f'gain must be positive, got {gain!r}'
        raise ValueError(msg)
    return values


def warn_unused_gain(gain, cube, *, stacklevel=2):
    """
    Warn of a gain that was given and has no effect, since there are errors.

    Parameters
    ----------
    gain : object
        The gain that the user gave, `None` for none; that of a header is not meant.
    cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        The frame.
    stacklevel : int, optional
        Whose warning it is: 2 is the caller.

    Warns
    -----
    AstropyUserWarning
        If ``gain`` is given and ``cube`` has errors.
    """
    if gain is not None and cube.error is not None:
        msg = ('gain has no effect beside error, which is taken to be the total error, with '
               'the photon noise of the sources (photutils.utils.calc_total_error adds it).')
        warnings.warn(msg, AstropyUserWarning, stacklevel=stacklevel)
