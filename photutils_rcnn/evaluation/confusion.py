# Licensed under a 3-clause BSD style license - see LICENSE
"""
Star/galaxy confusion matrix.
"""

__all__ = ['ConfusionMatrix']

from dataclasses import dataclass

import numpy as np
from astropy.table import QTable

from photutils_rcnn.evaluation.overlaps import as_flags
from photutils_rcnn.sources.classes import CLASS_NAMES


@dataclass(frozen=True)
class ConfusionMatrix:
    """
    Counts of true and predicted classes.

    Parameters
    ----------
    counts : (C, C) `~numpy.ndarray` of int
        The matched pairs; rows are the truth, columns the prediction, both
        in the order of `~photutils_rcnn.sources.classes.CLASS_NAMES`.
    missed : (C,) `~numpy.ndarray` of int
        The true sources of each class without a match.
    spurious : (C,) `~numpy.ndarray` of int
        The detections of each class without a match.
    """

    counts: np.ndarray
    missed: np.ndarray
    spurious: np.ndarray

    @classmethod
    def from_matches(cls, matches, class_ids, truth_class_ids, *, ignore=None,
                     use=None):
        """
        Count the pairs of a class-blind matching.

        Parameters
        ----------
        matches : `~photutils_rcnn.evaluation.matching.Matches`
            The matches of N detections and M true sources.
        class_ids, truth_class_ids : (N,), (M,) array_like of int
            The classes, from 1. Detections of class 0, unclassified, are
            left out.
        ignore : (M,) array_like of bool, optional
            The truth that counts neither way.
        use : (N,) array_like of bool, optional
            The detections that entered the matching. Default is all.

        Returns
        -------
        matrix : `ConfusionMatrix`
            The counts.
        """
        n = len(CLASS_NAMES)
        class_ids = np.asarray(class_ids) - 1
        truth_class_ids = np.asarray(truth_class_ids) - 1
        classified = class_ids >= 0
        hits = np.flatnonzero(matches.hits & classified)
        counts = np.zeros((n, n), dtype=int)
        np.add.at(counts, (truth_class_ids[matches.truth_of_detection[hits]],
                           class_ids[hits]), 1)
        missed = matches.detection_of_truth < 0
        missed &= ~as_flags(ignore, len(missed))
        spurious = ~(matches.hits | matches.ignored) & classified
        if use is not None:
            spurious &= use
        return cls(counts,
                   np.bincount(truth_class_ids[missed], minlength=n),
                   np.bincount(class_ids[spurious], minlength=n))

    def __add__(self, other):
        return ConfusionMatrix(self.counts + other.counts,
                               self.missed + other.missed,
                               self.spurious + other.spurious)

    @property
    def accuracy(self):
        """
        The fraction of pairs with the right class.

        It says little where one class is rare.
        """
        return _ratio(np.trace(self.counts), self.counts.sum())

    @property
    def completeness(self):
        """
        The fraction of the pairs of each true class predicted so (C,).
        """
        return _ratio(np.diag(self.counts), self.counts.sum(axis=1))

    @property
    def purity(self):
        """
        The fraction of the pairs of each predicted class that are so (C,).
        """
        return _ratio(np.diag(self.counts), self.counts.sum(axis=0))

    @property
    def balanced_accuracy(self):
        """
        The mean of the completeness of the classes.
        """
        return float(np.mean(self.completeness))

    @property
    def matthews_correlation(self):
        """
        The Matthews correlation coefficient, in its form for any number of
        classes (Gorodkin 2004, Comput. Biol. Chem. 28, 367).
        """
        total, right = self.counts.sum(), np.trace(self.counts)
        true, predicted = self.counts.sum(axis=1), self.counts.sum(axis=0)
        scale = np.sqrt(float(total**2 - (predicted**2).sum())
                        * float(total**2 - (true**2).sum()))
        return _ratio(right * total - true @ predicted, scale)

    def to_table(self):
        """
        The counts as a `~astropy.table.QTable`, a row for each true class
        and one for the spurious detections.

        Returns
        -------
        table : `~astropy.table.QTable`
            The columns ``truth``, the true class or 'no match'; one for each
            predicted class, under its name; and ``no match``, the missed
            truth.
        """
        table = QTable()
        table['truth'] = [*CLASS_NAMES, 'no match']
        for i, name in enumerate(CLASS_NAMES):
            table[name] = [*self.counts[:, i], self.spurious[i]]
        table['no match'] = [*self.missed, 0]
        return table


def _ratio(part, whole):
    """
    A quotient that is NaN where the divisor is zero.
    """
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    result = np.divide(part, whole, out=np.full(whole.shape, np.nan),
                       where=whole > 0)
    return result if result.ndim else float(result)
