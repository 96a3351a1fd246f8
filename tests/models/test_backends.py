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
from photutils_rcnn.detection.inference import run_inference
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.model import Model
from photutils_rcnn.models.weights import get_weights
config = tiny_config()
images, truth = make_batch(config)
network = MaskRCNN(config)
network.compile(optimizer=keras.optimizers.Adam(3e-3))
losses = [float(network.train_on_batch(images, truth)[0]) for _ in range(12)]
assert np.isfinite(losses).all(), losses
network.reset_metrics()
assert float(network.train_on_batch(images, truth)[0]) < losses[0], losses
settings = {'name': 'tiny', 'network': config.network.to_dict(), 'halo': 48,
            'thresholds': {'objectness': 0.0, 'score': 0.01}}
model = Model(settings, get_weights(network), 'float32')
instances = run_inference(model, images[0])
assert len(instances) > 0
assert instances.paint()[0].shape == images.shape[1:3]
"""

# The steps of the package against those of Keras.
STEPS = """
import keras
import numpy as np
from tiny_network import make_batch, tiny_config
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.training.steps import JaxSteps
batch = make_batch(tiny_config())
rates = [1e-3, 3e-3, 2e-3, 1e-3]
def learn(own):
    keras.utils.set_random_seed(1)
    network = MaskRCNN(tiny_config(), seed=1)
    optimizer = keras.optimizers.AdamW(1.0)
    network.compile(optimizer=optimizer)
    optimizer.build(network.trainable_variables)
    steps = JaxSteps(network)
    losses = []
    for i, rate in enumerate(rates):
        if i == 2:
            # Validation comes between, which draws random numbers too.
            steps.store()
            network.test_on_batch(*batch)
            network.reset_metrics()
        if own:
            steps.reset_metrics()
            losses.append(steps.take(steps.prepare(batch), rate))
        else:
            network.reset_metrics()
            optimizer.learning_rate = rate
            losses.append(network.train_on_batch(*batch, return_dict=True))
    steps.store()
    variables = [*network.variables, *optimizer.variables]
    return losses, [np.asarray(variable) for variable in variables]
losses, variables = learn(True)
wanted_losses, wanted = learn(False)
for one, other in zip(losses, wanted_losses, strict=True):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(float(one[name]), float(other[name]),
                                   rtol=1e-5)
for one, other in zip(variables, wanted, strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
"""


def run_script(backend, script):
    """
    Run a script with another backend, which needs an own process.
    """
    pytest.importorskip(backend, reason=f'{backend} is another backend of '
                        'Keras, which the package does not need')
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests.parent),
                            os.environ.get('PYTHONPATH', '')])
    environment = {**os.environ, 'KERAS_BACKEND': backend,
                   'JAX_PLATFORMS': 'cpu', 'PYTHONPATH': path}
    done = subprocess.run([sys.executable, '-c', script], text=True,
                          env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('backend', ['jax', 'torch'])
def test_other_backend(backend):
    """
    Training and inference run with the same code.
    """
    run_script(backend, SCRIPT)


def test_steps_in_jax():
    """
    Steps whose state stays in JAX learn what those of Keras do.
    """
    run_script('jax', STEPS)
