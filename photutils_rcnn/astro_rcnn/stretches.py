# Licensed under a 3-clause BSD style license - see LICENSE
"""
The normalization of Astro R-CNN.

It works on all pixels of a frame as it is, sky included, and knows neither
noise nor bad pixels. Bands are ordered blue to red.
"""

__all__ = ['ZScoreInt16Stretch', 'wrap_int16']

import numpy as np

from photutils_rcnn.preprocessing.stretches import register_stretch


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


@register_stretch
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
