# Licensed under a 3-clause BSD style license - see LICENSE
"""
Calibration of the probabilities of mask pixels (temperature scaling).
"""

__all__ = ['count_mask_pixels', 'fit_mask_scale', 'mask_calibration_error']

import numpy as np
from scipy import optimize, special

from photutils_rcnn.evaluation.probabilities import expected_calibration_error

# Pixels are counted in bins of the logit of their probability, those beyond in the
# outermost.
LARGEST_LOGIT = 8.
N_BINS = 160
CENTERS = (np.arange(N_BINS) + 0.5) * 2 * LARGEST_LOGIT / N_BINS - LARGEST_LOGIT


def count_mask_pixels(instances, footprints, truth_of_detection):
    """
    Count the pixels of masks that belong to the source and that do not.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        N detections.
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The true footprints on the same frame.
    truth_of_detection : (N,) array_like of int
        The true source that each detection shows, -1 for none.

    Returns
    -------
    counts : (N, 2, 160) int64 `~numpy.ndarray`
        The pixels of each mask box outside and inside the true footprint, in bins of
        equal width of the logit of their probability, from -8 to 8; 0 for detections
        that show no source.
    """
    counts = np.zeros((len(instances), 2, N_BINS), dtype=np.int64)
    matched = np.flatnonzero(np.asarray(truth_of_detection) >= 0)
    for i, (slices, values) in zip(
            matched, instances[matched].paste_all(), strict=True):
        cropped, index = footprints[truth_of_detection[i]].crop(*slices)
        inside = np.zeros(values.shape, dtype=bool)
        if len(index):
            inside[cropped.slices(0)] = cropped.masks[0]
        logits = np.clip(special.logit(np.clip(values, 0, 1)),
                         -LARGEST_LOGIT, LARGEST_LOGIT)
        bins = np.minimum((logits + LARGEST_LOGIT) * N_BINS / (2 * LARGEST_LOGIT),
                          N_BINS - 1).astype(int)
        for side, chosen in enumerate((~inside, inside)):
            counts[i, side] = np.bincount(bins[chosen], minlength=N_BINS)
    return counts


def fit_mask_scale(counts):
    """
    The scale of mask logits with the largest likelihood.

    There is no offset, so that footprints end where they did: 0.5 is the threshold
    with the best overlap with the truth, calibrated or not.

    Parameters
    ----------
    counts : (N, 2, 160) array_like
        From `count_mask_pixels`.

    Returns
    -------
    scale : float
        The ``mask_scale`` of `~photutils_rcnn.models.model.Model`; 1 without pixels.
    """
    outside, inside = np.sum(counts, axis=0)
    if not (outside.any() and inside.any()):
        return 1.

    def negative_log_likelihood(scale):
        return (outside @ np.logaddexp(0, scale * CENTERS)
                + inside @ np.logaddexp(0, -scale * CENTERS))

    fit = optimize.minimize_scalar(negative_log_likelihood, bounds=(0.2, 5.),
                                   method='bounded')
    return round(float(fit.x), 3)


def mask_calibration_error(counts, n_bins=15):
    """
    The expected calibration error of mask pixels.

    Parameters
    ----------
    counts : (N, 2, 160) array_like
        From `count_mask_pixels`.
    n_bins : int, optional
        The number of bins of equal width of the probability. The default is 15.

    Returns
    -------
    error : float
        The mean over all pixels of the difference between the probability of a bin
        and the fraction of its pixels within the true footprint (Guo et al. 2017,
        arXiv:1706.04599, Eq. 3); NaN without pixels.
    """
    outside, inside = np.sum(counts, axis=0)
    return expected_calibration_error(special.expit(CENTERS), inside, outside + inside,
                                      n_bins=n_bins)
