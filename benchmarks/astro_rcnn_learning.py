"""
Whether the network of Burke et al. (2019) learns: loss and AP50 by stage.

The network of the paper with one block per stage and few channels, on a few
simulated scenes, with a short form of the paper's schedule. The paper begins
with weights of photographs; here a first run on other scenes, with batch
normalization in training mode, takes their place.
A run that was interrupted goes on when the same command is given again.
Needs GalSim. Usage::

    python astro_rcnn_learning.py FOLDER [--minutes M] [--random]
"""

import argparse
import csv
import math
import time
import warnings
from pathlib import Path

from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.astro_rcnn.config import AstroRCNNTrainingConfig
from photutils_rcnn.astro_rcnn.network import AstroRCNN
from photutils_rcnn.astro_rcnn.schedule import SCHEDULE, Stage, StagedTrainer
from photutils_rcnn.astro_rcnn.targets import limit_negatives
from photutils_rcnn.astro_rcnn.weight_layout import COCO_HEADS
from photutils_rcnn.evaluation import evaluate
from photutils_rcnn.models.targets import sample_rois, with_truth
from photutils_rcnn.models.transfer import transfer_weights
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.simulation import simulate_scenes
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.training.dataset import CropDataset
from photutils_rcnn.training.export import export_model
from photutils_rcnn.training.log import append_log
from photutils_rcnn.training.trainer import Trainer

SIDE = 128
# The paper's limits on proposals and RoIs are for 512 x 512 pixels; these,
# of a tenth and a quarter, for a sixteenth of that area.
NETWORK = {'stage_blocks': (1, 1, 1, 1), 'pyramid_channels': 64,
           'rpn_channels': 128, 'head_width': 256, 'mask_channels': 64,
           'n_pre_nms': 600, 'n_proposals': 200, 'n_positive_rois': 21,
           'n_negative_rois': 42, 'n_mask_rois': 21, 'n_rois': 64}
FIRST_STEPS = 400
STEPS_PER_EPOCH = 20
STAGES = (Stage(5, 1e-2, SCHEDULE[0].layers), Stage(9, 3e-3),
          Stage(11, 1e-3))
# preset, number and first seed
SCENES = {'first': ('decam', 64, 500), 'training': ('decam', 8, 100),
          'held_out': ('decam', 8, 200)}


def average_precisions(folder, scenes):
    """
    AP50 of masks in the paper's definition, per cent, by class.
    """
    segmenter = RCNNSegmenter(folder)

    def segment(scene):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NoDetectionsWarning)
            return segmenter.segment(scene.data, mask=scene.mask,
                                     bands=scene.bands)

    table = evaluate(segment, scenes, baselines=None,
                     ranking='source').tables()['paper_ap']
    return {row['class']: row['AP50'] for row in table
            if row['source'] != 'published' and row['kind'] == 'mask'}


class Journal:
    """
    Measures a run at given steps, once each, into a table.
    """

    def __init__(self, trainer, scenes, steps):
        self.trainer = trainer
        self.path = trainer.folder / 'stages.csv'
        self.scenes = scenes
        self.steps = steps

    def __call__(self, step, losses):
        done = []
        if self.path.exists():
            with self.path.open() as stream:
                done = [int(row['step']) for row in csv.DictReader(stream)]
        if step not in self.steps or step in done:
            return
        folder = self.trainer.folder / f'model-{step}'
        export_model(self.trainer, folder)
        row = {'step': step, 'loss': losses.get('loss', math.nan)}
        for kind, scenes in self.scenes.items():
            found = average_precisions(folder, scenes)
            row.update({f'{kind} {name}': value for name, value
                        in found.items()})
        row = {key: f'{value:.4g}' for key, value in row.items()}
        append_log(self.path, row)
        print(', '.join(f'{key} {value}' for key, value in row.items()),
              flush=True)


class FirstNetwork(AstroRCNN):
    """
    Learns from the truth boxes as well, and from no empty RoIs.
    """

    def sample_rois(self, proposals, valid, truth):
        boxes, valid = with_truth(proposals, valid, truth,
                                  self.seed_generator)
        return limit_negatives(sample_rois(
            boxes, valid, truth, self.config, self.seed_generator),
            self.config)


class FirstTrainer(Trainer):
    """
    Trains with one falling rate, and makes models as `StagedTrainer` does.
    """

    network_class = FirstNetwork
    model_settings = StagedTrainer.model_settings


def first_weights(folder, training, scenes, budget):
    """
    Weights with statistics to begin with; `None` if the time ran out.
    """
    config = AstroRCNNTrainingConfig(**NETWORK, train_batch_norm=True)
    dataset = CropDataset(training, config, batch_size=4, side=SIDE,
                          max_sources=40)
    trainer = FirstTrainer(config, dataset, None, folder, n_steps=FIRST_STEPS,
                           peak_rate=1e-3, n_warmup=50, validate_every=50,
                           precision='float32')
    if trainer.checkpoint.exists():
        trainer.resume()
    if not trainer.run(budget):
        return None
    Journal(trainer, scenes, [FIRST_STEPS])(FIRST_STEPS, {})
    return get_weights(trainer.model)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--minutes', type=float, default=math.inf)
    parser.add_argument('--random', action='store_true',
                        help='begin with random weights, without a first run')
    args = parser.parse_args()
    end = time.monotonic() + 60 * args.minutes
    folders = {}
    for name, (preset, n_scenes, seed) in SCENES.items():
        folders[name] = args.folder / f'{name}_scenes'
        simulate_scenes(preset, n_scenes, folders[name], seed=seed,
                        shape=(SIDE, SIDE))
    scenes = {name: [Scene.read(path) for path
                     in sorted(folders[name].glob('*.npz'))]
              for name in ('training', 'held_out')}
    weights = None
    if not args.random:
        weights = first_weights(args.folder / 'first', folders['first'],
                                scenes, end - time.monotonic())
        if weights is None:
            return
    config = AstroRCNNTrainingConfig(**NETWORK)
    # The paper's blur would leave little of such small scenes: the usual
    # augmentation takes its place.
    dataset = CropDataset(folders['training'], config, batch_size=4,
                          side=SIDE, max_sources=40)
    # Of another seed: the first run's features fit the layers that it began
    # with, so that these would not have to be learnt again.
    trainer = StagedTrainer(
        config, dataset, None, args.folder / 'staged', stages=STAGES,
        steps_per_epoch=STEPS_PER_EPOCH, log_every=STEPS_PER_EPOCH,
        validate_every=10, seed=1)
    if weights is not None:
        transfer_weights(trainer.model, weights, COCO_HEADS)
    journal = Journal(trainer, scenes,
                      [0, *(STEPS_PER_EPOCH * stage.last_epoch
                           for stage in STAGES)])
    if trainer.checkpoint.exists():
        trainer.resume()
    else:
        journal(0, {})
    trainer.run(end - time.monotonic(), journal)


if __name__ == '__main__':
    main()
