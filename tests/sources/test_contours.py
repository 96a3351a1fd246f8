# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for contours of soft masks.
"""

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.testing import assert_allclose

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.sources.contours import mask_contours
from photutils_rcnn.sources.instances import Instances


def gaussian_instance():
    """
    A round source in the middle of a mask of 28 x 28 cells of two pixels.
    """
    axis = np.arange(28) - 13.5
    mask = np.exp(-0.5 * (axis[:, None]**2 + axis**2) / 5**2)
    box = np.array([[10., 20., 66., 76.]], dtype=np.float32)
    return Instances(
        shape=(100, 100), boxes=box, scores=np.ones(1, np.float32),
        class_probabilities=np.array([[1., 0.]], np.float32),
        masks=mask[None].astype(np.float16), mask_boxes=box,
        flags=np.zeros(1, np.int32))


def test_radius_of_a_gaussian():
    (half, tenth), = mask_contours(gaussian_instance(), (0.5, 0.1))
    for lines, level in ((half, 0.5), (tenth, 0.1)):
        line, = lines
        radius = np.hypot(*(line - (47.5, 37.5)).T)
        assert_allclose(radius, 10 * np.sqrt(-2 * np.log(level)), atol=0.15)
        assert_allclose(line[0], line[-1])


def test_default_level_bounds_the_footprint():
    instances = gaussian_instance()
    ((line,),), = mask_contours(instances, instances.mask_threshold)
    x, y = line.T
    area = 0.5 * abs(np.sum(x[1:] * y[:-1] - x[:-1] * y[1:]))
    assert area == pytest.approx(instances.footprints().areas[0], rel=0.02)


def test_holes_and_empty_masks():
    instances = gaussian_instance()
    instances.masks[0, 12:16, 12:16] = 0
    (lines,), = mask_contours(instances, instances.mask_threshold)
    assert len(lines) == 2
    instances.mask_boxes[:] = 200, 200, 210, 210
    assert mask_contours(instances, instances.mask_threshold) == [[[]]]


def test_nothing_to_put_on_the_sky(fake_model, field, wcs):
    """
    Levels that no mask reaches have no lines, and lines stay with their sources.
    """
    result = RCNNSegmenter(fake_model).segment(field, wcs=wcs)
    result.instances.masks = 0.4 * result.instances.masks
    sky = result.contours([0.5, 0.3], sky=True)
    for i, (half, low) in enumerate(sky):
        assert half == []
        x, y = wcs.world_to_pixel(low[0])
        assert_allclose((x.mean(), y.mean()), result.instances.centers[i], atol=1)
    assert result.contours([0.5], sky=True) == [[[]]] * 3


def test_result(fake_model, field):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = 'RA---TAN', 'DEC--TAN'
    wcs.wcs.cdelt = -1e-4, 1e-4
    result = RCNNSegmenter(fake_model).segment(field, wcs=wcs)
    lines, sky = result.contours([0.5]), result.contours([0.5], sky=True)
    assert len(lines) == len(sky) == len(result)
    for ((line,),), ((coordinates,),) in zip(lines, sky, strict=True):
        assert_allclose(np.transpose(wcs.world_to_pixel(coordinates)), line,
                        atol=1e-6)
    (line,), = result.contours(0.5)[0]
    assert_allclose(line, lines[0][0][0])
    for levels in (1., [0.5, 0.], 'half', None, [[0.5]], ['a']):
        with pytest.raises(ValueError, match='levels must be numbers between 0 and 1'):
            result.contours(levels)
    with pytest.raises(ValueError, match='WCS'):
        RCNNSegmenter(fake_model).segment(field).contours(sky=True)
