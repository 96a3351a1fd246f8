# Licensed under a 3-clause BSD style license - see LICENSE
"""
Differences between the supported photutils versions.
"""

__all__ = ['SOURCE_FINDER_KEYWORDS']

import photutils
from astropy.utils import minversion

#: Keywords that keep `~photutils.segmentation.SourceFinder` and
#: `~photutils.segmentation.deblend_sources` quiet: photutils 3.0 shows a
#: progress bar by default, 3.1 warns if the keyword is given at all.
SOURCE_FINDER_KEYWORDS = {} if minversion(photutils, '3.1') else {'progress_bar': False}
