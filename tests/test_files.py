# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of atomic writes and of reading NumPy archives.
"""

import io

import numpy as np
import pytest

from photutils_rcnn._files import atomic_path, open_npz


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / 'some.txt'
    path.write_text('old')
    with atomic_path(path) as temporary:
        temporary.write_text('new')
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_nothing(tmp_path):
    path = tmp_path / 'some.txt'
    path.write_text('old')
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text(f'{1 / 0}')
    with pytest.raises(FileNotFoundError), atomic_path(path):
        pass
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_archives(tmp_path):
    path = tmp_path / 'some.npz'
    np.savez(path, a=np.arange(3))
    for source in (path, io.BytesIO(path.read_bytes())):
        with open_npz(source) as arrays:
            np.testing.assert_array_equal(arrays['a'], range(3))
    with (pytest.raises(ValueError, match=r'some.npz is not a valid scene file.*b'),
          open_npz(path, 'scene file') as arrays):
        arrays['b']


@pytest.mark.parametrize('content', [b'', b'no archive', 'cut', 'pickle'])
def test_damaged_archives(tmp_path, content):
    path = tmp_path / 'some.npz'
    if content == 'pickle':
        np.savez(path, a=np.array([{}], dtype=object))
    else:
        np.savez(path, a=np.arange(1000))
        path.write_bytes(path.read_bytes()[:-40] if content == 'cut'
                         else content)
    with (pytest.raises(ValueError, match='is not a valid NumPy archive'),
          open_npz(path) as arrays):
        arrays['a']


def test_a_missing_archive_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError), open_npz(tmp_path / 'none.npz'):
        pass
