# Licensed under a 3-clause BSD style license - see LICENSE
"""
Conversion of the stages of inference from Keras to OpenVINO.
"""

__all__ = ['export_stages']

import logging
import tempfile
from pathlib import Path

import keras

from photutils_rcnn.models.attribute_config import ATTRIBUTE
from photutils_rcnn.models.attribute_head import N_NUMBERS
from photutils_rcnn.models.openvino_stages import import_openvino
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
    for name, arguments in shapes.items():
        signature = [tf.TensorSpec(shape, 'int32' if argument == 'shape' else 'float32',
                                   name=argument)
                     for argument, shape in arguments.items()]
        frozen = convert_variables_to_constants_v2(tf.function(
            stages.function(name), autograph=False).get_concrete_function(*signature))
        with tempfile.TemporaryDirectory() as temporary:
            # Not `openvino.convert_model`, which reports over the network.
            path = Path(temporary) / f'{name}.pb'
            path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
            converted = core.read_model(path)
        _drop_inverse_transposes(converted)
        parameters = {parameter.output(0).any_name.split(':')[0]: parameter
                      for parameter in converted.get_parameters()}
        # an argument that the network does not use passes for a result, too
        results = [result for result in converted.get_results()
                   if result.input_value(0).get_node().get_type_name() != 'Parameter']
        ordered = openvino.Model(
            results, [parameters[key] for key in arguments], name)
        openvino.save_model(ordered, folder / f'{name}.xml', compress_to_fp16=False)


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
    if config.pools_sources:
        shapes['pool'] = shapes['mask']
    for attribute in config.attributes:
        side, bands = attribute.stamp_size, len(attribute.bands) or n_bands
        shapes[ATTRIBUTE + attribute.name] = {
            'stamps': (None, side, side, bands), 'numbers': (None, N_NUMBERS)}
        if attribute.trunk_features:
            shapes[ATTRIBUTE + attribute.name]['pooled'] = (
                None, config.box_pool, config.box_pool, features)
    return shapes
