# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training of the network, on simulated scenes and on labelled frames.
"""

from photutils_rcnn.training.fine_tuning import *  # noqa: F403
