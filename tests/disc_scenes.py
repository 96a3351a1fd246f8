# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fixtures: small scenes of discs.
"""

import numpy as np
import pytest
from astropy.table import Table
from tiny_network import tiny_config

from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.footprints import Footprints


def make_scene(positions, *, radii=4.0, shape=(64, 128), seed=0):
    """
    Discs at positions (y, x), stars and galaxies in turn, on noise.
    """
    rng = np.random.default_rng(seed)
    noise = np.float32([1, 2, 3])
    data = rng.normal(0, noise[:, None, None], (3, *shape))
    y, x = np.indices(shape)
    boxes, masks = [], []
    radii = np.broadcast_to(radii, len(positions))
    for (yc, xc), radius in zip(positions, radii, strict=True):
        disc = np.hypot(y - yc, x - xc) <= radius
        data[:, disc] += 50
        box, mask = Footprints.from_full(disc, (0, 0), shape)
        boxes.append(box)
        masks.append(mask)
    n = len(positions)
    positions = np.reshape(positions, (-1, 2)).astype(float)
    truth = Table({'x': positions[:, 1], 'y': positions[:, 0],
                   'class_id': np.arange(n) % 2 + 1,
                   'snr': np.full(n, 4.0), 'mag': np.full(n, 20.0),
                   'half_light_radius': np.zeros(n),
                   'ignore': np.zeros(n, bool)},
                  meta={'reference_band': 'r'})
    return Scene(data=data.astype(np.float32), noise=noise,
                 mask=np.zeros(shape, bool), bands=('g', 'r', 'z'),
                 psf_fwhm=np.float32([3, 4, 5]), pixel_scale=0.2,
                 zero_points=np.full(3, 27.0), preset='discs', seed=seed,
                 truth=truth, footprints=Footprints(boxes, masks, shape))


@pytest.fixture(name='make_scene')
def make_scene_fixture():
    return make_scene


@pytest.fixture
def config():
    return tiny_config()


@pytest.fixture
def scene():
    """
    Sources in two crops of 64 pixels; one lies on the border of both.
    """
    return make_scene([(10, 12), (30, 40), (32, 64), (50, 100), (8, 110)])


@pytest.fixture
def folder(tmp_path, scene):
    """
    A folder with two scenes.
    """
    path = tmp_path / 'scenes'
    path.mkdir()
    scene.write(path / 'discs-0.npz')
    make_scene([(20, 20), (40, 90)], seed=1).write(path / 'discs-1.npz')
    return path
