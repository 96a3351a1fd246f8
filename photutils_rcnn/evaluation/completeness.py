# Licensed under a 3-clause BSD style license - see LICENSE
"""
Completeness and purity.
"""

__all__ = ['CompletenessCurve', 'binned_fraction']

from dataclasses import dataclass

import numpy as np
from astropy.stats import binom_conf_interval
from astropy.table import QTable


def binned_fraction(values, success, edges, *, name='value',
                    fraction='completeness'):
    """
    The fraction of successes in bins of a quantity.

    Completeness is the fraction of counted truth that is found, in bins of
    a property of the truth; purity the fraction of counted detections that
    match, in bins of a property of the detections.

    Parameters
    ----------
    values : (N,) array_like of float
        The quantity; elements that are NaN enter no bin.
    success : (N,) array_like of bool
        Whether it is found (or right).
    edges : (B + 1,) array_like of float
        The increasing edges of the half-open bins; may be infinite.
    name, fraction : str, optional
        The names of the quantity and the fraction in the table.

    Returns
    -------
    table : `~astropy.table.QTable`
        The columns ``<name>_min``, ``<name>_max``, ``n``, ``n_success``,
        ``<fraction>`` (NaN in an empty bin) and ``<fraction>_low`` and
        ``<fraction>_high``, the bounds of the 68.3 % Wilson interval.
    """
    values = np.asarray(values, dtype=float)
    success = np.asarray(success, dtype=bool)
    edges = np.asarray(edges, dtype=float)
    which = np.digitize(values, edges) - 1
    which[np.isnan(values)] = -1
    n_bins = len(edges) - 1
    use = (which >= 0) & (which < n_bins)
    n = np.bincount(which[use], minlength=n_bins)
    k = np.bincount(which[use & success], minlength=n_bins)
    low, high = np.full((2, n_bins), np.nan)
    filled = n > 0
    if filled.any():
        low[filled], high[filled] = binom_conf_interval(
            k[filled], n[filled], interval='wilson')
    table = QTable()
    table[f'{name}_min'] = edges[:-1]
    table[f'{name}_max'] = edges[1:]
    table['n'] = n
    table['n_success'] = k
    table[fraction] = np.divide(k, n, out=np.full(n_bins, np.nan),
                                where=filled)
    table[f'{fraction}_low'] = low
    table[f'{fraction}_high'] = high
    return table


@dataclass(frozen=True)
class CompletenessCurve:
    """
    Completeness and purity as functions of the score threshold.

    The matches must be greedy in score, so that those of the detections
    above a threshold do not depend on the ones below.

    Parameters
    ----------
    thresholds : (K,) `~numpy.ndarray` of float
        The distinct scores in decreasing order; detections at or above
        enter.
    completeness, purity : (K,) `~numpy.ndarray` of float
        The fractions of found truth and of right detections; the
        completeness is NaN without counted truth.
    """

    thresholds: np.ndarray
    completeness: np.ndarray
    purity: np.ndarray

    @classmethod
    def from_hits(cls, scores, hits, n_truth):
        """
        The curve of all detections of all images.

        Parameters
        ----------
        scores : (N,) array_like of float
            The scores of the detections that count.
        hits : (N,) array_like of bool
            Whether they match.
        n_truth : int
            The number of counted true sources.

        Returns
        -------
        curve : `CompletenessCurve`
            The curve, a point for each distinct score.
        """
        scores = np.asarray(scores, dtype=float)
        order = np.argsort(-scores, kind='stable')
        ranked = scores[order]
        found = np.cumsum(np.asarray(hits, dtype=bool)[order])
        last = np.flatnonzero(np.diff(ranked, append=-np.inf) < 0)
        found = found[last]
        completeness = (found / n_truth if n_truth
                        else np.full(len(found), np.nan))
        return cls(ranked[last], completeness, found / (last + 1))

    def at_purity(self, purity):
        """
        The lowest threshold with at least some purity.

        Parameters
        ----------
        purity : float
            The purity to be reached.

        Returns
        -------
        threshold, completeness : float
            The score threshold and the completeness there, the largest at
            this purity; NaN if no threshold reaches it.
        """
        reached = np.flatnonzero(self.purity >= purity)
        if len(reached) == 0:
            return np.nan, np.nan
        best = reached[-1]
        return float(self.thresholds[best]), float(self.completeness[best])
