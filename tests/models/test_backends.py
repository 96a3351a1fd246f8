# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the network on other backends of Keras.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import keras
import numpy as np
from tiny_network import make_batch, tiny_config
from photutils_rcnn.inference import run_inference
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.zoo import Model, get_weights
config = tiny_config()
images, truth = make_batch(config)
network = MaskRCNN(config)
network.compile(optimizer=keras.optimizers.Adam(3e-3))
losses = [float(network.train_on_batch(images, truth)[0]) for _ in range(12)]
assert np.isfinite(losses).all(), losses
network.reset_metrics()
assert float(network.train_on_batch(images, truth)[0]) < losses[0], losses
settings = {'name': 'tiny', 'network': config.to_dict(), 'halo': 48,
            'thresholds': {'objectness': 0.0, 'score': 0.01}}
model = Model(settings, get_weights(network), 'float32')
instances = run_inference(model, images[0])
assert len(instances) > 0
assert instances.paint()[0].shape == images.shape[1:3]
"""


@pytest.mark.parametrize('backend', ['jax', 'torch'])
def test_other_backend(backend):
    """
    Training and inference run with the same code.
    """
    pytest.importorskip(backend, reason=f'{backend} is another backend of '
                        'Keras, which the package does not need')
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests.parent),
                            os.environ.get('PYTHONPATH', '')])
    environment = {**os.environ, 'KERAS_BACKEND': backend,
                   'JAX_PLATFORMS': 'cpu', 'PYTHONPATH': path}
    done = subprocess.run([sys.executable, '-c', SCRIPT], text=True,
                          env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
