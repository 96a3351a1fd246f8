# Licensed under a 3-clause BSD style license - see LICENSE
"""
Simulated scenes with exact truth, made with GalSim.

This subpackage is an extra: nothing that segments images imports it.
"""

from photutils_rcnn.simulation.generate import *  # noqa: F401, F403
from photutils_rcnn.simulation.scene import *  # noqa: F401, F403
from photutils_rcnn.simulation.settings import *  # noqa: F401, F403
from photutils_rcnn.simulation.survey import *  # noqa: F401, F403
