# Licensed under a 3-clause BSD style license - see LICENSE
"""
Losses, in float32, from logits.

All are normalized by the number of examples that count, at least one, so
that an empty image still teaches background and never divides by zero.
"""

__all__ = ['class_loss', 'focal_loss', 'gaussian_loss', 'mask_loss', 'smooth_l1']

from keras import losses, ops

# Of the variance, natural logarithm, in units of that of all targets.
LOG_VARIANCE_RANGE = -8., 3.


def focal_loss(logits, positive, negative, config):
    """
    The focal loss of the objectness (Lin et al. 2017, Eq. 5).

    Parameters
    ----------
    logits : (B, A) tensor
        Objectness.
    positive, negative : (B, A) tensor of float32
        1 where an anchor is a source and where it is background.
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        Gives ``focal_gamma`` and ``focal_alpha``.

    Returns
    -------
    loss : scalar tensor
        The sum over anchors per positive anchor.
    """
    probability = ops.sigmoid(logits)
    gamma, alpha = config.focal_gamma, config.focal_alpha
    # the cross-entropies of 1 and of 0
    of_source = alpha * (1 - probability)**gamma * ops.softplus(-logits)
    of_background = (1 - alpha) * probability**gamma * ops.softplus(logits)
    total = ops.sum(positive * of_source + negative * of_background)
    return total / ops.maximum(ops.sum(positive), 1.)


def smooth_l1(predicted, target, weights):
    """
    The smooth L1 loss of box deltas (Girshick 2015, arXiv:1504.08083).

    Parameters
    ----------
    predicted, target : (..., 4) tensor
        Box deltas.
    weights : (...) tensor
        1 for boxes that count.

    Returns
    -------
    loss : scalar tensor
        The mean over deltas of boxes that count.
    """
    # The target of a padding row is arbitrary and may be huge; it is
    # removed before it can overflow.
    error = ops.where(weights[..., None] > 0, predicted - target, 0.)
    loss = losses.huber(ops.zeros_like(error), error)
    return ops.sum(loss) / ops.maximum(ops.sum(weights), 1.)


def class_loss(logits, classes, weights):
    """
    The cross-entropy of the classes.

    Parameters
    ----------
    logits : (..., K) tensor
        Class logits, background first.
    classes : (...) tensor of int
        The true classes.
    weights : (...) tensor
        1 for RoIs that count.

    Returns
    -------
    loss : scalar tensor
        The mean over RoIs that count.
    """
    loss = ops.sparse_categorical_crossentropy(classes, logits, from_logits=True)
    return ops.sum(loss * weights) / ops.maximum(ops.sum(weights), 1.)


def mask_loss(logits, targets, weights):
    """
    The mean cross-entropy of the pixels of masks.

    Parameters
    ----------
    logits, targets : (R, S, S) tensor
        Mask logits and truth.
    weights : (R,) tensor
        1 for RoIs that count.

    Returns
    -------
    loss : scalar tensor
        The mean over pixels of RoIs that count.
    """
    loss = ops.mean(ops.binary_crossentropy(targets, logits, from_logits=True), axis=(1, 2))
    return ops.sum(loss * weights) / ops.maximum(ops.sum(weights), 1.)


def gaussian_loss(targets, outputs):
    """
    The loss of values with Gaussian errors (Nix & Weigend 1994, ICNN 1, 55).

    Parameters
    ----------
    targets : (N,) or (N, 1) tensor
        The values.
    outputs : (N, 2) tensor
        The predicted values and the logarithms of their variances.

    Returns
    -------
    loss : (N,) tensor
        The negative logarithm of the likelihood, without the constant.
    """
    log_variance = ops.clip(outputs[:, 1], *LOG_VARIANCE_RANGE)
    deviation = ops.reshape(targets, (-1,)) - outputs[:, 0]
    return 0.5 * (log_variance + ops.square(deviation) * ops.exp(-log_variance))
