# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the measurement of sources without their neighbors.
"""

import numpy as np
from blends import FWHM, make_frame, make_instances
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_equal
from photutils.psf import CircularGaussianPSF
from photutils.segmentation import SegmentationImage

from photutils_rcnn.deblending.deblend import deblend
from photutils_rcnn.deblending.layers import find_layers, measure_layers
from photutils_rcnn.deblending.psf_image import PSFImage
from photutils_rcnn.deblending.templates import Shapes, render
from photutils_rcnn.sources.photometry import band_pixels, measure

PSF = CircularGaussianPSF(fwhm=FWHM)
SIDE = 128
NOISE = np.random.default_rng(0).normal(0, 1, (SIDE, SIDE))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_layers_do_not_overlap(seed, n):
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 100, (n, 2))
    boxes = np.concatenate([starts, starts + rng.integers(1, 40, (n, 2))], axis=1)
    layers = find_layers(boxes)
    assert_equal(np.unique(layers), np.arange(layers.max() + 1))
    for layer in range(layers.max() + 1):
        covered = np.zeros((140, 140), dtype=int)
        for y1, x1, y2, x2 in boxes[layers == layer]:
            covered[y1:y2, x1:x2] += 1
        assert covered.max() == 1


def galaxy(x, y, flux, radius, eta1, eta2):
    shapes = Shapes(*(np.array([value]) for value in (
        x - SIDE // 2, y - SIDE // 2, np.log(radius), eta1, eta2, 0.1)))
    return flux * render(shapes, PSFImage.of_model(PSF, FWHM, (0, 0)), SIDE)[0]


def measured(data, x, y, half):
    """
    The table of sources in data.
    """
    instances = make_instances(data.shape, x, y, half, np.full(len(x), 0.05))
    frame = make_frame(data)
    labels, label_of_source = instances.paint(mask=frame.cube.mask)
    light = deblend(frame, instances, labels, label_of_source, [FWHM], [PSF])
    return measure_layers(light, frame, instances.footprints(), 0)


def test_blended_galaxies_are_as_each_alone():
    places = [56., 72.], [62., 66.]
    lights = [galaxy(56, 62, 2e4, 5., 0.4, 0.2), galaxy(72, 66, 1e4, 4., -0.3, 0.1)]
    half = np.array([15., 12.])
    together = measured(sum(lights) + NOISE, *places, half)
    assert_equal(together['label'], (1, 2))
    for k, light in enumerate(lights):
        # the oracle: photutils on the galaxy alone
        instances = make_instances((SIDE, SIDE), *(part[k] for part in places), half[k], 0.05)
        labels, _ = instances.paint(mask=np.zeros((SIDE, SIDE), dtype=bool))
        alone = measure(band_pixels(make_frame(light + NOISE), 0), SegmentationImage(labels))
        for name in ('semimajor_axis', 'semiminor_axis', 'kron_flux'):
            assert_allclose(together[name][k], getattr(alone, name)[0], rtol=0.1)
        assert_allclose(together['half_flux_radius'][k], alone.flux_radius(0.5)[0],
                        rtol=0.1)
        assert_allclose(together['x_centroid'][k], places[0][k], atol=0.3)
