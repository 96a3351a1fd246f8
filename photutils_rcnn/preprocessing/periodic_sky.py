# Licensed under a 3-clause BSD style license - see LICENSE
"""
Periodic sky: fringes and other patterns of a few frequencies.

A source is broad in Fourier space and a pattern is narrow there, so that they can be
told from each other also where the period is that of the size of sources. Real fringes
are curved, and sinusoids only over a few periods: they are fitted in small tiles that
overlap.
"""

__all__ = ['fit_waves']

import numpy as np
from scipy import fft

SIDE = 128  # bins of a tile
FINE = 2  # trial frequencies within one of the tile
# Slower waves are left to the smooth sky, bins do not show faster ones.
SLOWEST = 3  # periods in a tile
FASTEST = 48
RING = 1.5  # periods in a tile, the half width
# Of a wave to the mean power around its frequency, which the lower quartile tells:
# noise is that far above it at one frequency in 10**9.
LEAST_POWER = 20.
QUARTILE = -np.log(0.75)
MAX_WAVES = 12  # in a tile
LEAST_SKY = 0.1  # of a tile
# A pattern fills its tile, trails and halos do not.
PART = 8  # bins
LEAST_FRACTION = 0.5  # of the fitted amplitude
LEAST_FILLED = 0.85  # of the tile


def fit_waves(image, weight):
    """
    The waves in a sky.

    In each tile, waves that stand far above the power around their frequency are
    fitted together by least squares, one after the other. Tiles where the sky does
    not follow them all over have none.

    Parameters
    ----------
    image : (ny, nx) `~numpy.ndarray`
        The sky without its smooth part.
    weight : (ny, nx) `~numpy.ndarray`
        The weights of its bins, 0 where there is no sky.

    Returns
    -------
    waves : (ny, nx) `~numpy.ndarray` of float32
        Their sum, also where there is no sky.
    """
    half = SIDE // 2
    pad = [(half, half + -n % half) for n in image.shape]
    image, weight = (np.pad(values.astype(np.float32), pad)
                     for values in (np.where(weight > 0, image, 0), weight))
    waves = np.zeros_like(image)
    # Tiles of half the side overlap sum up to 1.
    hann = np.sin(np.pi * (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE)**2
    window = np.outer(hann, hann)
    for y in range(0, image.shape[0] - half, half):
        for x in range(0, image.shape[1] - half, half):
            tile = np.s_[y:y + SIDE, x:x + SIDE]
            weights = window * weight[tile]
            if weights.sum() > LEAST_SKY * window.sum():
                waves[tile] += window * _fit_tile(image[tile], weights)
    return waves[tuple(slice(before, n - after) for (before, after), n
                       in zip(pad, waves.shape, strict=True))]


def _fit_tile(values, weights):
    """
    The sum of the waves in a tile.
    """
    rows = np.arange(SIDE) - SIDE // 2
    model, terms = 0., np.empty((0, SIDE**2), dtype=np.float32)
    flat, flat_weights = values.ravel(), weights.ravel()
    for _ in range(MAX_WAVES):
        frequency = _strongest(weights * (values - model))
        if frequency is None:
            break
        along_y, along_x = (np.exp(2j * np.pi * rows * f) for f in frequency)
        wave = np.outer(along_y, along_x).astype(np.complex64).ravel()
        terms = np.concatenate([terms, [wave.real, wave.imag]])
        weighted = terms * flat_weights
        # Close frequencies are nearly the same wave.
        amplitudes = np.linalg.lstsq(weighted @ terms.T, weighted @ flat,
                                     rcond=1e-3)[0]
        model = (amplitudes @ terms).reshape(values.shape)
    if not len(terms) or _filled(values, model, weights) < LEAST_FILLED:
        return 0.
    return model


def _frequencies():
    """
    The trial frequencies, in periods per bin, and the rings they lie in.
    """
    n = FINE * SIDE
    ky, kx = fft.fftfreq(n), fft.rfftfreq(n)
    radius = SIDE * np.hypot(ky[:, None], kx)
    rings = [np.flatnonzero(abs(radius - middle) <= RING)
             for middle in range(SLOWEST, FASTEST + 1)]
    nearest = np.round(radius).astype(int) - SLOWEST
    inside = np.flatnonzero((nearest >= 0) & (nearest < len(rings)))
    return ky, kx, rings, inside, nearest.ravel()[inside]


_KY, _KX, _RINGS, _INSIDE, _NEAREST = _frequencies()


def _strongest(weighted):
    """
    The frequency of the wave that stands out most, `None` if none does.
    """
    power = abs(fft.rfft2(weighted, (FINE * SIDE,) * 2)).ravel()**2
    around = np.array([np.partition(power[ring], len(ring) // 4)[len(ring) // 4]
                       for ring in _RINGS])
    ratio = power[_INSIDE] / np.maximum(around, 1e-30)[_NEAREST] * QUARTILE
    best = np.argmax(ratio)
    if ratio[best] < LEAST_POWER:
        return None
    row, col = divmod(_INSIDE[best], len(_KX))
    return _KY[row], _KX[col]


def _filled(values, model, weights):
    """
    The part of a tile where its sky follows the waves.
    """
    def sums(pixels):
        return pixels.reshape(SIDE // PART, PART, -1, PART).sum(axis=(1, 3))

    follows = (sums(weights * values * model)
               > LEAST_FRACTION * sums(weights * model**2))
    return np.average(follows, weights=sums(weights))
