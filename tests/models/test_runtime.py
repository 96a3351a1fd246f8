# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the choice of a runtime.
"""

from types import SimpleNamespace

import pytest

from photutils_rcnn.models import runtime as module
from photutils_rcnn.models.runtime import choose_runtime

OWN = SimpleNamespace(name='own', detect=None)
GUEST = SimpleNamespace(name='guest', detect=print)


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.delenv('KERAS_BACKEND', raising=False)
    monkeypatch.setattr(module, 'find_spec', lambda name: object())


@pytest.fixture
def not_installed(monkeypatch):
    monkeypatch.setattr(module, 'find_spec', lambda name: None)


def test_installed(installed, monkeypatch):
    """
    OpenVINO runs the package's own models, unless another backend was chosen.
    """
    assert choose_runtime('auto', OWN) == 'openvino'
    assert choose_runtime('auto', GUEST) == 'keras'
    assert choose_runtime('keras', OWN) == 'keras'
    with pytest.raises(ValueError, match="'keras' for the model 'guest'"):
        choose_runtime('openvino', GUEST)
    monkeypatch.setenv('KERAS_BACKEND', 'jax')
    assert choose_runtime('auto', OWN) == 'keras'


def test_not_installed(not_installed):
    assert choose_runtime('auto', OWN) == 'keras'
    with pytest.raises(ImportError, match=r'photutils_rcnn\[fast\]'):
        choose_runtime('openvino', OWN)


def test_unknown(installed):
    with pytest.raises(ValueError, match="got 'onnx'"):
        choose_runtime('onnx', OWN)
