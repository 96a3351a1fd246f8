# Licensed under a 3-clause BSD style license - see LICENSE
"""
Recall and precision of pixels of artifacts, beside astroscrappy (L.A.Cosmic).

    python benchmarks/artifacts.py [--scenes 30] [--real cosmic_rays_itl_2017.fits.gz]

Cosmic rays of `decam` scenes, and real ones (pixel lists of imSim, LSST DESC) added to
scenes without any; pixels count that got more charge than twice the noise of the sky, but
for masked ones. Background, noise and PSF are measured. Presets without cosmic rays show how many
pixels of sources are found. astroscrappy gets electrons with the sky added back, the
true saturated pixels and those within two of them as masked, the PSF that was measured where
its mode takes one, and is at its defaults otherwise.
"""

import argparse
import time

import astroscrappy
import numpy as np
from astropy.table import Table
from scipy import ndimage

from photutils_rcnn.detection.artifacts import find_artifacts
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import normalize_cube
from photutils_rcnn.preprocessing.psf import find_psf_stars
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.sources.artifacts import ARTIFACT_KINDS

COSMIC_RAY = ARTIFACT_KINDS['cosmic_ray']
TRAIL = ARTIFACT_KINDS['satellite_trail']
SATURATED = ARTIFACT_KINDS['saturated']
N_REAL = 12  # for each band
OTHERS = ('hst', 'euclid', 'sdss', 'universal', 'hsc', 'decam-deep')


def with_real(scene, rays, rng):
    """
    Add real cosmic rays to a scene, in place.
    """
    ids = np.unique(rays['fp_id'])
    ny, nx = scene.mask.shape
    for data, kinds, sigma in zip(scene.data, scene.artifacts, scene.noise, strict=True):
        charge = np.zeros(scene.mask.shape)
        for number in rng.choice(ids, N_REAL):
            rows = rays[rays['fp_id'] == number]
            y0, x0 = rng.integers(ny), rng.integers(nx)
            for row in rows:
                y = y0 + row['y0'] - rows['y0'][0]
                x = x0 + row['x0'] - rows['x0'][0] + np.arange(len(row['pixel_values']))
                inside = (0 <= y < ny) & (x >= 0) & (x < nx)
                charge[np.clip(y, 0, ny - 1), x[inside]] += row['pixel_values'][inside]
        data += charge
        kinds[charge > 2 * sigma] |= COSMIC_RAY


def measure(scene):
    """
    What each method finds: {method: (n_bands, ny, nx) masks}, and its seconds.
    """
    frame = normalize_cube(prepare_inputs(scene.data, mask=scene.mask)).frame
    fwhm, _ = find_psf_stars(frame.snr, frame.cube.invalid)
    start = time.process_time()
    found = {'photutils_rcnn': find_artifacts(frame, fwhm).masks}
    seconds = {'photutils_rcnn': time.process_time() - start}
    closed = [scene.mask | ndimage.binary_dilation(
        kinds & SATURATED > 0, np.ones((3, 3)), iterations=2) for kinds in scene.artifacts]
    for mode in ('median', 'convolve'):
        start = time.process_time()
        # the sky has all of the noise: that of reading, too
        masks = [astroscrappy.detect_cosmics(
            data + noise**2, inmask=bad, readnoise=0., satlevel=np.inf, fsmode=mode,
            psffwhm=width, psfsize=2 * int(np.ceil(2 * width)) + 1)[0]
                 for data, bad, noise, width in zip(
                     scene.data, closed, scene.noise, fwhm, strict=True)]
        name = f'astroscrappy, {mode}'
        found[name] = np.where(masks, COSMIC_RAY, 0).astype(np.uint8)
        seconds[name] = time.process_time() - start
    return found, seconds


def report(scenes, kind=COSMIC_RAY, methods=None):
    """
    Print a table of all methods for some scenes.
    """
    counts, times, n_pixels = {}, {}, 0
    for scene in scenes:
        found, seconds = measure(scene)
        truth = (scene.artifacts & kind > 0) & ~scene.mask
        sources = np.zeros(scene.mask.shape, dtype=bool)
        sources[scene.footprints.pixels()[1:]] = True
        sources = sources & (scene.artifacts & (COSMIC_RAY | TRAIL | SATURATED) == 0)
        n_pixels += scene.data.size
        for name in methods or found:
            mask = (found[name] & kind > 0) & ~scene.mask
            counts[name] = counts.get(name, 0) + np.array([
                np.sum(mask & truth), np.sum(truth), np.sum(mask),
                np.sum(mask & sources), np.sum(sources)])
            times[name] = times.get(name, 0) + seconds[name]
    for name, (both, true, found, wrong, source) in counts.items():
        print(f'  {name:24} recall {both / max(true, 1):.3f} of {true:5}  '
              f'precision {both / max(found, 1):.3f} of {found:5}  '
              f'of source pixels {100 * wrong / source:.4f} %  '
              f'{1e6 * times[name] / n_pixels:.2f} s per megapixel and band', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--scenes', type=int, default=30)
    parser.add_argument('--first-seed', type=int, default=9000000)
    parser.add_argument('--real', help='the file of real cosmic rays')
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.scenes)
    few = seeds[:max(args.scenes // 5, 1)]
    print('decam')
    report(make_scene('decam', seed) for seed in seeds)
    if args.real:
        rays = Table.read(args.real)
        scenes = [make_scene('decam', seed, n_cosmic_rays=0.) for seed in seeds]
        for scene in scenes:
            with_real(scene, rays, np.random.default_rng(scene.seed))
        print('decam, real cosmic rays')
        report(scenes)
    print('decam, saturated pixels')
    report((make_scene('decam', seed) for seed in seeds), SATURATED, ['photutils_rcnn'])
    print('decam, satellite trails')
    report((make_scene('decam', seed, trail=True) for seed in few), TRAIL, ['photutils_rcnn'])
    for preset in OTHERS:
        print(f'{preset}, without cosmic rays')
        report(make_scene(preset, seed, n_cosmic_rays=0.) for seed in few)


if __name__ == '__main__':
    main()
