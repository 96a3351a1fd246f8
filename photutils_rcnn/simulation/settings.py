# Licensed under a 3-clause BSD style license - see LICENSE
"""
The settings of one scene.
"""

__all__ = ['SceneSettings', 'check_shape']

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from photutils_rcnn.preprocessing.inputs import MIN_SIDE

CHOICES = {'reference': ('r', 'g'),
           'psf_kind': ('moffat', 'kolmogorov', 'airy'),
           'saturated_cores': ('flat', 'interpolated', 'zero', 'hole'),
           'structure': ('', 'fringes', 'patches', 'steps'),
           'missing': ('', 'columns', 'corner', 'edge', 'band')}
FRACTIONS = ('aureole', 'spheroid_fraction', 'structured_fraction',
             'merger_fraction', 'binary_fraction', 'overlap_fraction', 'clumpy_fraction',
             'spike_fraction', 'halo_fraction')
AT_LEAST_0 = ('n_galaxies', 'n_stars', 'n_cosmic_rays', 'background',
              'structure_rms', 'picture_noise')
WHOLE = ('n_members', 'n_large', 'n_discs', 'spikes')
SWITCHES = ('mask_saturated', 'bleeding', 'trail')
# GalSim draws no Moffat profile of this exponent or a smaller one
LEAST_BETA = 1.1


@dataclass(frozen=True)
class SceneSettings:
    """
    Everything that describes a scene except its random sources and noise.

    Sequences have one entry per band. The data unit is the electron.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape ``(ny, nx)`` in pixels.
    bands : tuple of str
        The names of the bands, blue to red.
    wavelengths : tuple of float
        Effective wavelengths in nm.
    pixel_scale : float
        Arcsec per pixel.
    zero_points : tuple of float
        The AB magnitude of one electron.
    variance : tuple of float
        The variance per pixel of sky and read noise in electrons squared.
    fwhm : tuple of float
        The FWHM of the PSF's core in pixels.
    n_galaxies, n_stars : float
        The expected numbers within the frame and the magnitude ranges.
    galaxy_range, star_range : (2,) tuple of float
        The brightest and faintest magnitude. Companions may not be fainter
        either.
    reference : {'r', 'g'}, optional
        The band of these magnitudes.
    psf_kind : {'moffat', 'kolmogorov', 'airy'}, optional
        The core of the PSF.
    beta, obscuration, aureole, aureole_slope : float, optional
        See `~photutils_rcnn.simulation.psf.PointSpread`: ``beta`` must be
        above 1.1 and, with an aureole, ``aureole_slope`` above 2.2, as GalSim
        has no flatter wings.
    ellipticities : tuple of (float, float), optional
        The distortion of the PSF of each band, smaller than 1. Those beyond
        the number of bands are not used.
    components : sequence, optional
        For each band the copies that its core is the sum of, see
        `~photutils_rcnn.simulation.psf.PointSpread`; none for Airy cores.
    shifts : sequence of (float, float), optional
        How far each band is shifted along x and y, pixels; 0 by default.
    galaxy_steepness, star_steepness : float, optional
        Factors on the slopes of the number counts.
    turn_off : float, optional
        The magnitude of the main-sequence turn-off, for stars of a cluster, see
        `~photutils_rcnn.simulation.star_clusters.cluster_counts`; by default
        they are those of the field.
    core_radius : float, optional
        The core radius of the cluster in pixels, at least 1. The default is 0: the
        stars are spread evenly.
    spheroid_fraction : float, optional
        The fraction of pure spheroids among the faint galaxies.
    spheroid_indices : sequence of float, optional
        The Sersic indices of pure spheroids, equally frequent; those of bulges by
        default.
    structured_fraction : float, optional
        The fraction of the resolved galaxies with a strong bulge, a disc within
        a spheroid or a lopsided disc, see
        `photutils_rcnn.simulation.structure`.
    n_members : int, optional
        The number of members of a cluster of galaxies; 0 for none.
    n_large : int, optional
        The number of additional large galaxies.
    n_discs : int, optional
        The number of additional disc galaxies, which may have clumps, see
        `~photutils_rcnn.simulation.clumps.draw_discs`.
    clumpy_fraction : float, optional
        The fraction of the resolved discs with giant star-forming clumps, see
        `~photutils_rcnn.simulation.clumps.add_clumps`.
    merger_fraction, binary_fraction : float, optional
        The fractions of galaxies and stars with a companion of their class.
    overlap_fraction : float, optional
        The fraction of the bright sources, three magnitudes above the faintest
        galaxies, on which another of either class and of similar brightness
        lies.
    kernel : tuple of (tuple, tuple), optional
        The kernels (y, x) that correlate the noise of a resampled image.
        The squares of each sum to 1.
    full_well : float, optional
        The saturation level in electrons; infinity for none.
    mask_saturated : bool, optional
        Whether saturated pixels are known to be bad.
    bleeding : bool, optional
        Whether saturated pixels bleed along columns.
    saturated_cores : {'flat', 'interpolated', 'zero', 'hole'}, optional
        What saturated pixels hold, see
        `~photutils_rcnn.simulation.artifacts.repair_cores`.
    halo_fraction, halo_radius : float, optional
        The fraction of a star's light in a halo of reflected light, and its
        radius in pixels.
    spikes : int, optional
        The number of diffraction spikes, even.
    spike_fraction : float, optional
        The fraction of the light in the spikes.
    n_cosmic_rays : float, optional
        The expected number of cosmic-ray hits per band.
    background : float, optional
        The rms of the residual background in units of the noise.
    structure : {'', 'fringes', 'patches', 'steps'}, optional
        The structure of the sky, see
        `~photutils_rcnn.simulation.artifacts.sky_structure`.
    structure_rms : float, optional
        Its largest rms in units of the noise; each band has a fraction of it.
    trail : bool, optional
        Whether a satellite crosses one of the bands.
    missing : {'', 'columns', 'corner', 'edge', 'band'}, optional
        Pixels without data.
    picture_noise, magnification, quality : float, int, int, optional
        The scene is read from a JPEG picture of its three bands, see
        `~photutils_rcnn.simulation.pictures.through_picture`. With a ``picture_noise``
        of 0, the default, it is not.

    Raises
    ------
    ValueError
        If a value is of a wrong kind or out of range.
    """

    shape: tuple
    bands: tuple
    wavelengths: tuple
    pixel_scale: float
    zero_points: tuple
    variance: tuple
    fwhm: tuple
    n_galaxies: float
    n_stars: float
    galaxy_range: tuple
    star_range: tuple
    reference: str = 'r'
    psf_kind: str = 'moffat'
    beta: float = 3.5
    obscuration: float = 0.0
    aureole: float = 0.0
    aureole_slope: float = 2.5
    ellipticities: tuple = ((0.0, 0.0),) * 8
    components: tuple = ()
    shifts: tuple = ()
    galaxy_steepness: float = 1.0
    star_steepness: float = 1.0
    turn_off: float | None = None
    core_radius: float = 0.0
    spheroid_fraction: float = 0.05
    spheroid_indices: tuple = ()
    structured_fraction: float = 0.0
    n_members: int = 0
    n_large: int = 0
    n_discs: int = 0
    clumpy_fraction: float = 0.0
    merger_fraction: float = 0.07
    binary_fraction: float = 0.03
    overlap_fraction: float = 0.0
    kernel: tuple = ((1.0,), (1.0,))
    full_well: float = np.inf
    mask_saturated: bool = False
    bleeding: bool = False
    saturated_cores: str = 'flat'
    halo_fraction: float = 0.0
    halo_radius: float = 40.0
    spikes: int = 0
    spike_fraction: float = 0.01
    n_cosmic_rays: float = 0.0
    background: float = 0.0
    structure: str = ''
    structure_rms: float = 0.0
    trail: bool = False
    missing: str = ''
    picture_noise: float = 0.0
    magnification: int = 1
    quality: int = 75

    def __post_init__(self):
        check_shape(self.shape)
        self._check_bands()
        self._check_psf()
        self._check_kernel()
        self._check_magnitudes()
        self._check_numbers()
        for name in SWITCHES:
            self._require(name, 'True or False',
                          isinstance(getattr(self, name), bool | np.bool_))
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            self._require(name, f'one of {choices}',
                          isinstance(value, str) and value in choices)

    def _check_magnitudes(self):
        for name in ('galaxy_range', 'star_range'):
            limits = getattr(self, name)
            self._require(
                name, 'a brighter and a fainter magnitude',
                _are_numbers(limits, 2) and limits[0] < limits[1])
        for name in ('galaxy_steepness', 'star_steepness'):
            self._require(name, 'a number', _is_number(getattr(self, name)))
        self._require('turn_off', 'a magnitude or None',
                      self.turn_off is None or _is_number(self.turn_off))

    def _check_numbers(self):
        for name in AT_LEAST_0:
            self._require(name, 'a number of at least 0',
                          _is_number(getattr(self, name), least=0))
        for name in WHOLE:
            self._require(name, 'a whole number of at least 0',
                          _is_whole(getattr(self, name), least=0))
        self._require('spikes', 'even', self.spikes % 2 == 0)
        self._require('magnification', 'a whole number of at least 1',
                      _is_whole(self.magnification, least=1))
        self._require('quality', 'a whole number from 1 to 95',
                      _is_whole(self.quality, least=1) and self.quality <= 95)
        self._require('picture_noise', '0 without three bands',
                      not self.picture_noise or len(self.bands) == 3)
        for name in FRACTIONS:
            self._require(name, 'a fraction between 0 and 1',
                          _is_number(getattr(self, name), least=0)
                          and getattr(self, name) <= 1)
        self._require('spheroid_indices', 'Sersic indices from 0.5 to 6',
                      _are_numbers(self.spheroid_indices, above=0)
                      and all(0.5 <= n <= 6 for n in self.spheroid_indices))
        self._require('core_radius', '0 or a number of at least 1 pixel',
                      _is_number(self.core_radius, least=0)
                      and not 0 < self.core_radius < 1)
        self._require('halo_radius', 'a number of at least 5 pixels',
                      _is_number(self.halo_radius, least=5))
        self._require('pixel_scale', 'a finite number above 0',
                      _is_number(self.pixel_scale, above=0))
        # infinity means that nothing saturates
        self._require('full_well', 'a number above 0',
                      isinstance(self.full_well, Real) and self.full_well > 0)

    def _check_bands(self):
        """
        Check what has one entry per band.
        """
        bands = self.bands
        self._require('bands', 'a sequence of different names',
                      isinstance(bands, list | tuple) and len(bands) > 0
                      and all(isinstance(band, str) and band
                              for band in bands)
                      and len(set(bands)) == len(bands))
        for name in ('wavelengths', 'zero_points', 'variance', 'fwhm'):
            value = getattr(self, name)
            if not _is_sequence(value) or len(value) != len(bands):
                msg = (f'{name} must have one entry for each of the bands '
                       f'{bands}, got {value!r}')
                raise ValueError(msg)
            if name == 'zero_points':
                self._require(name, 'finite numbers', _are_numbers(value))
            else:
                self._require(name, 'finite numbers above 0',
                              _are_numbers(value, above=0))

    def _check_psf(self):
        pairs = self.ellipticities
        self._require(
            'ellipticities', f'a pair for each of the bands {self.bands}, '
            'of a length below 1',
            _is_sequence(pairs) and len(pairs) >= len(self.bands)
            and all(_are_numbers(pair, 2) and math.hypot(*pair) < 1
                    for pair in pairs))
        self._require('beta', f'a number above {LEAST_BETA}',
                      _is_number(self.beta, above=LEAST_BETA))
        self._require('obscuration', 'a number of at least 0, below 1',
                      _is_number(self.obscuration, least=0)
                      and self.obscuration < 1)
        self._require(
            'shifts', f'a pair for each of the bands {self.bands}',
            _is_sequence(self.shifts)
            and len(self.shifts) in (0, len(self.bands))
            and all(_are_numbers(pair, 2) for pair in self.shifts))
        self._require(
            'components', f'copies (flux, scale, dx, dy) for each of the bands '
            f'{self.bands}, their fluxes adding up to 1, and no Airy core',
            _is_sequence(self.components)
            and len(self.components) in (0, len(self.bands))
            and not (len(self.components) and self.psf_kind == 'airy')
            and all(_is_sequence(copies)
                    and all(_are_numbers(copy, 4) and copy[0] > 0
                            and copy[1] > 0 for copy in copies)
                    and abs(sum(copy[0] for copy in copies) - 1) < 1e-6
                    for copies in self.components))
        flattest = 2 * LEAST_BETA if self.aureole else -math.inf
        self._require('aureole_slope', 'a number, above '
                      f'{2 * LEAST_BETA} with an aureole',
                      _is_number(self.aureole_slope, above=flattest))

    def _check_kernel(self):
        kernel = self.kernel
        # Kernels of a single element are not applied, so that the other one
        # cannot make up for them.
        self._require(
            'kernel', 'two sequences, the squares of each summing to 1',
            _is_sequence(kernel) and len(kernel) == 2
            and all(_are_numbers(k) and abs(np.sum(np.square(k)) - 1) < 1e-3
                    for k in kernel))

    def _require(self, name, wanted, good):
        if not good:
            msg = f'{name} must be {wanted}, got {getattr(self, name)!r}'
            raise ValueError(msg)

    @property
    def reference_index(self):
        """
        The index of the reference band, the middle one where it is missing.
        """
        if self.reference in self.bands:
            return self.bands.index(self.reference)
        return len(self.bands) // 2


def check_shape(shape):
    """
    Check the shape of a scene.

    Parameters
    ----------
    shape : (2,) sequence of int
        The shape ``(ny, nx)`` in pixels.

    Raises
    ------
    ValueError
        If it is not two whole numbers, or they are too small.
    """
    if not (_is_sequence(shape) and len(shape) == 2
            and all(_is_whole(side, least=MIN_SIDE) for side in shape)):
        msg = (f'shape must have two sides of at least {MIN_SIDE} pixels, '
               f'whole numbers, got {shape!r}')
        raise ValueError(msg)


def _is_sequence(value):
    return isinstance(value, list | tuple) or (
        isinstance(value, np.ndarray) and value.ndim > 0)


def _is_number(value, above=-math.inf, least=-math.inf):
    return (isinstance(value, Real) and not isinstance(value, bool)
            and math.isfinite(value) and value > above and value >= least)


def _is_whole(value, least):
    return isinstance(value, Integral) and _is_number(value, least=least)


def _are_numbers(values, n=None, above=-math.inf):
    """
    Whether it is a sequence of numbers, of ``n`` of them if given.
    """
    return (_is_sequence(values) and n in (None, len(values))
            and all(_is_number(value, above) for value in values))
