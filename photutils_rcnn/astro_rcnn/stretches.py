# Licensed under a 3-clause BSD style license - see LICENSE
"""
The normalizations of Astro R-CNN and of its later code.

They work on all pixels of a frame as it is, sky included, and know neither
noise nor bad pixels. Bands are ordered blue to red.
"""

__all__ = ['LEGACY_STRETCHES', 'LegacyLinearStretch', 'LegacyLuptonStretch',
           'LegacyZScoreStretch', 'ZScoreInt16Stretch', 'wrap_int16']

import numpy as np

LUPTON_STRETCH = 0.005
LUPTON_Q = 10.0
PERCENTILE = 99.995
INT16_MAX = 32767


def wrap_int16(values):
    """
    Truncate to whole numbers and wrap into 16 bits.

    ``(trunc(x) + 32768) mod 65536 - 32768``: 33000.9 becomes -32536. It is
    what a cast to int16 gives where it is defined; written out, as the cast
    of numbers out of range is not. Not finite values become 0.

    Parameters
    ----------
    values : `~numpy.ndarray`
        Any numbers.

    Returns
    -------
    wrapped : `~numpy.ndarray` of float32
        Whole numbers from -32768 to 32767.
    """
    whole = np.trunc(np.where(np.isfinite(values), values, 0))
    # In float64 the remainder is exact, however large the number.
    return (np.mod(whole.astype(float) + 32768, 65536)
            - 32768).astype(np.float32)


class ZScoreInt16Stretch:
    r"""
    The z-score of each band as 16-bit integers, as of 2019.

    .. math:: \mathrm{int16}[A \, (x - \bar{x}) / \mathrm{std}(x)] + o

    Equation 1 of `Burke et al. (2019)
    <https://ui.adsabs.harvard.edu/abs/2019MNRAS.490.3952B>`_ in the form
    that their published weights were trained with. Pixels more than 3.2767
    standard deviations above the mean wrap around to negative values: the
    cores of bright sources become arbitrary numbers. Only for networks
    that have learnt it.

    Parameters
    ----------
    factor : float, optional
        The factor :math:`A`. The default is 10000.
    offset : float, optional
        The offset :math:`o` of the input of the network. The default is
        200: the code subtracts a mean pixel of -200.
    """

    name = 'zscore-int16'
    takes_raw_pixels = True

    def __init__(self, factor=1e4, offset=200.0):
        self.factor = float(factor)
        self.offset = float(offset)

    def __repr__(self):
        return (f'{type(self).__name__}(factor={self.factor}, '
                f'offset={self.offset})')

    def __call__(self, image, noise=1.0):
        """
        Stretch images.

        Parameters
        ----------
        image : (n_bands, ny, nx) `~numpy.ndarray`
            The images, computed in their own type: float32 as the
            original.
        noise : float or `~numpy.ndarray`, optional
            Not used.

        Returns
        -------
        stretched : (n_bands, ny, nx) `~numpy.ndarray` of float32
            The stretched images. A band without scatter is 0.
        """
        image = np.asarray(image)
        stretched = []
        for band in image:
            std = np.std(band)
            score = self.factor * (band - np.mean(band)) / (std or 1)
            stretched.append(wrap_int16(score) + np.float32(self.offset))
        return np.stack(stretched)


class _RatioStretch:
    """
    What the options of 2020 share: they divide by the mean of the bands.
    """

    takes_raw_pixels = True

    def __init__(self, offset=200.0):
        self.offset = float(offset)

    def __repr__(self):
        return f'{type(self).__name__}(offset={self.offset})'

    def __call__(self, image, noise=1.0):
        """
        Stretch images; see `ZScoreInt16Stretch`.
        """
        image = np.asarray(image)
        with np.errstate(divide='ignore', invalid='ignore'):
            ratio = self._ratio(image, np.mean(image, axis=0))
            finite = ratio[np.isfinite(ratio)]
            # 1 for a frame without light, which is 0 then
            top = (np.percentile(finite, PERCENTILE) if finite.size else 0) or 1
            return wrap_int16(ratio / top * INT16_MAX) + np.float32(
                self.offset)


class LegacyZScoreStretch(_RatioStretch):
    r"""
    The option ``zscore`` of the code of 2020, which is none.

    .. math:: (x - \bar{x}) / (I \, \overline{\mathrm{std}})

    with the mean :math:`I` of the bands in each pixel and the mean of the
    standard deviations of the bands, then divided by its 99.995 percentile,
    times 32767, as 16-bit integers that wrap around. No published weights
    belong to it. Pixels with :math:`I = 0` become 0.

    Parameters
    ----------
    offset : float, optional
        See `ZScoreInt16Stretch`.
    """

    name = 'legacy-zscore'

    def _ratio(self, image, mean):
        center = image.mean(axis=(1, 2), keepdims=True)
        return (image - center) / (mean * image.std(axis=(1, 2)).mean())


class LegacyLuptonStretch(_RatioStretch):
    r"""
    The option ``lupton`` of the code of 2020.

    .. math:: x \, \mathrm{arcsinh}(s Q I) / (Q I)

    with :math:`s = 0.005`, :math:`Q = 10` (after `Lupton et al. 2004
    <https://ui.adsabs.harvard.edu/abs/2004PASP..116..133L>`_); the rest as
    in `LegacyZScoreStretch`.

    Parameters
    ----------
    offset : float, optional
        See `ZScoreInt16Stretch`.
    """

    name = 'legacy-lupton'

    def _ratio(self, image, mean):
        return image * np.arcsinh(LUPTON_STRETCH * LUPTON_Q * mean) / (
            LUPTON_Q * mean)


class LegacyLinearStretch(_RatioStretch):
    r"""
    The option ``linear`` of the code of 2020.

    .. math:: x / I

    It leaves nothing of the brightness but the color; the rest as in
    `LegacyZScoreStretch`.

    Parameters
    ----------
    offset : float, optional
        See `ZScoreInt16Stretch`.
    """

    name = 'legacy-linear'

    def _ratio(self, image, mean):
        return image / mean


LEGACY_STRETCHES = {cls.name: cls for cls in (
    ZScoreInt16Stretch, LegacyZScoreStretch, LegacyLuptonStretch,
    LegacyLinearStretch)}
"""The classes by their names, for `~photutils_rcnn.preprocessing.stretches`."""
