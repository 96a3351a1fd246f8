# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of many frames in processes of their own, which are killed at times.
"""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from tiny_network import tiny_config

from photutils_rcnn import RCNNResult, RCNNSegmenter
from photutils_rcnn.cli import main
from photutils_rcnn.distributed import segment_many
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.zoo import save_model

distributed = pytest.importorskip('distributed')
CPU_COUNT = pytest.importorskip('dask.system').CPU_COUNT
psutil = pytest.importorskip('psutil')
pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    not hasattr(os, 'mkfifo'), reason='a frame that is never read to its end is a FIFO')]
N_FRAMES = 4
SCRIPT = """
import json, sys
from photutils_rcnn.distributed import segment_many
if __name__ == '__main__':
    options = json.loads(sys.argv[1])
    segment_many(**options, n_workers=2)
"""


@pytest.fixture(scope='module')
def options(tmp_path_factory):
    """
    A model of random weights that finds something.
    """
    folder = tmp_path_factory.mktemp('model') / 'tiny'
    save_model(folder, MaskRCNN(tiny_config()), {
        'name': 'tiny', 'description': 'for tests', 'halo': 48, 'training': {},
        'thresholds': {'score': 0., 'objectness': 0.}}, '')
    return {'model': str(folder), 'runtime': 'keras', 'star_fraction': None,
            'background': 0}


@pytest.fixture
def frames(tmp_path):
    """
    Small frames, the first of which is not there yet: who reads it waits.
    """
    rng = np.random.default_rng(0)
    paths = [tmp_path / f'frame{i}.fits' for i in range(N_FRAMES)]
    for path in paths:
        image = rng.normal(size=(128, 128))
        image[60:64, 30:34] += 40
        fits.writeto(path, image.astype('f4'))
    paths[0].rename(tmp_path / 'whole.fits')
    os.mkfifo(paths[0])
    return [str(path) for path in paths]


def wait_for(condition):
    end = time.monotonic() + 200
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def finished(out):
    """
    When the results of each frame were written in full.
    """
    return {path.name: path.stat().st_mtime_ns for path in out.glob('*_record.json')
            if 'outputs' in path.read_text()}


def test_killed_worker(frames, options, tmp_path):
    """
    The frame of a worker that dies is begun again by another; a damaged one is told.
    """
    bad = tmp_path / 'bad.fits'
    bad.write_bytes(b'no FITS file')
    out = tmp_path / 'out'
    with (distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address='localhost:0',
            worker_dashboard_address='localhost:0') as cluster,
          distributed.Client(cluster) as client, ThreadPoolExecutor(1) as pool):
        pids = client.run(os.getpid)
        future = pool.submit(segment_many, [*frames, bad], out=out, client=client,
                             progress_bar=False, **options)
        wait_for(lambda: len(finished(out)) == N_FRAMES - 1)
        (tmp_path / 'whole.fits').replace(frames[0])  # the worker waits for the other
        victim, = (pids[address] for address, keys in client.processing().items() if keys)
        os.kill(victim, signal.SIGKILL)
        manifest = future.result(200)
        assert victim not in client.run(os.getpid).values()
        threads = client.run(lambda: os.environ['OMP_NUM_THREADS'])
        assert set(threads.values()) == {'1'}
    assert manifest['state'].tolist() == ['done'] * N_FRAMES + ['failed']
    assert 'not a readable FITS file' in manifest['message'][-1]
    segmenter = RCNNSegmenter(**options)
    for path, n_sources in zip(frames, manifest['n_sources'], strict=False):
        name = os.path.basename(path).removesuffix('.fits')
        result = RCNNResult.read(out / f'{name}_result.asdf')
        assert len(result) == n_sources == len(segmenter.segment(path)) > 0


def test_killed_client(frames, options, tmp_path):
    """
    What was written before is not lost, nothing goes on alone, and the same call segments
    the rest.
    """
    out = tmp_path / 'out'
    client = subprocess.Popen([sys.executable, '-c', SCRIPT, json.dumps({
        'frames': frames, 'out': str(out), **options})], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(finished(out)) == N_FRAMES - 1)
        workers = psutil.Process(client.pid).children(recursive=True)
        threads = [w.environ().get('TF_NUM_INTRAOP_THREADS') for w in workers]
        assert threads.count(str(max(1, CPU_COUNT // 2))) == 2
    finally:
        client.kill()
        client.wait()
    assert not psutil.wait_procs(workers, timeout=60)[1]
    before = finished(out)
    assert 'pending' in Table.read(out / 'manifest.ecsv')['state']
    (tmp_path / 'whole.fits').replace(frames[0])
    manifest = segment_many(frames, out=out, n_workers=1, progress_bar=False, **options)
    assert (manifest['state'] == 'done').all()
    after = finished(out)
    assert len(after) == N_FRAMES
    assert {name: after[name] for name in before} == before


def test_command(frames, options, tmp_path, capsys):
    """
    The exit status tells that a frame failed; frames with results are skipped.
    """
    (tmp_path / 'whole.fits').replace(frames[0])
    listed = tmp_path / 'frames.txt'
    listed.write_text('\n'.join([*frames[:2], '', 'none.fits', f'"{frames[2]}" {frames[3]}']))
    out = tmp_path / 'out'
    command = ['segment', '--list', str(listed), '--out', str(out), '--workers', '2',
               '--json', '--model', options['model'], '--runtime', 'keras',
               '--star-fraction', 'none', '--background', '0', '--table', 'csv']
    assert main(command) == 1
    streams = capsys.readouterr()
    told = {line['files'][0]: line for line in map(json.loads, streams.out.splitlines())}
    assert len(told) == 4
    assert told[frames[2]]['meta']['bands'] == ['band1', 'band2']
    assert 'none.fits: error: ' in streams.err
    assert 'frame/s' in streams.err
    manifest = Table.read(out / 'manifest.ecsv')
    assert manifest['state'].tolist() == ['done', 'done', 'failed', 'done']
    for name, n_sources in zip(manifest['name'], manifest['n_sources'], strict=True):
        assert (out / f'{name}_catalog.csv').exists() == (n_sources is not np.ma.masked)
    assert main([*command, '--quiet']) == 1
    told = [json.loads(line)['status'] for line in capsys.readouterr().out.splitlines()]
    assert sorted(told) == ['error', 'skipped', 'skipped', 'skipped']
    command.remove('--json')
    assert main(command) == 1
    assert 'manifest.ecsv: 4 frames, 3 skipped, 1 failed' in capsys.readouterr().out
