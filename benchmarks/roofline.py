# Licensed under a 3-clause BSD style license - see LICENSE
"""
Share of the processor's matrix rate that the dense part of the network reaches.

The dense part is trunk, pyramid and proposal network, on one tile. Its rate is the
operations of its convolutions over the time of the whole, copies and all. The
processor's is the highest of large matrix products and convolutions in the same
precision. Both are in OpenVINO and in processor time, that of all threads, so that other
work on the machine hardly matters.
"""

import argparse
import time

import numpy as np

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.models.openvino_stages import import_openvino

MATRICES = (1024, 2048, 4096)  # sides
CONVOLUTIONS = (64, 128, 256)  # channels, 3 x 3, on 128 x 128 pixels
N_PIXELS = 128


def best_time(run, n_runs):
    """
    The least processor time of several runs after a first one, in seconds.
    """
    run()
    times = []
    for _ in range(n_runs):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def count_operations(model):
    """
    The multiplications and additions of the convolutions of a model of fixed shape.
    """
    total = 0
    for node in model.get_ops():
        if node.get_type_name() == 'Convolution':
            filters = node.input(1).get_shape()  # (outputs, inputs, ky, kx)
            total += 2 * np.prod(filters[1:]) * np.prod(node.output(0).get_shape())
    return int(total)


def peak_rate(openvino, precision, n_runs):
    """
    The operations per second of processor time of some products and convolutions.
    """
    ops = openvino.opset13
    core, rng = openvino.Core(), np.random.default_rng(0)
    rates = {}

    def measure(name, shape, weights, make, n_operations):
        given = ops.parameter(shape, np.float32)
        model = openvino.Model([make(given, ops.constant(
            rng.normal(size=weights).astype(np.float32)))], [given])
        compiled = core.compile_model(model, 'CPU', {
            'INFERENCE_PRECISION_HINT': precision, 'ENABLE_CPU_PINNING': False})
        request = compiled.create_infer_request()
        values = rng.normal(size=shape).astype(np.float32)
        seconds = best_time(lambda: request.infer([values], share_inputs=True,
                                                  share_outputs=True), n_runs)
        rates[name] = n_operations / seconds

    for side in MATRICES:
        measure(f'product of {side} x {side}', (side, side), (side, side),
                lambda a, b: ops.matmul(a, b, False, False), 2 * side**3)
    for n in CONVOLUTIONS:
        measure(f'convolution of {n} channels', (1, n, N_PIXELS, N_PIXELS), (n, n, 3, 3),
                lambda a, b: ops.convolution(a, b, [1, 1], [1, 1], [1, 1], [1, 1]),
                2 * 9 * n**2 * N_PIXELS**2)
    return rates


def main():
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--shape', type=int, nargs=2, default=(2048, 2272),
                        help='shape of the tile')
    parser.add_argument('-n', type=int, default=5, help='number of runs')
    args = parser.parse_args()
    openvino = import_openvino()
    detector = RCNNSegmenter(runtime='openvino').model.detector
    stages = detector._stages
    n_bands = detector.config.n_bands
    model = stages._dense.clone()
    model.reshape({0: [1, *args.shape, n_bands], 1: [-1, 4]})
    n_operations = count_operations(model)
    image = np.random.default_rng(0).normal(size=(*args.shape, n_bands)).astype(np.float32)
    seconds = best_time(lambda: detector.dense(image), args.n)
    precision = stages._precision['dense']
    rates = peak_rate(openvino, precision, args.n)
    for name, rate in rates.items():
        print(f'{name:32s} {rate / 1e9:8.0f} GFLOP/s')
    rate = n_operations / seconds
    print(f'{"dense part":32s} {rate / 1e9:8.0f} GFLOP/s, {n_operations / 1e9:.0f} GFLOP '
          f'in {seconds:.2f} s of one core, {precision}\n'
          f'{"share of the highest":32s} {rate / max(rates.values()):8.2f}')


if __name__ == '__main__':
    main()
