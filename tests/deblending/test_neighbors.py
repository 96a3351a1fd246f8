# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the PSF of crowded frames, which is measured without the light of neighbors.
"""

from functools import partial

import numpy as np
import pytest
from blends import FWHM, SIGMA, gaussian_source, make_frame, make_instances
from photutils.psf import ImagePSF

from photutils_rcnn.deblending.deblend import deblend
from photutils_rcnn.deblending.neighbors import NeighborLight
from photutils_rcnn.sources.crowding import is_crowded
from photutils_rcnn.sources.photometry import band_pixels
from photutils_rcnn.sources.psf_models import build_psf

SHAPE = (180, 180)
N = 140


@pytest.fixture(scope='module')
def field():
    """
    A star in 230 pixels, each with a footprint of a radius of 1.5 FWHM.
    """
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 180, (2, 8000))
    chosen = []
    for i in range(len(x)):
        if len(chosen) < N and all(np.hypot(x[i] - x[k], y[i] - y[k]) > 7 for k in chosen):
            chosen.append(i)
    x, y = x[chosen], y[chosen]
    flux = 10**rng.uniform(3, 4.3, N)
    stars = flux[:, None, None] * np.stack(
        [gaussian_source(SHAPE, *place, SIGMA) for place in zip(x, y, strict=True)])
    data = stars.sum(axis=0) + rng.normal(0, 1, SHAPE)
    instances = make_instances(SHAPE, x, y, 6, np.full(N, 0.95))
    frame = make_frame(data[None])
    labels, label_of_source = instances.paint()
    light = deblend(frame, instances, labels, label_of_source, [FWHM])
    return x, y, flux, stars, frame, labels, label_of_source, light


def test_deblended_psf(field):
    _, _, flux, _, _, labels, _, light = field
    assert is_crowded(labels)
    assert light.n_psf_stars[0] > 10
    psf, = light.psfs
    image = psf.image(48)
    true = gaussian_source((48, 48), 24, 24, SIGMA)
    y, x = np.indices(image.shape) - 24
    for radius in (1, 1.5, 2):  # FWHM
        inside = np.hypot(x, y) < radius * FWHM
        assert image[inside].sum() == pytest.approx(
            (1 - psf.aureole) * true[inside].sum(), abs=0.02)
    off = light.flux[:, 0] * (1 - psf.aureole) / flux - 1
    assert abs(np.median(off)) < 0.03


def test_light_of_neighbors(field):
    *_, stars, _, _, _, light = field
    neighbors = NeighborLight.of_light(light)
    window = np.s_[60:120, 60:120]
    noise = np.ones((60, 60))
    for i in (0, 30, 70):
        others = stars.sum(axis=0) - stars[i]
        found, hidden = neighbors.around(i, 0, window, noise)
        assert np.abs(found - others[window]).max() < 0.05 * others[window].max()
        # what outshines the source is hidden
        own = stars[i][window]
        assert not hidden[others[window] < 0.9 * own].any()
        assert hidden[others[window] > np.maximum(1.1 * own, 25)].all()


def test_effective_psf(field):
    x, y, flux, _, frame, labels, label_of_source, light = field
    neighbors = NeighborLight.of_light(light)

    def around(label, window, noise):
        i = int(np.flatnonzero(label_of_source == label)[0])
        return neighbors.around(i, 0, window, noise)

    order = np.argsort(-flux)[:60]
    peaks = np.round(np.stack([y, x], axis=1)[order]).astype(int)
    build = partial(build_psf, band_pixels(frame, 0), labels, peaks, FWHM, 'r')
    psf = build(neighbors=around)
    assert isinstance(psf, ImagePSF)
    axis = np.arange(-64, 65) / 4
    dx, dy = np.meshgrid(axis, axis)
    model, true = psf(dx, dy), np.exp(-0.5 * (dx**2 + dy**2) / (SIGMA**2 + 1 / 12))
    for radius in (1, 2):
        inside = np.hypot(dx, dy) < radius * FWHM
        assert model[inside].sum() / model.sum() == pytest.approx(
            true[inside].sum() / true.sum(), abs=0.02)
