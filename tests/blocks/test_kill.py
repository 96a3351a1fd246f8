# Licensed under a 3-clause BSD style license - see LICENSE
"""
Test of a process that is killed while it segments a frame block by block.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable
from conftest import make_field
from numpy.testing import assert_equal

CHILD = """
import sys, time
from types import SimpleNamespace

import numpy as np

from conftest import fake_inference, make_fake_model
from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.blocks import block_run, segment_blocks
from photutils_rcnn.detection import pipeline

pipeline.run_inference = fake_inference
model = make_fake_model()
model.detector = SimpleNamespace(config=SimpleNamespace(profile_size=0, n_bands=3))
measure = block_run.block_table

def slow_block_table(*args, **kwargs):
    time.sleep(float(sys.argv[3]))
    return measure(*args, **kwargs)

block_run.block_table = slow_block_table
segment_blocks(np.load(sys.argv[1], mmap_mode='r'), sys.argv[2], segmenter=RCNNSegmenter(model),
               block_size=128, margin=64, resume=True)
"""


def start(data, out, pause):
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    return subprocess.Popen([sys.executable, '-c', CHILD, data, out, str(pause)],
                            env={**os.environ, 'PYTHONPATH': path}, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_kill(tmp_path):
    """
    Killed while the labels of a block are written, but not its catalog, a run goes on to the
    same result as without.
    """
    positions = [(40. + 64 * i, 30. + 50 * j) for i in range(6) for j in range(6)]
    data = tmp_path / 'data.npy'
    np.save(data, make_field((330, 400), positions).astype('f4'))
    results = []
    for name, kill in (('whole', False), ('killed', True)):
        out = tmp_path / name
        if kill:
            child = start(data, out, 3)
            while len(list(out.glob('*_blocks/block*_record.json'))) < 3:
                assert child.poll() is None
                time.sleep(0.1)
            time.sleep(1)
            child.kill()
            child.communicate()
            assert not (out / 'frame_catalog.ecsv').exists()
        child = start(data, out, 0)
        _, told = child.communicate()
        assert child.returncode == 0, told
        assert b'Segmenting' in told
        assert (b'Surveying' in told) != kill
        results.append((fits.getdata(out / 'frame_segm.fits'),
                        QTable.read(out / 'frame_catalog.ecsv')))
    (labels, catalog), (resumed, same) = results
    assert len(catalog) == labels.max() == len(positions)
    assert_equal(resumed, labels)
    assert_equal(same.as_array(), catalog.as_array())
