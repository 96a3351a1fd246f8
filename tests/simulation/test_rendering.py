# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the rendering of sources, against GalSim's own.
"""

import numpy as np
import pytest

galsim = pytest.importorskip('galsim')

from photutils_rcnn.simulation.population import Population  # noqa: E402
from photutils_rcnn.simulation.psf import PointSpread  # noqa: E402
from photutils_rcnn.simulation.rendering import Renderer  # noqa: E402

SHAPE = (101, 121)
FLUX = np.array([1e5, 2e5])
FWHM = (3.4, 4.2)
BETA = 4.0
# of the peak: what the stamps' finite size and the sampling may cost
TOLERANCE = 0.005


def source(class_id=2, *, x=60.3, y=49.6, fraction=0.0, clumps=0.0, arms=0,
           bulge=2.0, disc=5.0, offset=(0.0, 0.0)):
    one = np.ones(1)
    return Population(
        class_id=np.array([class_id]), x=x * one, y=y * one,
        magnitudes=np.full((1, 2), 20.0),
        bulge_fraction=np.full((1, 2), fraction), bulge_radius=bulge * one,
        disc_radius=disc * one, bulge_q=0.8 * one, disc_q=0.5 * one,
        angle=0.6 * one, bulge_n=2.5 * one, disc_n=one,
        clump_fraction=clumps * one, arms=np.array([arms]),
        disc_dx=offset[0] * one, disc_dy=offset[1] * one)


def draw(population, noise=10.0, shifts=None):
    spreads = [PointSpread('moffat', fwhm, beta=BETA, e1=0.05)
               for fwhm in FWHM]
    renderer = Renderer(spreads, [30.0, 30.0], [noise, noise], SHAPE,
                        shifts)
    stamp = renderer.draw(population, 0, FLUX, np.random.default_rng(0))
    frame = np.zeros((2, *SHAPE))
    if stamp is not None:
        frame[(slice(None), *stamp.slices)] = stamp.light
    return frame


def by_galsim(population, profile, b):
    psf = galsim.Moffat(beta=BETA, fwhm=FWHM[b]).shear(e1=0.05)
    profile = psf if profile is None else galsim.Convolve(profile, psf)
    image = galsim.ImageD(SHAPE[1], SHAPE[0], xmin=0, ymin=0)
    (profile * FLUX[b]).drawImage(
        image, scale=1.0, center=galsim.PositionD(population.x[0],
                                                  population.y[0]))
    return image.array


def sersic(n, radius, q):
    return galsim.Sersic(n=n, half_light_radius=radius * np.sqrt(q)).shear(
        galsim.Shear(q=q, beta=0.6 * galsim.radians))


@pytest.mark.parametrize(('class_id', 'fraction'), [
    (1, 0.0), (2, 0.0), (2, 1.0), (2, 0.4)])
def test_pixels_are_those_of_galsim(class_id, fraction):
    population = source(class_id, fraction=fraction)
    profile = None
    if class_id == 2:
        parts = [flux * sersic(*shape) for flux, shape in (
            (fraction, (2.5, 2.0, 0.8)), (1 - fraction, (1.0, 5.0, 0.5)))
            if flux > 0]
        profile = galsim.Add(parts)
    frame = draw(population)
    for b in range(2):
        expected = by_galsim(population, profile, b)
        np.testing.assert_allclose(frame[b], expected, rtol=0,
                                   atol=TOLERANCE * expected.max())


@pytest.mark.parametrize('class_id', [1, 2])
def test_bands_are_shifted(class_id):
    shifted = draw(source(class_id), shifts=((0.3, -0.2), (0.0, 0.0)))
    moved = draw(source(class_id, x=60.6, y=49.4))
    np.testing.assert_allclose(shifted[0], moved[0], rtol=0,
                               atol=1e-3 * moved[0].max())
    np.testing.assert_array_equal(shifted[1], draw(source(class_id))[1])


def test_disc_beside_the_bulge():
    """
    Only the smooth disc moves; the stamp holds all of its light.
    """
    population = source(fraction=0.4, offset=(1.7, -0.8))
    profile = galsim.Add([0.4 * sersic(2.5, 2.0, 0.8),
                          0.6 * sersic(1.0, 5.0, 0.5).shift(1.7, -0.8)])
    frame = draw(population)
    for b in range(2):
        expected = by_galsim(population, profile, b)
        np.testing.assert_allclose(frame[b], expected, rtol=0,
                                   atol=TOLERANCE * expected.max())


def test_faint_light_is_followed_below_the_noise():
    population = source(disc=9.0)
    expected = by_galsim(population, sersic(1.0, 9.0, 0.5), 1)
    missed = expected - draw(population, noise=10.0)[1]
    assert np.abs(missed).max() < max(5.0, TOLERANCE * expected.max())


@pytest.mark.parametrize(('clumps', 'arms'), [(0.3, 0), (0.3, 2)])
def test_knots_keep_the_flux(clumps, arms):
    smooth, knotty = draw(source()), draw(source(clumps=clumps, arms=arms))
    np.testing.assert_allclose(knotty.sum(axis=(1, 2)),
                               smooth.sum(axis=(1, 2)), rtol=0.02)
    assert np.abs(knotty - smooth).max() > 0.01 * smooth.max()


def test_position_on_the_border_and_outside():
    whole = draw(source(1, x=60.0, y=50.0))
    corner = draw(source(1, x=0.0, y=0.0))
    np.testing.assert_allclose(corner[:, :20, :20],
                               whole[:, 50:70, 60:80], rtol=1e-4, atol=1e-3)
    assert not draw(source(1, x=-2000.0)).any()


def test_fluxes():
    renderer = Renderer([PointSpread('moffat', 3.0)] * 2, [25.0, 22.5],
                        [1.0, 1.0], SHAPE)
    np.testing.assert_allclose(renderer.fluxes(source()), [[100.0, 10.0]])
