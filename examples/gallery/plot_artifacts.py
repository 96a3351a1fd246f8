# Licensed under a 3-clause BSD style license - see LICENSE
"""
Cosmic rays, trails and saturation
==================================

What is light of no source on a single exposure, found without another one.

The exposure is simulated after DECam, with the charge that bleeds from saturated stars, cosmic
rays, and a satellite in one of the bands. :doc:`/artifacts` says how they are found.
"""

import numpy as np
from astropy.visualization import simple_norm
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation import make_scene

COLORS = {'cosmic_ray': 'tab:red', 'saturated': 'tab:purple', 'satellite_trail': 'tab:green'}

scene = make_scene('decam', 9_100_034, shape=(400, 400), n_cosmic_rays=40, bleeding=True,
                   trail=True, full_well=60_000.0)
result = RCNNSegmenter().segment(scene.data, bands=scene.bands, gain=1.0, artifacts=True)
table = result.artifacts.table
for kind in COLORS:
    chosen = table[table['kind'] == kind]
    print(kind, {band: int(np.sum(chosen['band'] == band)) for band in result.bands})

# %%
# The bands are searched one by one: a cosmic ray hits one exposure.

figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.7), layout='constrained')
for ax, band, image in zip(axes, result.bands, scene.data, strict=True):
    noise = scene.noise[result.bands.index(band)]
    ax.imshow(image, origin='lower', cmap='gray_r', norm=simple_norm(
        image, 'asinh', vmin=-3 * noise, vmax=100 * noise, asinh_a=0.05))
    for kind, color in COLORS.items():
        mask = result.artifacts.mask(band, kind)
        ax.imshow(np.ma.masked_equal(mask, 0), origin='lower', interpolation='nearest',
                  cmap=ListedColormap([color]))
    ax.set(title=band, xticks=[], yticks=[])
figure.legend(handles=[Patch(color=color, label=kind.replace('_', ' '))
                       for kind, color in COLORS.items()],
              loc='outside lower center', ncols=3)

# %%
# The largest cosmic rays from near by, above, and the pixels that were found, below. Stars
# beside them stay, for nothing as wide as the PSF answers to the kernel.

hits = table[table['kind'] == 'cosmic_ray']
x, y = ((hits[f'bbox_{axis}min'] + hits[f'bbox_{axis}max']) // 2 for axis in 'xy')
inside = (np.minimum(x, y) > 20) & (np.maximum(x, y) < 380)
largest = np.flatnonzero(inside)[np.argsort(-hits['n_pixels'][inside])][:5]
figure, axes = plt.subplots(2, 5, figsize=(9, 3.9), layout='constrained')
for (data_ax, mask_ax), i in zip(axes.T, largest, strict=True):
    band = hits['band'][i]
    part = slice(y[i] - 20, y[i] + 21), slice(x[i] - 20, x[i] + 21)
    image = scene.data[result.bands.index(band)][part]
    for ax in (data_ax, mask_ax):
        ax.imshow(image, origin='lower', cmap='gray_r',
                  norm=simple_norm(image, 'asinh', percent=99.5))
        ax.set(xticks=[], yticks=[])
    data_ax.set_title(f'{band}, {hits["n_pixels"][i]} pixels', fontsize='medium')
    mask_ax.imshow(np.ma.masked_equal(result.artifacts.mask(band, 'cosmic_ray')[part], 0),
                   origin='lower', cmap=ListedColormap(['tab:red']), interpolation='nearest')

# %%
# The simulation knows which pixels got more charge from cosmic rays than twice the noise: how many
# of them are found, and how many of the pixels found were hit?

truth = scene.artifacts & 1 > 0
found = np.array([result.artifacts.mask(band, 'cosmic_ray') for band in result.bands])
print(f'recall {np.mean(found[truth]):.1%}, precision {np.mean(truth[found]):.1%}')
