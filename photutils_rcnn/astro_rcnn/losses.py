# Licensed under a 3-clause BSD style license - see LICENSE
"""
Losses of Burke et al. (2019) that differ from this package's own.
"""

__all__ = ['mean_squares', 'sampled_loss']

from keras import ops


def sampled_loss(logits, positive, negative):
    """
    The mean cross-entropy of sampled anchors.

    Parameters
    ----------
    logits : (B, A) tensor
        Objectness.
    positive, negative : (B, A) tensor of float32
        1 where an anchor counts as a source and where as background.

    Returns
    -------
    loss : scalar tensor
        The mean over anchors that count.
    """
    weights = positive + negative
    loss = ops.binary_crossentropy(positive, logits, from_logits=True) * weights
    return ops.sum(loss) / ops.maximum(ops.sum(weights), 1.)


def mean_squares(variables):
    """
    The sum of the mean squares of variables.

    Parameters
    ----------
    variables : list of `keras.Variable`
        Scales and offsets of normalizations (``gamma``, ``beta``) are left
        out.

    Returns
    -------
    total : scalar tensor
        The sum of ``mean(w**2)``: matterport's L2 regularization.
    """
    return sum(ops.mean(ops.square(variable)) for variable in variables
               if variable.path.rsplit('/', 1)[-1] not in ('gamma', 'beta'))
