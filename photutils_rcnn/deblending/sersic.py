# Licensed under a 3-clause BSD style license - see LICENSE
"""
Sersic profiles as mixtures of Gaussians (Hogg & Lang 2013, PASP 125, 719).

The Fourier transform of a mixture is one of Gaussians too, so that a profile of any
size and ellipticity, convolved with any PSF, costs a few exponentials.
"""

__all__ = ['VARIANCES', 'sersic_weights']

from functools import cache

import numpy as np
from scipy import optimize, special

# In units of the squared half-light radius; both profiles share them.
VARIANCES = np.geomspace(2e-4, 12.0, 10)
N_RADII = 400
TRUNCATION = 8.0  # half-light radii, as the Tractor and SDSS cut de Vaucouleurs profiles


@cache
def sersic_weights(index):
    """
    The mixture of a Sersic profile.

    Parameters
    ----------
    index : float
        The Sersic index, 1 to 4.

    Returns
    -------
    weights : (K,) `~numpy.ndarray`
        The flux in each of the Gaussians of `VARIANCES`, of sum 1.
    """
    b = special.gammaincinv(2 * index, 0.5)
    radii = np.geomspace(1e-3, TRUNCATION, N_RADII)
    profile = np.exp(-b * (radii**(1 / index) - 1))
    gaussians = np.exp(-0.5 * radii[:, None]**2 / VARIANCES) / (
        2 * np.pi * VARIANCES)
    # the light of rings counts, the outermost included
    ring = radii**1.5
    norm = np.trapezoid(profile * 2 * np.pi * radii, radii)
    weights, _ = optimize.nnls(gaussians * ring[:, None], profile / norm * ring)
    return weights / weights.sum()
