# Licensed under a 3-clause BSD style license - see LICENSE
"""
Batches of examples for attribute heads.
"""

__all__ = ['AttributeBatches', 'class_weights']

import keras
import numpy as np

# The bins of sizes, dex, and the number of sources in one at which its fractions of the
# classes count as much as those of all sizes.
SIZE_STEP = 0.2
N_PRIOR = 20
# Of the stretch of composites, for the brightest light as unit.
SOFTENING = 0.5, 6.


def class_weights(values, n_classes, log_size):
    """
    Weights with which all classes count alike among sources of any size.

    Else the size alone would tell the class: large galaxies show more of their arms, and
    surveys find them at other distances.

    Parameters
    ----------
    values : (N,) array_like of int
        The classes, counted from 0.
    n_classes : int
        Their number.
    log_size : (N,) array_like
        The decadic logarithm of the sizes of the sources.

    Returns
    -------
    weights : (N,) `~numpy.ndarray`
        Of mean 1. Where few sources have a size, they are those of all sizes.
    """
    values = np.asarray(values, dtype=int)
    bins = np.floor(np.asarray(log_size) / SIZE_STEP).astype(int)
    overall = np.bincount(values, minlength=n_classes) / len(values)
    weights = np.empty(len(values))
    for one in np.unique(bins):
        chosen = bins == one
        counts = np.bincount(values[chosen], minlength=n_classes)
        fractions = (counts + N_PRIOR * overall) / (counts.sum() + N_PRIOR)
        weights[chosen] = 1 / fractions[values[chosen]]
    return weights / weights.mean()


class AttributeBatches(keras.utils.PyDataset):
    """
    Shuffled batches of examples, turned and flipped.

    Parameters
    ----------
    examples : dict of `~numpy.ndarray`
        ``pooled``, ``stamps`` and ``numbers``, see
        `~photutils_rcnn.detection.attributes.attribute_inputs`.
    targets, weights : (N,) `~numpy.ndarray`
        The targets and the weights of the examples.
    batch_size : int, optional
        The examples of a batch.
    augmented : bool, optional
        Whether examples are shuffled, turned and flipped. The default is `True`.
    color_scatter : float or (N,) `~numpy.ndarray`, optional
        The scatter of a factor on the light of each band, natural logarithm, so that
        colors that differ between surveys tell less.
    composites : float, optional
        The fraction of sources whose bright parts are compressed as in color composites
        (`~photutils_rcnn.io.pictures.read_picture`).
    seed : int, optional
        The seed of all this.
    """

    def __init__(self, examples, targets, weights, *, batch_size=128, augmented=True,
                 color_scatter=0., composites=0., seed=0):
        super().__init__()
        self.examples = examples
        self.targets = targets
        self.weights = weights
        self.batch_size = batch_size
        self.augmented = augmented
        self.color_scatter = np.broadcast_to(color_scatter, len(targets))
        self.composites = composites
        self.seed = seed
        self._epoch = 0
        self.on_epoch_begin()

    def __len__(self):
        return -(-len(self.targets) // self.batch_size)

    def on_epoch_begin(self):
        """
        Shuffle anew.
        """
        self._order = np.arange(len(self.targets))
        if self.augmented:
            np.random.default_rng((self.seed, self._epoch)).shuffle(self._order)
        self._epoch += 1

    def __getitem__(self, index):
        chosen = self._order[index * self.batch_size:(index + 1) * self.batch_size]
        inputs = {name: self.examples[name][chosen].astype(np.float32)
                  for name in ('pooled', 'stamps', 'numbers') if name in self.examples}
        if self.augmented:
            self._augment(inputs, self.color_scatter[chosen], np.random.default_rng(
                (self.seed, self._epoch, index, 1)))
        return inputs, self.targets[chosen], self.weights[chosen]

    def _augment(self, inputs, color_scatter, rng):
        """
        Turn and flip a batch, and change the colors of its sources.
        """
        n_turns, flip = rng.integers(4), rng.integers(2)
        for name in {'pooled', 'stamps'} & set(inputs):
            turned = np.rot90(inputs[name], n_turns, axes=(1, 2))
            inputs[name] = np.ascontiguousarray(turned[:, :, ::-1] if flip else turned)
        if n_turns % 2:  # height and width change places
            inputs['numbers'] = inputs['numbers'][:, [1, 0, *range(
                2, inputs['numbers'].shape[1])]]
        stamps = inputs['stamps']
        light, per_source = np.sinh(stamps), (len(stamps), 1, 1)
        if color_scatter.any():
            light *= np.exp(color_scatter.reshape(per_source + (1,)) * rng.normal(
                size=(*per_source, stamps.shape[-1])))
        if self.composites:
            peak = np.maximum(light.max(axis=(1, 2, 3), keepdims=True), 1)
            softening = np.exp(rng.uniform(*np.log(SOFTENING), (*per_source, 1)))
            stretched = peak * np.arcsinh(softening * light / peak) / softening
            chosen = rng.random((*per_source, 1)) < self.composites
            light = np.where(chosen, stretched, light)
        inputs['stamps'] = np.arcsinh(light).astype(np.float32)
