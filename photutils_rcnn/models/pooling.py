# Licensed under a 3-clause BSD style license - see LICENSE
"""
Pooling of regions by the rules that a configuration names.
"""

__all__ = ['pool_regions']

import numpy as np

from photutils_rcnn.astro_rcnn.pooling import crop_and_resize, rounded_levels
from photutils_rcnn.models.boxes import scale_boxes
from photutils_rcnn.models.roi_align import region_levels, roi_align


def pool_regions(features, shapes, boxes, image_index, config, size,
                 context=1., shift=0):
    """
    Pool regions by the rules of the configuration.

    Parameters
    ----------
    features, shapes
        From `flatten_pyramid`.
    boxes : (R, 4) tensor
        The regions, in pixels.
    image_index : (R,) tensor of int32
        The image of each region.
    config : `~photutils_rcnn.models.config.MaskRCNNConfig`
        The network.
    size : int
        The number of bins on a side.
    context : float, optional
        The factor by which regions are enlarged.
    shift : int, optional
        Take features this many levels finer.

    Returns
    -------
    pooled : (R, size, size, C) tensor
        The pooled features.
    """
    if config.level_rule == 'round' or config.pooling == 'crop_and_resize':
        frame = np.array(shapes[0], dtype=np.float32) * config.strides[0]
        last_pixel = np.tile(frame - 1, 2)
    if config.level_rule == 'round':
        levels = rounded_levels(boxes / last_pixel, frame, config)
    else:
        levels = region_levels(boxes, config, shift)
    boxes = scale_boxes(boxes, context) if context != 1 else boxes
    if config.pooling == 'crop_and_resize':
        return crop_and_resize(features, shapes, boxes / last_pixel,
                               image_index, levels, size)
    return roi_align(features, shapes, config.strides, boxes, image_index,
                     levels, size)
