# Licensed under a 3-clause BSD style license - see LICENSE
"""
Intensity stretches.

All are called as ``stretch(image, noise)``.
"""

__all__ = ['ArcsinhStretch', 'LinearStretch', 'LuptonStretch',
           'ZScoreStretch', 'get_stretch', 'register_stretch']

import numpy as np

# What float32 can hold the sum of two of.
LARGEST = 1e38


def arcsinh(values):
    """
    The inverse hyperbolic sine, to the rounding errors of values of order one.

    Parameters
    ----------
    values : `~numpy.ndarray`
        The values.

    Returns
    -------
    arcsinh : `~numpy.ndarray`
        Of float32 several times as fast as that of NumPy, which has instructions for
        logarithms alone on many processors.
    """
    if values.dtype != np.float32:
        return np.arcsinh(values)
    size = np.abs(values)
    np.minimum(size, LARGEST, out=size)
    result = np.minimum(size, 1e9)
    result *= result
    result += 1
    np.sqrt(result, out=result)
    np.maximum(result, size, out=result)  # beyond 1e9, of which the square is too large
    result += size
    np.log(result, out=result)
    return np.copysign(result, values, out=result)


class _ScaledStretch:
    """
    What the stretches in units of the noise share: a divisor, the call, and
    that a pixel does not depend on others.
    """

    pixelwise = True

    def __init__(self, scale=2.0):
        if not scale > 0:
            msg = f'scale must be positive, got {scale!r}'
            raise ValueError(msg)
        self.scale = float(scale)

    def __repr__(self):
        return f'{type(self).__name__}(scale={self.scale})'

    def __call__(self, image, noise=1.0):
        """
        Stretch background-subtracted images.

        Parameters
        ----------
        image : (n_bands, ny, nx) `~numpy.ndarray`
            The images.
        noise : float or `~numpy.ndarray`, optional
            Their noise in the same unit, of a shape that broadcasts.
            The default is 1: the images are in units of the noise.

        Returns
        -------
        stretched : `~numpy.ndarray`
            The stretched images, of the same shape.
        """
        return self._compress(image / noise) / self.scale


class ArcsinhStretch(_ScaledStretch):
    r"""
    The inverse hyperbolic sine of the signal-to-noise ratio.

    .. math:: \mathrm{arcsinh}(x / \sigma) / s

    It is linear within the noise and logarithmic for bright sources, and
    the same source at the same depth looks the same in every frame.

    Parameters
    ----------
    scale : float, optional
        The divisor :math:`s`. The default is 2.
    """

    name = 'arcsinh'
    _compress = staticmethod(arcsinh)


class LuptonStretch(_ScaledStretch):
    r"""
    The inverse hyperbolic sine of the mean of the bands, colors kept.

    .. math:: \frac{x}{\sigma} \, \frac{\mathrm{arcsinh}(I)}{s \, I}

    with the mean :math:`I` of :math:`x / \sigma` over the bands. After
    `Lupton et al. (2004)
    <https://ui.adsabs.harvard.edu/abs/2004PASP..116..133L>`_, with the
    noise as the softening, but made for a network and not for the eye:
    negative pixels stay, nothing is clipped. The ratios of the bands are
    those of the image however bright a source is. For pictures see
    `~astropy.visualization.make_lupton_rgb`.

    Parameters
    ----------
    scale : float, optional
        The divisor :math:`s`. The default is 2, with which equal bands
        come out as those of `ArcsinhStretch`.
    """

    name = 'lupton'

    def _compress(self, snr):
        if snr.ndim != 3:
            msg = f'image must be (n_bands, ny, nx), got shape {snr.shape}'
            raise ValueError(msg)
        mean = snr.mean(axis=0)
        # arcsinh(I) / I has the limit 1 at zero.
        return snr * np.divide(arcsinh(mean), mean, where=mean != 0,
                               out=np.ones_like(mean))


class LinearStretch(_ScaledStretch):
    r"""
    The signal-to-noise ratio itself.

    .. math:: x / (s \, \sigma)

    Nothing is compressed: bright sources have values many thousand times
    those of faint ones.

    Parameters
    ----------
    scale : float, optional
        The divisor :math:`s`. The default is 2, with which faint sources
        come out as those of `ArcsinhStretch`.
    """

    name = 'linear'
    _compress = staticmethod(np.asarray)


class ZScoreStretch:
    r"""
    The z-score of each band over the whole frame.

    .. math:: A \, (x - \bar{x}) / \mathrm{std}(x)

    Equation 1 of `Burke et al. (2019)
    <https://ui.adsabs.harvard.edu/abs/2019MNRAS.490.3952B>`_. The depth of
    the frame and its brightest source set the scale.

    Parameters
    ----------
    factor : float, optional
        The factor :math:`A`. The default is 10000, as published.
    """

    name = 'zscore'

    def __init__(self, factor=1e4):
        self.factor = float(factor)

    def __repr__(self):
        return f'{type(self).__name__}(factor={self.factor})'

    def __call__(self, image, noise=1.0):
        """
        Stretch images, with or without their background.

        Parameters
        ----------
        image : (n_bands, ny, nx) `~numpy.ndarray`
            The images.
        noise : float or `~numpy.ndarray`, optional
            Not used.

        Returns
        -------
        stretched : `~numpy.ndarray`
            The stretched images, of the same shape.
        """
        mean = image.mean(axis=(-2, -1), keepdims=True, dtype=float)
        std = image.std(axis=(-2, -1), keepdims=True, dtype=float)
        std[std == 0] = 1.0
        return (self.factor * (image - mean) / std).astype(image.dtype)


_STRETCHES = {cls.name: cls for cls in (
    ArcsinhStretch, LuptonStretch, LinearStretch, ZScoreStretch)}


def register_stretch(stretch):
    """
    Let `get_stretch` know a stretch of a model that brings its own.

    A module that defines such a model, as `photutils_rcnn.astro_rcnn.model`
    does, is imported before the model is used, and so its stretch is known.

    Parameters
    ----------
    stretch : type
        The class of the stretch, with a ``name``.

    Returns
    -------
    stretch : type
        The same, so that this is a decorator.
    """
    _STRETCHES[stretch.name] = stretch
    return stretch


def get_stretch(name, **params):
    """
    A stretch by its name, as the configuration of a model holds it.

    Parameters
    ----------
    name : {'arcsinh', 'lupton', 'linear', 'zscore'} or str
        The name of the stretch, one of this module's or of
        `register_stretch`.
    **params
        The parameters of its class.

    Returns
    -------
    stretch : callable
        An instance called as ``stretch(image, noise)``.
    """
    if name not in _STRETCHES:
        msg = f'name must be one of {sorted(_STRETCHES)}, got {name!r}'
        raise ValueError(msg)
    return _STRETCHES[name](**params)
