# Licensed under a 3-clause BSD style license - see LICENSE
"""
What each normalization makes of an image of three bands.

Writes a picture for each normalization: the frame, the surroundings of its
brightest pixel, and the distribution of the values. Usage::

    python plot_normalizations.py G.fits R.fits Z.fits [-o DIR]
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from photutils_rcnn.astro_rcnn.stretches import ZScoreInt16Stretch
from photutils_rcnn.io.fits import read_frame
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import normalize_cube
from photutils_rcnn.preprocessing.stretches import (
    ArcsinhStretch,
    LinearStretch,
    LuptonStretch,
    ZScoreStretch,
)

STRETCHES = (ArcsinhStretch, LuptonStretch, LinearStretch, ZScoreStretch,
             ZScoreInt16Stretch)
COLORS = ('tab:blue', 'tab:green', 'tab:red')
# All pictures are linear between these percentiles of the values.
BLACK, WHITE = 1, 99.7
HALF = 32


def brightest(image):
    """
    The slices around the brightest pixel of a stretched image.
    """
    inner = image[HALF:-HALF, HALF:-HALF].mean(axis=-1)
    y, x = np.unravel_index(inner.argmax(), inner.shape)
    return slice(y, y + 2 * HALF), slice(x, x + 2 * HALF)


def plot(image, bands, zoom):
    """
    The frame, the zoom and the histogram of a normalized image.
    """
    black, white = np.percentile(image, [BLACK, WHITE])
    rgb = np.clip((image[..., ::-1] - black) / (white - black), 0, 1)
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(7.5, 2.5), layout='constrained',
        width_ratios=(1, 1, 1.15))
    left.imshow(rgb, origin='lower', interpolation='antialiased')
    middle.imshow(rgb[zoom], origin='lower', interpolation='nearest')
    for ax in (left, middle):
        ax.set(xticks=[], yticks=[])
    low, high = image.min(), image.max()
    for i, (band, color) in enumerate(zip(bands, COLORS, strict=True)):
        right.hist(image[..., i].ravel(), bins=200, range=(low, high),
                   histtype='step', log=True, color=color, label=band)
    right.axvspan(black, white, color='0.9')
    right.set(xlabel='value', ylabel='pixels')
    right.legend(frameon=False)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('files', nargs=3, type=Path,
                        help='one file per band, blue to red')
    parser.add_argument('-o', '--output', type=Path, default=Path('.'))
    args = parser.parse_args()

    frame = read_frame(args.files)
    cube = prepare_inputs(frame.data, bands=frame.bands)
    zoom = brightest(np.asarray(normalize_cube(cube).image))
    args.output.mkdir(parents=True, exist_ok=True)
    for stretch in STRETCHES:
        normalized = normalize_cube(cube, stretch=stretch())
        figure = plot(np.asarray(normalized.image), cube.bands, zoom)
        figure.savefig(args.output / f'normalization_{stretch.name}.png', dpi=100)
        plt.close(figure)


if __name__ == '__main__':
    main()
