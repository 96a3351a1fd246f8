# Licensed under a 3-clause BSD style license - see LICENSE
"""
Background and structured skies
===============================

Fringes on a frame: what is warned of, what is subtracted, what is found.

The background is estimated once for a frame, on a mesh of 128 pixels (:doc:`/how_it_works`).
Structure on smaller scales looks like faint sources, so detections are checked against it, and
it is followed if need be (:doc:`/conventions`).
"""

import warnings

import numpy as np
from astropy.convolution import convolve
from matplotlib import pyplot as plt
from photutils.background import Background2D
from photutils.segmentation import SourceFinder, make_2dgaussian_kernel
from scipy.ndimage import center_of_mass

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import match_positions
from photutils_rcnn.simulation import make_scene

scene = make_scene('decam', 9_100_050, shape=(400, 400), n_cosmic_rays=0)
data, noise = scene.data[1], float(scene.noise[1])
y, x = np.mgrid[:400, :400]
fringes = noise * np.sin(2 * np.pi * (x / 45 - x**2 / 60_000 + y**2 / 30_000))

# %%
# Curved fringes of an amplitude as large as the noise are added. The warning says what was done
# about them.

segmenter = RCNNSegmenter()
plain = segmenter.segment(data)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    fringed = segmenter.segment(data + fringes)
for warning in caught:
    print(warning.message)

# %%
# What was taken for background is in ``result.background``; the fringes are in it, and faint
# extended light of galaxies may be.

panels = {'data': data + fringes, 'background': fringed.background[0],
          'data - background': data + fringes - fringed.background[0]}
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.5), layout='constrained')
for (name, image), ax in zip(panels.items(), axes, strict=True):
    shown = ax.imshow(image / noise, origin='lower', cmap='gray_r', vmin=-2, vmax=6)
    ax.set(title=name, xticks=[], yticks=[])
figure.colorbar(shown, ax=axes, label='value / noise')

# %%
# ``SourceFinder`` takes the fringes for noise with the same mesh, so that its threshold is too
# high, and follows them with a finer one, at the cost of false labels. True sources that are
# found, and labels of none:

found = {'no fringes': plain.labels, 'fringes': fringed.labels}
for side in (128, 24):
    mesh = Background2D(data + fringes, side)
    smooth = convolve(data + fringes - mesh.background, make_2dgaussian_kernel(3.0, size=5))
    segm = SourceFinder(10, progress_bar=False)(smooth, 1.5 * mesh.background_rms)
    found[f'fringes, SourceFinder, mesh {side}'] = segm.data
truth, matches = scene.truth, {}
for name, labels in found.items():
    y, x = np.transpose(center_of_mass(data, labels, range(1, labels.max() + 1)))
    match = matches[name] = match_positions(x, y, truth['x'], truth['y'], radius=3,
                                            ignore=truth['ignore'])
    print(f'{name}: {match.hits.sum()} of {(~truth["ignore"]).sum()} sources, '
          f'{(~match.hits & ~match.ignored).sum()} labels are none')

# %%
# The frame with its fringes, and the labels:

figure, axes = plt.subplots(1, 2, figsize=(8.5, 4.5), layout='constrained')
for ax, name in zip(axes, list(found)[2:0:-1], strict=True):
    ax.imshow((data + fringes) / noise, origin='lower', cmap='gray_r', vmin=-2, vmax=6)
    ax.contour(found[name] > 0, [0.5], colors='tab:red', linewidths=0.8)
    ax.set(title='RCNNSegmenter' if name == 'fringes' else 'SourceFinder, mesh 128',
           xticks=[], yticks=[])
