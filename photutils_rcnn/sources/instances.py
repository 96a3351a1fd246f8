# Licensed under a 3-clause BSD style license - see LICENSE
"""
Instances: sources with soft, overlapping masks, and their painting.
"""

__all__ = ['RCNN_FLAGS', 'Instances', 'decode_rcnn_flags']

from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from photutils_rcnn._row_blocks import row_blocks
from photutils_rcnn.sources.classes import CLASS_NAMES
from photutils_rcnn.sources.footprints import Footprints
from photutils_rcnn.sources.pasting import bilinear_matrices, relative_depth

RCNN_FLAGS = {
    'masked_pixels': 1,
    'edge_touch': 16,
    'touches_artifact': 1 << 27,
    'overlaps_neighbor': 1 << 28,
    'exceeds_halo': 1 << 29,
    'no_pixels': 1 << 30,
}
"""
The bits of the ``detection_flags`` column.

The first two are those of ``photutils.segmentation.SEGMENTATION_FLAGS`` (photutils 3.1)
for the same conditions, with the footprint in place of the segment; it has no others
from 2**27 on.
"""


def decode_rcnn_flags(flags):
    """
    The names of the bits that are set.

    Parameters
    ----------
    flags : int or array_like of int
        Values of the ``detection_flags`` column.

    Returns
    -------
    names : list of str or list of list of str
        The names, in the order of the bits; a list of lists if ``flags``
        is an array.
    """
    if np.ndim(flags):
        return [decode_rcnn_flags(value) for value in flags]
    return [name for name, bit in RCNN_FLAGS.items() if int(flags) & bit]


@dataclass
class Instances:
    """
    Sources on a frame.

    Masks and their boxes are not to be changed in place: footprints are kept.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    boxes : (N, 4) `~numpy.ndarray` of float32
        Boxes ``[y1, x1, y2, x2]`` in edge coordinates: pixel ``i`` covers
        ``i`` to ``i + 1``.
    scores : (N,) `~numpy.ndarray` of float32
        The probability that there is such a source.
    class_probabilities : (N, K) `~numpy.ndarray` of float32
        The probabilities of the classes of a source; rows sum to one.
    masks : (N, S, S) `~numpy.ndarray` of float16
        The probability that the source covers the cells of its mask box, as the
        network gives it.
    mask_boxes : (N, 4) `~numpy.ndarray` of float32
        The boxes that the masks divide into ``S`` x ``S`` equal cells.
    flags : (N,) `~numpy.ndarray` of int32
        Bits of `RCNN_FLAGS`.
    snr : (N,) `~numpy.ndarray` of float32, optional
        The S/N of the footprints, where the pixels were checked.
    log_bayes_factors : (N,) `~numpy.ndarray` of float32, optional
        The natural logarithm of the likelihood of each source as a star over that
        as a galaxy, where it is known
        (`~photutils_rcnn.detection.class_prior.apply_star_prior`).
    features : (N, P, P, C) `~numpy.ndarray` of float16, optional
        What the trunk of the network has of each source, for attribute heads.
    attributes : (N,) structured `~numpy.ndarray`, optional
        What attribute heads say, a field for each column of the table.
    mask_threshold : float, optional
        A footprint is where the probability on pixels reaches this.
    mask_scale : float, optional
        The factor of the logits of masks on pixels that makes their probabilities
        frequencies. The default is 1.
    class_names : (K,) tuple of str, optional
        The names of the classes.
    interpolation : {'bilinear', 'bilinear-zero'}, optional
        What lies beyond the outermost cells of a mask: their own values, or
        zeros, with which the result is limited to the range of the mask.
    """

    shape: tuple
    boxes: np.ndarray
    scores: np.ndarray
    class_probabilities: np.ndarray
    masks: np.ndarray
    mask_boxes: np.ndarray
    flags: np.ndarray
    snr: np.ndarray | None = None
    log_bayes_factors: np.ndarray | None = None
    features: np.ndarray | None = None
    attributes: np.ndarray | None = None
    mask_threshold: float = 0.5
    mask_scale: float = 1.
    class_names: tuple = CLASS_NAMES
    interpolation: str = 'bilinear'

    _kept = None  # the last footprints and their threshold

    @classmethod
    def empty(cls, shape, mask_size, class_names=CLASS_NAMES, **options):
        """
        No sources.

        Parameters
        ----------
        shape : (2,) tuple of int
            The shape (ny, nx) of the frame.
        mask_size : int
            The side S of the masks.
        class_names : (K,) tuple of str, optional
            The names of the classes.
        **options
            Other parameters.

        Returns
        -------
        instances : `Instances`
            The instances, of length 0.
        """
        def zeros(*sides, dtype=np.float32):
            return np.zeros((0, *sides), dtype=dtype)

        return cls(shape=shape, boxes=zeros(4), scores=zeros(),
                   class_probabilities=zeros(len(class_names)),
                   masks=zeros(mask_size, mask_size, dtype=np.float16),
                   mask_boxes=zeros(4), flags=zeros(dtype=np.int32),
                   class_names=class_names, **options)

    @classmethod
    def concatenate(cls, parts):
        """
        The sources of several parts of a frame, one after the other.

        Parameters
        ----------
        parts : sequence of `Instances`
            One or more on the same frame.

        Returns
        -------
        instances : `Instances`
            All sources.
        """
        values = {f.name: getattr(parts[0], f.name) for f in fields(cls)}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                values[name] = np.concatenate(
                    [getattr(part, name) for part in parts])
        return cls(**values)

    def __len__(self):
        return len(self.scores)

    def __getitem__(self, index):
        """
        Select sources with an index, an index array, a boolean array or a
        slice.
        """
        rows = np.atleast_1d(np.arange(len(self))[index])
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                values[name] = value[rows]
        chosen = type(self)(**values)
        if self._kept is not None:
            footprints, threshold = self._kept
            chosen._kept = footprints[rows], threshold
        return chosen

    @property
    def class_ids(self):
        """
        The most probable class of each source, from 1.
        """
        return np.argmax(self.class_probabilities, axis=1) + 1

    @property
    def centers(self):
        """
        The centers (x, y) of the boxes, in pixels, 0 at the center of the
        first pixel.
        """
        boxes = self.boxes
        return np.stack([boxes[:, 1] + boxes[:, 3],
                         boxes[:, 0] + boxes[:, 2]], axis=1) / 2 - 0.5

    def paste(self, i):
        """
        The probability mask of a source, on pixels.

        Parameters
        ----------
        i : int
            The source.

        Returns
        -------
        values : 2D `~numpy.ndarray` of float32
            Bilinear samples at the centers of the pixels, calibrated by
            ``mask_scale``.
        slices : (2,) tuple of slice
            Where they lie on the frame.
        """
        (slices, values), = self._on_pixels(self.mask_boxes[i][None],
                                            self.masks[i][None])
        return self._calibrated(values), slices

    def paste_all(self):
        """
        The probability masks of all sources, on pixels.

        Yields
        ------
        slices : (2,) tuple of slice
            Where the mask of a source lies on the frame.
        values : 2D `~numpy.ndarray` of float32
            See `paste`.
        """
        for slices, values in self._samples():
            yield slices, self._calibrated(values)

    def _samples(self, *, depth_of=None):
        """
        Yield the slices of all sources and the bilinear samples, not calibrated; with
        the threshold ``depth_of`` of the samples also the relative depth, see `paint`.
        """
        for part in row_blocks(len(self)):
            grids = [self.masks[part]]
            if depth_of is not None:
                grids.append(relative_depth(grids[0], depth_of))
            yield from self._on_pixels(self.mask_boxes[part], *grids)

    def _calibrated(self, samples):
        """
        The probabilities that samples stand for.
        """
        if self.mask_scale == 1:
            return samples
        # rounding errors of the interpolation may exceed 0 and 1
        logits = special.logit(np.clip(samples, 0, 1))
        return special.expit(np.float32(self.mask_scale) * logits)

    def _raw(self, threshold):
        """
        The sample that stands for a probability. So footprints cost no calibration,
        and those of the threshold 0.5 do not depend on it.
        """
        if self.mask_scale == 1:
            return threshold
        return special.expit(special.logit(threshold) / self.mask_scale)

    def _on_pixels(self, mask_boxes, *grids):
        """
        Yield the slices of each mask box and values on its cells, (N, S, S), as
        bilinear samples at the centers of the pixels.
        """
        with_zeros = self.interpolation == 'bilinear-zero'
        axes = [bilinear_matrices(mask_boxes[:, k], mask_boxes[:, k + 2], n,
                                   grids[0].shape[k + 1], with_zeros)
                for k, n in enumerate(self.shape)]
        grids = [grid.astype(np.float32) for grid in grids]
        for (rows, wy), (cols, wx), *cells in zip(*axes, *grids, strict=True):
            values = [wy @ grid @ wx.T for grid in cells]
            if with_zeros:
                values = [np.clip(pixels, grid.min(), grid.max())
                          for pixels, grid in zip(values, cells, strict=True)]
            yield (rows, cols), *values

    def footprints(self, threshold=None):
        """
        Where each source stands above the noise, alone.

        Parameters
        ----------
        threshold : float, optional
            The least probability; by default ``mask_threshold``.

        Returns
        -------
        footprints : `~photutils_rcnn.sources.footprints.Footprints`
            Overlapping boolean masks. A source too small to cover a pixel
            center has an empty mask.
        """
        if threshold is None:
            threshold = self.mask_threshold
        if self._kept is not None and self._kept[1] == threshold:
            return self._kept[0]
        boxes, masks = [], []
        least = self._raw(threshold)
        for i, ((rows, cols), values) in enumerate(self._samples()):
            box, mask = Footprints.from_full(
                values >= least, (rows.start, cols.start),
                self.shape)
            if box is None:
                y, x = np.clip(self.boxes[i, :2].astype(int), 0, self.shape)
                box, mask = (y, x, y, x), np.zeros((0, 0), dtype=bool)
            boxes.append(box)
            masks.append(mask)
        self._kept = Footprints(boxes, masks, self.shape), threshold
        return self._kept[0]

    def flag_overlaps(self):
        """
        Set the flag of sources that overlap others, and of them alone.
        """
        bit = RCNN_FLAGS['overlaps_neighbor']
        self.flags = np.where(self.footprints().overlap, self.flags | bit,
                              self.flags & ~bit)

    def paint(self, mask=None):
        """
        Give every pixel to at most one source.

        Footprints overlap. A pixel goes to the source for which the product
        of its probability, as the network gives it, and of its relative depth is
        largest. The relative depth is the distance to the edge of the source's own mask in units
        of the largest such distance: 1 in the middle, 0 at the edge. So a
        star on the disc of a galaxy keeps its core and two equal sources
        share their overlap evenly. The rule looks at each source alone,
        hence depends neither on tiles nor, but for exact ties, which go to
        the first source, on the order of sources.

        Parameters
        ----------
        mask : 2D bool `~numpy.ndarray`, optional
            Pixels that belong to no source.

        Returns
        -------
        labels : 2D `~numpy.ndarray` of int32
            0 for background, else the label of the source.
        label_of_source : (N,) `~numpy.ndarray` of int32
            The label of each source, from 1 without gaps in the order of
            the sources; 0 for a source that has no pixel.
        """
        owner = np.full(self.shape, -1, dtype=np.int32)
        footprints = self.footprints()
        for i in np.flatnonzero(~footprints.overlap):
            owner[footprints.slices(i)][footprints.masks[i]] = i
        best = np.zeros(self.shape, dtype=np.float32)
        least = self._raw(self.mask_threshold)
        rivals = np.flatnonzero(footprints.overlap)
        for i, (slices, values, depth) in zip(
                rivals, self[rivals]._samples(depth_of=least), strict=True):
            weight = values * np.maximum(depth, 1e-3)
            wins = (values >= least) & (weight > best[slices])
            owner[slices][wins] = i
            best[slices][wins] = weight[wins]
        if mask is not None:
            owner[mask] = -1
        del best
        seen = np.zeros(len(self) + 1, dtype=bool)
        for rows in row_blocks(len(owner)):
            seen[owner[rows]] = True
        label_of_source = np.where(seen[:-1], np.cumsum(seen[:-1]),
                                   0).astype(np.int32)
        # The last one is that of the background, -1.
        label_of_owner = np.append(label_of_source, np.int32(0))
        for rows in row_blocks(len(owner)):
            owner[rows] = label_of_owner[owner[rows]]
        return owner, label_of_source
