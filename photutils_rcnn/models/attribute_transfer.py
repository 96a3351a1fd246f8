# Licensed under a 3-clause BSD style license - see LICENSE
"""
A model with one attribute head more.
"""

__all__ = ['add_attribute']

import attrs
import keras

from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.weights import get_weights


def add_attribute(model, attribute, seed=0):
    """
    Add an attribute head to a model, or replace the one of its name.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model, which is not changed.
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head.
    seed : int, optional
        The seed of its weights.

    Returns
    -------
    extended : `~photutils_rcnn.models.model.Model`
        A model with the weights of ``model`` and a head to be trained. If the model has
        the very same head, it keeps its weights.

    Raises
    ------
    ValueError
        If the model is one of Astro R-CNN, or has not the class of the attribute.
    """
    if model.detect is not None:
        msg = ('attribute heads need a model with features of its sources, got '
               f'{model.name!r}, one of Astro R-CNN')
        raise ValueError(msg)
    others = [one for one in model.config.attributes if one.name != attribute.name]
    config = attrs.evolve(model.config, attributes=(*others, attribute))
    keras.utils.set_random_seed(seed)
    network = MaskRCNN(config)
    own = set()
    if attribute not in model.config.attributes:
        own = {variable.path for variable in network.attribute_heads[attribute.name].weights}
    kept = get_weights(model.network)
    weights = {name: value if name in own else kept[name]
               for name, value in get_weights(network).items()}
    return type(model)({**model.settings, 'network': config.to_dict()}, weights,
                       model.precision)
