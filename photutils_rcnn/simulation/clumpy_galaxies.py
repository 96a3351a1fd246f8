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
# Magnitudes by which a disc is fainter per factor e towards the blue: blue bands are
# exposed about as long as it takes to show discs as well as red ones.
DISC_SLOPE = 1.8
# As pictures of g, r and i; those of SDSS have about these FWHM, noise of the sky and
# qualities.
PICTURE_FRACTION = 0.5
PICTURE_BANDS = BANDS[1]
PICTURE_FWHM = (2.2, 4.6)
FWHM_SCATTER = 0.04
PICTURE_KERNEL = (0.3, 0.7)  # sigma, pixels
PICTURE_NOISE = (0.02, 0.08)  # of white
LARGEST_MAGNIFICATION = 4
QUALITIES = (75, 90)
# Many are magnified, with noise as smooth as the PSF, and not averaged.
MAGNIFIED_FRACTION = 0.2
MAGNIFIED_FWHM = (4., 12.)
MAGNIFIED_NOISE = 0.2  # sigma of the kernel, FWHM
LARGEST_KERNEL = 1.6  # pixels
# expected numbers on a cutout of 128 x 128 pixels
STARS, GALAXIES = (0., 5.), (1., 8.)
MAGNITUDES = 8.  # from the brightest to the faintest of them
N_DISCS, N_DISCS_FRACTIONS = (1, 2, 3), (0.85, 0.12, 0.03)
CLUMPY_FRACTION = 0.85


def draw_clumpy_galaxy(rng, shape):
    """
    The random instrument, with three bands, on one disc galaxy or a few; half of the
    scenes as pictures.

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
    is_picture = rng.random() < PICTURE_FRACTION
    bands = PICTURE_BANDS if is_picture else BANDS[rng.integers(len(BANDS))]
    base = draw_random_instrument(rng, shape, bands)
    area = shape[0] * shape[1] / 128**2
    depth = DISC_SLOPE * np.log(base.wavelengths[-1] / np.array(base.wavelengths))
    changes = _picture(base, rng) if is_picture else {}
    if rng.random() < MAGNIFIED_FRACTION:
        fwhm = np.exp(rng.uniform(*np.log(MAGNIFIED_FWHM)))
        changes.update(
            fwhm=tuple((fwhm * np.divide(base.fwhm, np.mean(base.fwhm))).tolist()),
            kernel=resampling_kernel(
                rng, 'gaussian', min(MAGNIFIED_NOISE * fwhm, LARGEST_KERNEL)),
            magnification=1)
    return replace(
        base, **changes, n_stars=float(rng.uniform(*STARS) * area),
        n_galaxies=float(rng.uniform(*GALAXIES) * area),
        zero_points=tuple((base.zero_points + depth).tolist()),
        star_range=(base.star_range[1] - MAGNITUDES, base.star_range[1]),
        galaxy_range=(base.galaxy_range[1] - MAGNITUDES, base.galaxy_range[1]),
        n_discs=int(rng.choice(N_DISCS, p=N_DISCS_FRACTIONS)),
        clumpy_fraction=CLUMPY_FRACTION, n_members=0, n_large=0, missing='', structure='',
        trail=False, n_cosmic_rays=0., full_well=np.inf)


def _picture(base, rng):
    """
    The settings of a picture averaged to a small FWHM.
    """
    fwhm = np.exp(rng.uniform(*np.log(PICTURE_FWHM)))
    return {
        'fwhm': tuple((fwhm * np.exp(rng.normal(0, FWHM_SCATTER, len(base.bands)))).tolist()),
        'kernel': resampling_kernel(rng, 'gaussian', rng.uniform(*PICTURE_KERNEL)),
        'picture_noise': float(np.exp(rng.uniform(*np.log(PICTURE_NOISE)))),
        'magnification': int(rng.integers(1, LARGEST_MAGNIFICATION, endpoint=True)),
        'quality': int(rng.integers(*QUALITIES, endpoint=True))}
