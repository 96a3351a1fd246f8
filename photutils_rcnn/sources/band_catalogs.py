# Licensed under a 3-clause BSD style license - see LICENSE
"""
Catalogs of single bands.
"""

__all__ = ['BandCatalogs']

from collections.abc import Mapping


class BandCatalogs(Mapping):
    """
    The catalogs of the bands, measured when first asked for.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result that measures them.
    """

    def __init__(self, result):
        self._result = result
        self._measured = {}

    def __iter__(self):
        return iter(self._result.bands)

    def __len__(self):
        return len(self._result.bands)

    def __getitem__(self, band):
        result = self._result
        if band not in result.bands:
            msg = f'band must be one of {result.bands}, got {band!r}'
            raise KeyError(msg)
        if result._segments is None:
            return None
        if band not in self._measured:
            self._measured[band] = result._add_columns(
                result._measure_band(band))
        return self._measured[band]
