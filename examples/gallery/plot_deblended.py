# Licensed under a 3-clause BSD style license - see LICENSE
"""
Deblended photometry
====================

Models of all sources, fitted together, share the light of every pixel.

``result.deblended`` is a table of total fluxes. What stands behind it can be looked at: the
models, what they leave, and each source as if it were alone.
"""

from importlib.resources import files

import numpy as np
from astropy.visualization import AsinhStretch, ImageNormalize
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import match_positions
from photutils_rcnn.simulation.scene import Scene

BAND = 'r'
CENTER, HALF = (150, 100), 28  # of the picture, x and y, pixels

field = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
result = RCNNSegmenter().segment(field.data, mask=field.mask, bands=field.bands, gain=1.0)
table = result.deblended
table['label', f'flux_{BAND}', f'flux_err_{BAND}', 'blendedness', 'chi2'][:5]

# %%
# The three brightest sources in the picture, each on a frame of its own:

distance = np.maximum(np.abs(table['x'] - CENTER[0]), np.abs(table['y'] - CENTER[1]))
rows = np.flatnonzero((distance < 0.8 * HALF) & (table['label'] > 0))
rows = rows[np.argsort(-table[f'flux_{BAND}'][rows])][:3]
model, residual = result.model_image(BAND), result.residual_image(BAND)
panels = {'data': model + residual, 'all models': model, 'data - models': residual}
for label in table['label'][rows]:
    cutout = result.source_image(label, BAND)
    alone = np.zeros(result.labels.shape)
    alone[cutout.slices_original] = cutout.data
    panels[f'source {label} alone'] = alone

# %%
# All panels are on one scale, in units of the noise.

noise = float(np.median(result.noise[result.bands.index(BAND)]))
norm = ImageNormalize(vmin=-2 * noise, vmax=150 * noise, stretch=AsinhStretch(0.05))
figure, axes = plt.subplots(2, 3, figsize=(7.5, 5.3), layout='constrained')
for (title, image), ax in zip(panels.items(), axes.flat, strict=True):
    ax.imshow(image, origin='lower', norm=norm, cmap='gray_r')
    ax.set_title(title, fontsize='medium')
    ax.set(xticks=[], yticks=[], xlim=(CENTER[0] - HALF, CENTER[0] + HALF),
           ylim=(CENTER[1] - HALF, CENTER[1] + HALF))
for i in rows:
    axes[0, 0].annotate(table['label'][i], (table['x'][i], table['y'][i]), (-12, 0),
                        textcoords='offset points', color='tab:red', ha='right', va='center')

# %%
# The field is simulated, so fluxes can be compared with the true total ones. Kron fluxes
# hold the light of neighbors; 1 is right.

match = match_positions(table['x'], table['y'], field.truth['x'], field.truth['y'],
                        radius=3, ignore=field.truth['ignore'])
found = match.hits & (table['label'] > 0)
true = field.truth[f'flux_{BAND}'][match.truth_of_detection[found]]
kron = result.band_catalog(BAND).kron_flux[table['label'][found] - 1]
figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for name, flux in (('Kron', kron), ('deblended', table[f'flux_{BAND}'][found])):
    ratio = flux / true
    ax.plot(table['blendedness'][found], ratio, '.', label=(
        f'{name}, median error {np.median(np.abs(ratio - 1)):.1%}'))
ax.axhline(1, color='gray', lw=0.8)
ax.set(xlabel='blendedness', ylabel=f'flux / true flux in {BAND}', ylim=(0, 3))
ax.legend()
