# Licensed under a 3-clause BSD style license - see LICENSE
"""
Peak memory and time of frames of several sizes, segmented block by block.

A frame is a FITS file of one simulated DECam tile in each of its bands, repeated, with
other noise in each place. It is segmented by another process; the peak is its largest
resident memory (``VmHWM`` of Linux). ``--kill-after`` ends it once so many blocks are
done, for sizes that would take too long.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits

from photutils_rcnn.simulation import make_scene

TILE = 1024
EXTRA_NOISE = 0.3  # of that of the tile, so that no two places are alike

CHILD = """
import sys
from photutils_rcnn.blocks import segment_blocks
paths, out, size = sys.argv[3:], sys.argv[1], int(sys.argv[2])
segment_blocks(paths, out, block_size=size, progress_bar=False, overwrite=True)
"""


def make_frames(folder, side, n_bands):
    """
    The files of a frame, one for each band.
    """
    scene = make_scene('decam', 7_000_000, shape=(TILE, TILE))
    tiles = np.nan_to_num(np.reshape(scene.data, (-1, TILE, TILE)))[:n_bands]
    paths = []
    for band, tile in enumerate(tiles):
        rng = np.random.default_rng(band)
        scale = EXTRA_NOISE * np.median(np.abs(tile - np.median(tile))) / 0.6745
        path = folder / f'band{band}.fits'
        header = fits.PrimaryHDU(np.zeros((1, 1), 'f4')).header
        header['NAXIS1'] = header['NAXIS2'] = side
        with fits.StreamingHDU(path, header) as stream:
            for y in range(0, side, TILE):
                rows = np.hstack([tile] * -(-side // TILE))[:side - y, :side]
                noise = rng.standard_normal(rows.shape, dtype=np.float32)
                stream.write((rows + scale * noise).astype('>f4'))
        paths.append(path)
    return paths


def measure(paths, out, block_size, kill_after):
    """
    The peak memory (GiB), the time (s) and the number of blocks that were done.
    """
    start = time.perf_counter()
    peak, n_done = 0., 0
    with subprocess.Popen([sys.executable, '-c', CHILD, out, str(block_size), *paths]) as child:
        while child.poll() is None:
            try:
                status = Path(f'/proc/{child.pid}/status').read_text()
                peak = int(status.split('VmHWM:')[1].split()[0]) / 2**20
            except (IndexError, OSError):  # it has just ended
                pass
            n_done = max(n_done, len(list(out.glob('*_blocks/*_record.json'))))
            if kill_after and n_done >= kill_after:
                child.kill()
            time.sleep(0.5)
    if child.returncode and not kill_after:
        raise SystemExit(child.returncode)
    return peak, time.perf_counter() - start, n_done


def main():
    """
    Make the frames and measure.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('sides', type=int, nargs='+', help='pixels')
    parser.add_argument('--bands', type=int, default=1, choices=(1, 2, 3))
    parser.add_argument('--block-size', type=int, default=2048)
    parser.add_argument('--kill-after', type=int, metavar='BLOCKS')
    parser.add_argument('--folder', type=Path, help='where the frames lie meanwhile')
    args = parser.parse_args()
    print(f'{"side":>6s} {"bands":>5s} {"peak GiB":>8s} {"time s":>8s} {"blocks":>6s} '
          f'{"load":>5s}')
    for side in args.sides:
        folder = Path(tempfile.mkdtemp(dir=args.folder))
        try:
            paths = make_frames(folder, side, args.bands)
            peak, seconds, n_done = measure(paths, folder / 'out', args.block_size,
                                            args.kill_after)
            print(f'{side:6d} {args.bands:5d} {peak:8.2f} {seconds:8.1f} {n_done:6d} '
                  f'{os.getloadavg()[0]:5.1f}', flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == '__main__':
    main()
