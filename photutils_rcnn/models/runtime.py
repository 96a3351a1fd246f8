# Licensed under a 3-clause BSD style license - see LICENSE
"""
Choice of the inference runtime.
"""

__all__ = ['RUNTIMES', 'choose_runtime']

from importlib.util import find_spec

from photutils_rcnn.models.keras_backend import configured_backend

RUNTIMES = ('auto', 'keras', 'openvino')


def choose_runtime(runtime, model):
    """
    What runs a model.

    Parameters
    ----------
    runtime : {'auto', 'keras', 'openvino'}
        What is asked for. ``'auto'`` is OpenVINO if it is installed, the model is one
        of this package's and Keras was given no other backend than TensorFlow or
        OpenVINO, else Keras.
    model : `~photutils_rcnn.models.model.Model`
        The model.

    Returns
    -------
    runtime : {'keras', 'openvino'}
        The choice.

    Raises
    ------
    ImportError
        If OpenVINO is asked for and not installed.
    ValueError
        If there is no such runtime, or OpenVINO is asked for and the model has an
        inference of its own.
    """
    if runtime not in RUNTIMES:
        msg = f'runtime must be one of {RUNTIMES}, got {runtime!r}'
        raise ValueError(msg)
    is_installed, is_own = find_spec('openvino') is not None, model.detect is None
    if runtime == 'auto':
        is_free = configured_backend() in ('tensorflow', 'openvino')
        return 'openvino' if is_installed and is_own and is_free else 'keras'
    if runtime == 'openvino' and not is_own:
        msg = (f"runtime must be 'auto' or 'keras' for the model {model.name!r}, whose "
               "inference is its own, got 'openvino'")
        raise ValueError(msg)
    if runtime == 'openvino' and not is_installed:
        msg = ("runtime='openvino' needs the package openvino: "
               "pip install 'photutils_rcnn[fast]'")
        raise ImportError(msg)
    return runtime
