# Licensed under a 3-clause BSD style license - see LICENSE
"""
Label image in a FITS file, written window by window.
"""

__all__ = ['LabelImage']

import numpy as np
from astropy.io import fits

from photutils_rcnn._files import atomic_path
from photutils_rcnn.io.fits import segmentation_header

RECORD = 2880  # bytes; FITS files are multiples of it


class LabelImage:
    """
    A label image on disk.

    It is mapped into memory for the time of a call only: mapped pages count as memory of
    the process.

    Parameters
    ----------
    path : `~pathlib.Path`
        The FITS file, made by `create`.
    """

    def __init__(self, path):
        self.path = path
        with fits.open(path, memmap=False) as hdus:
            self.shape = hdus[0].shape
            self._offset = hdus[0].fileinfo()['datLoc']

    @classmethod
    def create(cls, path, shape, *, wcs=None, meta=None):
        """
        Make an image without sources.

        Parameters
        ----------
        path : `~pathlib.Path`
            The file; an older one is replaced.
        shape : (2,) tuple of int
            The shape (ny, nx).
        wcs, meta
            See `~photutils_rcnn.io.fits.write_segmentation`.

        Returns
        -------
        image : `LabelImage`
            The image.
        """
        hdu = fits.PrimaryHDU(np.zeros((1, 1), dtype=np.int32),
                              segmentation_header(wcs, meta))
        hdu.header['NAXIS1'], hdu.header['NAXIS2'] = shape[::-1]
        n_bytes = 4 * int(np.prod(shape, dtype=np.int64))
        with atomic_path(path) as temporary:
            hdu.header.tofile(temporary)
            with temporary.open('r+b') as stream:  # zeros that take no space on most disks
                stream.truncate(temporary.stat().st_size + -(-n_bytes // RECORD) * RECORD)
        return cls(path)

    def read(self, window):
        """
        Read labels.

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns.

        Returns
        -------
        labels : 2D int32 `~numpy.ndarray`
            The labels.
        """
        return self._map('r')[window].astype(np.int32)

    def write(self, window, labels):
        """
        Write labels where there are none.

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns.
        labels : 2D `~numpy.ndarray` of int
            The labels; 0 changes nothing.
        """
        image = self._map('r+')
        part = image[window]
        part[labels > 0] = labels[labels > 0]
        image.flush()

    def clear(self, window, last):
        """
        Remove labels that come after one.

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns.
        last : int
            The last label that stays.
        """
        image = self._map('r+')
        part = image[window]
        part[part > last] = 0
        image.flush()

    def _map(self, mode):
        return np.memmap(self.path, '>i4', mode, self._offset, self.shape)
