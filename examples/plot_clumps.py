# Licensed under a 3-clause BSD style license - see LICENSE
"""
Clumps found in simulated galaxies, beside the true ones.

Usage::

    python plot_clumps.py [-o DIR]
"""

import argparse
from pathlib import Path

import numpy as np
from astropy.visualization import make_lupton_rgb
from matplotlib import pyplot as plt
from matplotlib.patches import Ellipse

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.sources.classes import CLUMP

SEEDS = (8000004, 8000015, 8000035, 8000039)
LEAST_RATIO = 0.03


def picture(segmenter):
    """
    For each galaxy the image, and what was found with the flux ratios.
    """
    figure, axes = plt.subplots(2, len(SEEDS), figsize=(2.1 * len(SEEDS), 4.4),
                                layout='constrained')
    for seed, (plain, marked) in zip(SEEDS, axes.T, strict=True):
        scene = make_scene('clumps', seed)
        snr = scene.data / scene.noise[:, None, None]
        image = make_lupton_rgb(*snr[::-1], stretch=8, Q=6, minimum=-1)
        for ax in (plain, marked):
            ax.imshow(image, origin='lower')
            ax.set(xticks=[], yticks=[])
        plain.set_title(', '.join(scene.bands), fontsize='medium')
        truth, blue = scene.truth, scene.bands[0]
        counted = (truth['class_id'] == CLUMP) & ~truth['ignore'] & (
            truth[f'flux_ratio_{blue}'] >= LEAST_RATIO)
        width = 2 * float(np.mean(scene.psf_fwhm))
        for row in truth[counted]:
            marked.add_patch(Ellipse((row['x'], row['y']), width, width, fill=False,
                                     color='lime'))
        for row in segmenter.segment(scene.data, bands=scene.bands).clumps:
            marked.plot(row['x'], row['y'], '+', color='magenta')
            marked.annotate(f'{100 * row[f"flux_ratio_{blue}"]:.0f} %',
                            (row['x'], row['y']), (5, 3), textcoords='offset points',
                            color='white', fontsize='x-small')
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('-o', '--output', type=Path, default=Path('.'))
    parser.add_argument('--model', default='clumps', help='name or folder of a model')
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    picture(RCNNSegmenter(args.model)).savefig(args.output / 'clumps.png', dpi=100)


if __name__ == '__main__':
    main()
