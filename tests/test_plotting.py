# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the pictures of results.
"""

import re
import sys
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from astropy.visualization.wcsaxes import WCSAxes
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn import NoDetectionsWarning, RCNNResult, RCNNSegmenter
from photutils_rcnn.plotting import rgb_image, write_overlay


@pytest.fixture
def result(fake_model, field):
    return RCNNSegmenter(fake_model).segment(field)


@pytest.fixture
def color_result(fake_model, field, wcs):
    return RCNNSegmenter(fake_model).segment(
        [field, 2 * field, 3 * field, 4 * field], bands='griz', wcs=wcs)


@pytest.fixture
def stored(result, tmp_path):
    result.write(tmp_path / 'result.asdf')
    return RCNNResult.read(tmp_path / 'result.asdf')


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close('all')


def test_plot(result):
    """
    Outlines have the colors of the classes; labels and outlines are optional.
    """
    ax = result.plot(Figure().add_subplot(), show_labels=True, colors={'galaxy': 'red'})
    stars, galaxies = ax.collections
    assert len(stars.get_paths()) == 2
    assert len(galaxies.get_paths()) == 1
    assert_equal(galaxies.get_color()[0], to_rgba('red'))
    assert [text.get_text() for text in ax.texts] == ['1', '2', '3']
    bare = result.plot(Figure().add_subplot(), outlines=False)
    assert not bare.texts
    assert not bare.collections


def test_current_axes(result, color_result):
    """
    Axes that are there are used; new ones are those of the sky, if it is known.
    """
    ax = color_result.plot(binning=4)
    assert isinstance(ax, WCSAxes)
    assert_allclose(ax.wcs.pixel_to_world_values(0, 0),
                    color_result.wcs.pixel_to_world_values(0, 0))
    assert_allclose(ax.images[0].get_extent(), (-0.5, 147.5, -0.5, 119.5))
    assert result.plot() is ax
    plt.figure()
    assert not isinstance(result.plot(), WCSAxes)


def test_rgb(result):
    """
    A single band is gray, sources are brighter than the sky.
    """
    image = rgb_image(result)
    assert image.shape == (120, 150, 3)
    assert_equal(image[..., 0], image[..., 2])
    assert image[25, 30, 0] > 3 * np.median(image)
    small = rgb_image(result, binning=4)
    assert small.shape == (30, 37, 3)
    assert rgb_image(result, binning=140).shape == (1, 1, 3)
    assert small[6, 7, 0] > 3 * np.median(small)


def test_chosen_bands(color_result):
    """
    One band is gray, unknown ones are refused.
    """
    color_result.cube.data[0, 60:70, 60:70] += 1000
    blue = rgb_image(color_result)[65, 65]
    assert blue[2] > blue[0]
    assert len(set(rgb_image(color_result, bands='g')[65, 65])) == 1
    assert (rgb_image(color_result, bands=('z', 'i'))[65, 65] < 100).all()
    for bands in ('y', ['g', 'y'], ()):
        with pytest.raises(ValueError, match='bands must name some of .*, got'):
            color_result.plot(Figure().add_subplot(), bands=bands)


def test_without_pixels(stored):
    """
    A stored result needs a picture.
    """
    with pytest.raises(ValueError, match='without its pixels: give an image'):
        stored.plot(Figure().add_subplot())
    stored.plot(Figure().add_subplot(), image=np.zeros((120, 150)))


def test_plot_source(color_result):
    """
    A panel for each band and one for the mask show the source with its contours.
    """
    axes = color_result.plot_source(2, figure=Figure(), levels=(0.3, 0.8))
    assert [ax.get_title() for ax in axes] == ['g', 'r', 'i', 'z', 'mask']
    row = color_result.table[1]
    for ax in axes:
        assert len(ax.lines) == 2
        x = ax.lines[0].get_xdata()
        assert abs(np.mean(x) - row['x']) < 1
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert left < row['bbox_xmin'] < row['bbox_xmax'] < right
        assert bottom < row['bbox_ymin'] < row['bbox_ymax'] < top
    mask, footprint = (image.get_array() for image in axes[-1].images)
    assert mask.max() == 1
    assert footprint.sum() == row['area'].value
    assert [ax.get_title() for ax in color_result.plot_source(
        1, bands='r')] == ['r', 'mask']


def test_neighbors_are_dotted(fake_model, field):
    """
    Other sources on the cutout are drawn, those elsewhere are not.
    """
    field[20:31, 50:61] += 60
    result = RCNNSegmenter(fake_model).segment(field)
    panel = result.plot_source(1, figure=Figure(), margin=30)[0]
    assert sum(len(lines.get_paths()) for lines in panel.collections) == 1


@pytest.mark.parametrize('label', [0, 4, -1, 1.5, 'first', None])
def test_no_such_label(result, label):
    with pytest.raises(ValueError, match=f'^label must be one of 1 to 3, got {label!r}'):
        result.plot_source(label)


def test_plot_stored_source(stored):
    """
    Without pixels the mask is shown alone.
    """
    ax, = stored.plot_source(1, figure=Figure())
    assert ax.get_title() == 'mask'


def test_overlay(result, tmp_path):
    """
    The picture is enlarged to a readable size.
    """
    write_overlay(tmp_path / 'overlay.png', result)
    picture = imread(tmp_path / 'overlay.png')
    assert_allclose(picture.shape[:2], (819, 1024), atol=1)
    assert picture[..., :3].max(axis=2).min() < 0.5


def test_thumbnail(result, stored, monkeypatch):
    """
    Notebooks show a small picture, with pixels or without, and the table.
    """
    for shown in (result, stored):
        html = shown._repr_html_()
        data = b64decode(re.search('base64,([^"]*)"', html).group(1))
        picture = imread(BytesIO(data))
        assert picture.shape[:2] == (256, 320)
        cyan = picture[..., 2] - picture[..., 0]
        assert cyan.max() > 0.5
        assert 'class_name' in html
    monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
    html = result._repr_html_()
    assert '<img' not in html
    assert 'class_name' in html


def test_thumbnail_of_nothing(fake_model):
    sky = np.random.default_rng(0).normal(size=(40, 40))
    with pytest.warns(NoDetectionsWarning, match='No sources'):
        result = RCNNSegmenter(fake_model).segment(sky)
    assert '<img' in result._repr_html_()
