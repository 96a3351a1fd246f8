# Licensed under a 3-clause BSD style license - see LICENSE
"""
Conversion of the stages of inference from Keras to OpenVINO.
"""

__all__ = ['export_stages']

import logging
import tempfile
from pathlib import Path

import keras
import numpy as np

from photutils_rcnn.models.openvino_stages import N_ROWS, import_openvino
from photutils_rcnn.models.stage_signatures import stage_signatures
from photutils_rcnn.models.stages import KerasStages

logger = logging.getLogger(__name__)


def export_stages(model, folder):
    """
    Write the stages of a model as files of OpenVINO.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.
    folder : `~pathlib.Path`
        The folder to write to: ``.xml`` and ``.bin`` of each stage, in float32.

    Raises
    ------
    ValueError
        If the backend of Keras is neither TensorFlow nor OpenVINO.
    """
    backend = keras.backend.backend()
    if backend not in CONVERTERS:
        msg = ("runtime='openvino' converts the network with Keras on TensorFlow or OpenVINO "
               f"when it is first used, got the backend {backend!r}; with it, take "
               "runtime='keras'")
        raise ValueError(msg)
    logger.info('Converting the network to OpenVINO, once.')
    openvino = import_openvino()
    network = model.build_network('float32')
    stages = KerasStages(network)
    lengths = {'n': N_ROWS}
    for name, (arguments, _) in stage_signatures(network).items():
        # Where shapes are fixed, OpenVINO needs no copies between layouts.
        shapes = {argument: [lengths.get(length, -1) if isinstance(length, str) else length
                             for length in shape]
                  for argument, shape in arguments.items()}
        results, parameters = CONVERTERS[backend](stages.function(name), shapes)
        converted = openvino.Model(results, parameters, name)
        _drop_inverse_transposes(converted)
        openvino.save_model(converted, folder / f'{name}.xml', compress_to_fp16=False)


def _type(argument):
    return 'int32' if argument == 'shape' else 'float32'


def _from_tensorflow(function, shapes):
    """
    The results and the parameters of a function of tensors of TensorFlow.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    signature = [tf.TensorSpec([None if length < 0 else length for length in shape],
                               _type(argument), name=argument)
                 for argument, shape in shapes.items()]
    frozen = convert_variables_to_constants_v2(tf.function(
        function, autograph=False).get_concrete_function(*signature))
    with tempfile.TemporaryDirectory() as temporary:
        # Not `openvino.convert_model`, which reports over the network.
        path = Path(temporary) / 'stage.pb'
        path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
        converted = import_openvino().Core().read_model(path)
    parameters = {parameter.output(0).any_name.split(':')[0]: parameter
                  for parameter in converted.get_parameters()}
    # an argument that the network does not use passes for a result, too
    results = [result for result in converted.get_results()
               if result.input_value(0).get_node().get_type_name() != 'Parameter']
    return results, [parameters[argument] for argument in shapes]


def _from_openvino(function, shapes):
    """
    The results and the parameters of a function of tensors of OpenVINO, which are nodes.
    """
    opset = import_openvino().opset16
    parameters = [opset.parameter(shape, np.dtype(_type(argument)), name=argument)
                  for argument, shape in shapes.items()]
    tensor = type(keras.ops.convert_to_tensor(0.0))
    values = function(*(tensor(parameter.output(0)) for parameter in parameters))
    return [opset.result(value.output) for value in values], parameters


def _drop_inverse_transposes(converted):
    """
    Take what a transpose was given in place of its result transposed back.

    Layers with channels last leave such pairs between convolutions. OpenVINO drops those
    of which the first has no other use, but not those whose result is an output, too: that
    of the finest level of the pyramid is the largest array of all.
    """
    for back in converted.get_ordered_ops():
        there = back.get_type_name() == 'Transpose' and back.input_value(0).get_node()
        if not there or there.get_type_name() != 'Transpose':
            continue
        orders = [node.input_value(1).get_node() for node in (there, back)]
        if {order.get_type_name() for order in orders} == {'Constant'}:
            first, second = (order.get_data() for order in orders)
            if (first[second] == range(len(first))).all():
                back.output(0).replace(there.input_value(0))
    converted.validate_nodes_and_infer_types()


CONVERTERS = {'tensorflow': _from_tensorflow, 'openvino': _from_openvino}
