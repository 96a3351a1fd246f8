# Licensed under a 3-clause BSD style license - see LICENSE
"""
Test that the paper's network learns, from training to the answers of the
segmenter; ``benchmarks/astro_rcnn_learning.py`` does it at length.
"""

import numpy as np
import pytest

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.astro_rcnn.augmentation import augment
from photutils_rcnn.astro_rcnn.config import AstroRCNNTrainingConfig
from photutils_rcnn.astro_rcnn.network import AstroRCNN
from photutils_rcnn.astro_rcnn.schedule import SCHEDULE, Stage, StagedTrainer
from photutils_rcnn.astro_rcnn.targets import limit_negatives
from photutils_rcnn.evaluation import evaluate
from photutils_rcnn.models.targets import sample_rois, with_truth
from photutils_rcnn.models.transfer import transfer_weights
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.training.dataset import CropDataset
from photutils_rcnn.training.export import export_model
from photutils_rcnn.training.trainer import Trainer

NETWORK = {'stage_blocks': (1, 1, 1, 1), 'pyramid_channels': 32,
           'rpn_channels': 64, 'head_width': 64, 'mask_channels': 32,
           'n_pre_nms': 300, 'n_proposals': 100, 'n_positive_rois': 16,
           'n_negative_rois': 32, 'n_mask_rois': 16, 'n_rois': 48}


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
    Trains with one falling rate, for weights to begin with.
    """

    network_class = FirstNetwork


def random_scene(make_scene, seed):
    """
    Small and large discs, stars and galaxies.
    """
    rng = np.random.default_rng((seed, 7))
    centers = np.stack(np.meshgrid([16, 48], [16, 48, 80, 112],
                                   indexing='ij'), axis=-1).reshape(-1, 2)
    return make_scene(rng.permutation(centers) + rng.uniform(-6, 6, (8, 2)),
                      radii=[4, 8] * 4, seed=seed)


def ap50(trainer, scenes, folder):
    """
    AP50 of masks in the paper's definition, through the segmenter.
    """
    export_model(trainer, folder)
    segmenter = RCNNSegmenter(folder, background=0)
    report = evaluate(
        lambda scene: segmenter.segment(scene.data), scenes,
        baselines=None, ranking='source')
    table = report.tables()['paper_ap']
    row, = (row for row in table if row['class'] == 'combined'
            and row['kind'] == 'mask' and row['source'] != 'published')
    return row['AP50']


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:No sources were found')
@pytest.mark.filterwarnings('ignore:.*beyond the largest number')
def test_learning(tmp_path, make_scene):
    """
    The loss falls and AP50 rises in stages, across an interruption.

    Frozen statistics need a network that has some: trunk and pyramid begin
    with the weights of a short run with batch normalization in training
    mode, the proposal network and the heads with random ones.
    """
    folder = tmp_path / 'scenes'
    folder.mkdir()
    scenes = [random_scene(make_scene, seed) for seed in range(8)]
    for scene in scenes[:6]:
        scene.write(folder / f'discs-{scene.seed}.npz')
    options = {'batch_size': 4, 'side': 64, 'max_sources': 8,
               'augment': augment}
    first = AstroRCNNTrainingConfig(**NETWORK, train_batch_norm=True)
    trainer = FirstTrainer(first, CropDataset(folder, first, **options), None,
                      tmp_path / 'first', n_steps=150, peak_rate=2e-3,
                      n_warmup=20, precision='float32')
    assert trainer.run()
    weights = get_weights(trainer.model)
    heads = {name.rsplit('/', 1)[0] for name in weights
             if name.startswith(('mrcnn_', 'rpn_'))}

    config = AstroRCNNTrainingConfig(**NETWORK)
    dataset = CropDataset(folder, config, **options)
    stages = (Stage(4, 1e-2, SCHEDULE[0].layers), Stage(8, 3e-3))

    def make_trainer():
        trainer = StagedTrainer(config, dataset, None, tmp_path / 'staged', stages=stages,
                                steps_per_epoch=20, log_every=20, validate_every=10, seed=1)
        transfer_weights(trainer.model, weights, heads)
        return trainer

    staged = make_trainer()
    before = ap50(staged, scenes[6:], tmp_path / 'before')
    losses = {}

    def stop(step, values):
        losses[step] = values['loss']
        if step == 115:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        staged.run(progress=stop)
    staged = make_trainer()
    staged.resume()
    assert staged.state['step'] == 110
    assert staged.state['stage'] == 1
    assert staged.run(progress=lambda step, values: losses.update(
        {step: values['loss']}))
    after = ap50(staged, scenes[6:], tmp_path / 'after')
    assert losses[160] < 0.7 * losses[20]
    assert before < 10
    assert after > 50
