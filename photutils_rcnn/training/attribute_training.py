# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training of attribute heads on frozen features.
"""

__all__ = ['train_attribute']

import logging
from pathlib import Path

import keras
import numpy as np
from keras import ops

from photutils_rcnn._wording import count
from photutils_rcnn.models.attribute_transfer import add_attribute
from photutils_rcnn.models.losses import gaussian_loss
from photutils_rcnn.models.model import Model
from photutils_rcnn.models.zoo import load_model, save_model
from photutils_rcnn.training.attribute_batches import AttributeBatches, class_weights
from photutils_rcnn.training.attribute_calibration import (
    attribute_report,
    fit_attribute_calibration,
)
from photutils_rcnn.training.attribute_examples import collect_examples, read_examples
from photutils_rcnn.training.labelled_frames import labelled_frames

VALIDATION_FRACTION = 0.2
PATIENCE = 8
WEIGHT_DECAY = 1e-3
# Of classifications, which look at shapes: see `AttributeBatches`.
# Pictures of surveys are balanced alike, other frames are as deep as it happened.
COMPOSITES = 0.3
COLOR_SCATTER, PICTURE_COLOR_SCATTER = 0.3, 0.1

log = logging.getLogger(__name__)

CARD = """
Attribute head `{name}`: {what}, trained on {n_train} in {n_frames},
calibrated on {n_held_out} in others; there {report}.
"""


class AttributeTrainee(keras.Model):
    """
    An attribute head as a model of its own.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network; training this model changes its head.
    name : str
        The attribute.
    """

    def __init__(self, network, name):
        super().__init__(dtype='float32')
        self._predict = network.predict_attribute
        self.attribute = name
        self.head = network.attribute_heads[name]
        self.head.trainable = True
        self.built = True

    def call(self, inputs, training=None):
        """
        The outputs of the head, see
        `~photutils_rcnn.models.mask_rcnn.MaskRCNN.predict_attribute`.
        """
        return self._predict(self.attribute, inputs.get('pooled'), inputs['stamps'],
                             inputs['numbers'], training=training)


def train_attribute(attribute, images, labels, out, *, model='default', epochs=60,
                    batch_size=128, rate=2e-3, examples=None, seed=0,
                    progress_bar=True):
    """
    Train a head that says more of each source than its class.

    The network finds the labelled sources, and the head learns from its features and
    the pixels; nothing else of the model changes. A fifth of the frames is held out:
    training ends when the loss there no longer falls, and probabilities or errors are
    calibrated there.

    Parameters
    ----------
    attribute : `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The head. All classes count alike in its training, whatever their numbers, also
        among sources of one size, and color pictures count as much as other frames.
    images : sequence
        Frames or cutouts: anything that `~photutils_rcnn.RCNNSegmenter.segment` takes, or
        a dictionary of its arguments ``data``, ``bands`` and so on; paths of color
        pictures (JPEG, PNG); simulated scenes or their paths.
    labels : sequence or callable
        For each image the label of the source in the middle, or a table with the
        positions ``x`` and ``y`` in pixels and a column named as the attribute. For
        scenes a function that makes the labels of a
        `~photutils_rcnn.simulation.scene.Scene`. Labels are names of classes or values;
        empty ones, `None` and NaN are not known.
    out : path-like
        The folder of the model. An older model in it is replaced.
    model : str, path-like or `~photutils_rcnn.models.model.Model`, optional
        The model that the head is added to, or whose head of this name is replaced. If it
        has the very same head, that one is trained further, on few labels of your own, say.
    epochs : int, optional
        How often the examples are seen at most.
    batch_size : int, optional
        The examples of a step.
    rate : float, optional
        The largest learning rate.
    examples : path-like, optional
        The folder of what the network finds, which takes most of the time: an
        interrupted training goes on from there. By default ``examples`` beside the
        model, in the folder ``out``.
    seed : int, optional
        The seed.
    progress_bar : bool, optional
        Whether to show progress bars.

    Returns
    -------
    trained : `~photutils_rcnn.models.model.Model`
        The model, for `~photutils_rcnn.RCNNSegmenter`. Its settings have a report of
        the held-out sources in ``training``.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, an image cannot be read, or labelled sources of too
        few frames were found to hold some out.
    """
    if not isinstance(model, Model):
        model = load_model(model)
    frames = labelled_frames(images, labels)
    out = Path(out)
    examples = out / 'examples' if examples is None else examples
    collect_examples(model, attribute, frames, examples, seed=seed,
                     progress_bar=progress_bar)
    found = read_examples(examples, len(frames))
    found['is_picture'] = np.array([frame.is_picture for frame in frames])[found['frame']]
    held_out = _hold_out(found, attribute, seed)
    extended = add_attribute(model, attribute, seed)
    network = extended.network
    values = found['values']
    center, spread = 0., 1.
    if not attribute.classes:
        center = float(np.mean(values[~held_out]))
        spread = float(np.std(values[~held_out])) or 1.
    batches = [_batches(found, chosen, attribute, (values - center) / spread, augmented,
                        batch_size=batch_size, seed=seed)
               for chosen, augmented in ((~held_out, True), (held_out, False))]
    outputs = _fit(network, attribute, batches, out, epochs=epochs, rate=rate,
                   progress_bar=progress_bar)
    calibration = fit_attribute_calibration(
        attribute, outputs, values[held_out], batches[1].weights, center, spread)
    report = attribute_report(attribute, outputs, values[held_out], calibration)
    log.info('%s of held-out sources: %s', attribute.name, report)
    settings = _settings(model, attribute, calibration, report, found, held_out)
    card = model.card + CARD.format(
        name=attribute.name, what=', '.join(attribute.classes) or 'a value',
        n_train=count(np.count_nonzero(~held_out), 'source'),
        n_held_out=count(np.count_nonzero(held_out), 'source'),
        n_frames=count(len(np.unique(found['frame'][~held_out])), 'frame'),
        report=', '.join(f'{key} {value}' for key, value in report.items()))
    save_model(out, network, settings, card)
    return load_model(out)


def _hold_out(examples, attribute, seed):
    """
    Which examples are of frames that are held out: of each class a fifth or more.
    """
    values = examples['values'] if attribute.classes else np.zeros(len(examples['frame']))
    wanted = {value: VALIDATION_FRACTION * count for value, count in zip(
        *np.unique(values, return_counts=True), strict=True)}
    held_out = np.zeros(len(values), dtype=bool)
    for frame in np.random.default_rng(seed).permutation(np.unique(examples['frame'])):
        own = examples['frame'] == frame
        if any(np.count_nonzero(held_out & (values == value)) < wanted[value]
               for value in np.unique(values[own])):
            held_out |= own
    for part, name in ((held_out, 'held-out'), (~held_out, 'other')):
        missing = [label for i, label in enumerate(attribute.classes)
                   if not (examples['values'][part] == i).any()]
        if missing or not part.any():
            msg = (f'labels of {attribute.name!r} must be known for sources of more '
                   f'frames: among the {name} ones there is none'
                   + (f' of {missing}' if missing else ''))
            raise ValueError(msg)
    return held_out


def _batches(examples, chosen, attribute, values, augmented, **options):
    """
    The batches of some examples.
    """
    part = {name: column[chosen] for name, column in examples.items()}
    values, n_classes = values[chosen], len(attribute.classes)
    weights = np.ones(len(values))
    if n_classes:
        kinds = [kind for kind in (part['is_picture'], ~part['is_picture']) if kind.any()]
        for kind in kinds:  # count alike, however many there are of each
            weights[kind] = len(values) / len(kinds) / np.count_nonzero(kind) * class_weights(
                values[kind], n_classes, part['numbers'][kind, 0])
        options = {**options, 'composites': COMPOSITES, 'color_scatter': np.where(
            part['is_picture'], PICTURE_COLOR_SCATTER, COLOR_SCATTER)}
    return AttributeBatches(
        part, values.astype(np.int32 if n_classes else np.float32),
        weights.astype(np.float32), augmented=augmented, **options)


def _fit(network, attribute, batches, out, *, epochs, rate, progress_bar):
    """
    Train the head, and give its outputs for the second of the batches.
    """
    training, validation = batches
    trainee = AttributeTrainee(network, attribute.name)
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * len(training))
    trainee.compile(
        keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY, global_clipnorm=5.),
        loss=(keras.losses.SparseCategoricalCrossentropy(from_logits=True)
              if attribute.classes else gaussian_loss))
    out.mkdir(parents=True, exist_ok=True)
    trainee.fit(training, validation_data=validation, epochs=epochs,
                verbose=2 if progress_bar else 0, callbacks=[
                    keras.callbacks.EarlyStopping(
                        patience=PATIENCE, restore_best_weights=True),
                    keras.callbacks.CSVLogger(str(out / f'{attribute.name}.csv'))])
    return np.concatenate([ops.convert_to_numpy(trainee(batch[0], training=False))
                           for batch in map(validation.__getitem__,
                                            range(len(validation)))])


def _settings(model, attribute, calibration, report, found, held_out):
    """
    The settings of the model with its new head.
    """
    settings = {name: value for name, value in model.settings.items()
                if name not in ('format', 'sha256', 'network')}
    old = settings.get('calibration', {})
    settings['calibration'] = {**old, 'attributes': {
        **old.get('attributes', {}), attribute.name: calibration}}
    training = settings.get('training', {})
    settings['training'] = {**training, 'attributes': {
        **training.get('attributes', {}), attribute.name: {
            'trunk': model.sha256, 'n_sources': int(np.count_nonzero(~held_out)),
            'n_held_out': int(np.count_nonzero(held_out)), **report}}}
    return settings
