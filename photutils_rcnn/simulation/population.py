# Licensed under a 3-clause BSD style license - see LICENSE
"""
The intrinsic properties of the sources of a scene.
"""

__all__ = ['Population', 'half_light_radius']

from dataclasses import dataclass, fields

import numpy as np
from scipy import special


@dataclass
class Population:
    """
    Intrinsic properties of ``N`` sources; lengths in pixels.

    Attributes
    ----------
    class_id : (N,) `~numpy.ndarray` of int
        The class of each source.
    x, y : (N,) `~numpy.ndarray`
        Positions, 0-based, the center of the first pixel at 0.
    magnitudes : (N, n_bands) `~numpy.ndarray`
        AB magnitudes.
    bulge_fraction : (N, n_bands) `~numpy.ndarray`
        The fraction of the bulge in the flux of each band.
    bulge_radius, disc_radius : (N,) `~numpy.ndarray`
        Half-light radii along the major axis.
    bulge_q, disc_q, angle : (N,) `~numpy.ndarray`
        Axis ratios and the position angle in radians from +x to +y.
    bulge_n, disc_n : (N,) `~numpy.ndarray`
        Sersic indices.
    clump_fraction : (N,) `~numpy.ndarray`
        The fraction of the disc's flux in star-forming knots and arms.
    arms : (N,) `~numpy.ndarray` of int
        The number of spiral arms on which the knots lie; 0 for none.
    disc_dx, disc_dy : (N,) `~numpy.ndarray`
        The offset of the smooth disc from the position, where the bulge and
        the knots are centered.
    """

    class_id: np.ndarray
    x: np.ndarray
    y: np.ndarray
    magnitudes: np.ndarray
    bulge_fraction: np.ndarray
    bulge_radius: np.ndarray
    disc_radius: np.ndarray
    bulge_q: np.ndarray
    disc_q: np.ndarray
    angle: np.ndarray
    bulge_n: np.ndarray
    disc_n: np.ndarray
    clump_fraction: np.ndarray
    arms: np.ndarray
    disc_dx: np.ndarray
    disc_dy: np.ndarray

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return Population(*(getattr(self, f.name)[index] for f in fields(self)))

    @classmethod
    def concatenate(cls, populations):
        """
        Join populations of the same bands.

        Parameters
        ----------
        populations : sequence of `Population`
            The populations, at least one.

        Returns
        -------
        population : `Population`
            All sources, in the order given.
        """
        return cls(*(np.concatenate([getattr(p, f.name) for p in populations])
                     for f in fields(cls)))


def half_light_radius(fraction, radius_b, n_b, radius_d, n_d):
    """
    The half-light radius of a sum of two Sersic profiles.

    Parameters
    ----------
    fraction : array_like
        The fraction of the first profile in the flux.
    radius_b, radius_d : array_like
        The (circularized) half-light radii.
    n_b, n_d : array_like
        The Sersic indices.

    Returns
    -------
    radius : `~numpy.ndarray`
        The radius of the circle with half of the light.
    """
    lo = np.minimum(radius_b, radius_d) * 0.999
    hi = np.maximum(radius_b, radius_d) * 1.001
    b_b, b_d = (special.gammaincinv(2 * n, 0.5) for n in (n_b, n_d))
    for _ in range(24):
        mid = (lo + hi) / 2
        inside = (fraction * special.gammainc(
            2 * n_b, b_b * (mid / radius_b) ** (1 / n_b))
            + (1 - fraction) * special.gammainc(
                2 * n_d, b_d * (mid / radius_d) ** (1 / n_d)))
        lo = np.where(inside < 0.5, mid, lo)
        hi = np.where(inside < 0.5, hi, mid)
    return (lo + hi) / 2
