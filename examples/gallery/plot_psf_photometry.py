# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF photometry in a crowded field
=================================

The network finds the stars, photutils fits them.

`~photutils_rcnn.finders.RCNNStarFinder` stands where `~photutils.psf.PSFPhotometry` takes a
star finder. In a field of stars alone take all sources, whatever their class.
"""

import warnings

import numpy as np
from matplotlib import pyplot as plt
from photutils.datasets import make_model_image, make_model_params
from photutils.detection import DAOStarFinder
from photutils.psf import CircularGaussianPRF, PSFPhotometry, SourceGrouper

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import match_positions
from photutils_rcnn.finders import RCNNStarFinder

FWHM, NOISE = 3.5, 3.0
psf = CircularGaussianPRF(fwhm=FWHM)
shape = (256, 256)
truth = make_model_params(shape, 400, x_name='x_0', y_name='y_0', flux=(300, 5000), seed=1)
rng = np.random.default_rng(2)
data = make_model_image(shape, psf, truth, model_shape=(25, 25))
data += rng.normal(0.0, NOISE, shape)

# %%
# ``background=0`` says that the frame has no background: in one so full it would be taken
# from the stars. ``min_separation=0`` is for close stars, which ``DAOStarFinder`` leaves out
# otherwise. Stars within three FWHM of each other are fitted together; a few of those that are
# almost one do not converge, which photutils tells by a warning and by the flag 8.

finders = {
    'DAOStarFinder': DAOStarFinder(5 * NOISE, FWHM, min_separation=0),
    'RCNNStarFinder': RCNNStarFinder(RCNNSegmenter(background=0, psf_fwhm=FWHM),
                                     classes=('star', 'galaxy'))}
tables, residuals = {}, {'data': data}
for name, finder in finders.items():
    photometry = PSFPhotometry(psf, (5, 5), finder=finder, grouper=SourceGrouper(3 * FWHM),
                               aperture_radius=FWHM)
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', '.*may not have converged')
        table = photometry(data, error=np.full(shape, NOISE))
    tables[name] = table[table['flags'] & 8 == 0]
    print(f'{name}: {len(table) - len(tables[name])} fits did not converge')
    residuals[name] = photometry.make_residual_image(data, psf_shape=(25, 25))

# %%
# What no model takes away was not found.

figure, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout='constrained')
for (name, image), ax in zip(residuals.items(), axes, strict=True):
    ax.imshow(image, origin='lower', cmap='gray_r', vmin=-5 * NOISE, vmax=30 * NOISE)
    ax.set(xticks=[], yticks=[],
           title=name if name == 'data' else f'residual, {name}')

# %%
# Matches within 1.5 pixels, and how well their fluxes come out:

figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for name, table in tables.items():
    match = match_positions(table['x_fit'], table['y_fit'], truth['x_0'], truth['y_0'], 1.5)
    print(f'{name}: {match.hits.sum()} of {len(truth)} stars found, '
          f'{(~match.hits).sum()} detections are none')
    true = truth['flux'][match.truth_of_detection[match.hits]]
    ax.plot(true, table['flux_fit'][match.hits] / true, '.', label=name)
ax.axhline(1, color='gray', lw=0.8)
ax.set(xlabel='true flux', ylabel='fitted flux / true flux', ylim=(0, 3))
ax.legend()
