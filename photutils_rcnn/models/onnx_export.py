# Licensed under a 3-clause BSD style license - see LICENSE
"""
Export of the stages of inference to ONNX.
"""

__all__ = ['export_onnx']

import json
from pathlib import Path

import keras

import photutils_rcnn
from photutils_rcnn.models.stage_signatures import stage_signatures
from photutils_rcnn.models.stages import KerasStages

OPSET = 18


def export_onnx(model, folder, *, overwrite=False):
    """
    Write the stages of a model as ONNX files.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.
    folder : path-like
        The folder, made if needed. It receives ``<stage>.onnx``, in float32, and
        ``config.json``, the settings of the model.
    overwrite : bool, optional
        Whether to replace files. The default is `False`.

    Returns
    -------
    paths : list of `~pathlib.Path`
        The files.

    Raises
    ------
    OSError
        If a file exists and ``overwrite`` is `False`.
    ValueError
        If the model has an inference of its own, or the backend of Keras is not
        TensorFlow.
    """
    if model.detect is not None:
        msg = (f'the model {model.name!r}, whose inference is its own, cannot be exported to '
               'ONNX')
        raise ValueError(msg)
    if keras.backend.backend() != 'tensorflow':
        msg = ('the export to ONNX needs Keras on TensorFlow, got the backend '
               f'{keras.backend.backend()!r}')
        raise ValueError(msg)
    import onnx

    network = model.build_network('float32')
    stages = KerasStages(network)
    folder = Path(folder)
    signatures = stage_signatures(network)
    paths = {name: folder / f'{name}.onnx' for name in signatures}
    settings = folder / 'config.json'
    existing = [path for path in (*paths.values(), settings) if path.exists()]
    if existing and not overwrite:
        msg = f'{existing[0]} exists'
        raise FileExistsError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (inputs, outputs) in signatures.items():
        converted = _convert(stages.function(name), inputs, outputs)
        converted.producer_name = 'photutils_rcnn'
        converted.producer_version = photutils_rcnn.__version__
        onnx.helper.set_model_props(converted, {'model': model.name, 'sha256': model.sha256,
                                                'stage': name})
        onnx.save(converted, paths[name])
    settings.write_text(json.dumps(model.settings, indent=1), encoding='utf-8')
    return [*paths.values(), settings]


def _convert(function, inputs, outputs):
    """
    A stage with named tensors and lengths.
    """
    import tensorflow as tf
    import tf2onnx

    def named(*args):
        return dict(zip(outputs, function(*args), strict=True))

    signature = [tf.TensorSpec([None if isinstance(length, str) else length
                                for length in shape],
                               'int32' if name == 'shape' else 'float32', name=name)
                 for name, shape in inputs.items()]
    converted, _ = tf2onnx.convert.from_function(
        tf.function(named, autograph=False), signature, opset=OPSET)
    # TensorFlow sorts them by name
    by_name = {value.name: value for value in converted.graph.output}
    ordered = [by_name[name] for name in outputs]
    del converted.graph.output[:]
    converted.graph.output.extend(ordered)
    shapes = {**inputs, **outputs}
    for value in (*converted.graph.input, *converted.graph.output):
        for length, dimension in zip(shapes[value.name], value.type.tensor_type.shape.dim,
                                     strict=True):
            if isinstance(length, str):
                dimension.dim_param = length
            else:
                dimension.dim_value = length
    return converted
