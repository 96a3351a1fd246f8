# Licensed under a 3-clause BSD style license - see LICENSE
"""
The PSF of a frame
==================

What ``result.psf`` holds, and a PSF that changes over the frame.

Stars and compact galaxies differ by a few percent in width, so the segmenter measures the PSF
of each band (:doc:`/how_it_works`), and the result keeps it as a model of photutils.
"""

import numpy as np
from astropy.table import Table
from matplotlib import pyplot as plt
from matplotlib.colors import AsinhNorm
from photutils.datasets import make_model_image
from photutils.psf import MoffatPSF

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation import make_scene

scene = make_scene('sdss', 8_100_003, shape=(512, 512), n_stars=120)
segmenter = RCNNSegmenter()
result = segmenter.segment(scene.data, mask=scene.mask, bands=scene.bands, gain=1.0)
for band, fwhm, true in zip(result.bands, result.meta['psf_fwhm'], scene.psf_fwhm, strict=True):
    print(f'{band}: FWHM {fwhm:.2f} pixels, true {true:.2f}')

# %%
# The models are sampled more finely than the pixels, from stars at all places within a pixel.
# Linear within the noise, logarithmic above it:

y, x = np.mgrid[-12:12.01:0.25, -12:12.01:0.25]
figure, axes = plt.subplots(1, len(result.bands), figsize=(3 * len(result.bands), 3.3),
                            layout='constrained')
for ax, (band, psf) in zip(axes, result.psf.items(), strict=True):
    values = psf(x, y)
    image = ax.imshow(values / values.max(), origin='lower', extent=(-12, 12, -12, 12),
                      norm=AsinhNorm(3e-3, vmin=-3e-3, vmax=1), cmap='magma')
    ax.set(title=band, xlabel='x / pixel')
axes[0].set_ylabel('y / pixel')
figure.colorbar(image, ax=axes, label='PSF / peak')

# %%
# Bright stars, each divided by its flux, and the profiles of the models, which follow the wings
# as far as the noise lets the stars show them:

table = result.table
stars = table[(table['prob_star'] > 0.9) & (table['detection_flags'] == 0)]
figure, axes = plt.subplots(1, len(result.bands), figsize=(3 * len(result.bands), 3),
                            sharey=True, layout='constrained')
rows, columns = np.indices(scene.data.shape[1:])
for ax, band in zip(axes, result.bands, strict=True):
    image = scene.data[result.bands.index(band)] - result.background[
        result.bands.index(band)]
    flux = result.band_catalog(band).kron_flux[stars['label'] - 1]
    center = result.catalog.centroid_win[stars['label'] - 1]
    for i in np.argsort(-flux)[:6]:
        distance = np.hypot(columns - center[i, 0], rows - center[i, 1])
        near = distance < 10
        ax.plot(distance[near], image[near] / flux[i], '.', ms=2, color='tab:cyan')
    radius = np.linspace(0, 10, 100)
    psf = result.psf[band]
    ax.plot(radius, psf(radius, 0 * radius), color='tab:red', label='model')
    ax.set(title=band, xlabel='distance / pixel', yscale='log', ylim=(1e-5, 0.3))
axes[0].set_ylabel('value / flux')
axes[0].legend()

# %%
# In a frame larger than 1000 pixels a linear trend is followed. Here 350 stars, and as many
# wider galaxies, have a PSF whose FWHM rises by 30 percent from left to right.

SHAPE, RISE, BETA = (1100, 1100), 0.3, 3.0
rng = np.random.default_rng(1)
n = 350
params = {'x_0': rng.uniform(20, 1080, 2 * n), 'y_0': rng.uniform(20, 1080, 2 * n)}
fwhm = 3.2 * (1 + RISE * params['x_0'] / SHAPE[1])
fwhm[n:] *= rng.uniform(1.3, 3, n)
params['alpha'] = fwhm / 2 / np.sqrt(2**(1 / BETA) - 1)
params['flux'] = 10**rng.uniform(1.6, 3.2, 2 * n) * fwhm
frame = make_model_image(SHAPE, MoffatPSF(beta=BETA), Table(params), model_shape=(61, 61),
                         x_name='x_0', y_name='y_0')
frame += rng.normal(size=SHAPE)
trend = segmenter.segment(frame, background=0.0)
slope = trend.meta['psf_slopes'][0]
print(f'the FWHM rises by {np.expm1(slope):.0%}, as measured')

# %%
# Sources by their own width: what is as wide as the PSF at its place is a star.

catalog = trend.catalog
is_star = catalog.prob_star > 0.5
bright = catalog.segment_flux > 30 * catalog.segment_flux_err
figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for name, chosen, color in (('stars', is_star, 'tab:cyan'), ('galaxies', ~is_star, 'tab:orange')):
    chosen = chosen & bright
    ax.plot(catalog.x_centroid[chosen], catalog.fwhm.value[chosen], 'o', ms=3, color=color,
            label=name)
x = np.array([0, SHAPE[1]])
width = np.median(catalog.fwhm.value[is_star & bright])
ax.plot(x, width * np.exp(slope * (x / SHAPE[1] - 0.5)), 'k-', lw=1, label='measured trend')
ax.set(xlabel='x / pixel', ylabel='FWHM of second moments / pixel', ylim=(0, 14))
ax.legend()
