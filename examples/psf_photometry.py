# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSF photometry of a simulated star field with the network as star finder.

Usage::

    python psf_photometry.py
"""

import numpy as np
from photutils.datasets import make_model_image, make_model_params
from photutils.psf import CircularGaussianPRF, PSFPhotometry

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.finders import RCNNStarFinder

psf = CircularGaussianPRF(fwhm=3.5)
shape = (256, 256)
truth = make_model_params(shape, 60, x_name='x_0', y_name='y_0',
                          flux=(300, 5000), min_separation=8, seed=1)
rng = np.random.default_rng(2)
data = make_model_image(shape, psf, truth, model_shape=(25, 25))
data += rng.normal(0.0, 3.0, shape)

finder = RCNNStarFinder(RCNNSegmenter(background=0),
                        classes=('star', 'galaxy'))
photometry = PSFPhotometry(psf, (9, 9), finder=finder, aperture_radius=5)
table = photometry(data, error=np.full(shape, 3.0))
print(f'{len(truth)} stars, {len(table)} found')
print(table['x_fit', 'y_fit', 'flux_fit', 'flux_err'])
