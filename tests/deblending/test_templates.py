# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for templates.
"""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from photutils_rcnn.deblending.psf_image import PSFImage
from photutils_rcnn.deblending.templates import Shapes, render, render_stars


def psf(sigma=1.6):
    axis = np.arange(-16, 17)
    core = np.exp(-0.5 * (axis[:, None]**2 + axis**2) / sigma**2)
    return PSFImage(core / core.sum(), 2.355 * sigma, 0., 0.)


def one(**changes):
    values = {'x': 0., 'y': 0., 'log_radius': 0.7, 'eta1': 0.3, 'eta2': -0.2,
              'spheroid': 0.3, **changes}
    return Shapes(*(np.array([values[f.name]]) for f in dataclasses.fields(Shapes)))


@settings(max_examples=30, deadline=None)
@given(x=st.floats(-2, 2), y=st.floats(-2, 2), log_radius=st.floats(-1, 1.2),
       eta1=st.floats(-1, 1), eta2=st.floats(-1, 1), spheroid=st.floats(0, 1))
def test_derivatives(**values):
    shapes = one(**values)
    templates, = render(shapes, psf(), 48, derivatives=True)
    assert_allclose(templates[0], render(shapes, psf(), 48)[0], atol=1e-7)
    assert templates[0].sum() == pytest.approx(1, abs=1e-3)
    step = 1e-3
    for k, field in enumerate(dataclasses.fields(Shapes), start=1):
        value = getattr(shapes, field.name)
        up, down = (render(dataclasses.replace(
            shapes, **{field.name: value + sign * step}), psf(), 48)[0]
            for sign in (1, -1))
        assert_allclose(templates[k], (up - down) / (2 * step), atol=3e-5)


@settings(max_examples=20, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_centroid_of_stars(x, y):
    (star, *slopes), = render_stars(np.array([x]), np.array([y]), psf(), 48,
                                    derivatives=True)
    axis = np.arange(48) - 24
    assert star.sum() == pytest.approx(1, abs=1e-4)
    assert (star.sum(0) * axis).sum() == pytest.approx(x, abs=1e-3)
    assert (star.sum(1) * axis).sum() == pytest.approx(y, abs=1e-3)
    assert (slopes[0].sum(0) * axis).sum() == pytest.approx(1, abs=1e-2)


def test_like_galsim():
    galsim = pytest.importorskip('galsim')
    sigma = 1.6
    radius, q, angle = 3.0, 0.5, 0.6
    shear = galsim.Shear(q=q, beta=angle * galsim.radians)
    for index, spheroid, most in ((1, 0., 0.02), (4, 1., 0.07)):
        profile = galsim.Sersic(n=index, half_light_radius=radius, trunc=8 * radius)
        image = galsim.Convolve(profile.shear(shear), galsim.Gaussian(
            sigma=sigma)).drawImage(nx=129, ny=129, scale=1, method='no_pixel').array
        eta = -np.log(q)
        shapes = one(log_radius=np.log(radius), eta1=eta * np.cos(2 * angle),
                     eta2=eta * np.sin(2 * angle), spheroid=spheroid)
        found = render(shapes, psf(sigma), 128)[0]
        difference = np.abs(found - image[:128, :128])
        assert difference.sum() < most
        assert difference.max() < 0.07 * image.max()


def test_oversampled_psf_is_the_same():
    axis = np.arange(-32, 33) / 2
    core = np.exp(-0.5 * (axis[:, None]**2 + axis**2) / 1.6**2)
    fine = PSFImage(core / core.sum(), 2.355 * 1.6, 0., 0., oversampling=2)
    assert_allclose(render(one(), fine, 48), render(one(), psf(), 48), atol=2e-6)
