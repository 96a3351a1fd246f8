# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the anchors.
"""

import numpy as np
from numpy.testing import assert_allclose, assert_equal
from tiny_network import tiny_config

from photutils_rcnn.models.anchors import anchor_cells, make_anchors


def test_anchors_are_centered_on_cells():
    """
    Cell i of stride s is centered at (i + 1/2) s; neither rounding nor
    clipping moves an anchor.
    """
    config = tiny_config(anchor_ratios=(0.5, 1., 2.),
                         anchor_sizes=((5.,), (10., 14.), (20.,)))
    anchors = make_anchors(config, (32, 64))
    n_cells = [16 * 32, 8 * 16, 4 * 8]
    assert len(anchors) == n_cells[0] * 3 + n_cells[1] * 6 + n_cells[2] * 3
    assert anchors.dtype == np.float32
    centers = (anchors[:, :2] + anchors[:, 2:]) / 2
    start = 0
    for stride, count, per_cell in zip((2, 4, 8), n_cells, (3, 6, 3),
                                       strict=True):
        level = centers[start:start + count * per_cell].reshape(
            32 // stride, 64 // stride, per_cell, 2)
        assert_allclose(level[2, 3], [[2.5 * stride, 3.5 * stride]]
                        * per_cell, atol=1e-5)
        start += count * per_cell


def test_anchor_sizes_and_ratios():
    config = tiny_config(anchor_ratios=(0.5, 1., 2.))
    anchors = make_anchors(config, (16, 16))
    height, width = (anchors[:3, 2:] - anchors[:3, :2]).T
    assert_allclose(height * width, 36, rtol=1e-5)
    assert_allclose(width / height, [0.5, 1, 2], rtol=1e-5)


def test_cells():
    """
    The cell of an anchor is a pixel at its center; a shift of the image by
    the largest stride shifts the cells by as much.
    """
    config = tiny_config()
    cells = anchor_cells(config, (24, 16))
    anchors = make_anchors(config, (24, 16))
    assert cells.dtype == np.int32
    assert_equal(cells, np.floor((anchors[:, :2] + anchors[:, 2:]) / 2))
    assert (cells >= 0).all()
    assert (cells < (24, 16)).all()
    larger = {tuple(cell) for cell in anchor_cells(config, (32, 24))}
    assert {tuple(cell) for cell in cells + 8} <= larger
