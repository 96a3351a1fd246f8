# Licensed under a 3-clause BSD style license - see LICENSE
"""
Footprints: sets of possibly overlapping pixel masks on one frame.
"""

__all__ = ['Footprints']

from functools import cached_property

import numpy as np
from scipy import ndimage, sparse

from photutils_rcnn._wording import count


class Footprints:
    """
    Boolean masks of sources on a frame, each stored as a cutout.

    Unlike a label image, footprints may overlap. They are not to be changed in place.

    Parameters
    ----------
    boxes : (N, 4) array_like of int
        Half-open boxes ``[y1, x1, y2, x2]`` in pixels, inside the frame.
    masks : sequence of N 2D bool arrays
        The mask of each source within its box, of the shape
        ``(y2 - y1, x2 - x1)``.
    shape : (2,) tuple of int
        The shape ``(ny, nx)`` of the frame.

    Raises
    ------
    ValueError
        If the masks do not fit their boxes or the boxes the frame.
    """

    def __init__(self, boxes, masks, shape):
        self.boxes = np.asarray(boxes, dtype=np.int64).reshape(-1, 4)
        self.masks = [np.asarray(mask, dtype=bool) for mask in masks]
        self.shape = tuple(int(n) for n in shape)
        if len(self.masks) != len(self.boxes):
            msg = (f'boxes and masks must have the same length, got '
                   f'{len(self.boxes)} and {len(self.masks)}')
            raise ValueError(msg)
        for box, mask in zip(self.boxes, self.masks, strict=True):
            if mask.shape != (box[2] - box[0], box[3] - box[1]):
                msg = f'mask of shape {mask.shape} does not fit box {box}'
                raise ValueError(msg)
        if len(self.boxes) and (
                self.boxes.min() < 0
                or self.boxes[:, 2].max() > self.shape[0]
                or self.boxes[:, 3].max() > self.shape[1]):
            msg = f'boxes must lie inside the frame of shape {self.shape}'
            raise ValueError(msg)

    def __len__(self):
        return len(self.masks)

    def __repr__(self):
        return f'<Footprints: {count(len(self), "source")}, shape={self.shape}>'

    def __getitem__(self, index):
        """
        Select footprints with an integer or boolean index array or a slice.
        """
        chosen = np.atleast_1d(np.arange(len(self))[index])
        return Footprints(self.boxes[chosen],
                          [self.masks[i] for i in chosen], self.shape)

    @property
    def areas(self):
        """
        The number of pixels of each footprint.
        """
        return np.array([np.count_nonzero(mask) for mask in self.masks],
                        dtype=np.int64)

    @cached_property
    def overlap(self):
        """
        Whether each footprint shares pixels with another one.
        """
        source, pixel = self._flat_pixels()
        # Of several at one pixel one is noted, and is not the others.
        noted = np.empty(np.prod(self.shape), dtype=np.int32)
        noted[pixel] = source
        noted[pixel[noted[pixel] != source]] = -1
        overlap = np.zeros(len(self), dtype=bool)
        overlap[source[noted[pixel] < 0]] = True
        return overlap

    def slices(self, i):
        """
        The (y, x) slices of the box of footprint ``i``.

        Parameters
        ----------
        i : int
            The index of the footprint.

        Returns
        -------
        rows, cols : slice
            The slices of the frame.
        """
        return self._slices[i]

    @cached_property
    def _slices(self):
        return [(slice(y1, y2), slice(x1, x2))
                for y1, x1, y2, x2 in self.boxes.tolist()]

    @classmethod
    def from_full(cls, mask, offset, shape):
        """
        One footprint's trimmed box and mask from a mask cutout.

        Parameters
        ----------
        mask : 2D bool `~numpy.ndarray`
            The mask on any cutout of the frame, which may reach outside it.
        offset : (2,) tuple of int
            The frame coordinates (y, x) of the cutout's first pixel.
        shape : (2,) tuple of int
            The shape of the frame.

        Returns
        -------
        box : (4,) `~numpy.ndarray` or `None`
            The tight box; `None` if no pixel of the mask is on the frame.
        mask : 2D bool `~numpy.ndarray` or `None`
            The mask within the box.
        """
        oy, ox = offset
        y_lo, x_lo = max(0, -oy), max(0, -ox)
        mask = mask[y_lo:max(shape[0] - oy, 0), x_lo:max(shape[1] - ox, 0)]
        rows, cols = (np.logical_or.reduce(mask, axis=axis) for axis in (1, 0))
        y1, x1 = (int(line.argmax()) if line.size else 0 for line in (rows, cols))
        if not rows[y1:y1 + 1].any():
            return None, None
        mask = mask[y1:len(rows) - int(rows[::-1].argmax()),
                    x1:len(cols) - int(cols[::-1].argmax())].copy()
        y1, x1 = oy + y_lo + y1, ox + x_lo + x1
        return np.array([y1, x1, y1 + mask.shape[0], x1 + mask.shape[1]]), mask

    @classmethod
    def from_labels(cls, labels):
        """
        The footprints of the labels 1, 2, ... of a label image.

        Labels without a pixel are left out.

        Parameters
        ----------
        labels : (ny, nx) array_like of int
            The label image, 0 for background.

        Returns
        -------
        footprints : `Footprints`
            The footprints by increasing label.
        """
        labels = np.asarray(labels)
        boxes, masks = [], []
        for i, found in enumerate(ndimage.find_objects(labels)):
            if found is not None:
                rows, cols = found
                boxes.append((rows.start, cols.start, rows.stop, cols.stop))
                masks.append(labels[found] == i + 1)
        return cls(boxes, masks, labels.shape)

    def crop(self, rows, cols):
        """
        The footprints on a part of the frame.

        Parameters
        ----------
        rows, cols : slice
            Slices with integer start and stop within the frame.

        Returns
        -------
        footprints : `Footprints`
            The parts inside; sources without a pixel there are left out.
        index : (M,) `~numpy.ndarray` of int
            The indices of the remaining sources.
        """
        shape = (rows.stop - rows.start, cols.stop - cols.start)
        boxes, masks, index = [], [], []
        for i, (box, mask) in enumerate(zip(self.boxes, self.masks,
                                            strict=True)):
            offset = (box[0] - rows.start, box[1] - cols.start)
            new_box, new_mask = self.from_full(mask, offset, shape)
            if new_box is not None:
                boxes.append(new_box)
                masks.append(new_mask)
                index.append(i)
        return Footprints(boxes, masks, shape), np.array(index, dtype=int)

    def to_packed(self):
        """
        The footprints as plain arrays, for storage.

        Returns
        -------
        packed : dict of `~numpy.ndarray`
            ``boxes`` (int32), ``bits`` (uint8, all masks in row-major order
            as one bit string) and ``shape``.
        """
        flat = [mask.ravel() for mask in self.masks]
        bits = np.packbits(np.concatenate(flat)) if flat else np.zeros(
            0, dtype=np.uint8)
        return {'boxes': self.boxes.astype(np.int32), 'bits': bits,
                'shape': np.array(self.shape)}

    @classmethod
    def from_packed(cls, packed):
        """
        Restore the footprints from the arrays of `to_packed`.

        Parameters
        ----------
        packed : dict of `~numpy.ndarray`
            ``boxes``, ``bits`` and ``shape``.

        Returns
        -------
        footprints : `Footprints`
            The footprints.
        """
        boxes = np.asarray(packed['boxes'], dtype=np.int64).reshape(-1, 4)
        sides = boxes[:, 2:] - boxes[:, :2]
        ends = np.cumsum(sides.prod(axis=1)).tolist()
        flat = np.unpackbits(np.asarray(packed['bits'])).astype(bool)
        masks = [flat[end - ny * nx:end].reshape(ny, nx)
                 for end, (ny, nx) in zip(ends, sides, strict=True)]
        return cls(boxes, masks, packed['shape'])

    def intersections(self, other):
        """
        The pixels shared by each pair of footprints of two sets.

        Parameters
        ----------
        other : `Footprints`
            Footprints on the same frame.

        Returns
        -------
        first, second : (P,) `~numpy.ndarray` of int
            The indices of the pairs that share at least one pixel.
        shared : (P,) `~numpy.ndarray` of int
            The number of shared pixels.
        """
        if self.shape != other.shape:
            msg = (f'other must lie on a frame of shape {self.shape}, '
                   f'got {other.shape}')
            raise ValueError(msg)
        rows, pixels = self._flat_pixels()
        columns, pixels = np.unique(pixels, return_inverse=True)
        other_rows, other_pixels = rows, pixels
        if other is not self:
            other_rows, other_pixels = other._flat_pixels()
            # only pixels of the one set can be shared with the other
            inside = np.isin(other_pixels, columns)
            other_rows = other_rows[inside]
            other_pixels = np.searchsorted(columns, other_pixels[inside])
        member, other_member = (
            sparse.csr_array((np.ones(len(i), dtype=np.int64), (i, j)),
                             shape=(n, max(len(columns), 1)))
            for i, j, n in ((rows, pixels, len(self)),
                            (other_rows, other_pixels, len(other))))
        shared = (member @ other_member.T).tocsr()
        shared.sort_indices()
        shared = shared.tocoo()
        first, second = (index.astype(np.int64) for index in shared.coords)
        return first, second, shared.data

    def pixels(self):
        """
        The pixels of all footprints, one after the other.

        Returns
        -------
        source, y, x : (P,) `~numpy.ndarray` of int32
            The index of the footprint, the row and the column of each pixel; those of
            a footprint are in row-major order.
        """
        boxes = self.boxes.astype(np.int32)
        width = boxes[:, 3] - boxes[:, 1]
        sizes = width * (boxes[:, 2] - boxes[:, 0])
        flat = [np.zeros(0, dtype=bool), *(mask.ravel() for mask in self.masks)]
        inside = np.flatnonzero(np.concatenate(flat))
        source = np.repeat(np.arange(len(self), dtype=np.int32), sizes)[inside]
        within = (inside - (np.cumsum(sizes) - sizes)[source]).astype(np.int32)
        y, x = np.divmod(within, width[source])
        return source, y + boxes[source, 0], x + boxes[source, 1]

    def _flat_pixels(self):
        """
        The index of the footprint and that in the flattened frame of all pixels.
        """
        source, y, x = self.pixels()
        return source, y.astype(np.int64) * self.shape[1] + x
