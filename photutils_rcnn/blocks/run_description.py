# Licensed under a 3-clause BSD style license - see LICENSE
"""
What a run over blocks depends on.
"""

__all__ = ['describe_run']

import hashlib

from astropy.modeling import Model

from photutils_rcnn.io.records import fingerprint


def describe_run(files, source, probe, segmenter, **options):
    """
    What the results of a frame depend on.

    Parameters
    ----------
    files : list of path-like
        The files of the frame, if it has some.
    source : `~photutils_rcnn.blocks.frame_source.FrameSource`
        The frame.
    probe : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        A window of it; of arrays its pixels stand for all.
    segmenter : `~photutils_rcnn.RCNNSegmenter`
        The segmenter.
    **options
        What else there is; of images their shape and type count.

    Returns
    -------
    known : dict
        See `~photutils_rcnn.io.records.fingerprint`.
    """
    model = segmenter.model
    settings = {**vars(segmenter), 'model': model.name, 'model_sha256': model.sha256,
                'runtime': model.runtime}
    del settings['progress_bar']
    return fingerprint(files, shape=[source.n_bands, *source.shape],
                       pixels=hashlib.sha256(probe.data.tobytes()).hexdigest(), **settings,
                       **{f'frame_{name}': _plain(value) for name, value in options.items()})


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Model):
        return [type(value).__name__, value.parameters.tolist(),
                _plain(getattr(value, 'data', None))]
    shape = getattr(value, 'shape', None)
    if shape and not isinstance(value, str):
        return [list(shape), str(getattr(value, 'dtype', '')), str(getattr(value, 'path', ''))]
    if hasattr(value, 'to_header_string'):
        return value.to_header_string()
    return value
