# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the reach of a pixel's influence.
"""

import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_equal
from tiny_network import tiny_config

from photutils_rcnn.models.anchors import anchor_cells
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.receptive_field import (
    halo_width,
    receptive_radius,
)


def radius_by_arithmetic(blocks, top):
    """
    Half the width of what a proposal sees: kernels of width k on cells of
    s pixels add (k - 1) / 2 * s.
    """
    radius, stride, trunk = 0.5 + 1, 1, []
    for level, n_blocks in enumerate(blocks):
        radius += 1.5 * stride
        stride *= 2
        # The first stage has a convolution more than its blocks.
        radius += (2 * n_blocks - (level > 0)) * stride
        trunk.append((radius, stride))
    merged = 0
    for radius, stride in reversed(trunk):
        # A fine cell is centered half of its side off the coarse cell.
        merged = max(radius, merged + stride / 2)
        if stride == trunk[-1][1]:
            coarsest = merged + stride
    radius, stride = coarsest, trunk[-1][1]
    for _ in range(len(blocks), top):
        radius += 1.5 * stride
        stride *= 2
    return radius + stride


@pytest.mark.parametrize(('blocks', 'top'), [((1, 1), 2), ((2, 2), 2),
                                             ((1, 1, 1), 3),
                                             ((1, 2), 3)])
def test_radius(blocks, top):
    """
    The measured radius is the one of the arithmetic, up to the next cell.
    """
    config = tiny_config(stage_filters=(3,) * len(blocks),
                         stage_blocks=blocks, pyramid_levels=(1, top),
                         anchor_sizes=((6.,), (12.,), (24.,))[:top])
    expected = radius_by_arithmetic(blocks, top)
    radius = receptive_radius(config)
    assert expected <= radius <= expected + config.strides[-1]
    halo = halo_width(config)
    assert halo % config.strides[-1] == 0
    assert radius <= halo < radius + config.strides[-1]


def test_nothing_beyond_the_halo_matters():
    """
    Whatever happens beyond the halo of a core, its proposals are the same
    to the last bit; what happens within it is seen.
    """
    config = tiny_config()
    halo, stride = halo_width(config), config.strides[-1]
    network = MaskRCNN(config, seed=3)
    rng = np.random.default_rng(3)
    side = 2 * halo + 6 * stride
    core = slice(halo + stride, side - halo - stride)
    image = rng.normal(0, 1, (1, side, side, 3)).astype(np.float32)
    cells = anchor_cells(config, (side, side))
    inside = ((cells >= core.start) & (cells < core.stop)).all(axis=1)

    def proposals(reach):
        changed = 1e3 * rng.normal(0, 1, image.shape).astype(np.float32)
        kept = slice(core.start - reach, core.stop + reach)
        changed[:, kept, kept] = image[:, kept, kept]
        outputs = network(changed, training=False)
        return [ops.convert_to_numpy(outputs[name])[0][inside]
                for name in ('objectness', 'deltas')]

    reference = proposals(halo)
    for a, b in zip(proposals(halo), reference, strict=True):
        assert_equal(a, b)
    assert (proposals(halo - 2 * stride)[0] != reference[0]).any()
