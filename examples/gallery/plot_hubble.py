# Licensed under a 3-clause BSD style license - see LICENSE
"""
A deep field of Hubble
======================

Two infrared bands of the eXtreme Deep Field, with errors and a PSF that are known.

The cutouts of the XDF (`Illingworth et al. 2013
<https://doi.org/10.1088/0067-0049/209/1/6>`_), WFC3/IR in F105W and F160W, come with the
package; they were taken from the repository astropy/astropy-workshop (BSD 3-clause;
``data/demo/README.rst`` has the text). Twelve arcseconds on a side hold no star.
"""

from importlib.resources import files

import numpy as np
from matplotlib import pyplot as plt
from photutils.psf import MoffatPSF

from photutils_rcnn import RCNNSegmenter

demo = files('photutils_rcnn') / 'data' / 'demo'
bands = {'F105W': 'xdf_f105w.fits', 'F160W': 'xdf_f160w.fits'}

# %%
# The errors are read from the extension ``ERR`` of each file. No star tells the PSF, so it is
# given: Moffat profiles with a FWHM of about 0.16 and 0.19 arcsec, on pixels of 0.06 arcsec.

BETA = 2.5
psf = {band: MoffatPSF(alpha=fwhm / 0.06 / 2 / np.sqrt(2**(1 / BETA) - 1), beta=BETA)
       for band, fwhm in zip(bands, (0.16, 0.19), strict=True)}
result = RCNNSegmenter().segment([demo / name for name in bands.values()], psf=psf)
print(result)

# %%
# Two bands make three colors: the sum of both is green.

figure = plt.figure(figsize=(7, 6.6), layout='constrained')
ax = figure.add_subplot(projection=result.wcs)
result.plot(ax)
ax.set(xlabel='right ascension', ylabel='declination')

# %%
# The galaxy with most neighbors upon it: their outlines are dotted, its own soft mask goes on
# beneath them.

boxes, masks = result.footprints.boxes, result.footprints.masks
painted = np.zeros(result.labels.shape, dtype=int)
for mask, (y1, x1, y2, x2) in zip(masks, boxes, strict=True):
    painted[y1:y2, x1:x2] += mask
shared = [np.count_nonzero(mask & (painted[y1:y2, x1:x2] > 1))
          for mask, (y1, x1, y2, x2) in zip(masks, boxes, strict=True)]
label = int(result.table['label'][np.argmax(shared)])
axes = result.plot_source(label)

# %%
# Total magnitudes and colors, with the AB zero points of WFC3 when the images were made. Errors
# know that drizzled pixels share their noise.

table = result.deblended
table = table[table['label'] > 0]
figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
magnitudes, errors = {}, {}
for band, zero_point in zip(bands, (26.27, 25.95), strict=True):
    flux, error = (np.asarray(table[f'{name}_{band}']) for name in ('flux', 'flux_err'))
    good = flux > 3 * error
    magnitudes[band] = zero_point - 2.5 * np.log10(np.where(good, flux, np.nan))
    errors[band] = 2.5 / np.log(10) * error / flux
color = magnitudes['F105W'] - magnitudes['F160W']
ax.errorbar(magnitudes['F160W'], color, np.hypot(*errors.values()), errors['F160W'],
            fmt='o', ms=4, lw=0.8, color='tab:orange')
ax.set(xlabel='F160W / mag', ylabel='F105W - F160W / mag')
