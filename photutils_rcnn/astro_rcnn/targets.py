# Licensed under a 3-clause BSD style license - see LICENSE
"""
The sampling of anchors and RoIs as in Burke et al. (2019).
"""

__all__ = ['fill_up', 'limit_negatives', 'sample_anchors']

from keras import ops, random


def sample_anchors(positive, negative, config, seed_generator):
    """
    Choose the anchors of the objectness loss.

    Parameters
    ----------
    positive, negative : (B, A) tensor of float32
        From `~photutils_rcnn.models.targets.match_anchors`.
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNTrainingConfig`
        Gives ``n_rpn_anchors``.
    seed_generator : `keras.random.SeedGenerator`
        The source of randomness.

    Returns
    -------
    positive, negative : (B, A) tensor of float32
        At most half of the anchors positive, the rest negative.
    """
    n = min(config.n_rpn_anchors, positive.shape[1])
    room = ops.full((ops.shape(positive)[0], 1), n // 2, dtype='int32')
    positive = _random_subset(positive, room, n, seed_generator)
    room = n - ops.cast(ops.sum(positive, axis=1, keepdims=True), 'int32')
    return positive, _random_subset(negative, room, n, seed_generator)


def _random_subset(candidates, room, limit, seed_generator):
    """
    At most ``room`` (B, 1) random members of a set, and at most ``limit``.
    """
    key = candidates + random.uniform(ops.shape(candidates), dtype='float32',
                                      seed=seed_generator)
    values, _ = ops.top_k(key, limit)
    least = ops.take_along_axis(values, ops.maximum(room - 1, 0), axis=1)
    chosen = ops.logical_and(key >= least, room > 0)
    return candidates * ops.cast(chosen, 'float32')


def limit_negatives(rois, config):
    """
    Leave so many background RoIs as the positive ones allow.

    Parameters
    ----------
    rois : dict of tensor
        From `~photutils_rcnn.models.targets.sample_rois`.
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNTrainingConfig`
        Gives ``negatives_per_positive``.

    Returns
    -------
    rois : dict of tensor
        The same with other ``weights``.
    """
    limit = config.negatives_per_positive * ops.sum(
        rois['positive'], axis=1, keepdims=True)
    rank = ops.arange(rois['weights'].shape[1], dtype='float32') + (
        1 - config.n_positive_rois)
    return {**rois, 'weights': rois['weights'] * ops.cast(rank <= limit,
                                                          'float32')}


def fill_up(rois, config):
    """
    Turn padding into empty boxes that count as background.

    Parameters
    ----------
    rois : dict of tensor
        From `~photutils_rcnn.models.targets.sample_rois`.
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNTrainingConfig`
        Gives ``n_rois``.

    Returns
    -------
    rois : dict of tensor
        ``n_rois`` RoIs, all with the weight 1.
    """
    boxes = ops.where(rois['weights'][..., None] > 0, rois['boxes'], 0.)
    rows = (0, config.n_rois - rois['weights'].shape[1])
    filled = {name: ops.pad(value, [(0, 0), rows]
                            + [(0, 0)] * (len(value.shape) - 2))
              for name, value in {**rois, 'boxes': boxes}.items()}
    return {**filled, 'weights': ops.ones_like(filled['weights'])}
