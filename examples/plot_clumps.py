# Licensed under a 3-clause BSD style license - see LICENSE
"""
Simulated galaxies with star-forming clumps, and those that a model finds.

Usage::

    python plot_clumps.py [-o DIR] [--model MODEL]
"""

import argparse
from itertools import count, islice
from pathlib import Path

import numpy as np
from astropy.visualization import make_lupton_rgb
from matplotlib import pyplot as plt
from matplotlib.patches import Ellipse

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.sources.classes import CLUMP

FIRST_SEED = 8000000
N_GALAXIES, N_CLUMPS = 4, 4
LEAST_RATIO = 0.03


def clumps_of(scene):
    """
    The true clumps that a detector should find.
    """
    truth = scene.truth
    return truth[(truth['class_id'] == CLUMP) & ~truth['ignore']
                 & (truth[f'flux_ratio_{scene.bands[0]}'] >= LEAST_RATIO)]


def clumpy_scenes():
    """
    The first scenes with several clumps.
    """
    scenes = (make_scene('clumps', FIRST_SEED + k) for k in count())
    return islice((scene for scene in scenes if len(clumps_of(scene)) >= N_CLUMPS),
                  N_GALAXIES)


def picture(segmenter=None):
    """
    Each galaxy, and its clumps (circles) with those found (crosses).
    """
    figure, axes = plt.subplots(2, N_GALAXIES, figsize=(2.1 * N_GALAXIES, 4.4),
                                layout='constrained')
    for scene, (plain, marked) in zip(clumpy_scenes(), axes.T, strict=True):
        snr = scene.data / scene.noise[:, None, None]
        image = make_lupton_rgb(*snr[::-1], stretch=8, Q=6, minimum=-1)
        ny, nx = image.shape[:2]
        for ax in (plain, marked):
            ax.imshow(image, origin='lower')
            ax.set(xticks=[], yticks=[], xlim=(0, nx - 1), ylim=(0, ny - 1))
        plain.set_title(', '.join(scene.bands), fontsize='small')
        width = 2 * float(np.mean(scene.psf_fwhm))
        for row in clumps_of(scene):
            marked.add_patch(Ellipse((row['x'], row['y']), width, width, fill=False,
                                     color='lime'))
        if segmenter is not None:
            found = segmenter.segment(scene.data, bands=scene.bands).clumps
            marked.plot(found['x'], found['y'], '+', color='magenta')
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('-o', '--output', type=Path, default=Path('.'))
    parser.add_argument('--model', help='name or folder of a model with clumps')
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    segmenter = None if args.model is None else RCNNSegmenter(args.model)
    picture(segmenter).savefig(args.output / 'clumps.png', dpi=60)


if __name__ == '__main__':
    main()
