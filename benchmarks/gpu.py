# Licensed under a 3-clause BSD style license - see LICENSE
"""
Time of an image of 512 x 512 pixels in three bands on the device that Keras uses.

The dense part (trunk, pyramid and proposal network) runs on batches of images, as a trainer or a
server of its own would give them; the package itself runs one tile after the other, for which
*whole image* is the time from pixels to sources (``run_inference``) and to a catalog
(``segment``). Times are medians after a first, compiling run, with the copies to and from the
device. Set ``KERAS_BACKEND`` to choose TensorFlow or JAX. Without a GPU the figures are those
of the processor, and the first line says so.
"""

import argparse
import time

import keras
import numpy as np

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.detection.inference import run_inference
from photutils_rcnn.models.compiled import compile_function

BATCHES = (1, 4, 16)


def devices():
    """
    The names of the GPUs that the backend sees.
    """
    if keras.backend.backend() == 'jax':
        import jax

        return [device.device_kind for device in jax.devices() if device.platform == 'gpu']
    import tensorflow as tf

    return [tf.config.experimental.get_device_details(device).get('device_name', device.name)
            for device in tf.config.list_physical_devices('GPU')]


def median_time(run, n_runs):
    """
    The median time of runs after a first one, in ms.
    """
    run()
    times = []
    for _ in range(n_runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def make_image(side):
    """
    Three bands of noise with some Gaussian sources.
    """
    rng = np.random.default_rng(0)
    image = rng.normal(0, 1, (3, side, side)).astype(np.float32)
    y, x = np.indices((25, 25)) - 12
    source = np.exp(-0.5 * (x**2 + y**2) / 2.0**2)
    for flux, (y0, x0) in zip(rng.uniform(5, 200, 100),
                              rng.integers(0, side - 25, (100, 2)), strict=True):
        image[:, y0:y0 + 25, x0:x0 + 25] += flux * source
    return image


def main():
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--side', type=int, default=512)
    parser.add_argument('--batches', type=int, nargs='+', default=BATCHES)
    parser.add_argument('--runs', type=int, default=10)
    args = parser.parse_args()
    names = devices()
    print(f'Keras {keras.__version__} on {keras.backend.backend()}: '
          + (', '.join(names) if names else 'no GPU, figures of the processor'))
    segmenter = RCNNSegmenter(runtime='keras', background=0)
    model = segmenter.model
    network = model.network

    def dense(images):
        outputs = network(images, training=False)
        return outputs['objectness'], outputs['deltas']

    compiled = compile_function(dense)
    cube = make_image(args.side)
    image = np.arcsinh(np.moveaxis(cube, 0, -1)) / 2
    print(f'{"":24s} {"ms per image":>12s}')
    for n in args.batches:
        batch = np.repeat(image[None], n, axis=0)
        duration = median_time(
            lambda batch=batch: [keras.ops.convert_to_numpy(value) for value in compiled(batch)],
            args.runs)
        print(f'{f"dense part, batch of {n}":24s} {duration / n:12.1f}', flush=True)
    for name, run in (
            ('whole image, sources', lambda: run_inference(model, image, psf_fwhm=4.0)),
            ('whole image, catalog', lambda: segmenter.segment(cube).catalog.to_table())):
        print(f'{name:24s} {median_time(run, args.runs):12.1f}', flush=True)


if __name__ == '__main__':
    main()
