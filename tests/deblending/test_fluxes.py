# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for joint fluxes.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from scipy import optimize, sparse

from photutils_rcnn.deblending import fluxes
from photutils_rcnn.deblending.fluxes import FluxFit


def problem(seed, n=5, size=60):
    """
    Overlapping templates on a line, and light.
    """
    rng = np.random.default_rng(seed)
    pixels = np.arange(size)
    centers = np.sort(rng.uniform(5, size - 5, n))
    design = np.exp(-0.5 * (pixels[:, None] - centers)**2 / 2.5**2)
    design /= design.sum(axis=0)
    true = rng.uniform(0, 300, n) * (rng.random(n) > 0.3)
    return design, design @ true + rng.normal(0, 1, size), true


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_like_non_negative_least_squares(seed):
    design, data, _ = problem(seed)
    noise2 = np.ones(len(data))
    first, _ = optimize.nnls(design, data)
    fit = FluxFit(sparse.csc_array(design), data, noise2)
    # fluxes of sources in one place are not known apart, their sum is
    assert_allclose(fit.model, design @ first, atol=0.02)
    again = FluxFit(sparse.csc_array(design), data, noise2, 0.1 * first)
    weight = np.sqrt(1 / (1 + (0.1 * (design @ first))**2))
    expected, _ = optimize.nnls(design * weight[:, None], data * weight)
    assert_allclose(again.model, design @ expected, atol=0.05)
    assert (again.flux >= 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_scale_and_order(seed, scale):
    design, data, _ = problem(seed)
    noise2 = np.ones(len(data))
    fit = FluxFit(sparse.csc_array(design), data, noise2)
    scaled = FluxFit(sparse.csc_array(design), scale * data, scale**2 * noise2)
    assert_allclose(scaled.flux, scale * fit.flux, rtol=1e-5, atol=1e-5 * scale)
    order = np.random.default_rng(seed).permutation(design.shape[1])
    shuffled = FluxFit(sparse.csc_array(design[:, order]), data, noise2)
    assert_allclose(shuffled.flux, fit.flux[order], rtol=1e-5, atol=1e-5)


def test_covariance(monkeypatch):
    monkeypatch.setattr(fluxes, 'NEIGHBOR_ERROR', 0.)
    design, data, _ = problem(3)
    rng = np.random.default_rng(0)
    error2 = rng.uniform(1, 4, len(data))
    data = data + 1000 * design.sum(axis=1)  # all are positive
    fit = FluxFit(sparse.csc_array(design), data, np.ones(len(data)))
    found = fit.with_errors(error2)
    inverse = np.linalg.inv(design.T @ design)
    expected = inverse @ (design.T * error2) @ design @ inverse
    assert_allclose(found.variance, np.diag(expected), rtol=1e-3)
    sky = fit.with_errors(np.zeros(len(data)), sky_error=2.)
    assert_allclose(sky.variance, (2 * inverse @ design.sum(axis=0))**2, rtol=1e-2)
    correlated = fit.with_errors(error2, correlation=3.)
    assert_allclose(correlated.variance, 3 * found.variance)


def test_sources_without_pixels_have_no_flux():
    design, data, _ = problem(1)
    design[:, 2] = 0
    noise2 = np.ones(len(data))
    found = FluxFit(sparse.csc_array(design), data, noise2).with_errors(noise2)
    assert_equal(np.isnan(found.flux), np.arange(5) == 2)
    assert_equal(np.isnan(found.variance), np.arange(5) == 2)
    alone = FluxFit(sparse.csc_array(np.delete(design, 2, axis=1)), data, noise2)
    assert_allclose(np.delete(found.flux, 2), alone.flux)


def test_masked_pixels_do_not_count():
    design, data, true = problem(2)
    noise2 = np.ones(len(data))
    spoiled = data.copy()
    spoiled[20:24] = 1e6
    noise2[20:24] = np.inf
    fit = FluxFit(sparse.csc_array(design), spoiled, noise2)
    assert np.nanmax(fit.flux) < 2 * true.max()


def test_two_sources_in_one_place_share_their_light():
    design, _, _ = problem(4)
    design[:, 1] = design[:, 0]
    data = 100 * design[:, 0]
    fit = FluxFit(sparse.csc_array(design[:, :2]), data, np.ones(len(data)))
    assert fit.flux.sum() == pytest.approx(100, rel=1e-3)
    assert (fit.flux > 20).all()
