# Licensed under a 3-clause BSD style license - see LICENSE
"""
Time and peak memory against the area of a frame and the number of its sources, beside
photutils and sep.

The package, photutils and sep run on the same simulated frames of three bands, one after the
other, each in processes of their own, and end with a catalog (see ``speed.py``, also for
frames of full size). *cold* is a process with its start, imports, files and first pass, on the
wall; *warm* a second pass in the same process, on the wall and in processor time of all cores,
which other work on the machine hardly changes; *memory* the maximum resident set. Lines are
fitted to the processor times against area, with the usual density of sources, and against the
number of sources that the method finds, on one area; ``R2`` near 1 says that it is linear.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import photutils
import speed
from astropy.io import fits

METHODS = {'photutils': 'photutils', 'sep': 'sep', 'rcnn': 'photutils_rcnn'}
SHAPES = ((512, 512), (512, 1024), (1024, 1024), (1024, 2048))
DENSITIES = (0.5, 1.0, 2.0, 4.0)
SHAPE_OF_DENSITIES = (512, 1024)


def run(method, folder, runtime):
    """
    The cold and warm times (s), the peak memory (GiB) and the number of sources.
    """
    command = [sys.executable, speed.__file__, '--worker', method, '--folder', str(folder),
               '--runtime', runtime, '--passes', '2']
    wall, _, memory, text = speed.measure(command)
    result = json.loads(text.splitlines()[-1])
    warm, processor = result['last']
    return wall - warm, warm, processor, memory, result['n_sources']


def cut(whole, folder, shape):
    """
    A corner of a frame as a frame.
    """
    folder.mkdir()
    for band in speed.BANDS:
        image = fits.getdata(whole / f'{band}.fits')[:shape[0], :shape[1]]
        fits.writeto(folder / f'{band}.fits', image)


def fit(x, y):
    """
    The offset, the slope and the coefficient of determination of a line.
    """
    slope, offset = np.polyfit(x, y, 1)
    return offset, slope, 1 - np.var(y - offset - slope * np.asarray(x)) / np.var(y)


def measure(folders, methods, runtime):
    """
    Run all methods on all frames and print them; (frames, 5) arrays by method.
    """
    print(f'{"frame":>16s} {"method":>15s} {"cold s":>8s} {"warm s":>8s} {"cores s":>8s} '
          f'{"GiB":>6s} {"sources":>8s}')
    rows = {method: [] for method in methods}
    for name, folder in folders.items():
        for method in methods:
            values = run(method, folder, runtime)
            rows[method].append(values)
            print(f'{name:>16s} {METHODS[method]:>15s} {values[0]:8.2f} {values[1]:8.2f} '
                  f'{values[2]:8.2f} {values[3]:6.2f} {values[4]:8d}', flush=True)
    return {method: np.array(values) for method, values in rows.items()}


def plot(panels, path):
    """
    Times and memory with their lines.
    """
    import matplotlib as mpl

    mpl.use('agg')
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.6),
                             layout='constrained')
    for ax, (xlabel, ylabel, points) in zip(axes, panels, strict=True):
        for k, (method, (x, y)) in enumerate(points.items()):
            offset, slope, _ = fit(x, y)
            ends = np.array([0, max(x)])
            ax.plot(x, y, 'o', color=f'C{k}', label=METHODS[method])
            ax.plot(ends, offset + slope * ends, color=f'C{k}', lw=1)
        ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, None), ylim=(0, None))
    axes[0].legend(frameon=False)
    fig.savefig(path, dpi=150)


def main():
    """
    Make the frames, run all methods, fit and draw.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--methods', nargs='+', default=list(METHODS), choices=METHODS)
    parser.add_argument('--scale', type=int, default=1,
                        help='a factor on both sides of all frames')
    parser.add_argument('--seed', type=int, default=7_000_000)
    parser.add_argument('--runtime', default='auto', choices=['auto', 'keras', 'openvino'])
    parser.add_argument('--plot', type=Path, default=Path('scaling.png'))
    args = parser.parse_args()
    shapes = [(args.scale * ny, args.scale * nx) for ny, nx in SHAPES]
    shape = tuple(args.scale * side for side in SHAPE_OF_DENSITIES)
    print(f'photutils {photutils.__version__}, {os.cpu_count()} CPUs, {len(speed.BANDS)} bands')
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        (root / 'largest').mkdir()
        speed.make_frame(root / 'largest', shapes[-1], args.seed)
        by_area = {}
        for ny, nx in shapes:
            by_area[f'{ny} x {nx}'] = root / f'{ny}x{nx}'
            cut(root / 'largest', root / f'{ny}x{nx}', (ny, nx))
        by_density = {}
        for density in DENSITIES:
            folder = root / f'density{density}'
            folder.mkdir()
            speed.make_frame(folder, shape, args.seed + 1000, density)
            by_density[f'{density:g} x density'] = folder
        if 'rcnn' in args.methods:  # else the first process converts the network
            run('rcnn', root / f'{shapes[0][0]}x{shapes[0][1]}', args.runtime)
        of_area = measure(by_area, args.methods, args.runtime)
        of_density = measure(by_density, args.methods, args.runtime)
    area = np.prod(shapes, axis=1) / 1e6
    panels = [
        ('area / Mpixel', 'processor time / s', {
            method: (area, rows[:, 2]) for method, rows in of_area.items()}),
        (f'sources found on {shape[0]} x {shape[1]} pixels', 'processor time / s', {
            method: (rows[:, 4], rows[:, 2]) for method, rows in of_density.items()}),
        ('area / Mpixel', 'peak memory / GiB', {
            method: (area, rows[:, 3]) for method, rows in of_area.items()})]
    units = 's per Mpixel', 's per 1000 sources', 'GiB per Mpixel'
    for (*_, points), unit, factor in zip(panels, units, (1, 1000, 1), strict=True):
        for method, (x, y) in points.items():
            offset, slope, r2 = fit(x, y)
            print(f'{METHODS[method]:>15s}: {offset:.2f} + {factor * slope:.3f} {unit}, '
                  f'R2 = {r2:.3f}')
    plot(panels, args.plot)
    print(args.plot)


if __name__ == '__main__':
    main()
