# Licensed under a 3-clause BSD style license - see LICENSE
"""
The stages of inference in OpenVINO, without Keras.
"""

__all__ = ['OpenVINOStages', 'import_openvino']

import hashlib
import json
import os
import sys
import threading
from collections import Counter, OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import photutils_rcnn
from photutils_rcnn._user_cache import cached_folder, remove_folder
from photutils_rcnn.models.keras_backend import import_for_conversion
from photutils_rcnn.models.processor import has_fast_bfloat16

# In the order in which a frame needs them; then those of attributes, if there are any.
STAGES = ('sample', 'dense', 'classify', 'profile', 'mask')
NAMES = 'stages.json'  # of the files of a folder
# Stages of sources take so many at once: what is between input and output stays in the
# cache of a processor.
N_ROWS = 64
# Compiled for its shape, the dense part takes half of the time, after 0.3 s for that: it
# pays for shapes of which so many pixels were seen.
WORTH_COMPILING = 2_000_000
MAX_SHAPES = 2  # that are kept


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

    n_rows = N_ROWS

    def __init__(self, model):
        self._openvino = import_openvino()
        self._core = self._openvino.Core()
        precision = (model.precision or model.settings.get('precision')
                     or ('mixed_bfloat16' if has_fast_bfloat16() else 'float32'))
        # Positions in pixels, in the other stages, need all bits of float32.
        self._precision = {'dense': 'bf16' if precision == 'mixed_bfloat16' else 'f32'}
        self._lock = threading.Lock()
        self._seen = Counter()  # pixels of each shape
        self._of_shape = OrderedDict()  # the dense part, that used last at the end
        folder, stages = self._read(model)
        self._dense = stages['dense'].clone()
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
            import_for_conversion()
            from photutils_rcnn.models.openvino_export import export_stages

            export_stages(model, folder)
            names = sorted((path.stem for path in folder.glob('*.xml')), key=_by_need)
            (folder / NAMES).write_text(json.dumps(names))

        def read(folder):
            return {name: self._core.read_model(folder / f'{name}.xml')
                    for name in json.loads((folder / NAMES).read_text())}

        name = self._cache_name(model)
        folder = cached_folder(name, write)
        try:
            return folder, read(folder)
        except (OSError, RuntimeError, ValueError):  # damaged, or some are missing
            remove_folder(folder)
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

    def _compile(self, name, stage, folder=None):
        options = {'PERFORMANCE_HINT': 'LATENCY',
                   'INFERENCE_PRECISION_HINT': self._precision.get(name, 'f32'),
                   # Other work may hold the cores that threads were tied to.
                   'ENABLE_CPU_PINNING': False}
        # OpenVINO reads no such variable: its threads are not those of OpenMP.
        n_threads = os.environ.get('OMP_NUM_THREADS', '')
        if n_threads.isdecimal():
            options['INFERENCE_NUM_THREADS'] = int(n_threads)
        if folder is not None and os.access(folder, os.W_OK):
            try:
                return self._core.compile_model(stage, 'CPU', {
                    **options, 'CACHE_DIR': str(folder)})
            except RuntimeError:  # another process writes the same file
                pass
        return self._core.compile_model(stage, 'CPU', options)

    def run(self, name, shape, *args):
        """
        Run a stage; see `photutils_rcnn.models.stages.KerasStages.run`.
        """
        args = [np.ascontiguousarray(arg) for arg in args]
        with self._lock:
            compiled = self._dense_of_shape(*args) if name == 'dense' else None
            compiled = compiled or self._compiled[name].result()
            # A request of its own, since it owns what it returns and is given.
            values = compiled.create_infer_request().infer(
                args, share_inputs=True, share_outputs=True)
            if name == 'dense':
                # Else the memory of the largest tile would be kept. It is that of all
                # requests, so that no other thread may be running one.
                compiled.release_memory()
        return values.to_tuple()

    def _dense_of_shape(self, *args):
        """
        The dense part, compiled for the shapes of its arguments, if that pays.
        """
        shape = args[0].shape
        if shape not in self._of_shape:
            self._seen[shape] += args[0].size // shape[-1]
            if self._seen[shape] < WORTH_COMPILING:
                return None
            stage = self._dense.clone()
            stage.reshape({i: arg.shape for i, arg in enumerate(args)})
            self._of_shape[shape] = self._compile('dense', stage)
            if len(self._of_shape) > MAX_SHAPES:
                self._of_shape.popitem(last=False)
        self._of_shape.move_to_end(shape)
        return self._of_shape[shape]

    @staticmethod
    def to_numpy(array):
        """
        The array itself.
        """
        return array


def _by_need(name):
    return STAGES.index(name) if name in STAGES else len(STAGES)
