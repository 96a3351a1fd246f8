# Licensed under a 3-clause BSD style license - see LICENSE
"""
Blends: sources whose footprints are connected.
"""

__all__ = ['labels_of_parents']

import numpy as np
from scipy import ndimage, sparse


def labels_of_parents(footprints, label_of_source):
    """
    The labels of the sources of each blend.

    A blend are two sources or more whose footprints overlap or touch, with a side or a
    corner of a pixel, directly or through others.

    Parameters
    ----------
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The footprints of N sources.
    label_of_source : (N,) `~numpy.ndarray` of int
        Their labels, 0 for a source without a pixel of its own, which connects others
        but is not listed.

    Returns
    -------
    labels : dict of int to `~numpy.ndarray` of int32
        For each blend, by the lowest of its labels, its labels in increasing order.
    """
    covered = np.zeros(footprints.shape, dtype=bool)
    for i, mask in enumerate(footprints.masks):
        covered[footprints.slices(i)] |= mask
    islands, n_islands = ndimage.label(covered, structure=np.ones((3, 3)))
    # A footprint with several parts connects the islands that they lie on.
    pairs = [(i, island) for i, mask in enumerate(footprints.masks)
             for island in np.unique(islands[footprints.slices(i)][mask]) - 1]
    sources, parts = np.reshape(pairs, (-1, 2)).astype(int).T
    n_sources = len(footprints)
    graph = sparse.coo_array(
        (np.ones(len(sources)), (sources, n_sources + parts)),
        shape=(n_sources + n_islands,) * 2)
    _, blends = sparse.csgraph.connected_components(graph, directed=False)
    labels = np.asarray(label_of_source, dtype=np.int32)
    blends = blends[:n_sources][labels > 0]
    labels = labels[labels > 0]
    order = np.lexsort((labels, blends))
    starts = np.flatnonzero(np.diff(blends[order])) + 1
    groups = np.split(labels[order], starts)
    return {int(group[0]): group
            for group in sorted(groups, key=lambda group: group[:1].tolist())
            if len(group) > 1}
