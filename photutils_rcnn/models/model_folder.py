# Licensed under a 3-clause BSD style license - see LICENSE
"""
Model folders: reading and writing.

A folder holds ``config.json``, ``weights.npz`` (plain arrays, float16) and
``MODEL_CARD.md``. Nothing in it is executed; the weights' SHA-256 stands in
the configuration and is checked whenever they are read.
"""

__all__ = ['FORMAT', 'read_folder', 'write_folder']

import hashlib
import io
import json
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from photutils_rcnn._files import open_npz
from photutils_rcnn.models.migration import current_settings

FORMAT = 4
# Thresholds of probabilities and overlaps; others are numbers of boxes.
FRACTIONS = ('objectness', 'proposal_nms', 'score', 'nms', 'mask')


def read_folder(folder):
    """
    Read the files of a model, and check them.

    Parameters
    ----------
    folder : `~pathlib.Path`
        The folder.

    Returns
    -------
    settings : dict
        The content of ``config.json``.
    weights : dict of `~numpy.ndarray`
        The weights by name.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If the files are damaged, or say what no model does.
    """
    try:
        settings = json.loads((folder / 'config.json').read_text(encoding='utf-8'))
    except ValueError as exc:
        msg = f'config.json is no JSON: {exc}'
        raise ValueError(msg) from exc
    _check_settings(settings)
    if settings['format'] == 2:
        settings = current_settings(settings)
    settings['format'] = FORMAT
    content = (folder / 'weights.npz').read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != settings['sha256']:
        msg = (f'the weights are damaged, their sha256 is {found}, expected '
               f'{settings["sha256"]}')
        raise ValueError(msg)
    with open_npz(io.BytesIO(content), 'file of weights') as stored:
        weights = dict(stored)
    _check_finite(weights)
    return settings, weights


def _check_settings(settings):
    """
    Check the content of a ``config.json``.
    """
    if not isinstance(settings, dict):
        msg = 'config.json is no object'
        raise ValueError(msg)
    known = (2, 3, FORMAT)
    if settings.get('format') not in known:
        msg = (f'it has the format {settings.get("format")!r}, this version '
               f'reads {known}')
        raise ValueError(msg)
    if settings['format'] < FORMAT and 'protocol' not in settings:
        msg = ('its profile head knows no PSF: the model is older than format '
               f'{FORMAT} and has to be trained again')
        raise ValueError(msg)
    missing = [name for name in ('name', 'network', 'thresholds', 'halo',
                                 'sha256') if name not in settings]
    if missing:
        msg = f'config.json lacks {missing}'
        raise ValueError(msg)
    network, thresholds, halo = (settings[name] for name in (
        'network', 'thresholds', 'halo'))
    good = {
        'network': isinstance(network, dict),
        'thresholds': isinstance(thresholds, dict) and all(
            isinstance(value, Real) and 0 <= value <= (
                1 if name in FRACTIONS else np.inf)
            for name, value in thresholds.items()),
        'halo': isinstance(halo, Integral) and halo >= 0}
    for name, is_good in good.items():
        if not is_good:
            msg = f'{name} in config.json does not fit, got {settings[name]!r}'
            raise ValueError(msg)


def _check_finite(weights):
    """
    Check that there are numbers in the weights: with others a network finds
    nothing and does not say why.
    """
    for name, values in weights.items():
        if values.dtype.kind != 'f' or not np.isfinite(values).all():
            msg = f'the weights {name} are not finite numbers'
            raise ValueError(msg)


def write_folder(folder, weights, settings, card):
    """
    Write the files of a model.

    Parameters
    ----------
    folder : path-like
        Created if it is missing; an older model in it is replaced.
    weights : dict of `~numpy.ndarray`
        The weights by name, as they are to be stored.
    settings : dict
        The content of ``config.json``; format and checksum are added.
    card : str
        The model card, Markdown.

    Raises
    ------
    ValueError
        If a weight is not finite.
    """
    _check_finite(weights)
    buffer = io.BytesIO()
    np.savez(buffer, **weights)
    content = buffer.getvalue()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = {'format': FORMAT, **settings,
                'sha256': hashlib.sha256(content).hexdigest()}
    files = {'weights.npz': content,
             'config.json': (json.dumps(settings, indent=2) + '\n').encode(),
             'MODEL_CARD.md': card.encode()}
    # Written in full before an old file goes: only renaming is left then.
    for name, part in files.items():
        (folder / f'{name}.part').write_bytes(part)
    for name in files:
        (folder / f'{name}.part').replace(folder / name)
