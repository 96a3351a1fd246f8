# Licensed under a 3-clause BSD style license - see LICENSE
"""
A small synthetic scene with known truth.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table

from photutils_rcnn.sources.footprints import Footprints

FWHM = 4.0


def _build_scene(positions, fluxes, class_ids, *, shape=(128, 128), seed=0,
                ignore=None, threshold=1.0):
    """
    Gaussian sources in two bands with unit noise; ``positions`` are (x, y).
    """
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:shape[0], :shape[1]]
    sigma = FWHM / 2.3548
    data = rng.normal(size=(2, *shape))
    boxes, masks = [], []
    for (x, y), flux, class_id in zip(positions, fluxes, class_ids,
                                      strict=True):
        width = sigma * class_id
        light = flux / (2 * np.pi * width**2) * np.exp(
            -((xx - x)**2 + (yy - y)**2) / (2 * width**2))
        data += light
        box, mask = Footprints.from_full(light > threshold, (0, 0), shape)
        boxes.append(box)
        masks.append(mask)
    n = len(fluxes)
    x, y = np.reshape(positions, (-1, 2)).T
    truth = Table({'x': x, 'y': y, 'class_id': np.array(class_ids, int),
                   'flux_g': np.array(fluxes, float),
                   'flux_r': np.array(fluxes, float),
                   'mag': 30 - 2.5 * np.log10(np.array(fluxes, float)),
                   'snr': np.array(fluxes, float) / 10,
                   'half_light_radius': np.zeros(n),
                   'ignore': np.zeros(n, bool) if ignore is None
                   else np.array(ignore)},
                  meta={'reference_band': 'r'})
    return SimpleNamespace(
        data=data.astype(np.float32), noise=np.ones(2, np.float32),
        mask=np.zeros(shape, bool), bands=('g', 'r'),
        psf_fwhm=np.full(2, FWHM), zero_points=np.array([29.0, 30.0]),
        truth=truth, footprints=Footprints(boxes, masks, shape))


@pytest.fixture
def build_scene():
    """
    The builder of scenes.
    """
    return _build_scene


@pytest.fixture
def scene(build_scene):
    """
    Twelve isolated sources, stars and galaxies, and one close pair.
    """
    positions = [(20 + 30 * i, 20 + 30 * j) for i in range(4)
                 for j in range(3)]
    positions += [(26.0, 20.0)]
    return build_scene(positions, [2000] * 13, [1, 2] * 6 + [1])
