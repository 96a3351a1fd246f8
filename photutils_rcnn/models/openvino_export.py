# Licensed under a 3-clause BSD style license - see LICENSE
"""
Conversion of the stages of inference from Keras to OpenVINO.
"""

__all__ = ['export_stages']

import logging
import tempfile
from pathlib import Path

import keras

from photutils_rcnn.models.openvino_stages import STAGES, import_openvino
from photutils_rcnn.models.stages import KerasStages

logger = logging.getLogger(__name__)


def export_stages(model, folder):
    """
    Write the stages of a model as files of OpenVINO.

    Parameters
    ----------
    model : `~photutils_rcnn.models.zoo.Model`
        The model.
    folder : `~pathlib.Path`
        The folder to write to: ``.xml`` and ``.bin`` of each stage, in float32.

    Raises
    ------
    ValueError
        If the backend of Keras is not TensorFlow.
    """
    backend = keras.backend.backend()
    if backend != 'tensorflow':
        msg = ("runtime='openvino' converts the network with Keras on TensorFlow when it is "
               f"first used, got the backend {backend!r}; with it, take runtime='keras'")
        raise ValueError(msg)
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    logger.info('Converting the network to OpenVINO, once.')
    openvino = import_openvino()
    core = openvino.Core()
    network = model.build_network('float32')
    stages = KerasStages(network)
    shapes = _input_shapes(network)
    for name in STAGES:
        if name not in shapes:
            continue
        signature = [tf.TensorSpec(shape, 'int32' if argument == 'shape' else 'float32',
                                   name=argument)
                     for argument, shape in shapes[name].items()]
        frozen = convert_variables_to_constants_v2(tf.function(
            getattr(stages, name), autograph=False).get_concrete_function(*signature))
        with tempfile.TemporaryDirectory() as temporary:
            # Not `openvino.convert_model`, which reports over the network.
            path = Path(temporary) / f'{name}.pb'
            path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
            converted = core.read_model(path)
        parameters = {parameter.output(0).any_name.split(':')[0]: parameter
                      for parameter in converted.get_parameters()}
        # an argument that the network does not use passes for a result, too
        results = [result for result in converted.get_results()
                   if result.input_value(0).get_node().get_type_name() != 'Parameter']
        ordered = openvino.Model(
            results, [parameters[key] for key in shapes[name]], name)
        openvino.save_model(ordered, folder / f'{name}.xml', compress_to_fp16=False)


def _input_shapes(network):
    """
    The shapes of the arguments of each stage; `None` is any length.
    """
    config = network.config
    features = network.dense_part.output['pyramid'][0].shape[-1]
    n_bands, size = config.n_bands, config.profile_size
    shapes = {
        'dense': {'image': (1, None, None, n_bands), 'anchors': (None, 4)},
        'classify': {'features': (None, features), 'shape': (2,),
                     'boxes': (None, 4), 'log_fwhm': (None, n_bands)},
        'mask': {'features': (None, features), 'shape': (2,), 'boxes': (None, 4)}}
    if size:
        shapes['sample'] = {
            'images': (None, None, None, n_bands), 'boxes': (None, 4),
            'image_index': (None, 1), 'log_fwhm': (None, n_bands)}
        shapes['profile'] = {
            'profiles': (None, size, size, n_bands), 'boxes': (None, 4),
            'logits': (None, config.n_classes), 'log_fwhm': (None, n_bands),
            'psf': (None, size, size, n_bands)}
    return shapes
