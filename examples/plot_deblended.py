# Licensed under a 3-clause BSD style license - see LICENSE
"""
Data, models, residual and single sources of a blend, in the field of the package.

Usage::

    python plot_deblended.py [-o DIR]
"""

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
from astropy.visualization import AsinhStretch, ImageNormalize
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation.scene import Scene

BAND = 'r'
CENTER, HALF = (150, 100), 28  # of the picture, x and y, pixels
N_SOURCES = 3
BLACK, WHITE = -2, 150  # in units of the noise


def brightest(result):
    """
    The rows of the brightest sources in the picture.
    """
    table = result.deblended
    x, y = table['x'], table['y']
    inside = np.maximum(np.abs(x - CENTER[0]), np.abs(y - CENTER[1])) < 0.8 * HALF
    chosen = np.flatnonzero(inside & (table['label'] > 0))
    return chosen[np.argsort(-table[f'flux_{BAND}'][chosen])][:N_SOURCES]


def alone(result, label):
    """
    One source on a frame of its own.
    """
    image = np.zeros(result.labels.shape)
    cutout = result.source_image(label, BAND)
    image[cutout.slices_original] = cutout.data
    return image


def picture(result):
    """
    Six panels of one scale.
    """
    residual = result.residual_image(BAND)
    model = result.model_image(BAND)
    panels = {'data': model + residual, 'all models': model, 'data - models': residual}
    table = result.deblended
    rows = brightest(result)
    for i in rows:
        label = table['label'][i]
        panels[f'source {label} alone'] = alone(result, label)
    noise = float(np.median(result.noise[result.bands.index(BAND)]))
    norm = ImageNormalize(vmin=BLACK * noise, vmax=WHITE * noise, stretch=AsinhStretch(0.05))
    figure, axes = plt.subplots(2, 3, figsize=(7.5, 5.3), layout='constrained')
    for (title, image), ax in zip(panels.items(), axes.flat, strict=True):
        ax.imshow(image, origin='lower', norm=norm, cmap='gray_r')
        ax.set_title(title, fontsize='medium')
        ax.set(xticks=[], yticks=[], xlim=(CENTER[0] - HALF, CENTER[0] + HALF),
               ylim=(CENTER[1] - HALF, CENTER[1] + HALF))
    for i in rows:
        axes[0, 0].annotate(table['label'][i], (table['x'][i], table['y'][i]), (-12, 0),
                            textcoords='offset points', color='tab:red', ha='right',
                            va='center')
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('-o', '--output', type=Path, default=Path('.'))
    args = parser.parse_args()
    scene = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
    result = RCNNSegmenter().segment(scene.data, mask=scene.mask, bands=scene.bands, gain=1.0)
    args.output.mkdir(parents=True, exist_ok=True)
    picture(result).savefig(args.output / 'deblended.png', dpi=100)


if __name__ == '__main__':
    main()
