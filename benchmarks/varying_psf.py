# Licensed under a 3-clause BSD style license - see LICENSE
"""
Stars and galaxies in a simulated frame whose PSF widens from left to right.

How many of the sources with a signal-to-noise ratio above 30 get the right class in each
third of the frame, with one PSF, with the trend that is measured, and with the true PSF
given.
"""

import argparse
from unittest import mock

import galsim
import numpy as np
from astropy.nddata import NDData
from photutils.psf import GriddedPSFModel, MoffatPSF
from scipy.spatial import KDTree

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.preprocessing.psf import find_psf_stars

SHAPE = 1200, 2400
N_STARS, N_GALAXIES = 350, 500
FWHM, BETA = 3.2, 3.0  # at the left edge
BANDS = np.array([1.08, 1.0, 0.95])  # the FWHM of each, relative
OVERSAMPLING = 3
GSPARAMS = galsim.GSParams(folding_threshold=2e-2, maxk_threshold=1e-2)


def make_frame(rise, rng):
    """
    Three bands in units of their noise, and x, y, whether it is a star, and S/N.
    """
    ny, nx = SHAPE
    image = rng.normal(size=(len(BANDS), ny, nx)).astype(np.float32)
    rows = []
    for i in range(N_STARS + N_GALAXIES):
        is_star = i < N_STARS
        x, y = rng.uniform(20, nx - 20), rng.uniform(20, ny - 20)
        fwhm = FWHM * (1 + rise * x / nx)
        snr = 10**rng.uniform(1.3, 3)
        radius = 0 if is_star else FWHM * rng.uniform(0.25, 1.6)
        shear = galsim.Shear(e=rng.uniform(0, 0.5), beta=rng.uniform(0, np.pi) * galsim.radians)
        half = int(4 * fwhm + 4 * radius) + 8
        col, row = round(x), round(y)
        # beyond the frame nothing is seen
        rows_seen, cols_seen = (slice(max(at - half, 0), min(at + half + 1, n))
                                for at, n in ((row, ny), (col, nx)))
        stamp_rows, stamp_cols = (slice(seen.start - at + half, seen.stop - at + half)
                                  for seen, at in ((rows_seen, row), (cols_seen, col)))
        for band, color in zip(range(len(BANDS)), rng.uniform(0.6, 1.4, 3), strict=True):
            light = galsim.Moffat(beta=BETA, fwhm=fwhm * BANDS[band])
            if not is_star:
                disc = galsim.Exponential(half_light_radius=radius).shear(shear)
                light = galsim.Convolve(light, disc, gsparams=GSPARAMS)
            flux = snr * color * np.sqrt(np.pi / 3) * 2 * (fwhm + radius)
            stamp = light.drawImage(nx=2 * half + 1, ny=2 * half + 1, scale=1,
                                    offset=(x - col, y - row), method='no_pixel').array
            image[band, rows_seen, cols_seen] += flux * stamp[stamp_rows, stamp_cols]
        rows.append((x, y, is_star, snr))
    return image, np.array(rows)


def true_psf(rise, band):
    """
    The PSF of a band, on a grid of positions.
    """
    ny, nx = SHAPE
    half = int(6 * FWHM * OVERSAMPLING)
    x, y = np.meshgrid(*[np.arange(-half, half + 1) / OVERSAMPLING] * 2)
    places = [(at_x, at_y) for at_y in (0, ny - 1) for at_x in np.linspace(0, nx - 1, 5)]
    images = []
    for at_x, _ in places:
        fwhm = FWHM * (1 + rise * at_x / nx) * BANDS[band]
        pixels = MoffatPSF(alpha=fwhm / 2 / np.sqrt(2**(1 / BETA) - 1), beta=BETA)(x, y)
        images.append(pixels * OVERSAMPLING**2 / pixels.sum())
    return GriddedPSFModel(NDData(np.array(images), meta={
        'grid_xypos': places, 'oversampling': OVERSAMPLING}))


def print_row(name, table, rows):
    """
    The parts of stars and galaxies with the right class in each third.
    """
    distance, index = KDTree(np.transpose([table['x'], table['y']])).query(rows[:, :2])
    seen = (distance < 2) & (rows[:, 3] > 30)
    right = (np.asarray(table['prob_star'])[index] >= 0.5) == rows[:, 2]
    third = (3 * rows[:, 0] / SHAPE[1]).astype(int)
    parts = [f'{right[seen & (third == i) & (rows[:, 2] == star)].mean():.3f}'
             for star in (1, 0) for i in range(3)]
    print(f'{name:10}', *parts, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--rise', type=float, default=0.3,
                        help='of the FWHM from left to right (default: %(default)s)')
    args = parser.parse_args()
    image, rows = make_frame(args.rise, np.random.default_rng(args.seed))
    segmenter = RCNNSegmenter(background=0.0)
    print('           stars: left, middle, right; galaxies')
    with mock.patch('photutils_rcnn.detection.pipeline.find_varying_psf_stars',
                    lambda *frame: (*find_psf_stars(*frame), np.zeros(2))):
        print_row('one PSF', segmenter.segment(image).table, rows)
    print_row('measured', segmenter.segment(image).table, rows)
    psf = [true_psf(args.rise, band) for band in range(len(BANDS))]
    print_row('given', segmenter.segment(image, psf=psf).table, rows)


if __name__ == '__main__':
    main()
