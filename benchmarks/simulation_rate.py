# Licensed under a 3-clause BSD style license - see LICENSE
"""
How fast scenes are simulated: sources per second on one core.

*drawn* counts all sources that shed light, also those outside the frame and
below the noise, *listed* those in the truth. The time is that of the
processor, noise, artifacts and truth included, so that other programs on the
machine hardly matter.
"""

import os

for variable in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS',
                 'MKL_NUM_THREADS'):
    os.environ[variable] = '1'

import argparse  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402

from photutils_rcnn.simulation import (  # noqa: E402
    PRESETS,
    draw_settings,
    make_scene,
)
from photutils_rcnn.simulation.layout import draw_population  # noqa: E402

# a whole frame of it holds thousands of sources
SHAPES = {'decam-deep': (128, 128)}


def count_drawn(preset, seed, overrides):
    """
    The number of sources that `make_scene` draws for a seed.
    """
    rng = np.random.default_rng(seed)
    return len(draw_population(draw_settings(preset, rng, **overrides), rng))


def measure(preset, n_scenes, seed):
    """
    Sources drawn and listed, and seconds of one core, per scene.
    """
    overrides = {'shape': SHAPES[preset]} if preset in SHAPES else {}
    seeds = range(seed, seed + n_scenes)
    make_scene(preset, seed + n_scenes, **overrides)  # fills the caches
    start = time.process_time()
    listed = sum(len(make_scene(preset, s, **overrides).truth)
                 for s in seeds)
    seconds = time.process_time() - start
    drawn = sum(count_drawn(preset, s, overrides) for s in seeds)
    return drawn / n_scenes, listed / n_scenes, seconds / n_scenes


def main():
    """
    Print one line per preset.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('presets', nargs='*', default=PRESETS,
                        metavar='PRESET',
                        help=f'default: all of {", ".join(PRESETS)}')
    parser.add_argument('-n', '--n-scenes', type=int, default=5,
                        help='scenes per preset (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=100,
                        help='seed of the first one (default: %(default)s)')
    args = parser.parse_args()
    print(f'{"preset":<11} {"drawn":>7} {"listed":>7} {"s/scene":>8} '
          f'{"drawn/s":>8} {"listed/s":>9}')
    for preset in args.presets:
        drawn, listed, seconds = measure(preset, args.n_scenes, args.seed)
        print(f'{preset:<11} {drawn:>7.0f} {listed:>7.0f} {seconds:>8.2f} '
              f'{drawn / seconds:>8.0f} {listed / seconds:>9.0f}',
              flush=True)


if __name__ == '__main__':
    main()
