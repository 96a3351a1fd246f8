# Licensed under a 3-clause BSD style license - see LICENSE
"""
Time of many frames in one process and in two, of one thread each.

The frames are files of three bands with simulated DECam scenes. *warm* is the time of the
frames once every process has its model, *cold* includes the start of the processes; the
efficiency is the time of one process over that of n times n.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits
from distributed import Client

from photutils_rcnn.distributed import segment_many
from photutils_rcnn.simulation import make_scene

N_SCENES = 8


def make_frames(folder, n_frames, side):
    """
    Cubes of simulated scenes, some of which are shown more than once, shifted.
    """
    scenes = [np.nan_to_num(make_scene('decam', 7_000_000 + k, shape=(side, side)).data)
              for k in range(min(n_frames, N_SCENES))]
    paths = [folder / f'frame{i:03d}.fits' for i in range(n_frames)]
    for i, path in enumerate(paths):
        shift = 64 * (i // N_SCENES)
        fits.writeto(path, np.roll(scenes[i % N_SCENES], shift, axis=-1).astype('f4'))
    return paths


def measure(paths, out, n_workers, runtime):
    """
    Times (s) of all frames, with the start of the processes and without.
    """
    options = {'runtime': runtime, 'progress_bar': False, 'overwrite': True}
    start = time.perf_counter()
    with Client(n_workers=n_workers, threads_per_worker=1, memory_limit=0,
                dashboard_address='localhost:0',
                worker_dashboard_address='localhost:0') as client:
        # more than enough that each process has its first
        segment_many(paths[:4 * n_workers], out=out, client=client, **options)
        warm_up = time.perf_counter()
        manifest = segment_many(paths, out=out, client=client, **options)
        end = time.perf_counter()
    if not (manifest['state'] == 'done').all():
        manifest[manifest['state'] != 'done'].pprint_all()
        msg = 'some frames failed'
        raise SystemExit(msg)
    return end - start, end - warm_up, manifest['seconds'].sum()


def main():
    """
    Make the frames and measure.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-n', '--frames', type=int, default=40)
    parser.add_argument('--side', type=int, default=512)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--runtime', default='auto', choices=['auto', 'keras', 'openvino'])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        paths = make_frames(Path(temporary), args.frames, args.side)
        print(f'{args.frames} frames of {args.side} x {args.side} x 3, {os.cpu_count()} CPUs')
        print(f'{"processes":>9s} {"cold s":>8s} {"warm s":>8s} {"frames s":>9s} '
              f'{"efficiency":>10s} {"load":>6s}')
        single = None
        for n in (1, args.workers):
            cold, warm, frames = measure(paths, Path(temporary) / f'{n}', n, args.runtime)
            single = single or warm
            print(f'{n:9d} {cold:8.1f} {warm:8.1f} {frames:9.1f} {single / (n * warm):10.2f} '
                  f'{os.getloadavg()[0]:6.1f}', flush=True)


if __name__ == '__main__':
    main()
