# Licensed under a 3-clause BSD style license - see LICENSE
"""
Export of a training run as a model folder.
"""

__all__ = ['export_model']

from photutils_rcnn.models.zoo import save_model

CARD = """\
# {name}

A Mask R-CNN ({config}) trained by `photutils-rcnn train` for {step} steps of
{batch_size} crops of {side} pixels, on {n_crops} crops of simulated scenes
(seed {seed}).
"""
INITIAL = """
It began with the weights of sha256 {initial}.
"""
MEAN = """
Its weights are the mean of these, with weight {initial_fraction}, and those at the end.
"""


def export_model(trainer, folder, *, name='trained', scenes=None,
                 initial_fraction=None):
    """
    Write the network of a training run as a model.

    Parameters
    ----------
    trainer : `~photutils_rcnn.training.trainer.Trainer`
        The run.
    folder : path-like
        The model's folder.
    name : str, optional
        The name of the model.
    scenes : dict, optional
        Lists of scenes, as `~photutils_rcnn.simulation.file_names.scene_parts`
        gives, by what they served for; they are written to ``training``.
    initial_fraction : float, optional
        The fraction of the initial weights in those of the network.
    """
    dataset, config = trainer.dataset, trainer.model.config
    training = {'step': trainer.state['step'], 'n_crops': len(dataset),
                'batch_size': dataset.batch_size, 'side': dataset.side,
                'seed': dataset.seed}
    card = CARD.format(name=name, config=config.name, **training)
    if 'initial' in trainer.state:
        training['initial'] = trainer.state['initial']
        card += INITIAL.format(**training)
    if initial_fraction:
        training['initial_fraction'] = initial_fraction
        card += MEAN.format(**training)
    training.update(scenes or {})
    network = config.network.to_dict()
    training['config'] = {name: value for name, value
                          in config.to_dict().items() if name not in network}
    save_model(folder, trainer.model, {
        'name': name, 'description': 'Mask R-CNN trained on simulated scenes',
        'training': training, **trainer.model_settings()}, card)
