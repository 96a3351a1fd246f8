# Licensed under a 3-clause BSD style license - see LICENSE
"""
The stages of inference in OpenVINO, without Keras.
"""

__all__ = ['OpenVINOStages', 'import_openvino']

import hashlib
import json
import os
import shutil
import sys
import threading

import numpy as np

import photutils_rcnn
from photutils_rcnn._user_cache import cached_folder
from photutils_rcnn.models.processor import has_fast_bfloat16

# Of the files of a converted network; to be raised when the stages change.
FORMAT = 1
STAGES = ('dense', 'classify', 'sample', 'profile', 'mask')


def import_openvino():
    """
    OpenVINO.

    Its import tells its makers over the network that it was imported, unless the
    package that does so is missing.

    Returns
    -------
    openvino : module
        The package.
    """
    if 'openvino' not in sys.modules:
        blocked = 'openvino_telemetry' not in sys.modules
        if blocked:
            sys.modules['openvino_telemetry'] = None
        try:
            import openvino  # noqa: F401
        finally:
            if blocked:
                del sys.modules['openvino_telemetry']
    return sys.modules['openvino']


class OpenVINOStages:
    """
    What `~photutils_rcnn.models.stages.KerasStages` computes, in OpenVINO.

    The network is converted once and kept in the user's cache folder, where OpenVINO
    also puts what it compiles for the processor.

    Parameters
    ----------
    model : `~photutils_rcnn.models.zoo.Model`
        The model.
    """

    def __init__(self, model):
        self._openvino = import_openvino()
        self._core = self._openvino.Core()
        precision = (model.precision or model.settings.get('precision')
                     or ('mixed_bfloat16' if has_fast_bfloat16() else 'float32'))
        # Positions in pixels need all bits of float32.
        self._precision = {'dense': 'bf16' if precision == 'mixed_bfloat16' else 'f32'}
        self._read(model)
        self._compiled = {}
        self._lock = threading.Lock()

    def _read(self, model):
        """
        Read the converted network, or convert it.
        """
        def write(folder):
            from photutils_rcnn.models.openvino_export import export_stages

            export_stages(model, folder)

        name = self._cache_name(model)
        self._folder = cached_folder(name, write)
        try:
            self._read_stages()
        except RuntimeError:  # damaged
            shutil.rmtree(self._folder)
            self._folder = cached_folder(name, write)
            self._read_stages()

    def _read_stages(self):
        self._models = {name: self._core.read_model(self._folder / f'{name}.xml')
                        for name in STAGES if (self._folder / f'{name}.xml').exists()}

    def _cache_name(self, model):
        """
        A name that says all that the converted network depends on.
        """
        depends = [FORMAT, model.sha256, model.config.to_dict(),
                   photutils_rcnn.__version__, self._openvino.__version__]
        return 'openvino-' + hashlib.sha256(
            json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]

    def run(self, name, shape, *args):
        """
        Run a stage; see `photutils_rcnn.models.stages.KerasStages.run`.
        """
        # A request of its own: several threads may run the same stage.
        request = self._stage(name).create_infer_request()
        values = request.infer([np.ascontiguousarray(arg) for arg in args],
                               share_inputs=True, share_outputs=True)
        return tuple(values.to_tuple())

    def _stage(self, name):
        with self._lock:
            if name not in self._compiled:
                options = {
                    'PERFORMANCE_HINT': 'LATENCY',
                    'INFERENCE_PRECISION_HINT': self._precision.get(name, 'f32'),
                    # Other work may hold the cores that threads were tied to.
                    'ENABLE_CPU_PINNING': False}
                if os.access(self._folder, os.W_OK):
                    options['CACHE_DIR'] = str(self._folder)
                self._compiled[name] = self._core.compile_model(
                    self._models.pop(name), 'CPU', options)
            return self._compiled[name]

    @staticmethod
    def to_numpy(array):
        """
        The array itself.
        """
        return array
