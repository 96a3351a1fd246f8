# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for region files.
"""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.sources.instances import Instances

regions = pytest.importorskip('regions', reason='regions is in the extra regions')


@pytest.fixture
def make_result(fake_model, field, wcs):
    def make(wcs=wcs):
        return RCNNSegmenter(fake_model).segment(field, wcs=wcs)
    return make


@pytest.mark.parametrize(('suffix', 'with_wcs'), [
    ('.reg', False), ('.reg', True), ('.crtf', True)])
def test_read_by_regions(make_result, wcs, tmp_path, suffix, with_wcs):
    """
    The regions of a file cover the pixels of the footprints, with label and color.
    """
    result = make_result(wcs if with_wcs else None)
    path = tmp_path / f'field{suffix}'
    result.write_table(path)
    found = regions.Regions.read(path, format='ds9' if suffix == '.reg' else 'crtf')
    assert len(found) == 3
    for i, region in enumerate(found):
        assert isinstance(region, regions.SkyRegion) is with_wcs
        in_pixels = region.to_pixel(wcs) if with_wcs else region
        mask = in_pixels.to_mask().to_image(result.labels.shape) > 0
        expected = np.zeros_like(mask)
        expected[result.footprints.slices(i)] = result.footprints.masks[i]
        assert (mask != expected).sum() <= 2  # centers on the outline
        if suffix == '.reg':
            assert region.meta['text'] == i + 1
            assert region.meta['tag'] == [result.table['class_name'][i]]
    if suffix == '.reg':
        colors = [region.visual['facecolor'] for region in found]
        assert colors == ['cyan', 'orange', 'cyan']
    with pytest.raises(OSError, match='already exists'):
        result.write_table(path)
    result.write_table(path, overwrite=True)


def test_levels(make_result):
    """
    Outlines at a higher probability are smaller; those on the sky are the same.
    """
    result = make_result()
    faint, bright = (result.regions(level) for level in (0.1, 0.9))
    for outer, inner in zip(faint, bright, strict=True):
        assert outer.area > inner.area
    for region, on_sky in zip(bright, result.regions(0.9, sky=True), strict=True):
        there = on_sky.to_pixel(result.wcs)
        assert_allclose(there.vertices.xy, region.vertices.xy, atol=1e-6)
    with pytest.raises(ValueError, match='levels must be numbers between 0 and 1'):
        result.regions(2)
    with pytest.raises(ValueError, match='sky=True needs a result with a WCS'):
        make_result(None).regions(sky=True)


def test_parts_and_holes():
    """
    A source of two parts has two regions, and a ring one without its hole.
    """
    masks = np.zeros((2, 9, 9), np.float16)
    masks[0, 1:8, 1:8], masks[0, 4, 4] = 1, 0
    masks[1, 2:4, 2:4] = masks[1, 6:8, 6:8] = 1
    boxes = np.array([(5, 5, 50, 50), (55, 55, 100, 100)], 'f4')
    found = Instances((110, 110), boxes, np.ones(2, 'f4'), np.ones((2, 1), 'f4'), masks,
                      boxes, np.zeros(2, 'i4'), class_names=('nova',))
    result = RCNNResult(found, *found.paint())
    outlines = result.regions()
    assert [region.meta['text'] for region in outlines] == ['1', '2', '2']
    assert outlines[0].area == pytest.approx(35**2, rel=0.05)
    assert 'color' not in outlines[0].visual


def test_other_formats(make_result, tmp_path):
    """
    The regions are those of the package, which knows more formats.
    """
    make_result().regions().write(str(tmp_path / 'field.fits'))
    assert len(regions.Regions.read(str(tmp_path / 'field.fits'))) == 3


def test_pixels_for_casa(make_result, tmp_path):
    with pytest.raises(ValueError, match='a .crtf file needs a result with a WCS'):
        make_result(None).write_table(tmp_path / 'field.crtf')


def test_missing_regions(make_result, monkeypatch):
    monkeypatch.setitem(sys.modules, 'regions', None)
    with pytest.raises(ImportError, match=r'pip install "photutils_rcnn\[regions\]"'):
        make_result().regions()
