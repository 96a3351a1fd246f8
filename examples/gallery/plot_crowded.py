# Licensed under a 3-clause BSD style license - see LICENSE
"""
Crowded fields
==============

How many stars are found where they stand close, with a PSF two pixels wide.

Where the PSF is narrower than 2.5 pixels and stars are closer than one in 150 pixels, the
segmenter looks at that part of the frame once more, interpolated to twice the pixels
(:doc:`/how_it_works`). Fields of rising density show what that is good for.
"""

import numpy as np
from astropy.visualization import simple_norm
from matplotlib import pyplot as plt
from photutils.datasets import make_model_image, make_model_params
from photutils.detection import DAOStarFinder
from photutils.psf import CircularGaussianPRF

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import match_positions

FWHM, NOISE, SIDE = 2.0, 1.0, 160
AREAS = 400, 200, 100, 50, 25  # pixels for each star
psf = CircularGaussianPRF(fwhm=FWHM)
segmenter = RCNNSegmenter(background=0, psf_fwhm=FWHM)


def make_field(area, seed):
    """
    Stars with a signal-to-noise ratio above 9, as many as have such an area each.
    """
    n = SIDE**2 // area
    stars = make_model_params((SIDE, SIDE), n, x_name='x_0', y_name='y_0', border_size=2,
                              flux=(1, 1), seed=seed)
    rng = np.random.default_rng(seed)
    stars['flux'] = 30 * NOISE * rng.uniform(size=n)**-0.7
    image = make_model_image((SIDE, SIDE), psf, stars, model_shape=(21, 21))
    return image + rng.normal(0, NOISE, image.shape), stars


def find(image):
    """
    The positions that each method gives.
    """
    table = segmenter.segment(image).table
    peaks = DAOStarFinder(5 * NOISE, FWHM, min_separation=0)(image)
    return {'photutils_rcnn': (table['x'].value, table['y'].value),
            'DAOStarFinder': (peaks['x_centroid'], peaks['y_centroid'])}


# %%
# A part of the densest field but one: stars that are found, missed, and detections of none.

image, stars = make_field(50, seed=1)
found = find(image)
figure, axes = plt.subplots(1, 2, figsize=(8.5, 4.6), layout='constrained')
for ax, (name, (x, y)) in zip(axes, found.items(), strict=True):
    match = match_positions(x, y, stars['x_0'], stars['y_0'], radius=1)
    missed = match.detection_of_truth < 0
    ax.imshow(image, origin='lower', cmap='gray_r', norm=simple_norm(
        image, 'asinh', vmin=-3, vmax=100))
    for label, places, marker, color in (
            ('found', (x[match.hits], y[match.hits]), 'o', 'tab:cyan'),
            ('missed', (stars['x_0'][missed], stars['y_0'][missed]), 's', 'tab:red'),
            ('none', (x[~match.hits], y[~match.hits]), 'x', 'tab:purple')):
        ax.scatter(*places, marker=marker, s=40, lw=1.2, label=label,
                   **({'c': color} if marker == 'x' else
                      {'facecolors': 'none', 'edgecolors': color}))
    ax.set(xticks=[], yticks=[], title=name, xlim=(40, 110), ylim=(40, 110))
figure.legend(*ax.get_legend_handles_labels(), loc='outside lower center', ncols=3)

# %%
# Over two fields of each density, all stars above a signal-to-noise ratio of 9. Classes do
# not count here.

rates = {name: [] for name in found}
for area in AREAS:
    counts = {name: np.zeros(3) for name in found}
    for seed in (10, 11):
        image, stars = make_field(area, seed)
        for name, (x, y) in find(image).items():
            hits = match_positions(x, y, stars['x_0'], stars['y_0'], radius=1).hits
            counts[name] += hits.sum(), len(stars), len(x)
    for name, (n_found, n_true, n_detections) in counts.items():
        rates[name].append((n_found / n_true, n_found / n_detections))
figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), sharey=True, layout='constrained')
for name, values in rates.items():
    for ax, part in zip(axes, np.transpose(values), strict=True):
        ax.plot(AREAS, part, 'o-', label=name)
for ax, label in zip(axes, ('completeness', 'purity'), strict=True):
    ax.set(xscale='log', xlabel='pixels for each star', title=label, ylim=(0, 1.03))
    ax.set_xticks(AREAS, map(str, AREAS))
    ax.minorticks_off()
    ax.invert_xaxis()
axes[0].legend(loc='lower left')
