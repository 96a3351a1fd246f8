# Licensed under a 3-clause BSD style license - see LICENSE
"""
Close pairs beside deblend_sources
==================================

The same blends, separated by saddles of the light and by the network.

`~photutils.segmentation.deblend_sources` separates an island of pixels where its light has
a saddle between two peaks. Sources closer than about the FWHM have one peak. The three
pairs below are those of the field of the package whose fainter members are brightest.
"""

from importlib.resources import files

import numpy as np
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter, evaluation
from photutils_rcnn.plotting import rgb_image
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.classes import CLASS_COLORS

HALF = 18  # of a panel, pixels

field = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
truth = field.truth
result = RCNNSegmenter().segment(field.data, mask=field.mask, bands=field.bands)

# %%
# photutils gets all bands at once, too: their sum in units of the noise. The options are
# those of its user guide.

deblended = evaluation.detect_photutils(evaluation.DetectionImage.from_scene(field))

# %%
# Pairs closer than two FWHM, the brightest first, and no two in one panel.

pairs = evaluation.close_pairs(truth['x'], truth['y'], 2 * field.psf_fwhm.mean(),
                               ignore=truth['ignore'] | truth['saturated'])
centers = []
for pair in pairs[np.argsort(-truth['snr'][pairs].min(axis=1))]:
    center = np.array([truth['x'][pair].mean(), truth['y'][pair].mean()])
    if all(np.abs(center - other).max() > HALF for other in centers):
        centers.append(center)

# %%
# Galaxies are orange, stars cyan, sources without a class white.

counts = ~truth['ignore']
panels = {'truth': (field.footprints[counts], truth['class_id'][counts]),
          'deblend_sources': (deblended.footprints, deblended.class_ids),
          'photutils_rcnn': (result.footprints, result.instances.class_ids)}
image = rgb_image(result)
colors = ('white', *CLASS_COLORS.values())
figure, axes = plt.subplots(3, 3, figsize=(7.5, 7.5), layout='constrained')
for (title, (footprints, ids)), column in zip(panels.items(), axes.T, strict=True):
    column[0].set_title(title, fontsize='medium')
    for (x, y), ax in zip(centers, column, strict=False):
        ax.imshow(image, origin='lower')
        for mask, (y1, x1, y2, x2), i in zip(
                footprints.masks, footprints.boxes, ids, strict=True):
            if mask.any():
                ax.contour(range(x1 - 1, x2 + 1), range(y1 - 1, y2 + 1), np.pad(mask, 1),
                           [0.5], colors=colors[i], linewidths=1.2)
        ax.set(xticks=[], yticks=[], xlim=(x - HALF, x + HALF), ylim=(y - HALF, y + HALF))
