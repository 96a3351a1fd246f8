# Licensed under a 3-clause BSD style license - see LICENSE
"""
Measuring detections against known truth.

photutils and sep are compared on the same scenes in
`photutils_rcnn.evaluation.baselines`.
"""

from photutils_rcnn.evaluation.average_precision import *  # noqa: F403
from photutils_rcnn.evaluation.baselines import *  # noqa: F403
from photutils_rcnn.evaluation.benchmarking import *  # noqa: F403
from photutils_rcnn.evaluation.blends import *  # noqa: F403
from photutils_rcnn.evaluation.completeness import *  # noqa: F403
from photutils_rcnn.evaluation.confusion import *  # noqa: F403
from photutils_rcnn.evaluation.detections import *  # noqa: F403
from photutils_rcnn.evaluation.fluxes import *  # noqa: F403
from photutils_rcnn.evaluation.matching import *  # noqa: F403
from photutils_rcnn.evaluation.overlaps import *  # noqa: F403
from photutils_rcnn.evaluation.probabilities import *  # noqa: F403
from photutils_rcnn.evaluation.report import *  # noqa: F403
from photutils_rcnn.evaluation.runner import *  # noqa: F403
