# Licensed under a 3-clause BSD style license - see LICENSE
"""
A cluster of galaxies
=====================

Real images in three bands, from files to a color-magnitude diagram.

The package brings cutouts in g, r and z of coadds of the DECam Legacy Survey (`Dey et al. 2019
<https://doi.org/10.3847/1538-3881/ab089d>`_, DR7), four arcminutes south of the middle of the
cluster Abell 1689 (z = 0.18). They come with the code of Burke et al. (2019), under the MIT
license; ``data/demo/README.rst`` has its text.
"""

from importlib.resources import files

import numpy as np
from astropy.visualization import AsinhStretch, ImageNormalize
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter

demo = files('photutils_rcnn') / 'data' / 'demo'
result = RCNNSegmenter().segment([demo / f'aco1689_{band}.fits' for band in 'grz'],
                                 deblend=True)
print(result)

# %%
# Bands, unit and WCS are those of the files. The elliptical galaxy left of the middle is one
# source, with two others upon it. Real images have no truth: what is found upon the bright star,
# with a score of 0.98, may be none, since scores are probabilities on simulated images only.

figure = plt.figure(figsize=(7, 6.6), layout='constrained')
ax = figure.add_subplot(projection=result.wcs)
result.plot(ax)
ax.set(xlabel='right ascension', ylabel='declination')

# %%
# Total fluxes, with the light of blends shared, are in nanomaggies; so the zero point is 22.5.
# Stars and galaxies of a signal-to-noise ratio above 5 in both bands:

table = result.catalog_table
table = table[np.all(
    [table[f'flux_{band}'] > 5 * table[f'flux_err_{band}'] for band in 'gr'], axis=0)]
g, r = (22.5 - 2.5 * np.log10(table[f'flux_{band}'].value) for band in 'gr')
is_star = np.asarray(table['class_name']) == 'star'

# %%
# Early-type galaxies of one cluster have one color, the red sequence. It has not been put in:
# the network sees the bands in units of their noise and knows no redshift.

figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for name, chosen, color in (('stars', is_star, 'tab:cyan'),
                            ('galaxies', ~is_star, 'tab:orange')):
    ax.plot(r[chosen], (g - r)[chosen], 'o', ms=4, color=color, label=name)
ax.set(xlabel='r / mag', ylabel='g - r / mag', ylim=(-0.6, 2))
ax.legend()

# %%
# The brightest galaxy without those upon it. What the models leave shows what a sum of smooth
# profiles cannot describe.

brightest = table['label'][~is_star][np.argmin(r[~is_star])]
cutout = result.source_image(brightest, 'r')
model, residual = result.model_image('r').value, result.residual_image('r').value
alone = np.zeros(model.shape)
alone[cutout.slices_original] = cutout.data
panels = {'data': model + residual, 'this galaxy alone': alone, 'data - all models': residual}
noise = float(np.median(result.noise[result.bands.index('r')]))
norm = ImageNormalize(vmin=-3 * noise, vmax=100 * noise, stretch=AsinhStretch(0.05))
row = result.table[result.table['label'] == brightest][0]
figure, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout='constrained')
for (title, image), ax in zip(panels.items(), axes, strict=True):
    ax.imshow(image, origin='lower', norm=norm, cmap='gray_r')
    ax.set(xticks=[], yticks=[], title=title,
           xlim=(row['bbox_xmin'] - 5, row['bbox_xmax'] + 5),
           ylim=(row['bbox_ymin'] - 5, row['bbox_ymax'] + 5))
