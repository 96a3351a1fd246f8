# Licensed under a 3-clause BSD style license - see LICENSE
"""
Photometric redshifts by a head of one's own: a regression on g, r, i, z and y images.

The galaxies are those of a catalog of the LSST simulation CatSim (Connolly et al. 2014,
SPIE 9150, 91500C), as distributed with BLISS (prob-ml/bliss, ``galaxies.fits``). They
are drawn as bulge and disc, on frames as deep as ten years of LSST (Ivezic et al. 2019,
ApJ 873, 111, Table 1).

Usage::

    python photo_z.py galaxies.fits [-o DIR]
"""

import argparse
from pathlib import Path

import galsim
import numpy as np
from astropy.stats import mad_std
from astropy.table import Table
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.models.attribute_config import AttributeConfig
from photutils_rcnn.training.attribute_training import train_attribute

BANDS = 'g', 'r', 'i', 'z', 'y'
DEPTHS = 27.4, 27.5, 26.8, 26.1, 24.9  # 5 sigma, point sources
ZERO_POINT = 30.
PIXEL, FWHM = 0.2, 0.8  # arcsec
FAINTEST = 24.5  # in i
GRID, STEP = 5, 64  # galaxies on a side of a frame, and pixels between them
N_TEST = 15  # frames
MAX_REDSHIFT = 3.


def noise_of(depth):
    """
    The noise of a pixel at which a point source has S/N 5.
    """
    n_pixels = 4 * np.pi * (FWHM / PIXEL / 2.3548)**2
    return 10**(-0.4 * (depth - ZERO_POINT)) / 5 / np.sqrt(n_pixels)


def galaxy(row):
    """
    Bulge and disc of a galaxy of unit flux.
    """
    parts = []
    for n, a, b, angle, flux in ((4, 'a_b', 'b_b', 'pa_bulge', 'fluxnorm_bulge'),
                                 (1, 'a_d', 'b_d', 'pa_disk', 'fluxnorm_disk')):
        if row[flux] > 0 and row[b] > 0:
            q = max(row[b] / row[a], 0.1)
            parts.append(galsim.Sersic(n, np.sqrt(row[a] * row[b]), flux=row[flux]).shear(
                q=q, beta=(90 + row[angle]) * galsim.degrees))
    return galsim.Add(parts).withFlux(1)


def make_frame(rows, rng):
    """
    A frame of galaxies on a grid, and their places and redshifts.
    """
    psf = galsim.Moffat(3.5, fwhm=FWHM)
    side = GRID * STEP
    data = [rng.normal(0, noise_of(depth), (side, side)) for depth in DEPTHS]
    table = []
    for k, row in enumerate(rows):
        x, y = ((k % GRID + 0.5) * STEP, (k // GRID + 0.5) * STEP) + rng.uniform(-4, 4, 2)
        drawn = galsim.Convolve(galaxy(row), psf).drawImage(
            nx=STEP, ny=STEP, scale=PIXEL, offset=(x % 1 - 0.5, y % 1 - 0.5)).array
        y0, x0 = int(y) - STEP // 2, int(x) - STEP // 2
        rows_in = slice(max(y0, 0), min(y0 + STEP, side))
        cols_in = slice(max(x0, 0), min(x0 + STEP, side))
        stamp = drawn[rows_in.start - y0:rows_in.stop - y0,
                      cols_in.start - x0:cols_in.stop - x0]
        for band, image in zip(BANDS, data, strict=True):
            image[rows_in, cols_in] += stamp * 10**(
                -0.4 * (row[f'{band}_ab'] - ZERO_POINT))
        table.append((int(x) + x % 1 - 0.5, int(y) + y % 1 - 0.5, row['redshift']))
    return np.array(data), Table(rows=table, names=('x', 'y', 'redshift'))


def main():
    """
    Train on most of the frames, and compare the rest.
    """
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('catalog', type=Path)
    parser.add_argument('-o', '--output', type=Path, default=Path())
    args = parser.parse_args()
    rng = np.random.default_rng(20)
    catalog = Table.read(args.catalog)
    catalog = catalog[(catalog['i_ab'] < FAINTEST) & (catalog['redshift'] < MAX_REDSHIFT)]
    catalog = catalog[rng.permutation(len(catalog))]
    n = GRID**2
    frames = [make_frame(catalog[i:i + n], rng)
              for i in range(0, len(catalog) - n + 1, n)]
    images, labels = zip(*frames[N_TEST:], strict=True)
    attribute = AttributeConfig(name='redshift', of_class='galaxy', bands=BANDS)
    model = train_attribute(
        attribute, [{'data': image, 'bands': BANDS} for image in images], labels,
        args.output / 'photo_z')
    segmenter = RCNNSegmenter(model)
    true, told = [], []
    for image, table in frames[:N_TEST]:
        found = segmenter.segment(image, bands=BANDS, background=0).table
        for row in table:
            distance = np.hypot(found['x'] - row['x'], found['y'] - row['y'])
            if distance.min() < 3:
                true.append(row['redshift'])
                told.append(found['redshift'][distance.argmin()])
    report(np.array(true), np.array(told), args.output)


def report(true, told, folder):
    """
    Print the usual figures and draw one redshift against the other.
    """
    deviation = (told - true) / (1 + true)
    good = np.isfinite(deviation)
    deviation = deviation[good]
    text = (f'{len(deviation)} galaxies: scatter {mad_std(deviation):.3f}, bias '
            f'{np.median(deviation):+.3f}, outliers '
            f'{np.mean(np.abs(deviation) > 0.15):.1%}')
    print(text)
    fig, ax = plt.subplots(figsize=(5, 5), layout='constrained')
    ax.plot(true[good], told[good], '.', ms=4)
    ax.plot([0, MAX_REDSHIFT], [0, MAX_REDSHIFT], 'k-', lw=0.8)
    ax.set(xlabel='true redshift', ylabel='redshift', title=text)
    ax.title.set_fontsize('small')
    fig.savefig(folder / 'photo_z.png', dpi=150)


if __name__ == '__main__':
    main()
