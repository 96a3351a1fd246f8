# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of attributes in results.
"""

import warnings
from types import SimpleNamespace

import attrs
import numpy as np
import pytest
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.detection.attributes import attribute_columns, attribute_inputs
from photutils_rcnn.models.attribute_config import AttributeConfig
from photutils_rcnn.models.attribute_transfer import add_attribute
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.sources.instances import Instances

KIND = AttributeConfig(name='kind', classes=('a', 'b', 'c'), of_class='galaxy')
DEPTH = AttributeConfig(name='depth', bands=('g', 'z'))


@pytest.fixture(scope='module')
def model():
    """
    The shipped model with two heads of random weights.
    """
    extended = add_attribute(add_attribute(load_model(precision='float32'), KIND), DEPTH)
    rng = np.random.default_rng(0)
    for head in extended.network.attribute_heads.values():
        last = head.layers[-1].kernel
        last.assign(rng.normal(0, 1, last.shape))
    return extended


@pytest.fixture(scope='module')
def cube():
    """
    Three bands with two stars and two wide sources.
    """
    y, x = np.indices((128, 160))
    light = sum(peak * np.exp(-0.5 * np.hypot(y - cy, x - cx)**2 / sigma**2)
                for cy, cx, peak, sigma in ((30, 30, 300, 1.7), (30, 110, 40, 5),
                                            (90, 40, 60, 6), (90, 120, 500, 1.7)))
    rng = np.random.default_rng(0)
    return np.stack([factor * light for factor in (0.7, 1, 1.3)]
                    ) + rng.normal(0, 1, (3, 128, 160))


def segment(model, cube, bands=('g', 'r', 'z'), **options):
    return RCNNSegmenter(model, runtime='keras', **options).segment(
        cube, bands=bands, background=0)


def test_columns(model, cube):
    result = segment(model, cube)
    table = result.table
    galaxies = table['class_name'] == 'galaxy'
    assert 0 < galaxies.sum() < len(table)
    assert set(table['kind'][galaxies]) <= {'a', 'b', 'c', 'unsure'}
    assert set(table['kind'][~galaxies]) == {''}
    total = sum(table[f'prob_{name}'] for name in 'abc')
    assert_allclose(total[galaxies], 1, rtol=1e-5)
    assert np.isnan(total[~galaxies]).all()
    assert np.isfinite(table['depth']).all()
    assert (table['depth_err'] > 0).all()
    assert result.instances.features is None
    with_labels = table['label'] > 0
    assert_equal(np.asarray(result.catalog.kind), table['kind'][with_labels])
    for name in ('kind', 'prob_b', 'depth_err'):
        assert name in result.catalog_table.colnames


def test_files_and_parts_keep_attributes(model, cube, tmp_path):
    result = segment(model, cube)
    result.write(tmp_path / 'a.asdf')
    for read in (result, RCNNResult.read(tmp_path / 'a.asdf')):
        for name in ('kind', 'prob_a', 'depth', 'depth_err'):
            assert_equal(np.asarray(read.table[name]), np.asarray(result.table[name]))
    part = result[result.table['class_name'] == 'galaxy']
    assert len(part) < len(result)
    assert '' not in part.table['kind']
    result.write_table(tmp_path / 'a.fits')
    assert_equal(Table.read(tmp_path / 'a.fits')['kind'], result.catalog_table['kind'])


def test_a_frame_without_the_bands(model, cube):
    with pytest.warns(AstropyUserWarning, match=r"'depth' needs the bands \('g', 'z'\)"):
        result = segment(model, cube, bands=('u', 'g', 'r'))
    assert np.isnan(result.table['depth']).all()
    assert not np.isnan(result.table['prob_a']).all()


def test_nothing_found(model):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        result = segment(model, np.random.default_rng(1).normal(0, 1, (3, 64, 64)))
    assert len(result.table) == 0
    assert {'kind', 'prob_c', 'depth'} <= set(result.table.colnames)


def test_tiles_do_not_matter(model, cube):
    frame = np.tile(cube, (1, 8, 1))
    whole = segment(model, frame).table
    tiled = segment(model, frame, tile_size=960).table
    assert len(whole) == len(tiled)
    known = np.isfinite(whole['prob_a'])
    assert_allclose(tiled['prob_a'][known], whole['prob_a'][known], atol=0.02)


def test_faint_and_small_sources(model, cube):
    """
    The head is asked about bright and large sources only.
    """
    asked = segment(model, cube)
    galaxies = asked.table['class_name'] == 'galaxy'
    snr = np.sort(asked.instances.snr[galaxies])
    limit = float(snr[:2].mean())
    limited = add_attribute(load_model(precision='float32'), attrs.evolve(
        KIND, least_snr=limit, least_size=2., trunk_features=False))
    last = limited.network.attribute_heads['kind'].layers[-1].kernel
    last.assign(np.random.default_rng(0).normal(0, 1, last.shape))
    result = segment(limited, cube)
    assert_allclose(result.table['score'], asked.table['score'])
    faint = galaxies & (result.instances.snr < limit)
    assert np.count_nonzero(faint) == 1
    assert set(result.table['kind'][faint]) == {'unsure'}
    assert_allclose(result.table['prob_a'][faint], 1 / 3, rtol=1e-6)
    assert (np.abs(result.table['prob_a'][galaxies & ~faint] - 1 / 3) > 1e-3).all()
    assert np.isnan(result.table['prob_a'][~galaxies]).all()


def test_neighbors_are_hidden():
    """
    A source is shown its footprint and empty sky, not the footprints of others.
    """
    boxes = np.array([[10, 10, 30, 30], [14, 24, 26, 44], [40, 8, 44, 12]], 'f4')
    instances = Instances(
        (64, 64), boxes, np.ones(3, 'f4'), np.tile([0., 1], (3, 1)).astype('f4'),
        np.ones((3, 8, 8), 'f2'), boxes, np.zeros(3, 'i4'))
    frame = SimpleNamespace(cube=SimpleNamespace(shape=(64, 64), bands=('r',)))
    normalized = SimpleNamespace(frame=frame, image=np.ones((64, 64, 1), 'f4'))
    attribute = AttributeConfig(name='kind', trunk_features=False, stamp_size=40,
                                stamp_extent=2.)
    inputs = attribute_inputs(attribute, instances, np.array([0]), normalized, None, 1.)
    assert set(inputs) == {'stamps', 'numbers'}
    stamp = inputs['stamps'][0, ..., 0]
    shown = np.ones((40, 40))  # the pixels from 0 to 40
    shown[14:26, 30:] = 0
    assert_allclose(stamp, shown, atol=1e-5)


def test_calibration():
    """
    Scale and offset act on logits; sources below the least probability are unsure.
    """
    outputs = np.array([[0., 0, 2], [0, 0, 0], [np.nan] * 3])
    columns = attribute_columns(KIND, outputs, {'scale': 2., 'offset': [0, 0, -1],
                                                'least': 0.8})
    weights = np.exp([0, 0, 3])
    assert_allclose(columns['prob_c'][0], weights[2] / weights.sum(), rtol=1e-6)
    assert columns['kind'].tolist() == ['c', 'unsure', '']
    columns = attribute_columns(
        AttributeConfig(name='z'), np.array([[1., 0.], [-1, 2 * np.log(2)]]),
        {'center': 5., 'spread': 2., 'error_scale': 3.})
    assert_allclose(columns['z'], [7, 3])
    assert_allclose(columns['z_err'], [6, 12])


@pytest.mark.parametrize(('values', 'match'), [
    ({'name': 'not a name'}, 'identifier'),
    ({'name': 'kind', 'classes': ('a',)}, 'two or more'),
    ({'name': 'kind', 'classes': ('a', 'a')}, 'must differ'),
    ({'name': 'kind', 'of_class': 3}, 'of_class'),
])
def test_bad_attributes(values, match):
    with pytest.raises(ValueError, match=match):
        AttributeConfig(**values)


def test_an_attribute_of_a_missing_class():
    with pytest.raises(ValueError, match='of_class of the attribute'):
        add_attribute(load_model(), AttributeConfig(name='kind', of_class='nebula'))
