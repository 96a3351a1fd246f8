# Licensed under a 3-clause BSD style license - see LICENSE
"""
Star-forming clumps
===================

The model ``clumps`` finds the blue knots of discs (:doc:`/clumps`).

Simulated galaxies of the preset that it was trained on, of other seeds: the true clumps with 3
percent or more of the light in the bluest band (circles), and what the model finds with a score
of 0.3 or more (crosses).
"""

from itertools import count, islice

import numpy as np
from astropy.visualization import make_lupton_rgb
from matplotlib import pyplot as plt
from matplotlib.patches import Circle

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.sources.classes import CLUMP

FIRST_SEED = 8_000_000
N_GALAXIES, N_CLUMPS, LEAST_RATIO = 4, 4, 0.03


def clumps_of(scene):
    """
    The true clumps that a detector should find.
    """
    truth = scene.truth
    return truth[(truth['class_id'] == CLUMP) & ~truth['ignore']
                 & (truth[f'flux_ratio_{scene.bands[0]}'] >= LEAST_RATIO)]


# %%
# The first scenes with four clumps or more. With a lower score threshold more of them are found,
# and more that are none.

scenes = (make_scene('clumps', FIRST_SEED + k) for k in count())
scenes = islice((scene for scene in scenes if len(clumps_of(scene)) >= N_CLUMPS), N_GALAXIES)

segmenter = RCNNSegmenter('clumps', score_threshold=0.3)
figure, axes = plt.subplots(2, N_GALAXIES, figsize=(2.1 * N_GALAXIES, 4.4),
                            layout='constrained')
for scene, (plain, marked) in zip(scenes, axes.T, strict=True):
    snr = scene.data / scene.noise[:, None, None]
    image = make_lupton_rgb(*snr[::-1], stretch=8, Q=6, minimum=-1)
    ny, nx = image.shape[:2]
    for ax in (plain, marked):
        ax.imshow(image, origin='lower')
        ax.set(xticks=[], yticks=[], xlim=(0, nx - 1), ylim=(0, ny - 1))
    plain.set_title(', '.join(scene.bands), fontsize='small')
    for row in clumps_of(scene):
        marked.add_patch(Circle((row['x'], row['y']), float(np.mean(scene.psf_fwhm)),
                                fill=False, color='lime'))
    found = segmenter.segment(scene.data, bands=scene.bands).clumps
    marked.plot(found['x'].value, found['y'].value, '+', color='magenta')
