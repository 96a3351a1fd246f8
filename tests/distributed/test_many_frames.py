# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of many frames, without other processes.
"""

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table

from photutils_rcnn import RCNNResult
from photutils_rcnn.cli import main
from photutils_rcnn.distributed import scheduling, segment_many, worker

distributed = pytest.importorskip('distributed')
# on a machine without a network
pytestmark = pytest.mark.filterwarnings('ignore:Couldn.t detect a suitable IP address')


@pytest.fixture
def client(fake_model, monkeypatch):
    """
    A cluster in this process, with the stand-in for the network.
    """
    monkeypatch.setattr('photutils_rcnn.models.zoo.load_model', lambda _: fake_model)
    monkeypatch.setattr(worker, 'thread_settings', lambda _: {})
    monkeypatch.setattr(worker, '_loaded', {})
    with distributed.Client(n_workers=1, threads_per_worker=2, processes=False,
                            dashboard_address='localhost:0',
                            worker_dashboard_address='localhost:0') as client:
        yield client


@pytest.fixture
def files(field, tmp_path):
    paths = [tmp_path / f'{name}.fits' for name in 'abc']
    for path in paths:
        fits.writeto(path, field.astype('f4'))
    return paths


def times(out, suffix='_result.asdf'):
    """
    When the results of each frame were written.
    """
    return {path.name.removesuffix(suffix): path.stat().st_mtime_ns
            for path in out.glob(f'*{suffix}')}


def test_again(files, client, tmp_path):
    """
    What exists and fits is left alone: not with other options, nor after a change of the
    file or the loss of a result.
    """
    files[1].write_bytes(b'no FITS file')
    out = tmp_path / 'out'

    def run(**options):
        manifest = segment_many(files, out=out, client=client, progress_bar=False, **options)
        read = Table.read(out / 'manifest.ecsv')
        for name in ('name', 'files', 'state', 'n_sources', 'seconds'):
            assert read[name].tolist() == manifest[name].tolist()
        return manifest

    manifest = run()
    assert manifest['name'].tolist() == ['a', 'b', 'c']
    assert manifest['state'].tolist() == ['done', 'failed', 'done']
    assert manifest['n_sources'].tolist() == [3, None, 3]
    assert manifest['seconds'].unit == 's'
    assert 'not a readable FITS file' in manifest['message'][1]
    assert manifest.meta['model_sha256'] == '0' * 64
    assert len(RCNNResult.read(out / 'a_result.asdf')) == 3
    first = times(out)
    assert first.keys() == {'a', 'c'}
    assert run()['n_sources'].tolist() == [3, None, 3]
    assert times(out) == first
    os.utime(files[0], ns=(0, 0))
    (out / 'c_result.asdf').unlink()
    run()
    second = times(out)
    assert all(second[name] > first[name] for name in 'ac')
    assert run(score_threshold=0.7)['state'].tolist() == ['done', 'failed', 'done']
    third = times(out)
    assert all(third[name] > second[name] for name in 'ac')
    run(score_threshold=0.7, overwrite=True)
    assert all(times(out)[name] > third[name] for name in 'ac')


def test_order_of_bands(files, client, tmp_path):
    """
    The same files in another order are another frame.
    """
    run = {'out': tmp_path / 'out', 'client': client, 'progress_bar': False}
    segment_many({'a': files[:2]}, **run)
    first = times(tmp_path / 'out')
    segment_many({'a': files[1::-1]}, **run)
    assert times(tmp_path / 'out')['a'] > first['a']


def test_results_of_others(files, client, tmp_path):
    """
    Files without a record are not replaced unless asked for.
    """
    (tmp_path / 'a_catalog.csv').write_text('mine')
    run = {'out': tmp_path, 'client': client, 'formats': ['csv'], 'progress_bar': False}
    manifest = segment_many(files, **run)
    assert manifest['state'].tolist() == ['failed', 'done', 'done']
    assert 'a_catalog.csv exists' in manifest['message'][0]
    assert 'overwrite=True (--overwrite) replaces it' in manifest['message'][0]
    assert (tmp_path / 'a_catalog.csv').read_text() == 'mine'
    assert (segment_many(files, overwrite=True, **run)['state'] == 'done').all()
    assert len(Table.read(tmp_path / 'a_catalog.csv')) == 3


def test_interrupted_writing(files, client, tmp_path, monkeypatch):
    """
    Results that were not written in full are written again.
    """
    run = {'out': tmp_path, 'client': client, 'formats': ['asdf', 'csv'],
           'progress_bar': False}
    with monkeypatch.context() as patch:
        patch.setattr(RCNNResult, 'write_table', lambda *args, **options: 1 / 0)
        manifest = segment_many(files[:1], **run)
    assert manifest['message'].tolist() == ['division by zero']
    assert (tmp_path / 'a_result.asdf').exists()
    assert segment_many(files[:1], **run)['state'].tolist() == ['done']
    assert (tmp_path / 'a_catalog.csv').exists()


def test_arrays(field, wcs, client, tmp_path):
    """
    Frames in memory are known by their values.
    """
    def frames():
        return {'counts': field.copy(), 'bands': [field, field],
                'ccd': CCDData(field, unit='nJy', wcs=wcs, meta={'FILTER': 'r'}),
                'sky': np.random.default_rng(0).normal(size=(40, 40))}

    def run(frames):
        return segment_many(frames, out=tmp_path, client=client, progress_bar=False)

    manifest = run(frames())
    assert manifest['n_sources'].tolist() == [3, 3, 3, 0]
    assert manifest['message'].tolist() == ['', '', '', 'No sources were found.']
    assert str(RCNNResult.read(tmp_path / 'ccd_result.asdf').meta['unit']) == 'nJy'
    before = times(tmp_path)
    run(frames())
    assert times(tmp_path) == before
    run({**frames(), 'counts': field << u.nJy})
    after = times(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {'counts'}


def test_model_of_a_worker(files, client, tmp_path, monkeypatch):
    """
    A model that is not that of the client is the matter of all frames; a frame that ends
    its process each time is not.
    """
    run = {'out': tmp_path, 'client': client, 'progress_bar': False}
    with monkeypatch.context() as patch:
        patch.setattr(worker, 'RCNNSegmenter', lambda **options: SimpleNamespace(
            model=SimpleNamespace(sha256='other')))
        with pytest.raises(ValueError, match='model of worker .* other, that of .* 0000'):
            segment_many(files, **run)
    assert (Table.read(tmp_path / 'manifest.ecsv')['state'] == 'pending').all()

    def dies(job, known, run):
        if job.name == 'b':
            raise distributed.KilledWorker('b', SimpleNamespace(address='x'), 3)
        return worker.run_job(job, known, run)

    monkeypatch.setattr(scheduling, 'run_job', dies)
    manifest = segment_many(files, **run)
    assert manifest['state'].tolist() == ['done', 'failed', 'done']
    assert 'died while' in manifest['message'][1]


@pytest.mark.parametrize(('frames', 'options', 'error', 'match'), [
    ([], {}, ValueError, 'frames must hold at least one frame'),
    ([np.ones((9, 9))], {}, TypeError, 'must be paths, or a mapping .* type ndarray'),
    (['a.fits', 'b/a.fits.gz'], {}, ValueError, "names of frames must differ, got 'a' of"),
    ({7: 'a.fits'}, {}, ValueError, 'beginnings of file names, got 7'),
    ({'a/b': 'a.fits'}, {}, ValueError, "beginnings of file names, got 'a/b'"),
    (['a.fits'], {'formats': 'asdf'}, ValueError, "formats must be some of .*, got 'asdf'"),
    (['a.fits'], {'formats': ['xls']}, ValueError, r'formats must be some of .*\[.xls.\]'),
    (['a.fits'], {'client': 'tcp://a:1'}, TypeError, 'client must be a distributed.Client'),
    (['a.fits'], {'n_workers': 0}, ValueError, 'n_workers must be a positive integer'),
    (['a.fits'], {'model': 3}, TypeError, 'model must be the name or the path .* got 3'),
    (['a.fits'], {'model': 'none'}, ValueError, 'model must be one of'),
    (['a.fits'], {'score_threshold': 2}, ValueError, 'score_threshold must be'),
    (['a.fits'], {'treshold': 2}, TypeError, 'treshold')])
def test_bad_arguments(frames, options, error, match, tmp_path, monkeypatch):
    monkeypatch.setattr(scheduling, '_cluster', pytest.fail)
    with pytest.raises(error, match=match):
        segment_many(frames, out=tmp_path / 'out', **options)
    assert not (tmp_path / 'out').exists()


def test_without_dask(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'distributed', None)
    with pytest.raises(ImportError, match=r'pip install "photutils_rcnn\[distributed\]"'):
        segment_many(['a.fits'], out=tmp_path)
    assert main(['segment', 'a.fits', '--each', '--workers', '2', '-o', str(tmp_path)]) == 2
    assert 'photutils_rcnn[distributed]' in capsys.readouterr().err
