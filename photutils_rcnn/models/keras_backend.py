# Licensed under a 3-clause BSD style license - see LICENSE
"""
The backend of Keras: which one it will be, and whether it is installed.
"""

__all__ = ['configured_backend', 'import_for_conversion', 'require_backend']

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path


def configured_backend():
    """
    The backend that Keras is told to use, without importing it.

    Returns
    -------
    backend : str
        That of the environment variable ``KERAS_BACKEND``, of Keras' file ``keras.json``, or
        ``'tensorflow'``, the default of Keras.
    """
    if os.environ.get('KERAS_BACKEND'):
        return os.environ['KERAS_BACKEND']
    folder = os.environ.get('KERAS_HOME') or Path.home() / '.keras'
    try:
        return json.loads((Path(folder) / 'keras.json').read_text())['backend']
    except (OSError, ValueError, KeyError, TypeError):  # Keras takes its defaults, too
        return 'tensorflow'


def require_backend():
    """
    Check that Keras and its backend are installed, unless it is imported already.

    Raises
    ------
    ImportError
        If one is not; the message says what to do.
    """
    if sys.modules.get('keras'):
        return
    for package in ('keras', configured_backend()):
        if find_spec(package) is None:
            msg = (f'Keras and a backend are needed to build the network, and {package} is not '
                   'installed: pip install keras tensorflow, or keras jax with the environment '
                   'variable KERAS_BACKEND=jax, or, to find sources on a processor without '
                   'either, keras openvino')
            raise ImportError(msg)


def import_for_conversion():
    """
    Import Keras to convert a network to OpenVINO.

    Without TensorFlow its backend is OpenVINO, too, in this process.
    """
    if (not sys.modules.get('keras') and configured_backend() == 'tensorflow'
            and find_spec('tensorflow') is None):
        before = os.environ.get('KERAS_BACKEND')
        os.environ['KERAS_BACKEND'] = 'openvino'  # read at the import
        try:
            if find_spec('keras') is not None:
                import keras  # noqa: F401
        finally:
            del os.environ['KERAS_BACKEND']
            if before is not None:
                os.environ['KERAS_BACKEND'] = before
    require_backend()
