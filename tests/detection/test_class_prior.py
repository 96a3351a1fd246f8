# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the fraction of stars in a frame and the probabilities that follow.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from scipy import special

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection.class_prior import (
    apply_star_prior,
    check_star_fraction,
    fit_star_log_odds,
    star_log_odds,
)
from photutils_rcnn.sources.instances import Instances

TRAINING = (-0.4, 1.0)
FREE = {'width': (10., 10.)}


def _instances(star, snr, scores=None):
    """
    Sources with given probabilities to be stars.
    """
    star, n = np.asarray(star, dtype=float), len(star)
    zeros = np.zeros((n, 4), np.float32)
    return Instances(
        shape=(100, 100), boxes=zeros, mask_boxes=zeros,
        scores=np.float32(np.ones(n) if scores is None else scores),
        class_probabilities=np.float32(np.stack([star, 1 - star], axis=1)),
        masks=np.zeros((n, 4, 4), np.float16), flags=np.zeros(n, np.int32),
        snr=np.asarray(snr, dtype=np.float32))


def _frame(rng, n, separation, log_odds):
    """
    Log Bayes factors of two Gaussians, S/N, and which sources are stars.
    """
    snr = 10 ** rng.uniform(0.8, 2.8, n)
    is_star = rng.random(n) < special.expit(
        log_odds[0] + log_odds[1] * np.log10(snr / 30))
    feature = rng.normal(np.where(is_star, separation / 2, -separation / 2))
    return separation * feature, snr, is_star


@pytest.mark.parametrize('fraction', [0.05, 0.3, 0.9])
@pytest.mark.parametrize('separation', [2., 4.])
def test_recovers_fraction(fraction, separation):
    """
    The fraction of stars in simulated frames of 500 sources is found without bias, if
    nothing is presumed.
    """
    rng = np.random.default_rng(0)
    fractions = []
    for _ in range(20):
        ratios, snr, _ = _frame(rng, 500, separation, (special.logit(fraction), 0))
        found = fit_star_log_odds(ratios, snr, np.ones(500), TRAINING, **FREE)
        fractions.append(special.expit(star_log_odds(snr, found)).mean())
    assert_allclose(np.mean(fractions), fraction, atol=0.015)
    assert np.std(fractions) < 0.05


def test_recovers_slope():
    rng = np.random.default_rng(1)
    ratios, snr, _ = _frame(rng, 20000, 3., (-1., 2.))
    found = fit_star_log_odds(ratios, snr, np.ones(len(snr)), TRAINING, **FREE)
    assert_allclose(found, (-1, 2), atol=0.15)


def test_is_fixed_point_of_em():
    """
    The fraction is that of Saerens et al. (2002): the mean posterior probability.
    """
    rng = np.random.default_rng(2)
    ratios, _, _ = _frame(rng, 800, 2., (-1., 0.))
    fraction = 0.5
    for _ in range(500):
        posterior = special.expit(special.logit(fraction) + ratios)
        fraction = posterior.mean()
    # at one S/N the slope has nothing to say
    found = fit_star_log_odds(ratios, np.full(800, 30.), np.ones(800), (0, 0), **FREE)
    assert_allclose(special.expit(found[0]), fraction, atol=2e-3)


def test_few_sources():
    """
    A source or two leave the mix of the training nearly as it is.
    """
    snr = np.array([20., 50.])
    ratios = np.full(2, -3.)
    found = fit_star_log_odds(ratios, snr, np.ones(2), TRAINING)
    change = special.expit(star_log_odds(snr, found)) - special.expit(
        star_log_odds(snr, TRAINING))
    assert (change < 0).all()
    assert (change > -0.15).all()
    assert_allclose(fit_star_log_odds(ratios, snr, np.zeros(2), TRAINING), TRAINING)
    nothing = np.zeros(0)
    assert_allclose(fit_star_log_odds(nothing, nothing, nothing, TRAINING), TRAINING)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(1e-6, 1 - 1e-6), st.floats(1, 1e6)), min_size=2,
                max_size=30), st.randoms(use_true_random=False))
def test_properties(sources, random):
    """
    At one S/N the order of sources stays, order plays no part, and
    probabilities are probabilities.
    """
    star, snr = np.float32(sources).T
    found, _ = apply_star_prior(_instances(star, snr), 'auto', TRAINING)
    probabilities = found.class_probabilities
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    index = random.sample(range(len(star)), len(star))
    other, _ = apply_star_prior(_instances(star[index], snr[index]), 'auto', TRAINING)
    assert_allclose(other.class_probabilities, probabilities[index], atol=1e-4)
    same, _ = apply_star_prior(
        _instances(star, np.full(len(star), snr[0])), 'auto', TRAINING)
    order = np.argsort(same.log_bayes_factors)
    assert (np.diff(same.class_probabilities[order, 0]) >= 0).all()


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0.01, 0.99), st.floats(1, 1e6))
def test_number_is_bayes(fraction, star, snr):
    """
    A number is Bayes' theorem with that fraction, at any S/N.
    """
    found, prior = apply_star_prior(_instances([star], [snr]), fraction, TRAINING)
    assert (prior.mode, prior.fraction, prior.log_odds) == ('given', fraction, None)
    trained = special.expit(star_log_odds(np.array([snr]), TRAINING))[0]
    ratio = star / (1 - star) * (1 - trained) / trained
    assert_allclose(np.exp(found.log_bayes_factors), ratio, rtol=1e-4)
    expected = fraction * ratio / (fraction * ratio + 1 - fraction)
    assert_allclose(found.class_probabilities[0, 0], expected, rtol=1e-4, atol=1e-6)


def test_training_mix():
    """
    With `None` the probabilities are what they were.
    """
    trained = _instances([0.2, 0.9, 1.], [10, 100, 1e5], [0.5, 0.9, 1.])
    found, prior = apply_star_prior(trained, None, TRAINING)
    assert_allclose(found.class_probabilities, trained.class_probabilities,
                    rtol=1e-5, atol=1e-30)
    assert trained.log_bayes_factors is None  # as it was
    assert (prior.mode, prior.log_odds) == ('training', TRAINING)
    assert_allclose(prior.fraction, np.average(special.expit(
        star_log_odds(found.snr, TRAINING)), weights=found.scores))
    assert np.isfinite(found.log_bayes_factors).all()


def test_typical_mix():
    """
    Probabilities that presume one mix are those of a typical frame with `None`, and
    sources that tell nothing leave them so.
    """
    snr = np.array([10., 100.])
    star = special.expit(star_log_odds(snr, TRAINING))
    sources, typical = _instances(star, snr), (-1.5, 0.4)
    odds = special.logit(star) + (star_log_odds(snr, typical)
                                  - star_log_odds(snr, TRAINING))
    found, prior = apply_star_prior(sources, None, TRAINING, typical)
    assert prior.log_odds == typical
    assert_allclose(found.class_probabilities[:, 0], special.expit(odds), rtol=1e-5)
    auto, prior = apply_star_prior(sources, 'auto', TRAINING, typical)
    assert_allclose(prior.log_odds, typical, atol=1e-4)
    assert_equal(auto.log_bayes_factors, found.log_bayes_factors)


def test_improbable_sources():
    """
    Detections with a score below 0.5 have no part in the fraction, but get
    probabilities.
    """
    star, snr = np.linspace(0.1, 0.9, 20), np.linspace(10, 200, 20)
    few, all_ = _instances(star[:10], snr[:10]), _instances(
        star, snr, np.repeat([1., 0.4], 10))
    (_, prior), (found, all_prior) = (
        apply_star_prior(sources, 'auto', TRAINING) for sources in (few, all_))
    assert_allclose(prior.log_odds, all_prior.log_odds, atol=1e-4)
    assert not np.allclose(found.class_probabilities[10:, 0], star[10:])
    assert_allclose(all_.class_probabilities[:, 0], star)  # as they were


@pytest.mark.parametrize('value', [1, 0, np.float32(0.25)])
def test_any_kind_of_number(value):
    found, prior = apply_star_prior(_instances([0.3, 0.6], [20, 50]), value, TRAINING)
    assert (prior.mode, prior.fraction) == ('given', float(value))
    if value in (0, 1):
        assert_allclose(found.class_probabilities[:, 0], value)


def test_no_sources():
    for star_fraction in ('auto', None, 0.3):
        found, _ = apply_star_prior(_instances([], []), star_fraction, TRAINING)
        assert found.class_probabilities.shape == (0, 2)
        assert found.log_bayes_factors.shape == (0,)


@pytest.mark.parametrize(('value', 'error'), [
    ('most', ValueError), (1.2, ValueError), (-0.1, ValueError),
    (np.nan, ValueError), (True, TypeError), ([0.1], TypeError)])
def test_bad_values(value, error, fake_model):
    match = r"star_fraction must be 'auto', a number between 0 and 1 or None, got"
    with pytest.raises(error, match=match):
        check_star_fraction(value)
    with pytest.raises(error, match=match):
        apply_star_prior(_instances([0.5], [30]), value, TRAINING)
    with pytest.raises(error, match=match):
        RCNNSegmenter(fake_model, star_fraction=value)


def test_segmenter(fake_model, field):
    """
    The fraction is applied to the sources of the frame and told in ``meta``.
    """
    with pytest.raises(ValueError, match="star_fraction .* model 'fake'.* got 0.5"):
        RCNNSegmenter(fake_model, star_fraction=0.5)
    result = RCNNSegmenter(fake_model).segment(field)
    assert result.meta['star_fraction'] is None
    assert result.meta['star_fraction_mode'] == 'training'
    assert 'log_bayes_factor' not in result.table.colnames
    usual = np.array(result.table['prob_star'])

    fake_model.star_log_odds = TRAINING
    for star_fraction, mode in ((None, 'training'), (0.01, 'given'), ('auto', 'auto')):
        result = RCNNSegmenter(fake_model, star_fraction=star_fraction).segment(field)
        table, meta = result.table, result.meta
        assert meta['star_fraction_mode'] == mode
        assert 0 < meta['star_fraction'] < 1
        odds = (special.logit(0.01) if mode == 'given' else
                star_log_odds(result.instances.snr, meta['star_log_odds']))
        assert_allclose(table['prob_star'], special.expit(
            table['log_bayes_factor'] + odds), rtol=1e-5)
        if mode == 'training':
            assert_allclose(table['prob_star'], usual)
            assert meta['star_log_odds'] == list(TRAINING)
        elif mode == 'auto':
            assert meta['star_log_odds'] != list(TRAINING)


def test_written(fake_model, field, tmp_path):
    fake_model.star_log_odds = TRAINING
    result = RCNNSegmenter(fake_model).segment(field)
    result.write(tmp_path / 'result.asdf')
    back = type(result).read(tmp_path / 'result.asdf')
    assert back.meta == result.meta
    for name in ('snr', 'log_bayes_factors', 'class_probabilities'):
        assert_allclose(getattr(back.instances, name), getattr(result.instances, name))
