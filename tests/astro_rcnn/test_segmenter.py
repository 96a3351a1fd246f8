# Licensed under a 3-clause BSD style license - see LICENSE
"""
Weights of Astro R-CNN in the segmenter, from file to catalog.
"""

import astro_rcnn_oracle as oracle
import numpy as np
import pytest

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.astro_rcnn.config import CONFIGS


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')
def test_segment_with_weight_file(tmp_path):
    """
    A file in the published layout, with random weights, runs at once.
    """
    config = CONFIGS['astro_rcnn-resnet50']
    path = tmp_path / 'random.h5'
    oracle.write_h5(path, config, oracle.random_tensors(config, 0))
    segmenter = RCNNSegmenter(path, score_threshold=0.0)
    assert segmenter.model.stretch['name'] == 'zscore-int16'
    image = np.random.default_rng(0).normal(100, 5, (3, 128, 128))
    image[:, 60:66, 60:66] += 200
    result = segmenter.segment(image)
    assert 0 < len(result.table) <= 300
    with pytest.raises(ValueError, match='data must have 3 bands'):
        segmenter.segment(image[:2])
