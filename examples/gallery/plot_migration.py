# Licensed under a 3-clause BSD style license - see LICENSE
"""
From SourceFinder to RCNNSegmenter
==================================

The same frame, the same types, with and without a threshold.

:doc:`/migration` goes through the options one by one. Here both ways are taken on one band of
the field of the package, in counts above a sky of 200.
"""

from importlib.resources import files

import numpy as np
from astropy.convolution import convolve
from astropy.visualization import simple_norm
from matplotlib import pyplot as plt
from photutils.background import Background2D
from photutils.segmentation import SourceCatalog, SourceFinder, make_2dgaussian_kernel

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import match_positions
from photutils_rcnn.simulation.scene import Scene

field = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
data = field.data[field.bands.index('r')] + 200.0

# %%
# photutils needs a background, a threshold, a kernel and a number of pixels:

background = Background2D(data, 64)
subtracted = data - background.background
kernel = make_2dgaussian_kernel(3.0, size=5)
finder = SourceFinder(10, progress_bar=False)
segm = finder(convolve(subtracted, kernel), 1.5 * background.background_rms)
catalog = SourceCatalog(subtracted, segm)

# %%
# The network needs the data:

rcnn_segm, rcnn_catalog = RCNNSegmenter().segment(data)

# %%
# Both label images are `~photutils.segmentation.SegmentationImage`, here on the same part of
# the frame.

part = slice(70, 170), slice(90, 220)
norm = simple_norm(subtracted[part], 'asinh', percent=99)
figure, axes = plt.subplots(2, 2, figsize=(7.5, 6.3), layout='constrained')
for column, (name, image) in zip(axes.T, (('SourceFinder', segm),
                                          ('RCNNSegmenter', rcnn_segm)), strict=True):
    cutout = image.data[part]
    column[0].imshow(subtracted[part], origin='lower', cmap='gray_r', norm=norm)
    column[0].set_title(name)
    column[1].imshow(cutout, origin='lower', cmap=image.cmap, interpolation='nearest',
                     norm=plt.Normalize(0, image.max_label))
    for ax in column:
        ax.set(xticks=[], yticks=[])
        for label in np.unique(cutout[cutout > 0]):
            ax.contour(cutout == label, [0.5], linewidths=0.8, colors='tab:red')

# %%
# How many of the true sources are found, and how many labels stand for none (those of sources
# too faint to count are left out):

truth = field.truth
found = {name: match_positions(cat.x_centroid, cat.y_centroid, truth['x'], truth['y'],
                               radius=3, ignore=truth['ignore'])
         for name, cat in (('SourceFinder', catalog), ('RCNNSegmenter', rcnn_catalog))}
for name, match in found.items():
    print(f'{name}: {match.hits.sum()} of {(~truth["ignore"]).sum()} sources, '
          f'{(~match.hits & ~match.ignored).sum()} labels are none')

# %%
# The fluxes of what both find are photutils' in either case. They agree where a source stands
# alone, and differ in blends, whose pixels are shared out differently.

both = np.flatnonzero(
    ~truth['ignore'] & np.all([match.detection_of_truth >= 0 for match in found.values()], 0))
flux = {name: cat.kron_flux[found[name].detection_of_truth[both]]
        for name, cat in (('SourceFinder', catalog), ('RCNNSegmenter', rcnn_catalog))}
blended = truth['blendedness'][both] > 0.05
figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for name, chosen, color in (('alone', ~blended, 'tab:blue'), ('blended', blended, 'tab:red')):
    ax.semilogx(flux['SourceFinder'][chosen],
                flux['RCNNSegmenter'][chosen] / flux['SourceFinder'][chosen],
                'o', ms=4, color=color, label=name)
ax.axhline(1, color='gray', lw=0.8)
ax.set(xlabel='Kron flux with SourceFinder / electron', ylabel='ratio of the Kron fluxes',
       ylim=(0, 2.5))
ax.legend()
