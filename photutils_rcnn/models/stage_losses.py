# Licensed under a 3-clause BSD style license - see LICENSE
"""
The losses of the two stages of a Mask R-CNN.
"""

__all__ = ['proposal_losses', 'region_losses']

from keras import ops

from photutils_rcnn.astro_rcnn.layers import take_class
from photutils_rcnn.models.boxes import encode_boxes, scale_boxes, shorten_boxes
from photutils_rcnn.models.losses import class_loss, focal_loss, mask_loss, sampled_loss, smooth_l1
from photutils_rcnn.models.region_proposal import propose
from photutils_rcnn.models.roi_align import flatten_pyramid
from photutils_rcnn.models.targets import (
    match_anchors,
    sample_anchors,
    sample_masks,
    sample_regions,
)


def proposal_losses(network, anchors, grids, truth, outputs):
    """
    The losses of the proposal network.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.
    anchors : (A, 4) tensor
        The anchors.
    grids : list of tuple of two `~numpy.ndarray`
        The same, from `~photutils_rcnn.models.anchors.anchor_grids`.
    truth : dict of tensor
        The truth, see `photutils_rcnn.models.targets`.
    outputs : dict of tensor
        What the call of the network gives.

    Returns
    -------
    objectness, box : scalar tensor
        The losses.
    """
    config = network.config
    positive, negative, matched = match_anchors(grids, truth, config)
    if config.rpn_loss == 'sampled':
        positive, negative = sample_anchors(positive, negative, config,
                                            network.seed_generator)
        objectness = sampled_loss(outputs['objectness'], positive, negative)
    else:
        objectness = focal_loss(outputs['objectness'], positive, negative,
                                config)
    targets = ops.take_along_axis(truth['boxes'], matched[..., None], axis=1)
    targets = encode_boxes(targets, anchors, config.box_std)
    return objectness, smooth_l1(outputs['deltas'], targets, positive)


def region_losses(network, anchors, image, truth, outputs, training):
    """
    The losses of the second stage, on sampled regions.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.
    anchors : (A, 4) tensor
        The anchors.
    image : (B, ny, nx, n_bands) tensor
        The images.
    truth : dict of tensor
        The truth, see `photutils_rcnn.models.targets`.
    outputs : dict of tensor
        What the call of the network gives.
    training : bool
        Whether the network is being trained.

    Returns
    -------
    class, box, mask, profile : scalar tensor
        The losses.
    """
    config = network.config
    shape = (image.shape[1], image.shape[2])
    proposals, valid = propose(outputs['objectness'], outputs['deltas'],
                               anchors, shape, config)
    edges = truth
    truth = {**truth, 'boxes': shorten_boxes(truth['boxes'], config.box_end)}
    regions = sample_regions(proposals, valid, truth, config,
                             network.seed_generator)
    features, shapes = flatten_pyramid(outputs['pyramid'])

    boxes = ops.reshape(regions['boxes'], (-1, 4))
    n_regions = regions['weights'].shape[1]
    images = ops.repeat(ops.arange(ops.shape(regions['weights'])[0],
                                   dtype='int32'), n_regions)
    log_fwhm = truth.get('log_fwhm')
    if log_fwhm is not None:
        log_fwhm = ops.take(log_fwhm, images, axis=0)
    logits, deltas = network.classify_regions(features, shapes, boxes,
                                              images, log_fwhm, training)
    classes = class_loss(logits, ops.reshape(regions['classes'], (-1,)),
                         ops.reshape(regions['weights'], (-1,)))
    targets = encode_boxes(ops.reshape(regions['targets'], (-1, 4)), boxes,
                           config.box_std)
    if config.layers == 'matterport':
        deltas = take_class(deltas, regions['classes'], axis=1)
    box = smooth_l1(deltas, targets, ops.reshape(regions['positive'], (-1,)))

    # Positive regions come first: the other heads see only those.
    profile = _profile_loss(network, image, regions, logits, deltas,
                            log_fwhm, training)
    n = config.n_mask_rois
    boxes = regions['boxes'][:, :n]
    matched = regions['matched'][:, :n]
    windows = scale_boxes(shorten_boxes(boxes, -config.box_end),
                          config.mask_context)
    masks = sample_masks(windows, matched, edges, config.mask_size)
    images = ops.repeat(ops.arange(ops.shape(boxes)[0], dtype='int32'), n)
    logits = network.outline_regions(features, shapes,
                                     ops.reshape(boxes, (-1, 4)), images,
                                     training)
    if config.layers == 'matterport':
        logits = take_class(logits, regions['classes'][:, :n], axis=-1)
    mask = mask_loss(logits, masks,
                     ops.reshape(regions['positive'][:, :n], (-1,)))
    return classes, box, mask, profile


def _profile_loss(network, image, regions, logits, deltas, log_fwhm,
                  training):
    """
    The class loss of the positive regions, refined as in inference.
    """
    if network.profile_head is None:
        return 0.
    config = network.config
    n_regions = regions['weights'].shape[1]
    n = config.n_positive_rois

    def first(values):
        values = ops.reshape(values, (-1, n_regions, *values.shape[1:]))
        return ops.reshape(values[:, :n], (-1, *values.shape[2:]))

    boxes = network.refine_boxes(
        ops.reshape(regions['boxes'][:, :n], (-1, 4)),
        ops.stop_gradient(first(deltas)), image.shape[1:3])
    images = ops.repeat(ops.arange(ops.shape(image)[0], dtype='int32'), n)
    classes = network.classify_sources(
        image, boxes, images, first(logits),
        None if log_fwhm is None else first(log_fwhm), training)
    weights = ops.reshape(regions['positive'][:, :n], (-1,))
    labels = ops.reshape(regions['classes'][:, :n], (-1,)) - 1
    return class_loss(classes, ops.maximum(labels, 0), weights)
