# Licensed under a 3-clause BSD style license - see LICENSE
"""
Reading matterport's Keras HDF5 weight files with h5py.

The layout is that of Keras 2 ``save_weights``: one group per top-level
layer with the attribute ``weight_names``. Groups are told by their names,
tensors by their order in ``weight_names``. Nothing in a file is executed.
"""

__all__ = ['AstroRCNNWeights', 'read_weights']

import hashlib
import logging
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from photutils_rcnn.astro_rcnn.config import AstroRCNNConfig
from photutils_rcnn.astro_rcnn.weight_layout import expected_tensors

log = logging.getLogger(__name__)

# What training graphs save beside the layers.
IGNORED_GROUPS = {'anchors'}
PUBLISHED = {
    '98170226d6fa54222b254c783f063b79ab7adc74ab3901d4b70fe589ac7fa567':
        'astro_rcnn_decam.h5',
}
UNSUPPORTED = {
    '099b5891aeea41536b029a73c01ff8aff317ddaed85aa3a57da51b0b7d737866':
        'astro_rcnn_des.h5, whose input normalization is not known',
}


@dataclass
class AstroRCNNWeights:
    """
    The content of a weight file.

    Parameters
    ----------
    tensors : dict of `~numpy.ndarray`
        Float32 arrays by the names of the network's variables.
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNConfig`
        The network they belong to.
    sha256 : str
        The checksum of the file.
    published_name : str or `None`
        The name of the published file it is; `None` for others.
    """

    tensors: dict
    config: AstroRCNNConfig
    sha256: str
    published_name: str | None


def read_weights(path, config=None, *, class_names=None):
    """
    Read a weight file, all of it or nothing.

    Parameters
    ----------
    path : path-like
        The file, ``.h5``.
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNConfig`, optional
        The network. By default depth, bands and classes are those of the
        file, the rest is that of the paper.
    class_names : sequence of str, optional
        The classes without background. By default star and galaxy if there
        are two, else ``'class1'``, ``'class2'``, ...

    Returns
    -------
    weights : `AstroRCNNWeights`
        The weights.

    Raises
    ------
    ValueError
        If the file is not of this layout, or tensors are missing, of another
        shape or number, or not finite.

    Warns
    -----
    UserWarning
        If the file is none of the published ones, whose checksums are
        known, or holds groups that belong to no layer.
    """
    path = Path(path)
    with path.open('rb') as stream:
        sha256 = hashlib.file_digest(stream, 'sha256').hexdigest()
    if sha256 in UNSUPPORTED:
        msg = f'{path} is not supported: it is {UNSUPPORTED[sha256]}'
        raise ValueError(msg)
    groups = _read_groups(path)
    if config is None:
        config = _infer_config(path, groups, class_names)
    tensors, faults = {}, []
    expected = expected_tensors(config)
    for group, wanted in expected.items():
        if group not in groups:
            faults.append(f'{group} is missing')
            continue
        found = groups[group]
        if len(found) != len(wanted):
            faults.append(f'{group} has {len(found)} tensors instead of '
                          f'{len(wanted)}')
            continue
        for (name, shape), value in zip(wanted, found, strict=True):
            if value.shape != shape:
                faults.append(f'{name} has the shape {value.shape} instead '
                              f'of {shape}')
            elif not np.isfinite(value).all():
                faults.append(f'{name} has values that are not finite')
            tensors[name] = value
    if faults:
        msg = (f'{path} does not fit the network {config.name!r} '
               f'({sum(config.stage_blocks)} blocks, {config.n_bands} bands, '
               f'{config.n_classes} classes with background): '
               f'{len(faults)} faults: {"; ".join(faults[:5])}')
        raise ValueError(msg)
    unexpected = sorted(set(groups) - set(expected) - IGNORED_GROUPS)
    name = PUBLISHED.get(sha256)
    if unexpected:
        warnings.warn(f'{path}: groups without a layer are not used: '
                      f'{unexpected}', UserWarning, stacklevel=2)
    if name is None:
        warnings.warn(f'{path} is none of the published weight files; its '
                      f'sha256 is {sha256}', UserWarning, stacklevel=2)
    log.info('%s: %d tensors of %d groups', path, len(tensors),
             len(expected))
    return AstroRCNNWeights(tensors, config, sha256, name)


def _read_groups(path):
    """
    The tensors of every group that has any, in their order.
    """
    groups = {}
    try:
        with h5py.File(path, 'r') as file:
            root = file
            if 'layer_names' not in file.attrs and 'model_weights' in file:
                root = file['model_weights']
            if 'layer_names' not in root.attrs:
                msg = 'it has no attribute layer_names'
                raise ValueError(msg)
            for group in map(_text, root.attrs['layer_names']):
                names = [_text(name) for name
                         in root[group].attrs['weight_names']]
                if names:
                    groups[group] = [
                        np.asarray(root[group][name], dtype=np.float32)
                        for name in names]
    except (OSError, KeyError, TypeError, ValueError) as error:
        msg = f'{path} is not a Keras HDF5 file of weights: {error}'
        raise ValueError(msg) from error
    return groups


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def _infer_config(path, groups, class_names):
    """
    The network of a file: its depth, bands and classes.
    """
    try:
        n_bands = groups['conv1'][0].shape[2]
        n_classes = groups['mrcnn_class_logits'][0].shape[1]
    except (KeyError, IndexError) as error:
        msg = (f'{path} has no Mask R-CNN: conv1 or mrcnn_class_logits is '
               'missing or has no kernel')
        raise ValueError(msg) from error
    if class_names is None:
        class_names = (AstroRCNNConfig().class_names if n_classes == 3 else
                       [f'class{i}' for i in range(1, n_classes)])
    if len(class_names) != n_classes - 1:
        msg = (f'class_names must have {n_classes - 1} names for {path}, got '
               f'{len(class_names)}')
        raise ValueError(msg)
    # A stage that the file lacks is reported later, with all that it lacks.
    blocks = [max(sum(bool(re.fullmatch(f'res{stage}[a-z]_branch2a', group))
                      for group in groups), 1) for stage in (2, 3, 4, 5)]
    return AstroRCNNConfig(stage_blocks=blocks, n_bands=n_bands,
                           class_names=class_names)
