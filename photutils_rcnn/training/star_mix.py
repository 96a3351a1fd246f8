# Licensed under a 3-clause BSD style license - see LICENSE
"""
Star mix: the fraction of stars in simulated scenes, and the one that a model presumes.

A head that learns classes with the log odds of each scene added to its logits learns
the Bayes factors, whatever the mix of the training (logit adjustment, Menon et al. 2021,
arXiv:2007.07314).
"""

__all__ = ['fit_star_mix', 'scene_log_odds', 'typical_star_log_odds']

import numpy as np
from scipy import optimize

from photutils_rcnn.detection.class_prior import fit_star_log_odds, star_log_odds
from photutils_rcnn.sources.classes import STAR

# The mean and the scatter of the fraction of stars from scene to scene, as the
# coefficients of `star_log_odds`, among those of the recipes.
SCENE_MIX = (0., 1.), (2.5, 0.8)


def _scene_mix(is_star, snr):
    """
    The coefficients of the log odds of stars among sources whose class is known.
    """
    return fit_star_log_odds(np.where(is_star, np.inf, -np.inf), snr, np.ones(len(snr)),
                             *SCENE_MIX)


def scene_log_odds(is_star, snr):
    """
    The log odds of the sources of a scene to be stars, before they are looked at.

    Parameters
    ----------
    is_star : (N,) `~numpy.ndarray` of bool
        Which are stars.
    snr : (N,) `~numpy.ndarray`
        Their signal-to-noise ratios.

    Returns
    -------
    log_odds : (N,) `~numpy.ndarray`
        The natural logarithm of the odds of stars over galaxies.
    """
    return star_log_odds(snr, _scene_mix(is_star, snr))


def _scene_mixes(sources):
    """
    The numbers of scenes, and the coefficients of each.
    """
    scenes = np.asarray(sources['scene'])
    numbers = np.unique(scenes)
    return numbers, np.array([
        _scene_mix(np.asarray(own['class_id'] == STAR), np.asarray(own['snr']))
        for own in (sources[scenes == number] for number in numbers)])


def typical_star_log_odds(outcomes):
    """
    The mean mix of the classes in scenes.

    Parameters
    ----------
    outcomes : `~astropy.table.Table`
        From `~photutils_rcnn.training.calibration.collect_outcomes`.

    Returns
    -------
    log_odds : (2,) list of float
        The coefficients of `~photutils_rcnn.detection.class_prior.star_log_odds`.
    """
    _, mixes = _scene_mixes(outcomes[outcomes['class_id'] > 0])
    return np.round(mixes.mean(axis=0), 2).tolist()


def fit_star_mix(outcomes):
    """
    The scale of class logits, and the fraction of stars that they presume.

    Those with the largest likelihood when each scene has its own fraction in the place of
    what is presumed: the odds of the class probabilities, divided by those of the mix, are
    then Bayes factors (`~photutils_rcnn.detection.class_prior`).

    Parameters
    ----------
    outcomes : `~astropy.table.Table`
        From `~photutils_rcnn.training.calibration.collect_outcomes`, of a model with the
        classes star and galaxy that is not calibrated.

    Returns
    -------
    scale : float
        ``class_scale`` of `~photutils_rcnn.models.model.Model`.
    log_odds : (2,) list of float
        The coefficients of `~photutils_rcnn.detection.class_prior.star_log_odds`.
    """
    sources = outcomes[outcomes['class_id'] > 0]
    snr = np.asarray(sources['snr'])
    star, galaxy = np.log(np.maximum(sources['probabilities'], 1e-9)).T
    scene_odds = np.zeros(len(snr))
    for number, mix in zip(*_scene_mixes(sources), strict=True):
        chosen = np.asarray(sources['scene'] == number)
        scene_odds[chosen] = star_log_odds(snr[chosen], mix)
    sign = np.where(sources['class_id'] == STAR, 1, -1)

    def negative_log_likelihood(values):
        odds = values[0] * (star - galaxy) - star_log_odds(snr, values[1:]) + scene_odds
        return np.average(np.logaddexp(0, -sign * odds), weights=sources['weight'])

    fit = optimize.minimize(negative_log_likelihood, (1., *SCENE_MIX[0]))
    scale, *log_odds = np.round(fit.x, 4).tolist()
    return scale, log_odds
