# Licensed under a 3-clause BSD style license - see LICENSE
"""
Time and peak memory on a large simulated frame, beside photutils and sep.

Each method runs in processes of its own, reads the same FITS files and ends
with a catalog. Times are of the whole process (start-up, imports and files
included) and of a second pass in a warm process, on the wall and of all processor
cores; memory is the maximum resident set of the whole process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import cache, partial
from pathlib import Path

import numpy as np
from astropy.io import fits

BANDS = ('g', 'r', 'z')
TILE = 512


def make_frame(folder, shape, seed, density=1.0):
    """
    Tile simulated DECam scenes of different seeds to one frame per band, with so many times
    their usual sources.
    """
    from photutils_rcnn.simulation import make_scene
    from photutils_rcnn.simulation.presets import draw_settings

    rows, cols = (-(-side // TILE) for side in shape)
    frame = np.zeros((len(BANDS), rows * TILE, cols * TILE), np.float32)
    n_sources = 0
    for k in range(rows * cols):
        usual = draw_settings('decam', np.random.default_rng(seed + k))
        scene = make_scene('decam', seed + k, n_galaxies=density * usual.n_galaxies,
                           n_stars=density * usual.n_stars)
        i, j = divmod(k, cols)
        frame[:, i * TILE:(i + 1) * TILE,
              j * TILE:(j + 1) * TILE] = np.nan_to_num(scene.data)
        n_sources += int((~np.asarray(scene.truth['ignore'], bool)).sum())
    for band, image in zip(BANDS, frame[:, :shape[0], :shape[1]],
                           strict=True):
        fits.writeto(folder / f'{band}.fits', image, overwrite=True)
    return n_sources


def read_frame(folder):
    """
    The bands as one native float32 cube.
    """
    return np.stack([fits.getdata(Path(folder) / f'{band}.fits').astype(
        np.float32) for band in BANDS])


def combine(cube, backgrounds, rms):
    """
    The mean signal-to-noise of the bands with unit noise.
    """
    return sum((band - back) / noise for band, back, noise in zip(
        cube, backgrounds, rms, strict=True)) / np.sqrt(len(cube))


def run_photutils(cube):
    """
    Background2D per band, SourceFinder, SourceCatalog.to_table.
    """
    import photutils
    from astropy.convolution import convolve
    from photutils.background import Background2D
    from photutils.segmentation import (
        SourceCatalog,
        SourceFinder,
        make_2dgaussian_kernel,
    )

    from photutils_rcnn.evaluation.baselines import SOURCE_FINDER_KEYWORDS

    levels = [Background2D(band, 64, filter_size=3) for band in cube]
    image = combine(cube, [b.background for b in levels],
                    [b.background_rms for b in levels])
    kernel = make_2dgaussian_kernel(4.0, size=9)
    convolved = convolve(image, kernel, boundary='extend')
    segm = SourceFinder(n_pixels=10, **SOURCE_FINDER_KEYWORDS)(convolved, 1.5)
    reference = cube[1] - levels[1].background
    with photutils.use_future_column_names():
        return len(SourceCatalog(reference, segm,
                                 convolved_data=convolved).to_table())


def run_sep(cube):
    """
    Background per band and extract.
    """
    import sep

    levels = [sep.Background(np.ascontiguousarray(band)) for band in cube]
    image = combine(cube, [b.back() for b in levels],
                    [b.rms() for b in levels])
    sep.set_extract_pixstack(image.size)
    return len(sep.extract(np.ascontiguousarray(image), 1.5, err=1.0,
                           segmentation_map=True)[0])


@cache
def make_segmenter(runtime):
    """
    One segmenter for all passes of a process.
    """
    from photutils_rcnn import RCNNSegmenter

    return RCNNSegmenter(runtime=runtime)


def run_rcnn(cube, runtime):
    """
    RCNNSegmenter.segment and the table of its catalog.
    """
    import photutils

    _, catalog = make_segmenter(runtime).segment(cube, bands=BANDS)
    with photutils.use_future_column_names():
        return len(catalog.to_table())


def worker(name, folder, n_passes, runtime):
    """
    Time the passes of one method and print them as JSON.
    """
    run = {'photutils': run_photutils, 'sep': run_sep,
           'rcnn': partial(run_rcnn, runtime=runtime)}[name]
    cube = read_frame(folder)
    for _ in range(n_passes):
        start = time.perf_counter(), time.process_time()
        n_sources = run(cube)
        last = time.perf_counter() - start[0], time.process_time() - start[1]
    print(json.dumps({'last': last, 'n_sources': n_sources}))


def measure(command):
    """
    Wall time and processor time (s), peak memory (GiB) and output of a process.
    """
    start = time.perf_counter()
    # wait4 gives the peak of this child alone, not of all so far
    with tempfile.TemporaryFile('w+') as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        out.seek(0)
        text = out.read()
    if process.returncode:
        msg = f'{command} failed with status {process.returncode}'
        raise SystemExit(msg)
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20, text


def report(folder, methods, runtime):
    """
    Run all methods and print a table with ratios to photutils.
    """
    rows = {}
    for name in methods:
        command = [sys.executable, __file__, '--worker', name, '--folder',
                   str(folder), '--runtime', runtime]
        *once, memory, _ = measure([*command, '--passes', '1'])
        *_, text = measure([*command, '--passes', '2'])
        result = json.loads(text.splitlines()[-1])
        rows[name] = (*once, *result['last'], memory, result['n_sources'])
    if 'rcnn' in methods:
        files = [str(folder / f'{band}.fits') for band in BANDS]
        *once, memory, _ = measure(['photutils-rcnn', 'segment', *files, '-o',
                                    str(folder / 'out'), '--overwrite',
                                    '--runtime', runtime])
        rows['photutils-rcnn segment'] = (*once, np.nan, np.nan, memory, -1)
    base = rows.get('photutils', (np.nan,) * 4)
    heads = ''.join(f'{head:>10s} {"ratio":>6s}' for head in
                    ('process s', 'cores s', 'warm s', 'cores s'))
    print(f'{"method":24s} {heads} {"peak GiB":>9s} {"sources":>8s}')
    for name, (*times, memory, n) in rows.items():
        values = ''.join(f'{value:10.2f} {value / other:6.2f}'
                         for value, other in zip(times, base, strict=False))
        count = str(n) if n >= 0 else '-'
        print(f'{name:24s} {values} {memory:9.2f} {count:>8s}')


def main():
    """
    Make the frame and compare.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--shape', type=int, nargs=2, default=(2048, 4096))
    parser.add_argument('--seed', type=int, default=7_000_000)
    parser.add_argument('--methods', nargs='+',
                        default=['photutils', 'sep', 'rcnn'],
                        choices=['photutils', 'sep', 'rcnn'])
    parser.add_argument('--runtime', default='auto',
                        choices=['auto', 'keras', 'openvino'])
    parser.add_argument('--folder', type=Path,
                        help='keep (or reuse) the frame in this folder')
    parser.add_argument('--worker', help=argparse.SUPPRESS)
    parser.add_argument('--passes', type=int, default=1,
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker, args.folder, args.passes, args.runtime)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not all((folder / f'{band}.fits').exists() for band in BANDS):
            n_sources = make_frame(folder, args.shape, args.seed)
            print(f'{n_sources} detectable sources in the frame')
        import photutils

        print(f'photutils {photutils.__version__}, {os.cpu_count()} CPUs, '
              f'frame {len(BANDS)} x {args.shape[0]} x {args.shape[1]}')
        report(folder, args.methods, args.runtime)


if __name__ == '__main__':
    main()
