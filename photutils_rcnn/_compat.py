# Licensed under a 3-clause BSD style license - see LICENSE
"""
Differences between the supported photutils versions.
"""

__all__ = ['PHOTUTILS_GE_3_1', 'SOURCE_FINDER_KEYWORDS', 'catalog_keywords']

import photutils
from astropy.utils import minversion

PHOTUTILS_GE_3_1 = minversion(photutils, '3.1')

#: Keywords that keep `~photutils.segmentation.SourceFinder` and
#: `~photutils.segmentation.deblend_sources` quiet: photutils 3.0 shows a
#: progress bar by default, 3.1 warns if the keyword is given at all.
SOURCE_FINDER_KEYWORDS = {} if PHOTUTILS_GE_3_1 else {'progress_bar': False}


def catalog_keywords(n_threads=1):
    """
    The threading keywords of `~photutils.segmentation.SourceCatalog`.

    Parameters
    ----------
    n_threads : int, optional
        The number of threads; photutils 3.0 has none and ignores it.

    Returns
    -------
    keywords : dict
        Keywords valid for the installed photutils.
    """
    return {'n_threads': n_threads} if PHOTUTILS_GE_3_1 else {}
