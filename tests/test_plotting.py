# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests for the plotting module.
"""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.testing import assert_allclose, assert_equal

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.plotting import (
    plot_result,
    rgb_image,
    write_overlay,
)


@pytest.fixture
def result(fake_model, field):
    return RCNNSegmenter(fake_model).segment(field)


def test_plot(result):
    """
    Outlines have the colors of the classes, labels are optional.
    """
    ax = plot_result(result, ax=Figure().add_subplot(), show_labels=True,
                     colors={'galaxy': 'red'})
    stars, galaxies = ax.collections
    assert len(stars.get_paths()) == 2
    assert len(galaxies.get_paths()) == 1
    assert_equal(galaxies.get_color()[0], to_rgba('red'))
    assert [text.get_text() for text in ax.texts] == ['1', '2', '3']
    assert not plot_result(result, ax=Figure().add_subplot()).texts


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


def test_without_pixels(result, tmp_path):
    """
    A stored result needs a picture.
    """
    result.write(tmp_path / 'result.asdf')
    stored = RCNNResult.read(tmp_path / 'result.asdf')
    with pytest.raises(ValueError, match='without its pixels: give image'):
        plot_result(stored, ax=Figure().add_subplot())
    plot_result(stored, image=np.zeros((120, 150)),
                ax=Figure().add_subplot())


def test_overlay(result, tmp_path):
    """
    The picture is enlarged to a readable size.
    """
    write_overlay(tmp_path / 'overlay.png', result)
    picture = imread(tmp_path / 'overlay.png')
    assert_allclose(picture.shape[:2], (819, 1024), atol=1)
    assert picture[..., :3].max(axis=2).min() < 0.5
