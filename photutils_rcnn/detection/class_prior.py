# Licensed under a 3-clause BSD style license - see LICENSE
"""
Class prior: the fraction of stars in a frame as a function of S/N.

A classifier trained on one mix of classes gives posterior probabilities of that
mix. Its posterior odds divided by the odds of the mix are the Bayes factor of each
source, which holds for any frame; times the odds in a frame they are the posterior
odds there. Those odds are estimated from the sources themselves (Saerens, Latinne &
Decaestecker 2002, Neural Computation 14, 21). Stars outnumber galaxies at high S/N
more than at low, so that the log odds are linear in the logarithm of S/N.
"""

__all__ = ['StarPrior', 'apply_star_prior', 'check_star_fraction',
           'fit_star_log_odds', 'star_log_odds']

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy import optimize, special

PIVOT_SNR = 30.
# Beyond, the fraction of stars is that at the limit: no frame has many such sources.
SNR_LIMITS = 5., 3000.
# Of intercept and slope: narrower ones cost log loss in simulated scenes of clusters, of
# nearby galaxies and of SDSS, wider ones in those of random instruments. Both scatter more
# from frame to frame, but Bayes factors err, all of a frame alike where its PSF was
# measured wrongly, and a wide prior would follow them.
WIDTH = 1.0, 0.5
# Less probable sources do not count, so that the fraction of stars does not depend on a
# lower threshold of the user. It does on a higher one.
LEAST_SCORE = 0.5
# The log Bayes factor of a known class; a larger one would change nothing.
CERTAIN = 50.


@dataclass(frozen=True)
class StarPrior:
    """
    The fraction of stars that class probabilities presume.

    Parameters
    ----------
    mode : {'training', 'given', 'auto'}
        Whether it is that of a typical frame of the training, of the user or of the
        frame.
    fraction : float or `None`
        The mean over the sources, weighted by their scores; the number itself
        if it is given; `None` if it is not known.
    log_odds : (2,) tuple of float or `None`
        Intercept and slope of `star_log_odds`; `None` if the fraction does not depend
        on S/N or is not known.
    """

    mode: str
    fraction: float | None = None
    log_odds: tuple | None = None


def check_star_fraction(star_fraction):
    """
    Check an argument ``star_fraction``.

    Parameters
    ----------
    star_fraction : 'auto', float or `None`
        The argument.

    Returns
    -------
    star_fraction : 'auto', float or `None`
        The same, a number as float.

    Raises
    ------
    TypeError
        If it is neither a string, a number nor `None`.
    ValueError
        If it is another string, or a number that is not between 0 and 1.
    """
    msg = ("star_fraction must be 'auto', a number between 0 and 1 or None, got "
           f'{star_fraction!r}')
    if star_fraction is None or (
            isinstance(star_fraction, str) and star_fraction == 'auto'):
        return star_fraction
    is_number = isinstance(star_fraction, Real) and not isinstance(star_fraction, bool)
    if not (is_number or isinstance(star_fraction, str)):
        raise TypeError(msg)
    if not is_number or not 0 <= star_fraction <= 1:
        raise ValueError(msg)
    return float(star_fraction)


def star_log_odds(snr, coefficients):
    """
    The log odds of a source to be a star, before it is looked at.

    Parameters
    ----------
    snr : (N,) `~numpy.ndarray`
        The S/N of the sources.
    coefficients : (2,) sequence of float
        The log odds at S/N 30, and what they gain per factor of ten in S/N.

    Returns
    -------
    log_odds : (N,) `~numpy.ndarray`
        The natural logarithm of the odds of stars over galaxies.
    """
    return _design(snr) @ np.asarray(coefficients, dtype=float)


def fit_star_log_odds(log_bayes_factors, snr, weights, center, width=WIDTH):
    """
    The log odds of stars in a frame with the largest posterior probability.

    With the log odds :math:`a + b \\log_{10}(S/N / 30)` a source is a star with the
    prior probability :math:`\\pi_i`, and its likelihood is
    :math:`\\pi_i B_i + 1 - \\pi_i` in units of that of a galaxy, with the Bayes
    factor :math:`B_i`. The maximum is the fixed point of expectation maximization
    (Saerens et al. 2002, with a prior of :math:`a` and :math:`b`), found with its
    gradient, the difference between posterior and prior probabilities.

    Parameters
    ----------
    log_bayes_factors : (N,) `~numpy.ndarray`
        The natural logarithm of the likelihood of each source as a star over that
        as a galaxy; infinite if its class is known.
    snr : (N,) `~numpy.ndarray`
        The S/N of the sources.
    weights : (N,) `~numpy.ndarray`
        The weights, such as the probabilities to be sources.
    center, width : (2,) sequence of float
        The mean and standard deviation of the Gaussian prior of :math:`a` and
        :math:`b`. The default width is ``(1.0, 0.5)``.

    Returns
    -------
    coefficients : (2,) tuple of float
        :math:`a` and :math:`b`, see `star_log_odds`.
    """
    design, center = _design(snr), np.asarray(center, dtype=float)
    ratios = np.clip(log_bayes_factors, -CERTAIN, CERTAIN)
    scale = weights.sum() + 1

    def negative_log_posterior(values):
        odds = design @ values
        gain = np.logaddexp(ratios + odds, 0) - np.logaddexp(odds, 0)
        surplus = special.expit(ratios + odds) - special.expit(odds)
        pull = (values - center) / np.square(width)
        return ((pull @ (values - center) / 2 - weights @ gain) / scale,
                (pull - (weights * surplus) @ design) / scale)

    fit = optimize.minimize(negative_log_posterior, center, jac=True)
    return tuple(fit.x.tolist())


def apply_star_prior(instances, star_fraction, presumed, typical=None):
    """
    Give the class probabilities of stars and galaxies another prior.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        All sources of a frame, with the probabilities that the network tells and their
        S/N. Those with a score of 0.5 or more, weighted by it, tell the fraction of
        stars; a higher score threshold leaves fewer of them.
    star_fraction : 'auto', float or `None`
        The fraction of stars: estimated, given at any S/N, or that of a typical frame.
    presumed : (2,) sequence of float
        The coefficients of `star_log_odds` that the probabilities presume.
    typical : (2,) sequence of float, optional
        Those of a typical frame; the same by default.

    Returns
    -------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The same sources, with ``log_bayes_factors`` and the probabilities that
        follow.
    prior : `StarPrior`
        What was used.

    Raises
    ------
    TypeError, ValueError
        If ``star_fraction`` is none of these, see `check_star_fraction`.
    """
    star_fraction = check_star_fraction(star_fraction)
    typical = presumed if typical is None else typical
    snr = instances.snr.astype(float)
    weights = np.where(instances.scores >= LEAST_SCORE, instances.scores, 0.)
    tiny = np.finfo(np.float32).tiny
    stars, galaxies = np.log(np.maximum(
        instances.class_probabilities, tiny)).T.astype(float)
    ratios = stars - galaxies - star_log_odds(snr, presumed)
    instances = instances[:]
    instances.log_bayes_factors = ratios.astype(np.float32)
    if isinstance(star_fraction, float):
        odds = special.logit(star_fraction)
        prior = StarPrior('given', star_fraction)
    else:
        mode, found = 'training', tuple(typical)
        if star_fraction == 'auto':
            mode = 'auto'
            found = fit_star_log_odds(ratios, snr, weights, typical)
        odds = star_log_odds(snr, found)
        fraction = (np.average(special.expit(odds), weights=weights)
                    if weights.any() else special.expit(found[0]))
        prior = StarPrior(mode, float(fraction), found)
    instances.class_probabilities = special.expit(
        np.multiply.outer(ratios + odds, (1, -1))).astype(np.float32)
    return instances, prior


def _design(snr):
    """
    The columns that the coefficients multiply, (N, 2).
    """
    position = np.log10(np.clip(snr, *SNR_LIMITS) / PIVOT_SNR)
    return np.column_stack([np.ones(len(position)), position])
