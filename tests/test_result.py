# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the result and photometry modules.
"""



from dataclasses import replace
from importlib import resources
from types import SimpleNamespace

import numpy as np
import photutils
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_equal
from photutils.segmentation import SourceCatalog

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.instances import decode_rcnn_flags
from photutils_rcnn.sources.photometry import detection_pixels

CUSTOM = ['score', 'class_name', 'class_id', 'prob_star', 'detection_flags']


@pytest.fixture
def result(fake_model, field, wcs):
    return RCNNSegmenter(fake_model).segment(
        np.stack([field, field]), error=1.0, wcs=wcs, bands='gr')


def test_instances(result):
    """
    One row per source, in photutils' pixel convention.
    """
    table = result.table
    assert_equal(table['label'], (1, 2, 3))
    assert_equal(table['class_id'], (1, 2, 1))
    assert_allclose(table['x'], (30, 100, 60), atol=1)
    assert_allclose(table['y'], (25, 40, 90), atol=1)
    assert_allclose((table['bbox_xmin'] + table['bbox_xmax']) / 2,
                    table['x'], atol=0.51)
    assert table['area'].unit == u.pix**2
    sky = result.wcs.pixel_to_world(table['x'], table['y'])
    assert_allclose(sky.separation(table['sky_center']).deg, 0, atol=1e-12)
    assert table.meta['model'] == 'fake'


def test_catalog_columns(result):
    """
    The catalog has photutils' columns, ours, and sky positions.
    """
    with photutils.use_future_column_names():
        table = result.catalog.to_table()
    assert table.colnames[-5:] == CUSTOM
    assert 'kron_flux' in table.colnames
    assert table['sky_centroid'][0].ra.deg == pytest.approx(150, abs=0.01)
    assert np.isfinite(table['segment_flux_err']).all()
    assert table.meta['model_sha256'] == '0' * 64
    one = result.catalog.select_label(2)
    assert one.class_name == 'galaxy'
    plain = SourceCatalog(result.cube.data[0], result.segmentation_image)
    assert 'score' not in plain.default_columns


def test_catalog_table_has_bands(result):
    """
    The table of several bands has the fluxes of each.
    """
    table = result.catalog_table
    assert_allclose(table['segment_flux_g'], table['segment_flux'])
    assert 'kron_flux_err_r' in table.colnames


def test_lost_source(result):
    """
    A source without pixels of its own stays among the instances.
    """
    result.label_of_source[2] = 0
    result.labels[result.labels == 3] = 0
    assert result.segmentation_image.n_labels == 2
    assert_equal(result.table['label'], (1, 2, 0))
    assert decode_rcnn_flags(result.table['detection_flags'][2]) == ['no_pixels']
    assert_equal(result.catalog.class_id, (1, 2))


def test_positions(fake_model, field, tmp_path):
    """
    Positions are those of the catalog, however lopsided a box is; without
    pixels of its own a source has the center of its box. They do not
    depend on whether the pixels are in the file.
    """
    lopsided = RCNNSegmenter(fake_model).segment(field)
    boxes = lopsided.instances.boxes
    boxes[0, 3] += 12
    centers = lopsided.instances.centers
    lopsided.label_of_source[2] = 0
    lopsided.labels[lopsided.labels == 3] = 0
    table, catalog = lopsided.table, lopsided.catalog
    assert_allclose(table['x'][:2], catalog.x_centroid)
    assert_allclose(table['y'][:2], catalog.y_centroid)
    assert abs(table['x'][0] - 30) < 1 < abs(centers[0, 0] - 30)
    assert_allclose((table['x'][2], table['y'][2]), centers[2])
    lopsided.write(tmp_path / 'field.asdf')
    again = RCNNResult.read(tmp_path / 'field.asdf')
    assert_allclose(again.table['x'], table['x'])
    assert_allclose(again.table['y'], table['y'])


def test_position_outside_the_footprint(fake_model, field, monkeypatch):
    """
    Where light is negative, a centroid is NaN or anywhere.
    """
    result = RCNNSegmenter(fake_model).segment(field)
    centers = result.instances.centers
    monkeypatch.setitem(vars(result), '_measured', SimpleNamespace(
        x_centroid=np.array([np.nan, 99.5, 70.0]),
        y_centroid=np.array([25.0, 40.2, -3.0])))
    table = result.table
    assert_allclose(table['x'], (centers[0, 0], 99.5, centers[2, 0]))
    assert_allclose(table['y'], (centers[0, 1], 40.2, centers[2, 1]))


def test_repr(result):
    """
    The representation tells what was found.
    """
    assert repr(result) == ("<RCNNResult: 3 sources, 3 labels, "
                            "shape=(120, 150), bands=('g', 'r')>")


def test_detection_pixels():
    """
    Bands are weighted by their inverse variance where they have data.
    """
    data = np.stack([np.full((20, 20), 1e-25), np.full((20, 20), 4e-25)])
    data[0, 0, 0] = np.nan
    data[:, 1, 1] = np.nan
    cube = prepare_inputs(data, error=[1e-25, 2e-25])
    noise = np.reshape([1e-25, 2e-25], (2, 1, 1))
    pixels = detection_pixels(Frame(cube, np.zeros((2, 1, 1)), noise))
    assert_allclose(pixels.data[5, 5], (1 + 4 / 4) / 1.25 * 1e-25)
    assert_allclose(pixels.error[5, 5], 1e-25 / 1.25**0.5)
    assert_allclose(pixels.data[0, 0], 4e-25)
    assert_allclose(pixels.error[0, 0], 2e-25)
    assert_equal(np.argwhere(pixels.mask), [[1, 1]])
    assert np.isfinite(pixels.data).all()


def test_above_is_a_higher_threshold():
    """
    Dropping sources afterwards is the same as not looking for them.
    """
    scene = Scene.read(resources.files('photutils_rcnn') / 'data' / 'demo'
                       / 'field.npz')
    frame = scene.data[:, :200, :230], scene.mask[:200, :230]
    results = [RCNNSegmenter(psf_fwhm=4., score_threshold=threshold).segment(
        frame[0], mask=frame[1], bands=scene.bands)
        for threshold in (0.05, 0.6)]
    low, expected = results
    found = low.above(0.6)
    assert len(low.instances) > len(found.instances) > 10
    assert_equal(found.labels, expected.labels)
    assert_equal(found.instances.flags, expected.instances.flags)
    assert found.meta['score_threshold'] == 0.6
    assert found.table.colnames == expected.table.colnames
    for name in ('x', 'y', 'score', 'label', 'detection_flags'):
        assert_allclose(found.table[name], expected.table[name])
    assert_allclose(found.catalog.kron_flux, expected.catalog.kron_flux)
    assert (low.above(1.).segmentation_image is None) == (
        low.instances.scores.max() < 1)


def test_above_cannot_find_more(result):
    for threshold in (0.4, 1.2, 'high'):
        with pytest.raises(ValueError, match=f'between 0.5.*got {threshold!r}'):
            result.above(threshold)
    stored = RCNNResult(result.instances, result.labels,
                        result.label_of_source, meta=result.meta)
    with pytest.raises(ValueError, match='^above needs the pixels'):
        stored.above(0.7)


def test_boxes_are_those_of_photutils(result):
    """
    The footprints of sources apart from each other are their segments.
    """
    for name in ('bbox_xmin', 'bbox_xmax', 'bbox_ymin', 'bbox_ymax'):
        assert_equal(result.table[name], getattr(result.catalog, name))
    assert_equal(result.table['area'].value, result.catalog.area.value)


def test_columns_of_instances(result):
    result.instances.scores[:] = 0.75, 0.875, 0.5
    table = result.table
    assert_equal(table['score'], (0.75, 0.875, 0.5))
    assert_allclose(table['prob_star'], (0.9, 0.1, 0.9), rtol=1e-6)
    assert_equal(table['class_name'], ('star', 'galaxy', 'star'))


def test_above_keeps_what_belongs_to_the_frame(result):
    """
    A score equal to the threshold is enough.
    """
    result.instances.scores[:] = 0.75, 0.875, 0.5
    found = result.above(0.75)
    assert_equal(found.table['score'], (0.75, 0.875))
    assert (found.wcs, found.bands) == (result.wcs, result.bands)
    assert 'sky_center' in found.table.colnames
    assert_equal(found.background, result.background)


def test_choosing_sources(result):
    assert len(result) == 3
    stars = result[result.table['class_name'] == 'star']
    assert 0 < len(stars) < 3
    assert_equal(stars.table['score'],
                 result.table['score'][result.table['class_name'] == 'star'])
    assert stars.labels.max() == len(stars)
    assert len(result[:2]) == 2
    stored = RCNNResult(result.instances, result.labels, result.label_of_source)
    with pytest.raises(ValueError, match='^choosing sources needs the pixels'):
        _ = stored[:2]
    segm, catalog = result[0]
    assert segm.n_labels == len(catalog) == 1


def test_html(result):
    html = result._repr_html_()
    assert '&lt;RCNNResult: 3 sources' in html
    assert 'prob_star' in html


def test_other_classes(result, tmp_path):
    """
    Names and columns are those of the model's classes, in files too.
    """
    names = ('star', 'elliptical', 'spiral')
    found = replace(result.instances, class_names=names,
                    class_probabilities=np.float32([
                        [0.8, 0.1, 0.1], [0.1, 0.2, 0.7], [0.2, 0.6, 0.2]]))
    other = RCNNResult(
        found, result.labels, result.label_of_source, cube=result.cube,
        background=result.background, noise=result.noise, bands=result.bands)
    other.write(tmp_path / 'other.asdf')
    for table in (other.table, other.catalog_table,
                  RCNNResult.read(tmp_path / 'other.asdf').table):
        assert_equal(table['class_name'], ('star', 'spiral', 'elliptical'))
        assert_equal(table['class_id'], (1, 3, 2))
        for i, name in enumerate(names):
            assert_allclose(table[f'prob_{name}'],
                            found.class_probabilities[:, i])
