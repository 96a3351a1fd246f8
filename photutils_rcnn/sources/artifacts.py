# Licensed under a 3-clause BSD style license - see LICENSE
"""
Artifacts: masks and a table.
"""

__all__ = ['ARTIFACT_KINDS', 'Artifacts']

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from scipy import ndimage

ARTIFACT_KINDS = {'cosmic_ray': 1, 'saturated': 2, 'satellite_trail': 4,
                  'scattered_light': 8}
"""
The bits of masks of artifacts: cosmic rays, saturated pixels with the charge that bled from
them, trails of satellites, and spikes and halos of stars; only simulated scenes know the
last ones.
"""


@dataclass(frozen=True)
class Artifacts:
    """
    The artifacts of a frame.

    Parameters
    ----------
    masks : (n_bands, ny, nx) uint8 `~numpy.ndarray`
        The pixels, bits of `ARTIFACT_KINDS`.
    bands : tuple of str
        The names of the bands.
    table : `~astropy.table.Table`
        One row for each artifact, pixels of one kind in one band that touch: ``id``,
        ``kind``, ``band``, ``bbox_xmin``, ``bbox_xmax``, ``bbox_ymin``, ``bbox_ymax``
        (the first and last column and row, 0-based), ``n_pixels``, and ``peak_snr``, the
        brightest pixel in units of the noise of the sky.
    """

    masks: np.ndarray
    bands: tuple
    table: Table

    @classmethod
    def from_masks(cls, masks, bands, snr):
        """
        The artifacts of masks.

        Parameters
        ----------
        masks : (n_bands, ny, nx) uint8 `~numpy.ndarray`
            The masks.
        bands : tuple of str
            The names of the bands.
        snr : sequence of 1D `~numpy.ndarray`
            For each band the pixels of its mask, in units of the noise.

        Returns
        -------
        artifacts : `Artifacts`
            The artifacts.
        """
        names = ('kind', 'band', 'bbox_xmin', 'bbox_xmax', 'bbox_ymin', 'bbox_ymax',
                 'n_pixels', 'peak_snr')
        rows = []
        for band, mask, values in zip(bands, masks, snr, strict=True):
            image = np.zeros(mask.shape, dtype=np.float32)
            image[mask > 0] = values
            for kind, bit in ARTIFACT_KINDS.items():
                labels, _ = ndimage.label(mask & bit, np.ones((3, 3)))
                for i, box in enumerate(ndimage.find_objects(labels), 1):
                    own = labels[box] == i
                    ys, xs = box
                    rows.append((kind, band, xs.start, xs.stop - 1, ys.start, ys.stop - 1,
                                 np.count_nonzero(own), float(image[box][own].max())))
        table = Table(rows=rows or None, names=names, dtype=(
            'U16', 'U32', int, int, int, int, int, float))
        table.add_column(np.arange(1, len(table) + 1), name='id', index=0)
        return cls(masks, tuple(bands), table)

    def mask(self, band, kind=None):
        """
        The mask of one band.

        Parameters
        ----------
        band : str
            The name of the band.
        kind : str, optional
            One of `ARTIFACT_KINDS`; by default all.

        Returns
        -------
        mask : (ny, nx) bool `~numpy.ndarray`
            `True` for the pixels of artifacts.

        Raises
        ------
        ValueError
            If there is no such band or kind.
        """
        if band not in self.bands:
            msg = f'band must be one of {self.bands}, got {band!r}'
            raise ValueError(msg)
        if kind is not None and kind not in ARTIFACT_KINDS:
            msg = f'kind must be one of {tuple(ARTIFACT_KINDS)}, got {kind!r}'
            raise ValueError(msg)
        bits = sum(ARTIFACT_KINDS.values()) if kind is None else ARTIFACT_KINDS[kind]
        return self.masks[self.bands.index(band)] & bits > 0
