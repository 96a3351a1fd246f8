# Licensed under a 3-clause BSD style license - see LICENSE
"""
Smooth galaxies and discs
=========================

What the head ``morphology`` of the shipped model says of simulated nearby galaxies.

The head tells smooth galaxies from those that show a disc: arms, knots, or a view from the
side (:doc:`/attributes`). Where neither is probable it says ``'unsure'``.
"""

import numpy as np
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.plotting import rgb_image
from photutils_rcnn.simulation import make_scene

FIRST_SEED = 9_000_000
N_SCENES, N_EACH = 4, 6

# %%
# The table has a class and the probability of ``'smooth'`` for every galaxy. A few scenes
# with galaxies at some distance from each other:

segmenter = RCNNSegmenter()
found = []
for seed in range(FIRST_SEED, FIRST_SEED + N_SCENES):
    scene = make_scene('nearby', seed, shape=(512, 512), n_galaxies=30.,
                       galaxy_range=(15.5, 19.))
    result = segmenter.segment(scene.data, mask=scene.mask, bands=scene.bands)
    image = rgb_image(result)
    found += [(row['prob_smooth'], image, box) for row, box in zip(
        result.table, result.instances.boxes, strict=True)
        if row['morphology'] and row['prob_smooth'] != 0.5]

# %%
# The surest discs, some of which the head is not sure, and the surest smooth galaxies, with
# the probability of ``'smooth'``. It is 0.5 for galaxies so small or faint that the head was
# not asked, which are left out here.

found.sort(key=lambda one: one[0])
middle = np.searchsorted([probability for probability, *_ in found], 0.5)
rows = {'disc': found[:N_EACH], 'unsure': found[middle - N_EACH // 2:][:N_EACH],
        'smooth': found[-N_EACH:]}
figure, axes = plt.subplots(3, N_EACH, figsize=(1.5 * N_EACH, 5.), layout='constrained')
for (name, galaxies), line in zip(rows.items(), axes, strict=True):
    line[0].set_ylabel(name)
    for (probability, image, box), ax in zip(galaxies, line, strict=True):
        y, x = (box[:2] + box[2:]) / 2
        half = 0.8 * (box[2:] - box[:2]).max()
        ax.imshow(image, origin='lower')
        ax.set(xticks=[], yticks=[], xlim=(x - half, x + half), ylim=(y - half, y + half))
        ax.set_title(f'{probability:.2f}', fontsize='small')
