# Licensed under a 3-clause BSD style license - see LICENSE
"""
Calibration of attributes, and how well held-out sources are told.
"""

__all__ = ['attribute_report', 'fit_attribute_calibration']

import numpy as np
from astropy.stats import mad_std
from scipy import special, stats

from photutils_rcnn.detection.attributes import UNSURE, attribute_columns
from photutils_rcnn.training.calibration import fit_scaling


def fit_attribute_calibration(attribute, outputs, values, weights, center=0., spread=1.):
    """
    The calibration of an attribute.

    Parameters
    ----------
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.
    outputs : (N, K) `~numpy.ndarray`
        Its outputs of sources it was not trained on.
    values : (N,) `~numpy.ndarray`
        Their classes, counted from 0, or values.
    weights : (N,) `~numpy.ndarray`
        The weights of classifications, see
        `~photutils_rcnn.training.attribute_batches.class_weights`.
    center, spread : float, optional
        Mean and scatter of the values of a regression in its training.

    Returns
    -------
    calibration : dict
        See `~photutils_rcnn.detection.attributes.attribute_columns`.
    """
    n_classes = len(attribute.classes)
    if n_classes:
        scale, offset = fit_scaling(special.log_softmax(outputs.astype(float), axis=1),
                                    values.astype(int), weights)
        return {'scale': scale, 'offset': offset}
    pulls = (((values - center) / spread - outputs[:, 0])
             / np.exp(0.5 * outputs[:, 1]))
    one_sigma = np.quantile(np.abs(pulls), stats.chi.cdf(1, 1))
    return {'center': center, 'spread': spread, 'error_scale': float(one_sigma) or 1.}


def attribute_report(attribute, outputs, values, calibration):
    """
    How well sources are told.

    Parameters
    ----------
    attribute, outputs, values
        See `fit_attribute_calibration`.
    calibration : dict
        From there.

    Returns
    -------
    report : dict of float
        Of a classification ``balanced_accuracy``, the mean over the classes of the
        fraction that is told right, and ``unsure``, the fraction that is not sure; of a
        regression the robust ``scatter`` and the median ``bias`` of the values.
    """
    columns = attribute_columns(attribute, outputs, calibration)
    if not attribute.classes:
        deviation = columns[attribute.name] - values
        return {'scatter': round(float(mad_std(deviation)), 4),
                'bias': round(float(np.median(deviation)), 4)}
    logits = calibration['scale'] * outputs + calibration['offset']
    right = np.argmax(logits, axis=1) == values
    return {'balanced_accuracy': round(float(np.mean(
        [right[values == i].mean() for i in range(len(attribute.classes))])), 4),
        'unsure': round(float(np.mean(columns[attribute.name] == UNSURE)), 4)}
