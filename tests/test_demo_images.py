# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the real images that come with the package.
"""

from importlib.resources import files

import numpy as np
import pytest

from photutils_rcnn.io.fits import read_frame

DEMO = files('photutils_rcnn') / 'data' / 'demo'


@pytest.mark.parametrize(('names', 'bands', 'shape'), [
    (['aco1689_g.fits', 'aco1689_r.fits', 'aco1689_z.fits'], ('g', 'r', 'z'), (384, 384)),
    (['xdf_f105w.fits', 'xdf_f160w.fits'], ('F105W', 'F160W'), (200, 200))])
def test_frame(names, bands, shape):
    """Their headers name the bands, the unit and the sky."""
    frame = read_frame([DEMO / name for name in names])
    assert tuple(frame.bands) == bands
    assert np.shape(frame.data) == (len(bands), *shape)
    assert frame.wcs.has_celestial
    assert np.isfinite(frame.data).all()


def test_errors():
    """Those of Hubble are the scatter of the sky, but for what drizzling takes from it."""
    frame = read_frame([DEMO / 'xdf_f160w.fits'])
    middle = np.median(frame.data)
    scatter = 1.4826 * np.median(np.abs(frame.data - middle))
    assert scatter == pytest.approx(np.median(frame.errors), rel=0.5)


def test_size():
    """Wheels carry them."""
    assert sum(path.stat().st_size for path in DEMO.iterdir()
               if path.suffix == '.fits') < 1e6


def test_licences():
    """The texts that their owners ask for are beside them."""
    text = (DEMO / 'README.rst').read_text(encoding='utf-8')
    assert 'Copyright (c) 2019 Colin J. Burke' in text
    assert 'Copyright (c) 2018, The Astropy Project' in text
