# Licensed under a 3-clause BSD style license - see LICENSE
"""
The settings of one scene.
"""

__all__ = ['SceneSettings']

from dataclasses import dataclass

import numpy as np


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
        See `~photutils_rcnn.simulation.psf.PointSpread`.
    ellipticities : tuple of (float, float), optional
        The distortion of the PSF of each band.
    galaxy_steepness, star_steepness : float, optional
        Factors on the slopes of the number counts.
    spheroid_share : float, optional
        The share of pure spheroids among the faint galaxies.
    n_members : int, optional
        The number of members of a cluster of galaxies; 0 for none.
    n_large : int, optional
        The number of additional large galaxies.
    merger_share, binary_share : float, optional
        The shares of galaxies and stars with a companion of their class.
    overlap_share : float, optional
        The share of the bright sources, three magnitudes above the faintest
        galaxies, on which another of either class and of similar brightness
        lies.
    kernel : tuple of (tuple, tuple), optional
        The kernels (y, x) that correlate the noise of a resampled image.
    full_well : float, optional
        The saturation level in electrons.
    mask_saturated : bool, optional
        Whether saturated pixels are known to be bad.
    bleeding : bool, optional
        Whether saturated pixels bleed along columns.
    spikes : int, optional
        The number of diffraction spikes.
    spike_share : float, optional
        The share of the light in the spikes.
    n_cosmic_rays : float, optional
        The expected number of cosmic-ray hits per band.
    background : float, optional
        The rms of the residual background in units of the noise.
    trail : bool, optional
        Whether a satellite crosses one of the bands.
    missing : {'', 'columns', 'corner', 'edge', 'band'}, optional
        Pixels without data.
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
    galaxy_steepness: float = 1.0
    star_steepness: float = 1.0
    spheroid_share: float = 0.05
    n_members: int = 0
    n_large: int = 0
    merger_share: float = 0.07
    binary_share: float = 0.03
    overlap_share: float = 0.0
    kernel: tuple = ((1.0,), (1.0,))
    full_well: float = np.inf
    mask_saturated: bool = False
    bleeding: bool = False
    spikes: int = 0
    spike_share: float = 0.01
    n_cosmic_rays: float = 0.0
    background: float = 0.0
    trail: bool = False
    missing: str = ''

    @property
    def reference_index(self):
        """
        The index of the reference band, the middle one where it is missing.
        """
        if self.reference in self.bands:
            return self.bands.index(self.reference)
        return len(self.bands) // 2
