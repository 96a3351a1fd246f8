# Licensed under a 3-clause BSD style license - see LICENSE
"""
Models as folders: configuration, weights, thresholds and a card.

See `photutils_rcnn.models.model_folder` for the files.
"""

__all__ = ['list_models', 'load_model', 'save_model']

import json
import os
from importlib import resources
from pathlib import Path

import numpy as np

from photutils_rcnn.models.model import Model
from photutils_rcnn.models.model_folder import read_folder, write_folder
from photutils_rcnn.models.weights import get_weights


def _shipped():
    """
    The folder of the models that ship with the package.
    """
    return resources.files('photutils_rcnn') / 'data' / 'models'


def list_models():
    """
    The models that ship with the package.

    Returns
    -------
    models : dict of str to dict
        For each name the content of its ``config.json``.
    """
    if not _shipped().is_dir():
        return {}
    return {folder.name: json.loads((folder / 'config.json').read_text())
            for folder in sorted(_shipped().iterdir(),
                                 key=lambda item: item.name)
            if (folder / 'config.json').is_file()}


def load_model(model='default', *, precision=None):
    """
    Read a model.

    Parameters
    ----------
    model : str or path-like, optional
        The name of a shipped model, the path of a model's folder, or a
        weight file ``.h5`` of Astro R-CNN.
    precision : {'float32', 'mixed_bfloat16'}, optional
        The precision policy; chosen by the processor by default.

    Returns
    -------
    model : `~photutils_rcnn.models.model.Model`
        The model.

    Raises
    ------
    TypeError, ValueError
        If there is no such model, or it is damaged.
    """
    if not isinstance(model, (str, os.PathLike)):
        msg = f'model must be a name or a path, got {model!r}'
        raise TypeError(msg)
    if isinstance(model, str) and model in list_models():
        folder = _shipped() / model
    else:
        folder = Path(model)
        if folder.suffix == '.h5' and folder.is_file():
            return _astro_rcnn_model().read(folder, precision=precision)
        if not (folder / 'config.json').is_file():
            msg = (f'model must be one of {sorted(list_models())} or the '
                   f'path of a folder with a config.json, got {str(model)!r}')
            raise ValueError(msg)
    try:
        settings, weights = read_folder(folder)
        kind = Model if settings.get('protocol') is None else _astro_rcnn_model()
        loaded = kind(settings, weights, precision)
        if (folder / 'MODEL_CARD.md').is_file():
            loaded.card = (folder / 'MODEL_CARD.md').read_text()
        return loaded
    except (OSError, ValueError) as error:
        msg = f'model {str(model)!r} cannot be read: {error}'
        raise ValueError(msg) from error


def _astro_rcnn_model():
    """
    The class of models of Astro R-CNN.
    """
    from photutils_rcnn.astro_rcnn.model import AstroRCNNModel

    return AstroRCNNModel


def save_model(folder, network, settings, card):
    """
    Write a model's folder.

    Parameters
    ----------
    folder : path-like
        Created if it is missing; an older model in it is replaced.
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.
    settings : dict
        ``name``, ``description``, ``thresholds``, ``halo``, ``calibration``
        and ``training``: JSON values.
    card : str
        The model card, Markdown.

    Raises
    ------
    ValueError
        If a weight is not finite, or too large for float16.
    """
    # Kernels in float16 halve the file; the few vectors (biases, moving
    # variances) keep their range.
    with np.errstate(over='ignore'):
        weights = {name: value.astype(np.float16) if value.ndim > 1 else value
                   for name, value in get_weights(network).items()}
    write_folder(folder, weights, {
        **settings, 'network': network.config.network.to_dict()}, card)
