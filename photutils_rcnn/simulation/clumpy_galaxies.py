# Licensed under a 3-clause BSD style license - see LICENSE
"""
Settings of cutouts around disc galaxies with star-forming clumps.
"""

__all__ = ['draw_clumpy_galaxy']

from dataclasses import replace

import numpy as np

from photutils_rcnn.simulation.noise import resampling_kernel
from photutils_rcnn.simulation.random_instrument import draw_random_instrument

BANDS = (
    (('u', 'g', 'r'), (355., 475., 621.)),
    (('g', 'r', 'i'), (475., 621., 762.)),
    (('g', 'r', 'z'), (484., 622., 905.)),
    (('F435W', 'F606W', 'F814W'), (433., 592., 806.)),
    (('F275W', 'F438W', 'F814W'), (271., 433., 803.)),
)
# Pictures are often magnified, with noise as smooth as the PSF.
MAGNIFIED_FRACTION = 0.3
MAGNIFIED_FWHM = (4., 14.)
MAGNIFIED_NOISE = 0.2  # sigma of the kernel, FWHM
LARGEST_KERNEL = 1.6  # pixels
# expected numbers on a cutout of 128 x 128 pixels
STARS, GALAXIES = (0., 5.), (1., 8.)
MAGNITUDES = 8.  # from the brightest to the faintest of them


def draw_clumpy_galaxy(rng, shape):
    """
    The random instrument, with three bands, on one disc galaxy or a few.

    Parameters
    ----------
    rng : `numpy.random.Generator`
        The random generator.
    shape : (2,) tuple of int
        The shape ``(ny, nx)`` in pixels.

    Returns
    -------
    settings : `~photutils_rcnn.simulation.settings.SceneSettings`
        The settings.
    """
    base = draw_random_instrument(rng, shape, BANDS[rng.integers(len(BANDS))])
    area = shape[0] * shape[1] / 128**2
    changes = {}
    if rng.random() < MAGNIFIED_FRACTION:
        fwhm = np.exp(rng.uniform(*np.log(MAGNIFIED_FWHM)))
        changes['fwhm'] = tuple((fwhm * np.divide(
            base.fwhm, np.mean(base.fwhm))).tolist())
        changes['kernel'] = resampling_kernel(
            rng, 'gaussian', min(MAGNIFIED_NOISE * fwhm, LARGEST_KERNEL))
    return replace(
        base, **changes, n_stars=float(rng.uniform(*STARS) * area),
        n_galaxies=float(rng.uniform(*GALAXIES) * area),
        star_range=(base.star_range[1] - MAGNITUDES, base.star_range[1]),
        galaxy_range=(base.galaxy_range[1] - MAGNITUDES, base.galaxy_range[1]),
        n_discs=int(rng.choice([1, 2, 3], p=[0.75, 0.2, 0.05])),
        clumpy_fraction=0.75, n_members=0, n_large=0, missing='', structure='',
        trail=False, n_cosmic_rays=0., full_well=np.inf)
