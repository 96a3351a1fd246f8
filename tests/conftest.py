# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fixtures: a field of Gaussian sources, and a stand-in for the network.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.modeling.models import Gaussian2D
from astropy.wcs import WCS
from scipy import ndimage

from photutils_rcnn.sources.instances import Instances

SHAPE = (120, 150)
POSITIONS = ((30.0, 25.0), (100.0, 40.0), (60.0, 90.0))
MASK_SIDE = 28


def make_field(shape=SHAPE, positions=POSITIONS, noise=1.0, level=50.0):
    """
    Gaussian sources of 2 px sigma on a noisy level; the second is flat.
    """
    data = np.random.default_rng(3).normal(level, noise, shape)
    y, x = np.indices(shape)
    for i, (x0, y0) in enumerate(positions):
        sigma = 4.0 if i == 1 else 2.0
        data += Gaussian2D(60 * noise, x0, y0, sigma, sigma)(x, y)
    return data


def fake_inference(model, image, invalid, *, psf_fwhm=None, psf=None,
                   psf_stars=None, psf_slopes=(0, 0), psf_profile=None,
                   score_threshold=None, nms_threshold=None, tile_size=None, progress=None):
    """
    Islands above 5 sigma as instances: the wide ones are galaxies.
    """
    snr = np.sinh(2 * np.asarray(image).mean(axis=-1))
    labels, n_found = ndimage.label((snr > 5) & ~invalid)
    n_pixels = np.bincount(labels.ravel(), minlength=n_found + 1)
    slices = [found for i, found in enumerate(ndimage.find_objects(labels))
              if n_pixels[i + 1] > 5]
    boxes = np.array([(s[0].start, s[1].start, s[0].stop, s[1].stop)
                      for s in slices], dtype=np.float32).reshape(-1, 4)
    order = np.lexsort((boxes[:, 1] + boxes[:, 3], boxes[:, 0] + boxes[:, 2]))
    boxes = boxes[order]
    star = np.where(boxes[:, 2] - boxes[:, 0] > 16, 0.1, 0.9)
    axis = np.linspace(-1, 1, MASK_SIDE)
    disc = np.hypot(axis[:, None], axis) <= 1
    if progress is not None:
        progress(1, 1)
    return Instances(
        shape=invalid.shape, boxes=boxes,
        scores=np.full(len(boxes), 0.9, dtype=np.float32),
        class_probabilities=np.stack([star, 1 - star], axis=1).astype('f4'),
        masks=np.repeat(disc[None].astype(np.float16), len(boxes), axis=0),
        mask_boxes=boxes, flags=np.zeros(len(boxes), dtype=np.int32))


def make_fake_model():
    """
    A model that needs no network, with `fake_inference` in its place.
    """
    model = SimpleNamespace(
        name='fake', sha256='0' * 64, isophotal=True, star_log_odds=None,
        typical_star_log_odds=None,
        thresholds={'score': 0.5, 'nms': 0.6, 'mask': 0.5},
        stretch={'name': 'arcsinh', 'scale': 2.0}, halo=64,
        config=SimpleNamespace(attributes=()),
        runtime='keras', detector=None, settings={'network': {'n_bands': 3}})
    model.with_runtime = lambda runtime: model
    return model


@pytest.fixture
def fake_model(monkeypatch):
    """
    A model that needs no network.
    """
    monkeypatch.setattr('photutils_rcnn.detection.pipeline.run_inference',
                        fake_inference)
    return make_fake_model()


@pytest.fixture(scope='session', autouse=True)
def user_cache(tmp_path_factory):
    """
    A cache folder of the tests' own.
    """
    folder = tmp_path_factory.mktemp('cache')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('photutils_rcnn._user_cache.get_cache_dir_path',
                      lambda rootname: folder)
        yield folder


@pytest.fixture
def field():
    """
    A single-band field with three sources.
    """
    return make_field()


@pytest.fixture
def wcs():
    """
    A celestial WCS of 0.2 arcsec pixels.
    """
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = 'RA---TAN', 'DEC--TAN'
    wcs.wcs.crval = 150.0, 2.0
    wcs.wcs.crpix = 75.0, 60.0
    wcs.wcs.cdelt = -0.2 / 3600, 0.2 / 3600
    return wcs
