# Licensed under a 3-clause BSD style license - see LICENSE
"""
Blendedness: how much of the light at a source is its own.
"""

__all__ = ['Blending', 'measure_blending']

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Blending:
    """
    How the N sources of a frame share its light.

    Parameters
    ----------
    blendedness : (N,) `~numpy.ndarray`
        ``1 - sum(T m) / sum(T M)`` with the template T and the model m of the source,
        and the sum M of all models: 0 for a source that stands alone (Bosch et al. 2018,
        PASJ 70, S5, Sect. 4.9.11, with T in place of their Gaussian).
    own_fraction : (N,) `~numpy.ndarray`
        The fraction of the light in the footprint that is the source's own.
    outside_fraction : (N,) `~numpy.ndarray`
        The fraction of the source's light that lies outside of the footprint.
    """

    blendedness: np.ndarray
    own_fraction: np.ndarray
    outside_fraction: np.ndarray


def measure_blending(designs, fractions, amplitude, footprints):
    """
    Measure how sources share the light of a frame.

    Parameters
    ----------
    designs : list of (ny * nx, N) `~scipy.sparse.csc_array`
        The templates of each band, see
        `~photutils_rcnn.deblending.drawing.design_matrices`.
    fractions : (N, n_bands) `~numpy.ndarray`
        The fraction of the light of each source in the mean that is of each band.
    amplitude : (N,) `~numpy.ndarray`
        The fluxes in the mean of the bands.
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The footprints.

    Returns
    -------
    blending : `Blending`
        Not a number for sources without light or footprint.
    """
    first = designs[0]
    n_pixels = np.diff(first.indptr)
    values = sum(design.data * np.repeat(part, n_pixels)
                 for design, part in zip(designs, fractions.T, strict=True))
    templates = sparse.csc_array((values, first.indices, first.indptr), shape=first.shape)
    light = np.maximum(amplitude, 0)
    total = templates @ light
    source, y, x = footprints.pixels()
    inside = sparse.csc_array((np.ones(len(source)), (y * footprints.shape[1] + x, source)),
                              shape=templates.shape)
    mine = templates.multiply(inside).sum(axis=0)
    columns = (1 - _ratio(light * templates.power(2).sum(axis=0), templates.T @ total),
               _ratio(light * mine, inside.T @ total), 1 - mine)
    return Blending(*np.clip(columns, 0, 1))


def _ratio(part, whole):
    """
    A fraction, not a number of nothing.
    """
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
