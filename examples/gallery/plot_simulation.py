# Licensed under a 3-clause BSD style license - see LICENSE
"""
Simulated scenes
================

What the presets look like, and what their truth says.

The network has learned from scenes that are drawn with GalSim (:doc:`/simulation`). The same
preset and seed give the same pixels.
"""

import numpy as np
from astropy.visualization import make_lupton_rgb
from matplotlib import pyplot as plt

from photutils_rcnn.simulation import make_scene
from photutils_rcnn.sources.classes import CLASS_COLORS

SIDE = 192


def picture(scene):
    """
    Three bands in units of their noise as colors, others in gray.
    """
    snr = scene.data / scene.noise[:, np.newaxis, np.newaxis]
    red, green, blue = snr[[-1, len(snr) // 2, 0]]
    return make_lupton_rgb(red, green, blue, stretch=8, Q=8, minimum=-1)


# %%
# Surveys differ in depth, seeing and pixels. ``universal`` draws all of that at random,
# ``blends``, ``crowded`` and ``nearby`` lay stress on something.

presets = {'decam': 7_100_001, 'sdss': 7_100_002, 'hsc': 7_100_003, 'lsst': 7_100_004,
           'euclid': 7_100_005, 'hst': 7_100_006, 'roman': 7_100_007, 'universal': 7_100_011,
           'blends': 7_100_009, 'crowded': 7_100_010, 'nearby': 7_100_020,
           'decam-deep': 7_100_012}
figure, axes = plt.subplots(3, 4, figsize=(9, 7.1), layout='constrained')
for ax, (preset, seed) in zip(axes.flat, presets.items(), strict=True):
    scene = make_scene(preset, seed, shape=(SIDE, SIDE))
    ax.imshow(picture(scene), origin='lower')
    ax.set_title(f'{preset}, {scene.pixel_scale:.2g}"', fontsize='medium')
    ax.set(xticks=[], yticks=[])

# %%
# The truth has an amodal footprint for each source: the pixels in which its own light, without
# that of others, would stand above the noise. Dotted are sources that need not be found: they
# are too faint, or cannot be told from a brighter one.

scene = make_scene('blends', 7_100_009, shape=(SIDE, SIDE))
colors = {1: CLASS_COLORS['star'], 2: CLASS_COLORS['galaxy']}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.6), layout='constrained')
for ax in (left, right):
    ax.imshow(picture(scene), origin='lower')
    ax.set(xticks=[], yticks=[], xlim=(0, SIDE - 1), ylim=(0, SIDE - 1))
for row, mask, (y1, x1, y2, x2) in zip(scene.truth, scene.footprints.masks,
                                       scene.footprints.boxes, strict=True):
    if mask.any():
        right.contour(range(x1 - 1, x2 + 1), range(y1 - 1, y2 + 1), np.pad(mask, 1), [0.5],
                      colors=colors[row['class_id']], linewidths=1,
                      linestyles=':' if row['ignore'] else '-')

# %%
# Numbers, magnitudes and sizes follow a catalog of galaxies and stars. Those of one deep scene:

scene = make_scene('lsst', 7_100_004, shape=(512, 512))
truth = scene.truth[~scene.truth['ignore']]
is_star = truth['class_id'] == 1
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout='constrained')
for name, chosen, color in (('galaxies', ~is_star, 'tab:orange'),
                            ('stars', is_star, 'tab:cyan')):
    left.hist(truth['mag'][chosen], bins=np.arange(16, 28.1, 0.5), histtype='step', lw=1.5,
              color=color, label=name)
left.set(xlabel=f'{truth.meta["reference_band"]} / mag', ylabel='sources', yscale='log')
left.legend(loc='upper left')
right.plot(truth['mag'][~is_star],
           truth['half_light_radius'][~is_star] * scene.pixel_scale, '.', color='tab:orange')
right.set(xlabel=f'{truth.meta["reference_band"]} / mag', ylabel='half-light radius / arcsec',
          yscale='log')
