# Licensed under a 3-clause BSD style license - see LICENSE
"""
Catalog of the sources of a block.
"""

__all__ = ['block_table']

from dataclasses import replace

import numpy as np

from photutils_rcnn.preprocessing.binned_map import BinnedMap
from photutils_rcnn.result import RCNNResult
from photutils_rcnn.sources.instances import RCNN_FLAGS

# Pixels around sources, or the side of the source if that is more, that their apertures see.
REACH = 64
NEAR = 1.  # pixels, of the border of a window: the source goes on beyond
# In pixels of the frame, in a table of the block in those of its window.
COLUMNS = ({'x_centroid': 1, 'bbox_xmin': 1, 'bbox_xmax': 1},
           {'y_centroid': 0, 'bbox_ymin': 0, 'bbox_ymax': 0})


def block_table(result, own, block, frame_shape, first, *, deblend=False):
    """
    Measure the sources of a block.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result of the window.
    own : (M,) `~numpy.ndarray` of int
        The sources of the block, at least one.
    block : `~photutils_rcnn.blocks.grid.Block`
        The block.
    frame_shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    first : int
        The label of the first of them on the frame.
    deblend : bool, optional
        Whether to measure deblended fluxes. The default is `False`.

    Returns
    -------
    table : `~astropy.table.QTable`
        The catalog, in pixels of the frame, with ``snr`` and, where it is known,
        ``log_bayes_factor``.
    """
    part = _with_flags(result, block, frame_shape)
    if deblend:  # whose models need all neighbors
        part, cut = _chosen(part, own, tuple(slice(0, n) for n in block.shape))
        part._deblend()
    else:
        part, cut = _chosen(part, own, _window(part, own))
    table = part.catalog_table[:len(own)]
    if 'sky_centroid' in table.colnames:  # of no WCS: it is that of the frame
        table.remove_column('sky_centroid')
    table['label'] = (first + np.arange(len(own))).astype(np.int32)
    start = [axis.start + low for axis, low in zip(
        cut, block.start, strict=True)]
    for columns in COLUMNS:
        for name, axis in columns.items():
            table[name] += start[axis]
    instances = part.instances[:len(own)]
    if instances.snr is not None:
        table['snr'] = instances.snr
    if instances.log_bayes_factors is not None:
        table['log_bayes_factor'] = instances.log_bayes_factors
    return table


def _with_flags(result, block, frame_shape):
    """
    The result with the flags of the frame: its edges, not those of the window.
    """
    boxes = result.footprints.boxes + np.tile(block.start, 2)
    at_edge = ((boxes[:, :2] == 0) | (boxes[:, 2:] == frame_shape)).any(axis=1)
    low, high = (np.array([getattr(axis, end) for axis in block.window])
                 for end in ('start', 'stop'))
    # what the mask leaves out of the box of a source need not end where the source does
    shown = result.instances.boxes + np.tile(block.start, 2)
    is_cut = (((np.minimum(boxes[:, :2], shown[:, :2]) <= low + NEAR) & (low > 0))
              | ((np.maximum(boxes[:, 2:], shown[:, 2:]) >= high - NEAR)
                 & (high < frame_shape))).any(axis=1)
    edge, halo = RCNN_FLAGS['edge_touch'], RCNN_FLAGS['exceeds_halo']
    instances = result.instances[:]
    instances.flags = (np.where(at_edge, instances.flags | edge, instances.flags & ~edge)
                       | np.where(is_cut, halo, 0)).astype(np.int32)
    return _like(result, instances, result.labels, result.label_of_source)


def _window(result, own):
    """
    The pixels that matter for the sources of a block.
    """
    boxes = result.footprints.boxes[own]
    reach = np.maximum(boxes[:, 2:] - boxes[:, :2], REACH)
    low = np.maximum((boxes[:, :2] - reach).min(axis=0), 0)
    high = np.minimum((boxes[:, 2:] + reach).max(axis=0), result.labels.shape)
    low -= low % 64  # as boxes of errors and bins do
    return tuple(slice(int(first), int(last)) for first, last in zip(low, high, strict=True))


def _chosen(result, own, window):
    """
    The sources of a block before all others of a window, and that window.
    """
    labels = result.labels[window]
    present = np.zeros(int(result.labels.max()) + 1, dtype=bool)
    present[labels] = True
    present[0] = False
    others = np.setdiff1d(np.flatnonzero(present[result.label_of_source]), own)
    order = np.concatenate([own, others])
    new = np.zeros(len(present), dtype=np.int32)
    new[result.label_of_source[order]] = 1 + np.arange(len(order))
    start = np.tile([axis.start for axis in window], 2).astype(np.float32)
    instances = replace(result.instances[order], shape=labels.shape)
    instances.boxes = instances.boxes - start
    instances.mask_boxes = instances.mask_boxes - start
    return _like(result, instances, new[labels], 1 + np.arange(len(order)), window), window


def _like(result, instances, labels, label_of_source, window=np.s_[:, :]):
    cube = result.cube
    cube = replace(cube, **{name: None if values is None else _part(values, window)
                            for name, values in (('data', cube.data), ('invalid', cube.invalid),
                                                 ('error', cube.error), ('gain', cube.gain))})
    return RCNNResult(
        instances, labels, label_of_source, cube=cube,
        background=_part(result._background, window), noise=_part(result.noise, window),
        bands=result.bands, meta=result.meta, psf=result._given_psf)


def _part(values, window):
    if isinstance(values, BinnedMap):
        side = values.side
        shape = tuple(len(range(n)[axis]) for n, axis in zip(
            values.shape[1:], window, strict=True))
        bins = tuple(slice((axis.start or 0) // side, None) for axis in window)
        return BinnedMap(values.bins[:, *bins], side, shape)
    return values if values.shape[1:] == (1, 1) else values[:, *window]
