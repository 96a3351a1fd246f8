# Licensed under a 3-clause BSD style license - see LICENSE
"""
Crowding of a frame.
"""

__all__ = ['is_crowded']

import numpy as np

CROWDED = 0.22  # of the pixels


def is_crowded(labels):
    """
    Whether sources cover so much of a frame that the wings of stars show between few of them.

    Parameters
    ----------
    labels : (ny, nx) `~numpy.ndarray` of int
        The label image.

    Returns
    -------
    crowded : bool
        Whether more than 22 percent of the pixels have a label.
    """
    return bool(np.count_nonzero(labels) > CROWDED * labels.size)
