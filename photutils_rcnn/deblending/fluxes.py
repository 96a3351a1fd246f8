# Licensed under a 3-clause BSD style license - see LICENSE
"""
Joint fluxes: non-negative linear least squares on the templates of all sources.
"""

__all__ = ['FluxFit', 'Fluxes']

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

N_PIVOTS = 20
# Sources whose variances are computed together, with those that they touch directly or
# through another: their templates overlap by more than a fraction.
N_TOGETHER = 100
LEAST_OVERLAP = 0.01
# Of the neighbors' light that falls on a template: chosen so that 68 percent of the errors of
# blended galaxies in simulated scenes are as large as quoted.
NEIGHBOR_ERROR = 0.7


@dataclass(frozen=True)
class Fluxes:
    """
    The fluxes of a band.

    Parameters
    ----------
    flux, variance : (N,) `~numpy.ndarray`
        The fluxes and their variances, neighbors included; not a number for sources
        without a pixel.
    chi2 : (N,) `~numpy.ndarray`
        The mean squared residual in units of the errors of the pixels, weighted by the
        template.
    """

    flux: np.ndarray
    variance: np.ndarray
    chi2: np.ndarray


class FluxFit:
    r"""
    The joint fit of all sources of a band.

    With templates :math:`A` and weights :math:`W` the fluxes are
    :math:`f = (A^T W A)^{-1} A^T W d` under :math:`f \geq 0`. Weights follow from the noise
    of the empty sky and earlier fits, not from the data, which would favor dark pixels.

    Parameters
    ----------
    design : (n_pixels, N) `~scipy.sparse.csc_array`
        The templates :math:`A`.
    data : (n_pixels,) `~numpy.ndarray`
        The light.
    noise2 : (n_pixels,) `~numpy.ndarray`
        The variance of the empty sky, infinite for pixels without data.
    misfit : (N,) `~numpy.ndarray`, optional
        The light of each source that its profile does not have, from an earlier fit: it
        counts as noise. None by default.

    Attributes
    ----------
    flux : (N,) `~numpy.ndarray`
        The fluxes; not a number for sources without a pixel.
    model : (n_pixels,) `~numpy.ndarray`
        The models.
    """

    def __init__(self, design, data, noise2, misfit=None):
        self._design, self._data = design, data
        self._rows = design.tocsr()
        self._good = np.isfinite(noise2)
        self._structure2 = 0. if misfit is None else (design @ np.nan_to_num(misfit))**2
        self._weight = 1 / (noise2 + self._structure2)
        gram = self._products(self._weight)
        diagonal = gram.diagonal()
        self._seen = np.flatnonzero(diagonal > 1e-12 * diagonal.max(initial=0))
        self._gram = _part(gram, self._seen)
        self.flux = np.full(design.shape[1], np.nan)
        self.flux[self._seen] = _non_negative(
            self._gram, (design.T @ (self._weight * data))[self._seen])
        self.model = design @ np.nan_to_num(self.flux)

    def _products(self, factors):
        """
        The products of the templates with a factor for each pixel, (N, N).
        """
        design = self._design
        scaled = sparse.csr_array(
            (design.data * factors[design.indices], design.indices, design.indptr),
            shape=design.shape[::-1])
        return (scaled @ self._rows).tocsc()

    def with_errors(self, error2, *, correlation=1.0, sky_error=0.0):
        r"""
        The fluxes with their errors.

        With the covariance :math:`V` of the pixels that of the fluxes is
        :math:`(A^T W A)^{-1} A^T W V W A (A^T W A)^{-1}`. To it are added the errors that
        an offset of the sky and 0.7 of the light of the neighbors under a template make.

        Parameters
        ----------
        error2 : (n_pixels,) `~numpy.ndarray`
            The variance of the data.
        correlation : float, optional
            The variance of sums over the PSF in units of that of white noise.
        sky_error : float, optional
            The error of the sky.

        Returns
        -------
        fluxes : `Fluxes`
            The fluxes.
        """
        seen, weight, design = self._seen, self._weight, self._design
        error2 = np.where(self._good, error2, 0)
        spread = self._products(weight**2 * (error2 + self._structure2))
        noise = correlation * _variances(self._gram, _part(spread, seen))
        sky = sky_error * _solve(self._gram, (design.T @ weight)[seen])
        others = ((design.T @ (weight * self.model))[seen] / self._gram.diagonal()
                  - self.flux[seen])
        variance = np.full(len(self.flux), np.nan)
        variance[seen] = noise + sky**2 + (NEIGHBOR_ERROR * others)**2
        scaled = np.where(self._good & (error2 > 0), (self._data - self.model)**2
                          / np.where(error2 > 0, error2, 1), 0)
        mass = design.T @ self._good.astype(float)
        chi2 = np.where(mass > 0, (design.T @ scaled) / np.where(mass > 0, mass, 1), np.nan)
        return Fluxes(self.flux, variance, chi2)


def _non_negative(gram, right):
    """
    Non-negative least squares by block principal pivoting on the normal equations.
    """
    n = len(right)
    free = np.ones(n, dtype=bool)
    flux = np.zeros(n)
    for _ in range(N_PIVOTS):
        flux[:] = 0
        if free.any():
            flux[free] = _solve(_part(gram, np.flatnonzero(free)), right[free])
        gradient = right - gram @ flux
        wrong = free & (flux < 0)
        missing = ~free & (gradient > 1e-9 * np.abs(right).max(initial=0))
        if not (wrong.any() or missing.any()):
            break
        free ^= wrong | missing
    return np.maximum(flux, 0)


def _part(matrix, index):
    """
    The rows and columns of some sources.
    """
    return matrix if len(index) == matrix.shape[0] else matrix[index][:, index]


def _solve(gram, right):
    """
    Solve the normal equations; two sources in one place share their light.
    """
    ridge = sparse.diags_array(1e-6 * gram.diagonal())
    return splu((gram + ridge).tocsc()).solve(right)


def _variances(gram, spread):
    """
    The variances of all fluxes.
    """
    diagonal = gram.diagonal()
    if len(diagonal) == 0:
        return diagonal
    scale = sparse.diags_array(1 / np.sqrt(diagonal))
    touching = (scale @ gram @ scale > LEAST_OVERLAP).tocsc()
    order = csgraph.reverse_cuthill_mckee(touching, symmetric_mode=True)
    variance = np.empty(len(order))
    for start in range(0, len(order), N_TOGETHER):
        part = order[start:start + N_TOGETHER]
        near = np.unique(touching[:, np.unique(touching[:, part].indices)].indices)
        matrix = gram[near][:, near].toarray()
        matrix[np.diag_indices(len(near))] *= 1 + 1e-6
        columns = np.linalg.solve(matrix, (near[:, None] == part).astype(float))
        variance[part] = (columns * (spread[near][:, near] @ columns)).sum(axis=0)
    return variance
