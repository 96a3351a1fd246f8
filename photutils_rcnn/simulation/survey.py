# Licensed under a 3-clause BSD style license - see LICENSE
"""
Parameters of instruments and surveys.

Wavelengths, zero points and sky brightnesses, and unless said otherwise pixel
scales, exposure times and PSF widths, are those of the survey files of
surveycodex 1.3 (LSST DESC, https://github.com/LSSTDESC/surveycodex, MIT
license), rounded; it cites the surveys' papers for each number. What differs
on purpose:

* DECam has the 0.263 arcsec pixels, the single exposures of 150 s and the
  seeing of about 1 arcsec of the Astro R-CNN training set, not those of the
  coadded Dark Energy Survey.
* Euclid VIS adds up four of the 565 s exposures that surveycodex lists.
* HST has the native 0.05 arcsec pixels of ACS/WFC; COSMOS in surveycodex is
  resampled to 0.03.
* The PSFs of Roman are 1.1 to 1.5 pixels wide, against 0.8 to 1.2 there.

Read noises and full wells are not in surveycodex. The read noise of DECam, 7
electrons, is on its page of characteristics at NOIRLab, and its full well is
the level at which the r and z images of Astro R-CNN clip. All others are
typical values for such detectors, not measured ones: they serve to give the
images a saturation level.
"""

__all__ = ['SURVEYS', 'Band', 'Survey']

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """
    One filter of a survey.

    Parameters
    ----------
    name : str
        The name of the filter.
    wavelength : float
        The effective wavelength in nm.
    zero_point : float
        The AB magnitude that gives one electron per second.
    sky : float
        The sky brightness in mag / arcsec2.
    exposure : float
        The total exposure time in seconds.
    fwhm : float
        The typical FWHM of the PSF in arcsec.
    """

    name: str
    wavelength: float
    zero_point: float
    sky: float
    exposure: float
    fwhm: float


@dataclass(frozen=True)
class Survey:
    """
    An instrument with its filters.

    Parameters
    ----------
    name : str
        The name of the survey.
    pixel_scale : float
        The pixel scale in arcsec.
    bands : tuple of `Band`
        The filters, blue to red.
    read_noise : float
        The read noise of one exposure in electrons.
    full_well : float
        The saturation level of one exposure in electrons.
    space : bool, optional
        Whether the PSF is that of a telescope in space.
    n_exposures : int, optional
        The number of exposures that share the exposure time.
    """

    name: str
    pixel_scale: float
    bands: tuple
    read_noise: float
    full_well: float
    space: bool = False
    n_exposures: int = 1


def _bands(*rows):
    return tuple(Band(*row) for row in rows)


SURVEYS = {
    'decam': Survey('decam', 0.263, _bands(
        ('g', 489, 26.72, 22.01, 150, 1.05),
        ('r', 647, 26.99, 21.15, 150, 0.98),
        ('z', 920, 26.58, 18.72, 150, 0.95)), 7.0, 180000.0),
    'hsc': Survey('hsc', 0.168, _bands(
        ('g', 484, 28.90, 21.4, 600, 0.79),
        ('r', 626, 28.86, 20.6, 600, 0.75),
        ('z', 891, 27.68, 18.3, 1200, 0.68)), 4.5, 150000.0,
        n_exposures=4),
    'lsst': Survey('lsst', 0.2, _bands(
        ('g', 486, 28.29, 22.26, 2400, 0.86),
        ('r', 625, 28.13, 21.20, 5520, 0.81),
        ('z', 870, 27.42, 19.60, 4800, 0.77)), 9.0, 100000.0,
        n_exposures=160),
    'sdss': Survey('sdss', 0.396, _bands(
        ('g', 475, 25.73, 21.84, 54.1, 1.43),
        ('r', 621, 25.62, 20.84, 54.1, 1.32),
        ('z', 895, 23.30, 18.96, 54.1, 1.18)), 5.0, 300000.0),
    'euclid': Survey('euclid', 0.1, _bands(
        ('IE', 751, 25.92, 22.32, 2260, 0.17),), 4.5, 190000.0,
        space=True, n_exposures=4),
    'hst': Survey('hst', 0.05, _bands(
        ('f814w', 807, 25.94, 22.0, 2028, 0.095),), 4.0, 84700.0,
        space=True, n_exposures=4),
    'roman': Survey('roman', 0.11, _bands(
        ('F106', 1074, 26.32, 22.92, 642, 0.12),
        ('F129', 1297, 26.32, 22.96, 642, 0.14),
        ('F158', 1596, 26.32, 23.06, 642, 0.16)), 15.0, 100000.0,
        space=True, n_exposures=6),
}
