# Licensed under a 3-clause BSD style license - see LICENSE
"""
From a training run to a model's folder.
"""

__all__ = ['export_model']

from photutils_rcnn.astro_rcnn.importer import THRESHOLDS
from photutils_rcnn.models.receptive_field import halo_width
from photutils_rcnn.models.zoo import DEFAULT_THRESHOLDS, save_model

CARD = """\
# {name}

A {backbone} Mask R-CNN trained by `photutils-rcnn train` for {step} steps of
{batch_size} crops of {side} pixels, on {n_crops} crops of simulated scenes
(seed {seed}).
"""
INITIAL = """
It began with the weights of sha256 {initial}.
"""


def export_model(trainer, folder, *, name='trained', calibration=None,
                 thresholds=None, card=None, scenes=None):
    """
    Write the network of a training run as a model.

    A network with matterport's layers detects as one whose weights were
    imported: without tiles, and its scores are not calibrated.

    Parameters
    ----------
    trainer : `~photutils_rcnn.training.trainer.Trainer`
        The run.
    folder : path-like
        The model's folder.
    name : str, optional
        The name of the model.
    calibration, thresholds : dict, optional
        See `photutils_rcnn.models.zoo`.
    card : str, optional
        The model card; a short one is written by default.
    scenes : dict, optional
        Lists of scenes, as `~photutils_rcnn.simulation.file_names.scene_parts`
        gives, by what they served for; they are written to ``training``.
    """
    dataset = trainer.dataset
    training = {'step': trainer.state['step'], 'n_crops': len(dataset),
                'batch_size': dataset.batch_size, 'side': dataset.side,
                'seed': dataset.seed}
    default_card = CARD.format(name=name,
                               backbone=trainer.model.config.backbone,
                               **training)
    if 'initial' in trainer.state:
        training['initial'] = trainer.state['initial']
        default_card += INITIAL.format(**training)
    training.update(scenes or {})
    config = trainer.model.config
    settings = {
        'name': name,
        'description': 'Mask R-CNN trained on simulated scenes',
        'stretch': {'name': 'arcsinh', 'scale': config.stretch_scale},
        'training': training,
    }
    if config.layers == 'matterport':
        settings.update(protocol='matterport', precision='float32', halo=0,
                        thresholds=thresholds or THRESHOLDS)
    else:
        settings.update(halo=halo_width(config),
                        thresholds=thresholds or DEFAULT_THRESHOLDS)
    if calibration is not None:
        settings['calibration'] = calibration
    save_model(folder, trainer.model, settings, card or default_card)
