# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of pictures as images.
"""

import numpy as np
import pytest
from PIL import Image

from photutils_rcnn.io.pictures import read_picture


@pytest.fixture
def rgb():
    colors = np.zeros((4, 6, 3), dtype=np.uint8)
    colors[0, 1] = 255, 0, 0
    colors[3, 5] = 10, 20, 30
    return colors


def test_bands_are_blue_to_red_and_rows_those_of_the_file(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / 'a.png')
    data = read_picture(tmp_path / 'a.png')
    assert data.shape == (3, 4, 6)
    assert data.dtype == np.float32
    np.testing.assert_allclose(data[:, 0, 1], [0, 0, 1])
    np.testing.assert_allclose(data[:, 3, 5] * 255, [30, 20, 10], rtol=1e-6)


def test_arcsinh_stretch_is_undone(tmp_path):
    light = np.random.default_rng(0).gamma(0.5, 3, (3, 30, 40))
    mean, softening = light.mean(axis=0), 8.
    stretched = light * np.arcsinh(softening * mean) / (softening * mean)
    stretched = np.clip(stretched, 0, 1)
    unclipped = (stretched < 1).all(axis=0)
    Image.fromarray(np.round(stretched[::-1] * 255).astype(np.uint8).transpose(
        1, 2, 0)).save(tmp_path / 'a.png')
    data = read_picture(tmp_path / 'a.png', stretch=softening)
    bright = unclipped & (mean > 0.5)
    assert np.count_nonzero(bright) > 100
    np.testing.assert_allclose(data[:, bright].sum(axis=0), light[:, bright].sum(axis=0),
                               rtol=0.05)
    black = read_picture(_black(tmp_path), stretch=softening)
    assert (black == 0).all()


def _black(folder):
    Image.fromarray(np.zeros((3, 3, 3), np.uint8)).save(folder / 'black.png')
    return folder / 'black.png'


def test_jpeg_and_opaque_pictures_are_read(tmp_path, rgb):
    smooth = np.full((32, 32, 3), (40, 80, 160), np.uint8)
    Image.fromarray(smooth).save(tmp_path / 'a.jpg', quality=95)
    np.testing.assert_allclose(read_picture(tmp_path / 'a.jpg').mean(axis=(1, 2)) * 255,
                               [160, 80, 40], atol=3)
    Image.fromarray(rgb).convert('RGBA').save(tmp_path / 'a.png')
    assert read_picture(tmp_path / 'a.png')[2, 0, 1] == 1


@pytest.mark.parametrize('mode', ['L', 'CMYK', 'I;16'])
def test_other_pictures_are_refused(tmp_path, mode):
    picture = (Image.fromarray(np.zeros((5, 5), np.uint16)) if mode == 'I;16'
               else Image.new(mode, (5, 5)))
    path = tmp_path / 'a.tif'
    picture.save(path)
    with pytest.raises(ValueError, match='path must be a picture of three colors'):
        read_picture(path)


def test_transparent_damaged_and_missing_files_are_refused(tmp_path, rgb):
    Image.new('RGBA', (5, 5), (1, 2, 3, 100)).save(tmp_path / 'a.png')
    with pytest.raises(ValueError, match='without transparent pixels'):
        read_picture(tmp_path / 'a.png')
    (tmp_path / 'text.jpg').write_text('no picture')
    with pytest.raises(ValueError, match='path must be a picture, got'):
        read_picture(tmp_path / 'text.jpg')
    Image.fromarray(np.random.default_rng(1).integers(
        0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / 'b.jpg')
    whole = (tmp_path / 'b.jpg').read_bytes()
    (tmp_path / 'b.jpg').write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ValueError, match='path must be a whole picture'):
        read_picture(tmp_path / 'b.jpg')
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / 'none.jpg')


@pytest.mark.parametrize(('stretch', 'error'), [
    ('lupton', TypeError), (True, TypeError), (0, ValueError), (-1., ValueError),
    (np.nan, ValueError), (np.inf, ValueError)])
def test_stretch_that_is_none_is_told(tmp_path, stretch, error):
    with pytest.raises(error, match='stretch must be'):
        read_picture(_black(tmp_path), stretch=stretch)
