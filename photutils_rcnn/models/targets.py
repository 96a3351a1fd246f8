# Licensed under a 3-clause BSD style license - see LICENSE
"""
Anchor matching and RoI sampling.

The truth of a batch is a dictionary of arrays, padded to ``M`` sources:

* ``boxes``: (B, M, 4) float32, pixels;
* ``labels``: (B, M) int32: the class identifier, 0 for a source that is to
  be ignored (too faint to demand, too real to forbid), -1 for padding;
* ``masks``: (B, M, S, S) float32, the fraction of each cell of the mask's
  window that belongs to the source;
* ``windows``: (B, M, 4) float32, the window of each mask, pixels;
* ``log_fwhm``: (B, n_bands) float32, optional, the logarithm of the FWHM of
  the PSF in pixels, which is not asked but told: 0 where it is not known.
"""

__all__ = ['match_anchors', 'sample_masks', 'sample_rois', 'with_truth']

from keras import ops, random
from keras.utils import bounding_boxes

from photutils_rcnn.models.boxes import grid_iou
from photutils_rcnn.models.roi_align import roi_align

# A source whose best anchor overlaps it less than this has no anchor.
MIN_BEST_IOU = 0.1


def _overlaps(boxes, truth):
    """
    Overlaps with the sources and the largest with ignored ones.
    """
    iou = bounding_boxes.compute_iou(boxes, truth['boxes'], 'yxyx')
    labels = truth['labels'][:, None, :]
    ignored = ops.max(ops.where(labels == 0, iou, 0.), axis=-1)
    return ops.where(labels > 0, iou, 0.), ignored


def match_anchors(grids, truth, config):
    """
    Decide which anchors are sources and which background.

    An anchor is positive if it overlaps a source by
    ``config.rpn_positive_iou``, or if no anchor overlaps the source more.

    Parameters
    ----------
    grids : list of tuple of two `~numpy.ndarray`
        The A anchors, from `~photutils_rcnn.models.anchors.anchor_grids`.
    truth : dict of tensor
        The truth, see the module's docstring.
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The network and its training.

    Returns
    -------
    positive, negative : (B, A) tensor of float32
        1 where the anchor is a source, 1 where it is background. Anchors
        that are neither do not count.
    matched : (B, A) tensor of int32
        The source of each anchor.
    """
    labels = truth['labels'][:, None, :]
    is_source = ops.cast(labels > 0, 'float32')
    is_ignored = ops.cast(labels == 0, 'float32')
    # Level by level: the overlaps of a batch are by far the largest arrays.
    overlaps, ignored, best_of_source = [], [], 0.
    for rows, cols in grids:
        iou = grid_iou(rows, cols, truth['boxes'])
        ignored.append(ops.max(iou * is_ignored, axis=-1))
        overlaps.append(iou * is_source)
        best_of_source = ops.maximum(
            best_of_source, ops.max(overlaps[-1], axis=1, keepdims=True))
    # No overlap is as large where even the best is too small.
    least = ops.where(best_of_source > MIN_BEST_IOU, best_of_source, 2.)
    best, matched = [], []
    for iou in overlaps:
        # The best anchors of a source come before all others, and above all
        # thresholds.
        rank = iou + ops.cast(iou >= least, 'float32')
        best.append(ops.max(rank, axis=-1))
        matched.append(ops.argmax(rank, axis=-1))
    best = ops.concatenate(best, axis=1)
    positive = best >= config.rpn_positive_iou
    negative = ops.logical_and(
        best < min(config.rpn_negative_iou, config.rpn_positive_iou),
        ops.concatenate(ignored, axis=1) < config.rpn_negative_iou)
    return (ops.cast(positive, 'float32'), ops.cast(negative, 'float32'),
            ops.cast(ops.concatenate(matched, axis=1), 'int32'))


def _jitter(boxes, seed_generator):
    """
    Shift and stretch boxes by about a tenth of their sides.
    """
    sides = boxes[..., 2:] - boxes[..., :2]
    noise = random.normal(ops.shape(boxes), stddev=0.08, dtype='float32',
                          seed=seed_generator)
    return boxes + ops.clip(noise, -0.2, 0.2) * ops.concatenate(
        [sides, sides], axis=-1)


def _pick(candidates, count, seed_generator):
    """
    Random members of a set, as indices into it, with a validity mask.
    """
    noise = random.uniform(ops.shape(candidates), dtype='float32',
                           seed=seed_generator)
    key = ops.cast(candidates, 'float32') + noise
    values, index = ops.top_k(key, count)
    return index, values >= 1.


def with_truth(proposals, valid, truth, seed_generator):
    """
    Let the truth boxes, jittered, join the proposals.

    So the second stage has positive examples from the first step on.

    Parameters
    ----------
    proposals, valid, truth, seed_generator
        See `sample_rois`.

    Returns
    -------
    boxes : (B, P + M, 4) tensor
        Proposals and truth.
    valid : (B, P + M) tensor of bool
        Which rows of them count.
    """
    return (ops.concatenate(
        [proposals, _jitter(truth['boxes'], seed_generator)], axis=1),
            ops.concatenate([valid, truth['labels'] > 0], axis=1))


def sample_rois(boxes, valid, truth, config, seed_generator):
    """
    Choose the RoIs on which the second stage is trained.

    Parameters
    ----------
    boxes : (B, P, 4) tensor
        The boxes to choose from.
    valid : (B, P) tensor of bool
        Which rows of them are not padding.
    truth : dict of tensor
        The truth.
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The network and its training.
    seed_generator : `keras.random.SeedGenerator`
        The source of randomness.

    Returns
    -------
    rois : dict of tensor
        With ``R = config.n_positive_rois + config.n_negative_rois``, the
        positive ones first: ``boxes`` (B, R, 4), ``matched`` (B, R), the
        source of each; ``classes`` (B, R), 0 for background; ``targets``
        (B, R, 4), the box of the source; ``weights`` (B, R), 0 for padding
        that does not count; ``positive`` (B, R), 1 for valid positive RoIs.
    """
    iou, ignored = _overlaps(boxes, truth)
    best = ops.max(iou, axis=-1)
    matched = ops.argmax(iou, axis=-1)
    threshold = config.roi_positive_iou
    positive = ops.logical_and(valid, best >= threshold)
    negative = ops.logical_and(
        valid, ops.logical_and(best < threshold, ignored < threshold))

    chosen, weights = [], []
    for candidates, count in ((positive, config.n_positive_rois),
                              (negative, config.n_negative_rois)):
        index, is_valid = _pick(candidates, count, seed_generator)
        chosen.append(index)
        weights.append(ops.cast(is_valid, 'float32'))
    chosen = ops.concatenate(chosen, axis=1)
    is_positive = ops.concatenate(
        [weights[0], ops.zeros_like(weights[1])], axis=1)
    matched = ops.take_along_axis(matched, chosen, axis=1)
    labels = ops.take_along_axis(truth['labels'], matched, axis=1)
    rois = {
        'boxes': ops.take_along_axis(boxes, chosen[..., None], axis=1),
        'matched': ops.cast(matched, 'int32'),
        'classes': ops.where(is_positive > 0, labels, 0),
        'targets': ops.take_along_axis(truth['boxes'], matched[..., None],
                                       axis=1),
        'weights': ops.concatenate(weights, axis=1),
        'positive': is_positive,
    }
    return {key: ops.stop_gradient(value) for key, value in rois.items()}


def sample_masks(boxes, matched, truth, size):
    """
    The truth masks of RoIs, on the grid of the mask head.

    Parameters
    ----------
    boxes : (B, R, 4) tensor
        The RoIs.
    matched : (B, R) tensor of int32
        The source of each RoI.
    truth : dict of tensor
        The truth.
    size : int
        The side of the grid.

    Returns
    -------
    masks : (B * R, size, size) tensor of float32
        Values between 0 and 1.
    """
    _, n_sources, side, _ = truth['masks'].shape
    first = ops.arange(ops.shape(boxes)[0], dtype='int32') * n_sources
    source = ops.reshape(matched + first[:, None], (-1,))
    windows = ops.take(ops.reshape(truth['windows'], (-1, 4)), source, axis=0)
    boxes = ops.reshape(boxes, (-1, 4))
    origin = ops.concatenate([windows[:, :2], windows[:, :2]], axis=-1)
    scale = side / ops.maximum(windows[:, 2:] - windows[:, :2], 1.)
    scale = ops.concatenate([scale, scale], axis=-1)
    cells = ops.reshape(ops.cast(truth['masks'], 'float32'), (-1, 1))
    pooled = roi_align(cells, ((side, side),), (1,), (boxes - origin) * scale,
                       source, ops.zeros_like(source), size)
    return ops.stop_gradient(pooled[..., 0])
