# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the training of attribute heads.
"""

import re
from types import SimpleNamespace

import attrs
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from attribute_frames import SHAPE, make_frame
from numpy.testing import assert_allclose, assert_equal
from PIL import Image

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.cli import main
from photutils_rcnn.models.attribute_config import AttributeConfig
from photutils_rcnn.models.attribute_transfer import add_attribute
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.simulation.presets import draw_settings
from photutils_rcnn.training.attribute_batches import AttributeBatches, class_weights
from photutils_rcnn.training.attribute_examples import collect_examples, encode_labels
from photutils_rcnn.training.attribute_recipe import read_attribute_recipe
from photutils_rcnn.training.attribute_training import train_attribute
from photutils_rcnn.training.labelled_frames import labelled_files, labelled_frames
from photutils_rcnn.training.morphology import smooth_or_disc


@pytest.fixture(scope='module')
def frames():
    return [make_frame(seed) for seed in range(12)]


@pytest.fixture(scope='module')
def trained(frames, tmp_path_factory):
    images, labels = zip(*frames, strict=True)
    out = tmp_path_factory.mktemp('attribute') / 'model'
    model = train_attribute(SHAPE, images, labels, out, epochs=40, rate=5e-3,
                            batch_size=32, progress_bar=False)
    return model, out


def test_learns_what_can_be_seen(trained):
    """
    On a frame of its own, and nothing else of the model has changed.
    """
    _, out = trained
    model = load_model(out, precision='float32')
    data, truth = make_frame(100)
    table = RCNNSegmenter(model, runtime='keras').segment(data, background=0).table
    distance = np.hypot(*(np.asarray(table[c])[:, None] - np.asarray(truth[c])
                          for c in 'xy'))
    told = table['shape'][distance.argmin(axis=0)]
    assert np.mean(told == truth['shape']) > 0.9
    report = model.settings['training']['attributes']['shape']
    assert report['balanced_accuracy'] > 0.9
    assert '`shape`: round, flat' in model.card
    default = load_model(precision='float32')
    before, after = get_weights(default.network), get_weights(model.network)
    for name, value in before.items():
        assert_equal(after[name], value)
    plain = RCNNSegmenter(default, runtime='keras').segment(data, background=0).table
    assert_allclose(table['score'], plain['score'])


def test_an_interrupted_training_goes_on(trained, frames, monkeypatch):
    """
    What was found in frames is not looked for again, and gives the same model.
    """
    model, out = trained
    images, labels = zip(*frames, strict=True)
    monkeypatch.setattr('photutils_rcnn.training.attribute_examples.detect', None)
    again = train_attribute(SHAPE, images, labels, out, epochs=40, rate=5e-3,
                            batch_size=32, progress_bar=False)
    assert again.sha256 == model.sha256
    other = AttributeConfig(name='shape', classes=('round', 'flat', 'odd'))
    with pytest.raises(ValueError, match='another model or attribute'):
        train_attribute(other, images, labels, out, progress_bar=False)


def test_changed_labels_and_frames(frames, tmp_path, monkeypatch):
    """
    What was found in a frame counts as long as its pixels and labels are the same.
    """
    images, labels = map(list, zip(*frames[:2], strict=True))
    found = []
    monkeypatch.setattr(
        'photutils_rcnn.training.attribute_examples.frame_examples',
        lambda model, attribute, read, *args: found.append(read[3].tolist()) or (
            {'values': np.zeros(1)}, 1))

    def collect():
        found.clear()
        collect_examples(load_model(), SHAPE, labelled_frames(images, labels), tmp_path)
        return len(found)

    assert collect() == 2
    assert collect() == 0
    labels[1] = labels[1].copy()
    labels[1]['shape'][0] = 'flat' if labels[1]['shape'][0] == 'round' else 'round'
    assert collect() == 1
    assert found == [labels[1]['shape'].tolist()]
    images[0] = images[0] + 1
    assert collect() == 1
    images.reverse()
    labels.reverse()
    assert collect() == 2


def test_a_head_is_trained_further(trained, frames, tmp_path):
    """
    The very same head keeps what it has learned, another one begins anew.
    """
    model, _ = trained
    before = get_weights(model.network)
    same = get_weights(add_attribute(model, SHAPE, seed=5).network)
    other = get_weights(add_attribute(
        model, attrs.evolve(SHAPE, least_snr=5.), seed=5).network)
    name = next(name for name in before if 'attribute_shape' in name and 'kernel' in name)
    assert_equal(same[name], before[name])
    assert np.abs(other[name] - before[name]).max() > 0.01
    images, labels = zip(*frames, strict=True)
    further = train_attribute(SHAPE, images[:6], labels[:6], tmp_path / 'm', model=model,
                              epochs=1, rate=1e-5, progress_bar=False)
    assert further.settings['training']['attributes']['shape']['balanced_accuracy'] > 0.85
    assert_equal(get_weights(model.network)[name], before[name])


def test_regression_with_unknown_values(frames, tmp_path):
    """
    Values are told with errors; NaN is no label.
    """
    rng = np.random.default_rng(0)
    images, labels = [], []
    for data, table in frames:
        scale = rng.uniform(0.3, 1.5)
        images.append(data * scale)
        table = table['x', 'y'].copy()
        table['level'] = np.where(rng.random(len(table)) < 0.2, np.nan, np.log(scale))
        labels.append(table)
    model = train_attribute(
        AttributeConfig(name='level', filters=(8, 8), width=16), images, labels,
        tmp_path / 'm', epochs=40, rate=5e-3, batch_size=32, progress_bar=False)
    report = model.settings['training']['attributes']['level']
    n_known = sum(np.isfinite(table['level']).sum() for table in labels)
    assert 0.9 * n_known < report['n_sources'] + report['n_held_out'] <= n_known
    values = np.concatenate([table['level'] for table in labels])
    assert report['scatter'] < 0.7 * np.nanstd(values)


def test_command_with_pictures(tmp_path):
    """
    A table of pictures with one label each; the class of a source in the middle.
    """
    rng = np.random.default_rng(0)
    y, x = np.indices((64, 64)) - 31.5
    rows = []
    for i in range(10):
        is_round = i % 2 == 0
        light = np.exp(-0.5 * (x**2 / 20 + y**2 / (20 if is_round else 4)))
        pixels = 12 + rng.normal(0, 3, (64, 64, 3)) + 180 * light[..., None]
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(
            tmp_path / f'{i}.png')
        rows.append((f'{i}.png', 'round' if is_round else 'flat'))
    Table(rows=rows, names=('file', 'shape')).write(tmp_path / 'labels.csv')
    assert main(['attribute', str(tmp_path / 'model'), '--table',
                 str(tmp_path / 'labels.csv'), '--name', 'shape', '--epochs', '1']) == 0
    assert load_model(tmp_path / 'model').config.attributes[0].classes == ('flat', 'round')


@pytest.mark.parametrize(('labels', 'match'), [
    (['round', 'odd'], "must be among .* got 'odd'"), ([1, 'x'], 'must be among')])
def test_unknown_classes(labels, match):
    with pytest.raises(ValueError, match=match):
        encode_labels(labels, SHAPE)


def test_labels_that_are_not_known():
    assert_equal(encode_labels(['flat', '', None, np.nan, 'round'], SHAPE),
                 [1, np.nan, np.nan, np.nan, 0])
    assert_equal(encode_labels(np.ma.array([1., 2, 3], mask=[0, 1, 0]),
                               AttributeConfig(name='z')), [1, np.nan, 3])
    assert_equal(encode_labels(np.ma.array(['flat', 'round'], mask=[0, 1]), SHAPE),
                 [1, np.nan])
    with pytest.raises(ValueError, match="'z' must be numbers"):
        encode_labels(['x'], AttributeConfig(name='z'))


@pytest.mark.parametrize('positions', [True, False])
def test_empty_cells_of_a_table(tmp_path, positions):
    """
    They are no labels: neither zero nor a class of their own.
    """
    fits.writeto(tmp_path / 'a.fits', np.random.default_rng(0).normal(0, 1, (64, 64)))
    header, place = ('x,y,', '3,4,') if positions else ('', '')
    (tmp_path / 'labels.csv').write_text(
        f'file,{header}z,shape\na.fits,{place},\na.fits,{place}2.5,flat\n')
    for attribute, expected in ((AttributeConfig(name='z'), 2.5), (SHAPE, 1)):
        name = attribute.name
        images, labels, classes = labelled_files(tmp_path / 'labels.csv', name)
        assert classes == (('flat',) if name == 'shape' else ())
        values = [encode_labels(frame.read(name)[3], attribute)
                  for frame in labelled_frames(images, labels)]
        assert_equal(np.concatenate(values), [np.nan, expected])


@pytest.mark.parametrize('name', ['labels.txt', 'labels.fits'])
def test_no_table(tmp_path, name):
    (tmp_path / 'labels.txt').write_text('nonsense')
    fits.writeto(tmp_path / 'labels.fits', np.zeros((4, 4)))
    with pytest.raises(ValueError, match=f'table must be a file of a table, .*{name}'):
        labelled_files(tmp_path / name, 'shape')


@pytest.mark.parametrize(('name', 'classes', 'columns'), [
    ('score', (), ['score']), ('area', ('small', 'large'), ['area']),
    ('ellipticity', (), ['ellipticity']), ('kron_flux', (), ['kron_flux', 'kron_flux_err']),
    ('kind', ('star', 'quasar'), ['prob_star'])])
def test_columns_that_tables_have(tmp_path, name, classes, columns):
    """
    They would be lost, or photutils' catalogs would refuse them once the head is trained.
    """
    with pytest.raises(ValueError, match=re.escape(f'others of the tables, got {columns}')):
        train_attribute(AttributeConfig(name=name, classes=classes), [np.zeros((64, 64))],
                        ['x'], tmp_path / 'm', progress_bar=False)
    assert not (tmp_path / 'm').exists()


def test_positions_that_are_no_numbers():
    table = Table({'x': ['a'], 'y': [4.], 'shape': ['flat']})
    with pytest.raises(ValueError, match='x and y of labels must be numbers'):
        labelled_frames([np.zeros((64, 64))], [table])[0].read('shape')


@pytest.mark.parametrize(('images', 'labels', 'match'), [
    ([], [], 'one entry for each'), ([1, 2], ['a'], 'got 1 for 2')])
def test_numbers_of_images_and_labels(images, labels, match):
    with pytest.raises(ValueError, match=match):
        labelled_frames(images, labels)


def test_errors_name_the_image(tmp_path):
    data = np.zeros((64, 64))
    table = Table({'x': [3.], 'y': [4.]})
    with pytest.raises(ValueError, match='image 0: labels must be tables with the columns'):
        train_attribute(SHAPE, [data], [table], tmp_path / 'a', progress_bar=False)
    with pytest.raises(ValueError, match='image 0: .*nothing.png'):
        train_attribute(SHAPE, [tmp_path / 'nothing.png'], ['flat'], tmp_path / 'b',
                        progress_bar=False)


def test_labels_beside_all_sources(frames, tmp_path):
    data, _ = frames[0]
    table = Table({'x': [41.], 'y': [1.], 'shape': ['flat']})
    with pytest.raises(ValueError, match='got 1 in 1 image, and found none'):
        train_attribute(SHAPE, [data], [table], tmp_path / 'a', progress_bar=False)


def test_turned_batches():
    """
    Stamps, features and sides are turned alike.
    """
    rng = np.random.default_rng(0)
    stamps = rng.normal(0, 1, (64, 4, 4, 2))
    examples = {'stamps': stamps, 'pooled': stamps, 'numbers': rng.normal(0, 1, (64, 3))}
    batches = AttributeBatches(examples, np.arange(64), np.ones(64), batch_size=8)
    seen = set()
    for i in range(len(batches)):
        inputs, chosen, _ = batches[i]
        assert_allclose(inputs['stamps'], inputs['pooled'], atol=1e-5)
        own = stamps[chosen]
        images = [np.rot90(flipped, k, axes=(1, 2)) for k in range(4)
                  for flipped in (own, own[:, :, ::-1])]
        same = [np.allclose(inputs['stamps'], image, atol=1e-6) for image in images]
        assert any(same)
        numbers = examples['numbers'][chosen]
        if np.allclose(inputs['numbers'], numbers):
            seen.add('upright')
        else:
            assert_allclose(inputs['numbers'], numbers[:, [1, 0, 2]], rtol=1e-6)
            seen.add('turned')
    assert seen == {'upright', 'turned'}


def test_scattered_colors():
    """
    Bands change by factors of their own, as much as the source's scatter says.
    """
    light = np.full((4000, 2, 2, 2), 5.)
    scatter = np.repeat([0., 0.2], 2000)
    examples = {'stamps': np.arcsinh(light), 'numbers': np.zeros((4000, 3))}
    batches = AttributeBatches(examples, np.arange(4000), np.ones(4000), batch_size=4000,
                               color_scatter=scatter)
    inputs, chosen, _ = batches[0]
    factor = np.log(np.sinh(inputs['stamps']) / 5.)
    assert_allclose(factor, factor[:, :1, :1] * np.ones((1, 2, 2, 1)), atol=1e-4)
    bands = factor[:, 0, 0]
    assert_allclose(bands[chosen < 2000], 0, atol=1e-4)
    assert_allclose(bands[chosen >= 2000].std(axis=0), 0.2, rtol=0.1)
    assert abs(np.corrcoef(bands[chosen >= 2000].T)[0, 1]) < 0.1


def test_compressed_light():
    """
    As in composites: the peak is lowered, faint light stays, the order too.
    """
    stamps = np.arcsinh(np.linspace(0, 200, 25)).reshape(1, 5, 5, 1)
    examples = {'stamps': stamps, 'pooled': stamps, 'numbers': np.zeros((1, 3))}
    batches = AttributeBatches(examples, np.zeros(1), np.ones(1), composites=1.)
    inputs, _, _ = batches[0]
    light = np.sort(np.sinh(inputs['stamps'].ravel()))
    assert (np.diff(light) > 0).all()
    assert 10 < light[-1] < 195
    assert_allclose(light[1], 200 / 24, rtol=0.02)


def test_classes_count_alike():
    """
    Among all sources, and among those of one size where there are many.
    """
    weights = class_weights([0, 0, 0, 1], 2, np.zeros(4))
    assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2])
    values = np.repeat([0, 1, 0, 1], [900, 100, 200, 800])
    sizes = np.repeat([0.1, 0.5], 1000)
    weights = class_weights(values, 2, sizes)
    for size in (0.1, 0.5):
        total = [weights[(values == i) & (sizes == size)].sum() for i in range(2)]
        assert_allclose(total[0], total[1], rtol=0.1)


def test_recipe_and_its_labels():
    recipe = read_attribute_recipe('morphology')
    assert recipe['attribute'].of_class == 'galaxy'
    for part in recipe['scenes']:
        draw_settings(part['preset'], np.random.default_rng(0), **part['settings'])
    assert recipe['labels'] is smooth_or_disc
    seen = {'class_id': 2, 'ignore': False, 'snr': 100., 'half_light_radius': 6.,
            'blendedness': 0., 'bulge_fraction': 0.1, 'axis_ratio': 0.9, 'asymmetry': 0.05,
            'structure_snr': 20.}
    plain = {'asymmetry': 0.005, 'structure_snr': 1.}
    cases = [
        ('disc', {}), ('disc', {**plain, 'axis_ratio': 0.3}),
        ('disc', {'bulge_fraction': 0.7}), ('smooth', {**plain, 'bulge_fraction': 0.9}),
        ('smooth', {**plain, 'bulge_fraction': 0.3}),
        ('disc', {**plain, 'bulge_fraction': 0.3, 'axis_ratio': 0.3}),
        ('', plain), ('', {**plain, 'axis_ratio': 0.5}), ('', {'structure_snr': 5.}),
        ('', {'asymmetry': 0.02}),
        ('', {**plain, 'bulge_fraction': 0.9, 'axis_ratio': 0.3}), ('', {'class_id': 1}),
        ('', {'ignore': True}), ('', {'snr': 15.}), ('', {'half_light_radius': 2.}),
        ('', {'blendedness': 0.5}), ('', {'asymmetry': np.nan, 'axis_ratio': np.nan})]
    scene = SimpleNamespace(truth=Table(rows=[{**seen, **other} for _, other in cases]),
                            psf_fwhm=np.array([3., 4., 5.]))
    assert smooth_or_disc(scene).tolist() == [label for label, _ in cases]
    with pytest.raises(ValueError, match='recipe must be one of'):
        read_attribute_recipe('nothing')


def test_named_bands(tmp_path):
    """
    Arrays come with the names of their bands; what is no argument is told.
    """
    data, _ = make_frame(0)
    frame, = labelled_frames([{'data': np.stack([data, data]), 'bands': ('r', 'g')}],
                             ['flat'])
    cube, x, y, labels = frame.read('shape')
    assert cube.bands == ('g', 'r')
    assert (x[0], y[0], labels[0]) == (79.5, 63.5, 'flat')
    with pytest.raises(ValueError, match=r"must have data and may have .* got \['dta'\]"):
        labelled_frames([{'dta': data}], ['flat'])[0].read('shape')
