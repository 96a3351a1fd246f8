# Licensed under a 3-clause BSD style license - see LICENSE
"""
The losses of the two stages of a Mask R-CNN.
"""

__all__ = ['attribute_loss', 'proposal_losses', 'roi_losses']

from keras import ops

from photutils_rcnn.models.boxes import encode_boxes, scale_boxes
from photutils_rcnn.models.losses import (
    class_loss,
    gaussian_loss,
    mask_loss,
    smooth_l1,
)
from photutils_rcnn.models.roi_align import flatten_pyramid
from photutils_rcnn.models.targets import match_anchors, sample_masks


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
    objectness = network.objectness_loss(outputs['objectness'], positive,
                                         negative)
    targets = ops.take_along_axis(truth['boxes'], matched[..., None], axis=1)
    targets = encode_boxes(targets, anchors, config.box_std)
    return objectness, smooth_l1(outputs['deltas'], targets, positive)


def roi_losses(network, anchors, image, truth, outputs, training):
    """
    The losses of the second stage, on sampled RoIs.

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
    class, box, mask : scalar tensor
        The losses.
    """
    config = network.config
    proposals, valid = network.propose(outputs['objectness'],
                                       outputs['deltas'], anchors,
                                       image.shape[1:3])
    rois = network.sample_rois(proposals, valid, {
        **truth, 'boxes': network.boxes_to_rois(truth['boxes'])})
    features, shapes = flatten_pyramid(outputs['pyramid'])

    boxes = ops.reshape(rois['boxes'], (-1, 4))
    n_rois = rois['weights'].shape[1]
    images = ops.repeat(ops.arange(ops.shape(rois['weights'])[0],
                                   dtype='int32'), n_rois)
    log_fwhm = truth.get('log_fwhm')
    if log_fwhm is not None:
        log_fwhm = ops.take(log_fwhm, images, axis=0)
    logits, deltas = network.classify_rois(features, shapes, boxes, images,
                                           log_fwhm, training)
    classes = class_loss(logits, ops.reshape(rois['classes'], (-1,)),
                         ops.reshape(rois['weights'], (-1,)))
    targets = encode_boxes(ops.reshape(rois['targets'], (-1, 4)), boxes,
                           config.box_std)
    deltas = network.of_class(deltas, rois['classes'], axis=1)
    box = smooth_l1(deltas, targets, ops.reshape(rois['positive'], (-1,)))

    # Positive RoIs come first: the mask head sees only those.
    n = config.n_mask_rois
    boxes = rois['boxes'][:, :n]
    matched = rois['matched'][:, :n]
    windows = scale_boxes(network.rois_to_boxes(boxes), config.mask_context)
    masks = sample_masks(windows, matched, truth, config.mask_size)
    images = ops.repeat(ops.arange(ops.shape(boxes)[0], dtype='int32'), n)
    logits = network.predict_masks(features, shapes,
                                   ops.reshape(boxes, (-1, 4)), images,
                                   training)
    logits = network.of_class(logits, rois['classes'][:, :n], axis=-1)
    mask = mask_loss(logits, masks,
                     ops.reshape(rois['positive'][:, :n], (-1,)))
    return classes, box, mask


def attribute_loss(network, attribute, truth, pyramid):
    """
    The loss of an attribute head, on cutouts of labelled sources.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.
    truth : dict of tensor
        ``source_boxes`` (C, M, 4), the boxes of M sources on each image, their
        ``stamps`` (C, M, S, S, n_bands) and ``numbers`` (C, M, 3), the ``targets`` (C, M)
        and their ``target_weights``.
    pyramid : list of (C, ny, nx, F) tensor
        The feature maps of the images.

    Returns
    -------
    loss : scalar tensor
        The weighted mean over the sources.
    """
    features, shapes = flatten_pyramid(pyramid)
    boxes = ops.reshape(truth['source_boxes'], (-1, 4))
    n_images, n_sources = truth['source_boxes'].shape[:2]
    images = ops.repeat(ops.arange(n_images, dtype='int32'), n_sources)
    pooled = network.pool_sources(features, shapes, boxes, images)
    stamps, numbers = (ops.reshape(truth[name], (-1, *truth[name].shape[2:]))
                       for name in ('stamps', 'numbers'))
    outputs = network.predict_attribute(attribute.name, pooled, stamps, numbers,
                                        training=True)
    targets, weights = (ops.reshape(truth[name], (-1,))
                        for name in ('targets', 'target_weights'))
    losses = (ops.sparse_categorical_crossentropy(
        ops.cast(targets, 'int32'), outputs, from_logits=True)
        if attribute.classes else gaussian_loss(targets, outputs))
    return ops.sum(weights * losses) / ops.maximum(ops.sum(weights), 1e-6)
