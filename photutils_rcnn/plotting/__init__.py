# Licensed under a 3-clause BSD style license - see LICENSE
"""
Pictures of results.

Results draw themselves: `photutils_rcnn.RCNNResult.plot`,
`photutils_rcnn.RCNNResult.plot_source`.
"""

from photutils_rcnn.plotting.pictures import *  # noqa: F403
from photutils_rcnn.plotting.png import *  # noqa: F403
