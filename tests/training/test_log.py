# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the log of a training run.
"""

from astropy.table import Table

from photutils_rcnn.training.log import append_log, cut_log, plot_log


def test_log(tmp_path):
    """
    One header, one line per call; the picture shows training and, where
    there is one, validation.
    """
    path = tmp_path / 'log.csv'
    for step in range(1, 6):
        append_log(path, {'kind': 'train', 'step': step, 'loss': 2 / step,
                          'mask': 1 / step,
                          'profile': 0.})
    plot_log(path, tmp_path / 'before.png')
    append_log(path, {'kind': 'validation', 'step': 5, 'loss': 0.5,
                      'mask': 0.25,
                          'profile': 0.})
    plot_log(path, tmp_path / 'after.png')
    table = Table.read(path, format='ascii.csv')
    assert table['kind'].tolist() == ['train'] * 5 + ['validation']
    assert table['step'].tolist() == [1, 2, 3, 4, 5, 5]
    pictures = [(tmp_path / name).read_bytes()
                for name in ('before.png', 'after.png')]
    assert pictures[0] != pictures[1]
    assert pictures[0].startswith(b'\x89PNG')


def test_cut(tmp_path):
    """
    Steps that a resumed run goes through again leave no second line.
    """
    path = tmp_path / 'log.csv'
    cut_log(path, 3)
    for step in (2, 4, 6):
        append_log(path, {'kind': 'train', 'step': step, 'loss': f'{step}.5'})
    before = path.read_text()
    cut_log(path, 6)
    assert path.read_text() == before
    cut_log(path, 4)
    append_log(path, {'kind': 'train', 'step': 6, 'loss': '6.5'})
    assert path.read_text() == before
    with path.open('a') as stream:
        stream.write('train,')  # killed while writing
    cut_log(path, 6)
    assert path.read_text() == before
    cut_log(path, 1)
    assert not path.exists()
