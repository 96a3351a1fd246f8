# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the files in the user's cache folder.
"""

import pytest
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn import _user_cache
from photutils_rcnn._user_cache import cached_folder, remove_folder


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(_user_cache, 'get_cache_dir_path', lambda name: tmp_path)
    monkeypatch.setattr(_user_cache, '_temporary', {})
    return tmp_path


def write(folder):
    (folder / 'file').write_text('content')


def fail(folder):
    (folder / 'half').touch()
    raise RuntimeError('no')


def test_written_once(cache):
    folder = cached_folder('a', write)
    assert folder == cache / 'a'
    assert (folder / 'file').read_text() == 'content'
    assert cached_folder('a', fail) == folder
    assert list(cache.iterdir()) == [folder]


def test_whole_or_not_at_all(cache):
    with pytest.raises(RuntimeError, match='no'):
        cached_folder('a', fail)
    assert not list(cache.iterdir())


def test_another_process_is_first(cache):
    """
    What it wrote stays.
    """
    def write_late(folder):
        write(folder)
        (cache / 'a').mkdir()
        (cache / 'a' / 'file').write_text('theirs')

    assert (cached_folder('a', write_late) / 'file').read_text() == 'theirs'
    assert len(list(cache.iterdir())) == 1


def test_removed(cache):
    """
    Also if another process was first.
    """
    folder = cached_folder('a', write)
    for _ in range(2):
        remove_folder(folder)
        assert not list(cache.iterdir())


def test_no_cache(cache, monkeypatch):
    """
    Without a folder to write to the files last as long as the process.
    """
    (cache / 'file').touch()
    monkeypatch.setattr(_user_cache, 'get_cache_dir_path', lambda name: cache / 'file')
    with pytest.warns(AstropyUserWarning, match='cache folder cannot be written'):
        folder = cached_folder('a', write)
    assert (folder / 'file').read_text() == 'content'
    assert cached_folder('a', fail) == folder
    _user_cache._temporary['a'].cleanup()
