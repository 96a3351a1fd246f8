# Licensed under a 3-clause BSD style license - see LICENSE
"""
Weights of a network by name.
"""

__all__ = ['get_weights', 'set_weights']

import numpy as np


def get_weights(network):
    """
    The weights of a network by name.

    Parameters
    ----------
    network : `keras.Model`
        The network.

    Returns
    -------
    weights : dict of `~numpy.ndarray`
        Float32 arrays.
    """
    # Keras' own conversion asks NumPy for a copy, at which TensorFlow's
    # variables warn.
    return {variable.path: np.asarray(variable).astype(np.float32)
            for variable in network.weights}


def set_weights(network, weights):
    """
    Assign weights by name.

    Parameters
    ----------
    network : `keras.Model`
        The network.
    weights : dict of `~numpy.ndarray`
        The weights of exactly its variables.

    Raises
    ------
    ValueError
        If a weight is missing, unexpected or of another shape; then
        nothing is assigned.
    """
    variables = {variable.path: variable for variable in network.weights}
    missing = sorted(set(variables) - set(weights))
    unexpected = sorted(set(weights) - set(variables))
    wrong = sorted(name for name in set(variables) & set(weights)
                   if tuple(variables[name].shape) != weights[name].shape)
    if missing or unexpected or wrong:
        msg = (f'weights do not fit the network: missing {missing[:3]}, '
               f'unexpected {unexpected[:3]}, of another shape {wrong[:3]}')
        raise ValueError(msg)
    for name, variable in variables.items():
        variable.assign(weights[name].astype(np.float32))
