# Licensed under a 3-clause BSD style license - see LICENSE
"""
PSFs from FITS files: images, and grids of them as photutils reads them.
"""

__all__ = ['read_psfs']

from astropy.io.registry import IORegistryError
from photutils.psf import GriddedPSFModel

from photutils_rcnn.io.fits import read_frame


def read_psfs(paths):
    """
    Read PSFs from FITS files.

    Parameters
    ----------
    paths : sequence of str or path-like
        The files: images, also several in one file or as planes, or grids of PSFs in
        the formats that `~photutils.psf.GriddedPSFModel` reads (STDPSF, WebbPSF).

    Returns
    -------
    psfs : list of 2D `~numpy.ndarray` or `~photutils.psf.GriddedPSFModel`
        The PSFs in the order of the files.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read or holds no image.
    """
    psfs = []
    for path in paths:
        try:
            psfs.append(GriddedPSFModel.read(str(path)))
        except IORegistryError:  # of another format
            psfs += read_frame([path], errors=False, masks=False).data
    return psfs
