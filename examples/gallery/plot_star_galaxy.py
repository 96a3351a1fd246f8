# Licensed under a 3-clause BSD style license - see LICENSE
"""
Stars and galaxies
==================

``prob_star``, the fraction of stars that it presumes, and the evidence without it.

Bright sources are one or the other. Of a faint one the pixels tell little, and its
probability depends on how many stars there are. The segmenter estimates their fraction from
the frame; you may know it better.
"""

import numpy as np
from matplotlib import pyplot as plt
from scipy.special import expit, logit

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import match_positions
from photutils_rcnn.simulation import make_scene

scene = make_scene('lsst', 8_100_001, shape=(512, 512), n_stars=250)
result = RCNNSegmenter().segment(scene.data, mask=scene.mask, bands=scene.bands)
print(f'estimated fraction of stars: {result.meta["star_fraction"]:.2f}')

# %%
# The scene is simulated, which tells the true classes.

table = result.table
match = match_positions(table['x'], table['y'], scene.truth['x'], scene.truth['y'],
                        radius=3, ignore=scene.truth['ignore'])
row = match.truth_of_detection[match.hits]
is_star, snr = scene.truth['class_id'][row] == 1, scene.truth['snr'][row]
prob_star = table['prob_star'][match.hits]
print(f'true fraction: {is_star.mean():.2f}')
print(f'right class: {np.mean((prob_star > 0.5) == is_star):.1%}')

# %%
# Probabilities leave the middle as soon as the width of a source can be told from that of
# the PSF.

figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for name, chosen, color in (('galaxies', ~is_star, 'tab:orange'),
                            ('stars', is_star, 'tab:cyan')):
    ax.semilogx(snr[chosen], prob_star[chosen], '.', color=color, label=name)
ax.axhline(0.5, color='gray', lw=0.8)
ax.set(xlabel='true S/N', ylabel='prob_star')
ax.legend()

# %%
# ``log_bayes_factor`` is the logarithm of the likelihood of a star over that of a galaxy. It
# knows nothing of the fraction of stars, so any other can be applied afterwards, without
# another search: for a fraction that depends on magnitude, from a model of the Galaxy, use
# an array. ``RCNNSegmenter(star_fraction=0.1)`` does the same for one number.

evidence = table['log_bayes_factor'][match.hits]
figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
bins = np.geomspace(5, 500, 9)
index = np.digitize(snr, bins)
for fraction in (0.1, 0.5, 0.9):
    right = (expit(evidence + logit(fraction)) > 0.5) == is_star
    for chosen, style in ((is_star, '-'), (~is_star, '--')):
        found = [np.mean(right[chosen & (index == i)]) if (chosen & (index == i)).any()
                 else np.nan for i in range(1, len(bins))]
        ax.semilogx(np.sqrt(bins[1:] * bins[:-1]), found, style, marker='.',
                    color=plt.cm.viridis(fraction),
                    label=f'{"stars" if style == "-" else "galaxies"}, fraction {fraction}')
ax.set(xlabel='true S/N', ylabel='part with the right class', ylim=(0, 1.02))
ax.legend(fontsize='small')
