# Licensed under a 3-clause BSD style license - see LICENSE
"""
Batches of two data sets: crops of scenes, and mosaics of cutouts with labels only.

Heterogeneous sets are mixed with as many images of each in every step, so that what is
learned from one is not forgotten for the other.
"""

__all__ = ['MixedDataset']

import numpy as np

from photutils_rcnn.training.attribute_batches import class_weights

# Four cutouts make an image as large as a crop.
N_CUTOUTS = 4


class MixedDataset:
    """
    Crops of scenes and as many mosaics of four cutouts.

    Parameters
    ----------
    scenes : `~photutils_rcnn.training.dataset.CropDataset`
        The crops, ``batch_size`` of each step.
    examples : dict of `~numpy.ndarray`
        The labelled sources with cutouts of half the side of the crops, see
        `~photutils_rcnn.training.attribute_examples.frame_examples`.
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        What the labels say.
    seed : int, optional
        The seed of the order of sources and of turning and flipping them.
    """

    def __init__(self, scenes, examples, attribute, *, seed=0):
        side = examples['cutouts'].shape[1]
        if 2 * side != scenes.side:
            msg = (f'cutouts must be half as wide as the crops of {scenes.side} pixels, '
                   f'got {side}')
            raise ValueError(msg)
        self.scenes = scenes
        self.attribute = attribute
        self.examples = examples
        self.seed = seed
        n_classes = len(attribute.classes)
        values = examples['values']
        if not n_classes:
            values = (values - np.mean(values)) / (np.std(values) or 1)
        self._targets = values.astype(np.float32)
        self._weights = (class_weights(values, n_classes, examples['numbers'][:, 0])
                         if n_classes
                         else np.ones(len(values))).astype(np.float32)

    def __len__(self):
        return len(self.scenes)

    @property
    def batch_size(self):
        """
        The crops of a step, and as many mosaics.
        """
        return self.scenes.batch_size

    @property
    def side(self):
        """
        The side of crops and mosaics, pixels.
        """
        return self.scenes.side

    def refresh(self, limit=None):
        """
        Read new scenes; see `CropDataset.refresh
        <photutils_rcnn.training.dataset.CropDataset.refresh>`.

        Parameters
        ----------
        limit : int, optional
            Read at most so many.
        """
        self.scenes.refresh(limit)

    def batch(self, step):
        """
        The batch of a training step; the same for the same step and seed.

        Parameters
        ----------
        step : int
            The number of the step.

        Returns
        -------
        images : (2 * batch_size, n, n, n_bands) `~numpy.ndarray` of float32
            Normalized crops, then mosaics.
        truth : dict of `~numpy.ndarray`
            That of the crops, see `~photutils_rcnn.training.dataset.CropDataset.batch`,
            and that of the mosaics, see
            `~photutils_rcnn.models.stage_losses.StageLosses.compute_loss`.
        """
        images, truth = self.scenes.batch(step)
        mosaics, sources = self._mosaics(step, len(images))
        return np.concatenate([images, mosaics]), {**truth, **sources}

    def _mosaics(self, step, n_images):
        """
        Images of four cutouts each, and their sources.
        """
        n, n_sources = n_images * N_CUTOUTS, len(self._targets)
        chosen = []
        for i in range(step * n, (step + 1) * n):
            epoch, position = divmod(i, n_sources)
            if position == 0 or not chosen:
                order = np.random.default_rng((self.seed, epoch)).permutation(n_sources)
            chosen.append(order[position])
        rng = np.random.default_rng((self.seed, step, 1))
        side = self.side // 2
        images = np.zeros((n_images, 2 * side, 2 * side,
                           self.examples['cutouts'].shape[-1]), dtype=np.float32)
        truth = {name: [] for name in ('source_boxes', 'stamps', 'numbers')}
        for place, row in enumerate(chosen):
            cutout, stamp, box, numbers = _turned(
                *(self.examples[name][row]
                  for name in ('cutouts', 'stamps', 'boxes', 'numbers')),
                rng.integers(4), rng.integers(2))
            image, quarter = divmod(place, N_CUTOUTS)
            y, x = side * (quarter // 2), side * (quarter % 2)
            images[image, y:y + side, x:x + side] = cutout
            truth['source_boxes'].append(box + [y, x, y, x])
            truth['stamps'].append(stamp)
            truth['numbers'].append(numbers)
        shape = n_images, N_CUTOUTS
        truth = {name: np.array(values, dtype=np.float32).reshape(
            *shape, *np.shape(values[0])) for name, values in truth.items()}
        truth['targets'] = self._targets[chosen].reshape(shape)
        truth['target_weights'] = self._weights[chosen].reshape(shape)
        return images, truth


def _turned(cutout, stamp, box, numbers, n_turns, flip):
    """
    A source turned by quarters and, if so, flipped from left to right.
    """
    side = len(cutout)
    y1, x1, y2, x2 = box
    for _ in range(n_turns):  # as np.rot90: rows become columns, the last first
        y1, x1, y2, x2 = side - x2, y1, side - x1, y2
    if n_turns % 2:
        numbers = numbers[[1, 0, *range(2, len(numbers))]]
    cutout, stamp = (np.rot90(pixels, n_turns) for pixels in (cutout, stamp))
    if flip:
        x1, x2 = side - x2, side - x1
        cutout, stamp = cutout[:, ::-1], stamp[:, ::-1]
    return cutout, stamp, np.array([y1, x1, y2, x2]), numbers
