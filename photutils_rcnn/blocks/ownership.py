# Licensed under a 3-clause BSD style license - see LICENSE
"""
Which sources of a block are its own, given those of the blocks before.
"""

__all__ = ['own_sources']

import numpy as np

# Pixels. The center of a source differs by much less between two blocks that show it.
TOLERANCE = 2.
SAME = 0.5  # intersection over union of the segments of a source in two blocks


def own_sources(centers, labels, label_of_source, block, earlier):
    """
    Find the sources that a block answers for.

    They are those with the center in its core. On its border two blocks may each take a
    source for their own, or for the other's: so a band of two pixels around the core counts
    as well, and what a block before has is left to it.

    Parameters
    ----------
    centers : (N, 2) `~numpy.ndarray`
        The x and y of the sources on the window of the block.
    labels : 2D `~numpy.ndarray` of int
        The label image of the window.
    label_of_source : (N,) `~numpy.ndarray` of int
        The labels of the sources, 0 for those without a pixel of their own.
    block : `~photutils_rcnn.blocks.grid.Block`
        The block.
    earlier : 2D `~numpy.ndarray` of int
        The label image of the blocks before.

    Returns
    -------
    own : (M,) `~numpy.ndarray` of int
        The sources.
    """
    places = centers[:, ::-1] + block.start
    low, high = (np.array([getattr(axis, end) for axis in block.core]) - 0.5
                 for end in ('start', 'stop'))
    near = ((places >= low - TOLERANCE) & (places < high + TOLERANCE)).all(axis=1)
    taken = earlier > 0
    n_labels = int(label_of_source.max(initial=0)) + 1
    areas = np.bincount(labels.ravel(), minlength=n_labels)
    n_taken = np.bincount(labels[taken], minlength=n_labels)
    earlier_areas = None
    own = []
    for i in np.flatnonzero(near & (label_of_source > 0)):
        label = label_of_source[i]
        if n_taken[label] == 0:
            own.append(i)
        elif n_taken[label] < areas[label]:
            if earlier_areas is None:
                known, counts = np.unique(earlier[taken], return_counts=True)
                earlier_areas = dict(zip(known.tolist(), counts.tolist(), strict=True))
            rivals, shared = np.unique(earlier[taken & (labels == label)], return_counts=True)
            overlaps = [n / (areas[label] + earlier_areas[rival] - n)
                        for rival, n in zip(rivals.tolist(), shared.tolist(), strict=True)]
            if max(overlaps) < SAME:
                own.append(i)
    return np.array(own, dtype=int)
