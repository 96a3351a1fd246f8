# Licensed under a 3-clause BSD style license - see LICENSE
"""
A first field
=============

From pixels to photutils' label image and catalog, in three bands.

The field that comes with the package is simulated after DECam, 384 x 384 pixels in g, r
and z. A frame of your own may be an array, a ``CCDData``, or the name of a FITS file.
"""

from importlib.resources import files

import numpy as np
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation.scene import Scene

field = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')

# %%
# The segmenter holds the options, the frame goes into the call. The data are in
# electrons, so that the ``gain`` is 1; errors of fluxes then know the photon noise.

segmenter = RCNNSegmenter()
result = segmenter.segment(field.data, mask=field.mask, bands=field.bands, gain=1.0)

# %%
# The outlines of stars are cyan, those of galaxies orange. Outlines of blended sources
# overlap.

figure, ax = plt.subplots(figsize=(7, 7), layout='constrained')
result.plot(ax)

# %%
# The table has one row for each source. ``score`` is the probability that there is such
# a source, ``prob_star`` the probability that it is a star.

result.table['label', 'class_name', 'score', 'prob_star', 'x', 'y', 'area'][:8]

# %%
# The result unpacks to the types of photutils. The catalog is measured on the mean of
# the bands; ``band_catalog`` has the same apertures on one of them.

segm, catalog = result
print(segm.n_labels, 'labels,', len(segm.deblended_labels), 'of them in blends')
fluxes = {band: result.band_catalog(band).kron_flux for band in result.bands}
magnitudes = field.zero_points[1] - 2.5 * np.log10(fluxes['r'])
print(f'r from {np.nanmin(magnitudes):.1f} to {np.nanmax(magnitudes):.1f} mag')

# %%
# A single source in each band, with the contours of its soft mask at 0.1, 0.5 and 0.9,
# its neighbors dotted, and the mask with the footprint.

largest = int(result.table['label'][result.table['area'].argmax()])
axes = result.plot_source(largest)
