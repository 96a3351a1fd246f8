# Licensed under a 3-clause BSD style license - see LICENSE
"""
Completeness from injected sources
==================================

How faint may a star be, and still be found in this frame?

What is found in a frame of yours is measured by adding sources to it: point sources with
the PSF that the result itself has built, at random places, also upon others. Here the frame
is simulated, too, after a coadd of LSST in r.
"""

import numpy as np
from matplotlib import pyplot as plt
from photutils.datasets import make_model_image, make_model_params

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import binned_fraction, match_positions
from photutils_rcnn.simulation import make_scene

scene = make_scene('lsst', 8_100_001, shape=(512, 512), n_stars=250)
data = scene.data[scene.bands.index('r')]
segmenter = RCNNSegmenter()
before = segmenter.segment(data, mask=scene.mask, bands='r', gain=1.0)
psf = before.psf['r']
print(psf)

# %%
# Signal-to-noise ratios from 2 to 30, where that of a point source of flux :math:`f` is
# :math:`f / (\sigma \sqrt{n})`, with the number :math:`n = 1 / \sum P^2` of pixels that the
# PSF :math:`P` covers. (The noise of a coadd is correlated, which this ratio does not know.)
# The sources keep a distance of 20 pixels from each other, so that they are blended with
# those of the frame only. Those within two pixels of one that was found before would be
# matched by chance, and do not count.

noise = float(np.median(before.noise))
stamp = make_model_image((41, 41), psf, make_model_params(
    (41, 41), 1, x_name='x_0', y_name='y_0', border_size=20, flux=(1, 1)))
unit_snr = np.sqrt(np.sum(stamp**2)) / noise
rng = np.random.default_rng(1)
snr, found, covered = [], [], []
old = before.table
for seed in range(3):
    injected = make_model_params(data.shape, 150, x_name='x_0', y_name='y_0', border_size=20,
                                 min_separation=20, flux=(1, 1), seed=seed)
    injected['flux'] = np.exp(rng.uniform(*np.log([2, 30]), len(injected))) / unit_snr
    frame = data + make_model_image(data.shape, psf, injected, model_shape=(41, 41))
    table = segmenter.segment(frame, mask=scene.mask, bands='r', gain=1.0).table
    match = match_positions(table['x'], table['y'], injected['x_0'], injected['y_0'],
                            radius=2)
    new = match_positions(old['x'], old['y'], injected['x_0'], injected['y_0'],
                          radius=2).detection_of_truth < 0
    x, y = (np.rint(injected[name]).astype(int) for name in ('x_0', 'y_0'))
    snr.append((injected['flux'] * unit_snr)[new])
    found.append(match.detection_of_truth[new] >= 0)
    covered.append(before.labels[y, x][new] > 0)
snr, found, covered = map(np.concatenate, (snr, found, covered))
print(f'{len(snr)} sources injected, {found.sum()} found')

# %%
# Stars that fell upon other sources must be brighter to be found. The bars are 68 %
# intervals.

edges = np.geomspace(2, 30, 9)
figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for name, chosen in (('on the empty sky', ~covered), ('upon other sources', covered)):
    part = binned_fraction(snr[chosen], found[chosen], edges, name='snr')
    middle = np.sqrt(part['snr_min'] * part['snr_max'])
    bars = np.abs([part['completeness_low'], part['completeness_high']]
                  - np.asarray(part['completeness']))
    ax.errorbar(middle, part['completeness'], bars, marker='o', capsize=3, label=name)
ax.set(xscale='log', xlabel='S/N of the injected star', ylabel='completeness', ylim=(0, 1.05))
ax.set_xticks([2, 5, 10, 20], ['2', '5', '10', '20'])
ax.minorticks_off()
ax.legend()
