# Licensed under a 3-clause BSD style license - see LICENSE
"""
Soft masks and their contours
=============================

Masks of blended sources overlap, and their pixels have probabilities.

A label image gives each pixel to one source. What stands behind it is more: for each
source the probability of each pixel that the source, alone, would stand above the noise
there.
"""

from importlib.resources import files

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.plotting import rgb_image
from photutils_rcnn.simulation.scene import Scene

CENTER, HALF = (150, 100), 28  # of the cutout, x and y, pixels
LEVELS = (0.1, 0.5, 0.9)

field = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
result = RCNNSegmenter().segment(field.data, mask=field.mask, bands=field.bands)

# %%
# `contours <photutils_rcnn.RCNNResult.contours>` gives lines for each source and level, in
# pixels or, with a WCS, on the sky. ``instances.paste_all`` gives the probabilities
# themselves; the most that any source claims of a pixel is shown in the middle.

contours = result.contours(LEVELS)
claimed = np.zeros(result.labels.shape)
n_claims = np.zeros(result.labels.shape, dtype=int)
for slices, values in result.instances.paste_all():
    claimed[slices] = np.maximum(claimed[slices], values)
    n_claims[slices] += values >= result.instances.mask_threshold

# %%
# Lines lie close together where a source stands alone, and apart where its edge is hidden by
# a neighbor.

figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(9, 3.2), sharex=True, sharey=True, layout='constrained')
left.imshow(rgb_image(result), origin='lower')
middle.imshow(claimed, origin='lower', cmap='gray')
for k, color in enumerate(('tab:blue', 'tab:orange', 'tab:red')):
    lines = [line for of_source in contours for line in of_source[k]]
    left.add_collection(LineCollection(lines, colors=color, linewidths=1))
    middle.add_collection(LineCollection(lines, colors=color, linewidths=1,
                                         label=f'{LEVELS[k]}'))
middle.legend(loc='lower left', fontsize='small')
result.segmentation_image.imshow(ax=right)
right.set(xlim=(CENTER[0] - HALF, CENTER[0] + HALF),
          ylim=(CENTER[1] - HALF, CENTER[1] + HALF))
for ax, title in ((left, 'contours'), (middle, 'largest probability'),
                  (right, 'label image')):
    ax.set(xticks=[], yticks=[], title=title)

# %%
# How many pixels belong to more than one footprint, which the label image hides:

print(f'{np.mean(n_claims[n_claims > 0] > 1):.0%} of the pixels of sources')
