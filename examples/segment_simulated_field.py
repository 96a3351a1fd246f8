# Licensed under a 3-clause BSD style license - see LICENSE
"""
Segment a simulated field of three bands and compare fluxes with the truth.

Needs GalSim (``pip install "photutils_rcnn[train]"``). Usage::

    python segment_simulated_field.py [SEED]
"""

import sys

import numpy as np
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.commands.demo import format_summary
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.simulation import make_scene

scene = make_scene('decam', int(sys.argv[1]) if len(sys.argv) > 1 else 1)
result = RCNNSegmenter(progress_bar=True).segment(
    scene.data, mask=scene.mask, bands=scene.bands)
print(format_summary(scene, result))

band = scene.bands[1]
catalog = result.band_catalog(band)
match = match_positions(catalog.x_centroid, catalog.y_centroid,
                        scene.truth['x'], scene.truth['y'],
                        radius=float(scene.psf_fwhm[1]))
found = np.flatnonzero(match.hits)
true_flux = scene.truth[f'flux_{band}'][match.truth_of_detection[found]]

figure, (left, right) = plt.subplots(1, 2, figsize=(14, 7))
result.plot(left)
right.semilogx(true_flux, catalog.kron_flux[found] / true_flux, '.')
right.axhline(1, color='gray')
right.set(xlabel=f'true flux in {band} (electrons)',
          ylabel='Kron flux / true flux', ylim=(0, 2))
figure.tight_layout()
figure.savefig('segment_simulated_field.png')
