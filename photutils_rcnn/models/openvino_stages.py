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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import photutils_rcnn
from photutils_rcnn._user_cache import cached_folder
from photutils_rcnn.models.processor import has_fast_bfloat16

# In the order in which a frame needs them; then those of attributes, if there are any.
STAGES = ('sample', 'dense', 'classify', 'profile', 'mask')


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
    model : `~photutils_rcnn.models.model.Model`
        The model.
    """

    has_free_shapes = True

    def __init__(self, model):
        self._openvino = import_openvino()
        self._core = self._openvino.Core()
        precision = (model.precision or model.settings.get('precision')
                     or ('mixed_bfloat16' if has_fast_bfloat16() else 'float32'))
        # Positions in pixels, in the other stages, need all bits of float32.
        self._precision = {'dense': 'bf16' if precision == 'mixed_bfloat16' else 'f32'}
        self._lock = threading.Lock()
        folder, stages = self._read(model)
        # Beside what comes before the network: it takes a second.
        pool = ThreadPoolExecutor(1)
        self._compiled = {name: pool.submit(self._compile, name, stage, folder)
                          for name, stage in stages.items()}
        pool.shutdown(wait=False)

    def _read(self, model):
        """
        The folder of the converted network, and its stages.
        """
        def write(folder):
            from photutils_rcnn.models.openvino_export import export_stages

            export_stages(model, folder)

        def read(folder):
            return {path.stem: self._core.read_model(path)
                    for path in sorted(folder.glob('*.xml'), key=_by_need)}

        name = self._cache_name(model)
        folder = cached_folder(name, write)
        try:
            return folder, read(folder)
        except RuntimeError:  # damaged
            shutil.rmtree(folder)
            folder = cached_folder(name, write)
            return folder, read(folder)

    def _cache_name(self, model):
        """
        A name that says all that the converted network depends on.
        """
        known = [model.sha256, model.config.to_dict(), photutils_rcnn.__version__,
                 self._openvino.__version__]
        digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
        # The stages, which may change within a version.
        for path in sorted(Path(__file__).parent.glob('*.py')):
            digest.update(path.read_bytes())
        return f'openvino-{digest.hexdigest()[:32]}'

    def _compile(self, name, stage, folder):
        options = {'PERFORMANCE_HINT': 'LATENCY',
                   'INFERENCE_PRECISION_HINT': self._precision.get(name, 'f32'),
                   # Other work may hold the cores that threads were tied to.
                   'ENABLE_CPU_PINNING': False}
        # OpenVINO reads no such variable: its threads are not those of OpenMP.
        n_threads = os.environ.get('OMP_NUM_THREADS', '')
        if n_threads.isdecimal():
            options['INFERENCE_NUM_THREADS'] = int(n_threads)
        if os.access(folder, os.W_OK):
            options['CACHE_DIR'] = str(folder)
        return self._core.compile_model(stage, 'CPU', options)

    def run(self, name, shape, *args):
        """
        Run a stage; see `photutils_rcnn.models.stages.KerasStages.run`.
        """
        compiled = self._compiled[name].result()
        with self._lock:
            # A request of its own, since it owns what it returns.
            values = compiled.create_infer_request().infer(
                [np.ascontiguousarray(arg) for arg in args], share_inputs=True,
                share_outputs=True)
            # Else the memory of the largest tile would be kept. It is that of all
            # requests, so that no other thread may be running one.
            compiled.release_memory()
        return values.to_tuple()

    @staticmethod
    def to_numpy(array):
        """
        The array itself.
        """
        return array


def _by_need(path):
    return STAGES.index(path.stem) if path.stem in STAGES else len(STAGES)
