# Licensed under a 3-clause BSD style license - see LICENSE
"""
Networks and batches small enough for tests.
"""

import numpy as np

from photutils_rcnn.models.training_config import TrainingConfig


def tiny_config(**changes):
    """
    A network of three levels with few channels.
    """
    values = {'stem_filters': 4, 'stage_filters': (8, 8, 8),
              'stage_blocks': (1, 1, 1), 'pyramid_channels': 8,
              'pyramid_levels': (1, 3), 'anchor_sizes': ((6.,), (12.,),
                                                         (24.,)),
              'rpn_channels': 8, 'head_width': 16, 'mask_channels': 8,
              'mask_convolutions': 1, 'mini_mask_size': 16, 'n_pre_nms': 64,
              'n_proposals': 32, 'n_positive_rois': 8, 'n_negative_rois': 8,
              'n_mask_rois': 4}
    return TrainingConfig(**{**values, **changes})


def empty_truth(n_images, n_sources, config):
    """
    The truth of images without sources.
    """
    size = config.mini_mask_size
    return {'boxes': np.zeros((n_images, n_sources, 4), np.float32),
            'labels': np.full((n_images, n_sources), -1, np.int32),
            'masks': np.zeros((n_images, n_sources, size, size), np.float32),
            'windows': np.zeros((n_images, n_sources, 4), np.float32)}


def make_batch(config, *, side=64, n_images=2, n_sources=3, n_rows=5, seed=0):
    """
    Noisy images of discs and their truth, padded to ``n_rows`` sources.
    """
    rng = np.random.default_rng(seed)
    size = config.mini_mask_size
    truth = empty_truth(n_images, n_rows, config)
    images = rng.normal(0, 1, (n_images, side, side, config.n_bands))
    y, x = np.indices((side, side)) + 0.5
    for i in range(n_images):
        for j in range(n_sources):
            yc, xc = rng.integers(size // 2, side - size // 2, 2)
            radius = 3 + 2 * (j % 2)
            disc = np.hypot(y - yc, x - xc) < radius
            images[i, disc] += 20 + 20 * (j % 2)
            y0, x0 = yc - size // 2, xc - size // 2
            truth['boxes'][i, j] = (yc - radius, xc - radius,
                                    yc + radius, xc + radius)
            truth['labels'][i, j] = 1 + j % 2
            truth['masks'][i, j] = disc[y0:y0 + size, x0:x0 + size]
            truth['windows'][i, j] = y0, x0, y0 + size, x0 + size
    return (np.arcsinh(images) / 2).astype(np.float32), truth
