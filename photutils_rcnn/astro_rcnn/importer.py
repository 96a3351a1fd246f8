# Licensed under a 3-clause BSD style license - see LICENSE
"""
From a matterport weight file to a model.
"""

__all__ = ['import_model', 'read_model']

import dataclasses
from pathlib import Path

import numpy as np

from photutils_rcnn.astro_rcnn.weights import read_weights
from photutils_rcnn.models.model_folder import FORMAT, write_folder
from photutils_rcnn.models.zoo import Model

# Burke et al. (2019) and the code of their weights.
THRESHOLDS = {'objectness': 0., 'pre_nms': 6000, 'proposals': 1000,
              'proposal_nms': 0.7, 'score': 0.5, 'nms': 0.3,
              'nms_across_classes': True, 'detections': 300, 'mask': 0.5}
STRETCH = {'name': 'zscore-int16', 'factor': 1e4, 'offset': 200.}

CARD = """\
# {name}

{backbone} Mask R-CNN with {n_bands} bands and the classes
{classes}, imported from `{file}` (sha256 {sha256}).

It is {origin}. Detection follows Astro R-CNN (Burke et al. 2019, MNRAS 490,
3952): the frame is one piece, {size}, boxes are suppressed across
classes, scores are not calibrated, and at most {detections} sources are
returned. Frames need the normalization of 2019 (`zscore-int16`) of the data as
they are: use `background=0`. The bands are ordered blue to red; the kernel of `conv1`,
which the file orders red to blue, was reversed.
"""


def _settings(weights, path, name, resize_to):
    stride = weights.config.strides[-1]
    if resize_to is not None and (resize_to < stride or resize_to % stride):
        msg = (f'resize_to must be a positive multiple of {stride}, got '
               f'{resize_to}')
        raise ValueError(msg)
    return {
        'format': FORMAT, 'name': name,
        'description': f'Mask R-CNN imported from {path.name}',
        'protocol': 'matterport', 'precision': 'float32',
        'stretch': STRETCH, 'thresholds': THRESHOLDS, 'halo': 0,
        'resize_to': resize_to,
        'training': {'imported_from': path.name,
                     'imported_sha256': weights.sha256,
                     'published_as': weights.published_name},
        'network': dataclasses.replace(weights.config, name=name).to_dict(),
    }


def _from_blue_to_red(tensors):
    """
    The tensors of a network whose first band is the bluest.
    """
    return {**tensors, 'conv1/kernel': np.ascontiguousarray(
        tensors['conv1/kernel'][:, :, ::-1])}


def read_model(path, *, class_names=None, precision=None, resize_to=None):
    """
    A model from a weight file.

    Parameters
    ----------
    path : path-like
        The file, ``.h5``; see
        `~photutils_rcnn.astro_rcnn.weights.read_weights`.
    class_names : sequence of str, optional
        The classes without background.
    precision : str, optional
        The precision policy; float32 by default.
    resize_to : int, optional
        Shrink or enlarge every frame to fit a square of this side, as the
        original does to 512 pixels; a multiple of 64. By default frames
        keep their scale, which is what the weights were trained on.

    Returns
    -------
    model : `~photutils_rcnn.models.zoo.Model`
        The model.

    Raises
    ------
    ValueError
        If the file does not fit, or ``resize_to`` is no multiple of 64.
    """
    path = Path(path)
    weights = read_weights(path, class_names=class_names)
    settings = _settings(weights, path, path.stem, resize_to)
    settings['sha256'] = weights.sha256
    return Model(settings, _from_blue_to_red(weights.tensors), precision)


def import_model(path, folder, *, name=None, class_names=None,
                 resize_to=None, overwrite=False):
    """
    Write a weight file as a model's folder.

    The weights keep their precision, float32.

    Parameters
    ----------
    path : path-like
        The file, ``.h5``.
    folder : path-like
        The model's folder; it is made if it does not exist, and written only
        once the whole file was found to fit.
    name : str, optional
        The name of the model; by default that of the file.
    class_names : sequence of str, optional
        The classes without background.
    resize_to : int, optional
        See `read_model`.
    overwrite : bool, optional
        Whether to replace a model in the folder. The default is `False`.

    Returns
    -------
    weights : `~photutils_rcnn.astro_rcnn.weights.LegacyWeights`
        What was read.

    Raises
    ------
    OSError
        If the folder has a model and ``overwrite`` is `False`.
    ValueError
        If the file does not fit, or ``resize_to`` is no multiple of 64.
    """
    path, folder = Path(path), Path(folder)
    if (folder / 'config.json').exists() and not overwrite:
        msg = f'{folder} holds a model; use overwrite (--overwrite) to replace it'
        raise OSError(msg)
    weights = read_weights(path, class_names=class_names)
    settings = _settings(weights, path, name or path.stem, resize_to)
    config = weights.config
    card = CARD.format(
        name=settings['name'], backbone=config.backbone,
        n_bands=config.n_bands, classes=', '.join(config.class_names),
        file=path.name, sha256=weights.sha256,
        origin=(f'the published file {weights.published_name}'
                if weights.published_name else
                'none of the published files'),
        size=('of its own size' if resize_to is None else
              f'resized to {resize_to} pixels'),
        detections=THRESHOLDS['detections'])
    write_folder(folder, _from_blue_to_red(weights.tensors), settings, card)
    return weights
