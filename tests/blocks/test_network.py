# Licensed under a 3-clause BSD style license - see LICENSE
"""
Test of blocks with the network, on a survey image.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable
from sample_data import sample_data

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.blocks import segment_blocks


@pytest.mark.slow
def test_kids(tmp_path):
    """
    Outlines and classes are those of the frame in memory.
    """
    data = fits.getdata(sample_data('kids_gri_west') / 'r.fits')[:704, :1024].astype('f4')
    segmenter = RCNNSegmenter()
    found = segment_blocks(data, tmp_path, segmenter=segmenter, block_size=512, margin=448,
                           progress_bar=False)
    labels, catalog = fits.getdata(found.labels), QTable.read(found.catalogs[0])
    result = segmenter.segment(data)
    expected = result.catalog_table
    assert len(expected) > 300
    assert abs(len(catalog) - len(expected)) <= 0.005 * len(expected)
    overlaps, classes = [], []
    for row in expected:
        own = result.labels == row['label']
        other = np.bincount(labels[own]).argmax()
        overlaps.append((own & (labels == other)).sum() / (own | (labels == other)).sum())
        classes.append(other > 0 and catalog['class_name'][other - 1] == row['class_name'])
    assert np.mean(np.array(overlaps) >= 0.99) >= 0.99
    assert np.mean(classes) >= 0.995
