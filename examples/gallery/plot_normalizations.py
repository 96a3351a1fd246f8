# Licensed under a 3-clause BSD style license - see LICENSE
"""
Normalizations
==============

What each stretch makes of the same frame.

A network works with the stretch that it was trained with. :doc:`/normalization` says what
each is; here they are seen at work on the field of the package: the frame, the
surroundings of its brightest pixel, and the number of pixels of each value.
"""

from importlib.resources import files

import numpy as np
from matplotlib import pyplot as plt

from photutils_rcnn.astro_rcnn.stretches import ZScoreInt16Stretch
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import normalize_cube
from photutils_rcnn.preprocessing.stretches import (
    ArcsinhStretch,
    LinearStretch,
    LuptonStretch,
    ZScoreStretch,
)
from photutils_rcnn.simulation.scene import Scene

HALF = 32  # of the part around the brightest pixel

field = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
cube = prepare_inputs(field.data, bands=field.bands)
inner = cube.data[:, HALF:-HALF, HALF:-HALF].mean(axis=0)
y, x = np.unravel_index(inner.argmax(), inner.shape)
zoom = slice(y, y + 2 * HALF), slice(x, x + 2 * HALF)


def plot(stretch):
    """
    The frame, the zoom and the histogram of a normalized image.
    """
    image = np.asarray(normalize_cube(cube, stretch=stretch).image)
    black, white = np.percentile(image, [1, 99.7])
    rgb = np.clip((image[..., ::-1] - black) / (white - black), 0, 1)
    _, (left, middle, right) = plt.subplots(
        1, 3, figsize=(7.5, 2.5), layout='constrained', width_ratios=(1, 1, 1.15))
    left.imshow(rgb, origin='lower', interpolation='antialiased')
    middle.imshow(rgb[zoom], origin='lower', interpolation='nearest')
    for ax in (left, middle):
        ax.set(xticks=[], yticks=[])
    for band, color in zip(range(3), ('tab:blue', 'tab:green', 'tab:red'), strict=True):
        right.hist(image[..., band].ravel(), bins=200, range=(image.min(), image.max()),
                   histtype='step', log=True, color=color, label=cube.bands[band])
    right.axvspan(black, white, color='0.9')
    right.set(xlabel='value', ylabel='pixels')
    right.legend(frameon=False)


# %%
# All are shown alike, linearly between the percentiles 1 and 99.7 of the values, which are
# gray in the histogram. First the one of the shipped model, the inverse hyperbolic sine:

plot(ArcsinhStretch())

# %%
# The same of the mean of the bands, which keeps colors:

plot(LuptonStretch())

# %%
# The signal-to-noise ratio itself:

plot(LinearStretch())

# %%
# The z-score of `Burke et al. (2019) <https://doi.org/10.1093/mnras/stz2845>`_, linear, too,
# but in units of the scatter of all pixels:

plot(ZScoreStretch())

# %%
# And as their published weights need it, in integers of 16 bits that wrap around:

plot(ZScoreInt16Stretch())
