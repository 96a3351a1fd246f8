# Licensed under a 3-clause BSD style license - see LICENSE
"""
Joint training on scenes and on cutouts with labels.
"""

__all__ = ['joint_config', 'mix_cutouts', 'train_head_again']

import attrs

from photutils_rcnn.models.attribute_config import AttributeConfig
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.training.attribute_examples import collect_examples, read_examples
from photutils_rcnn.training.attribute_training import train_attribute
from photutils_rcnn.training.labelled_frames import labelled_files, labelled_frames
from photutils_rcnn.training.mixed_dataset import MixedDataset


def joint_config(recipe, config):
    """
    The network of a recipe, with the head that its cutouts train.

    Parameters
    ----------
    recipe : dict
        The recipe.
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        Its network.

    Returns
    -------
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The same without ``cutouts``.
    """
    if recipe.get('cutouts') is None:
        return config
    attribute = AttributeConfig(**recipe['cutouts']['attribute'])
    others = [one for one in config.attributes if one.name != attribute.name]
    return attrs.evolve(config, attributes=(*others, attribute))


def mix_cutouts(recipe, scenes, folder):
    """
    Add the cutouts of a recipe to its scenes.

    The initial model finds the labelled sources first, which takes about a second for
    each file.

    Parameters
    ----------
    recipe : dict
        The recipe, with ``cutouts``.
    scenes : `~photutils_rcnn.training.dataset.CropDataset`
        The crops of scenes.
    folder : path-like
        Where what is found is kept.

    Returns
    -------
    dataset : `~photutils_rcnn.training.mixed_dataset.MixedDataset`
        Both.
    """
    attribute, frames = _labelled(recipe)
    collect_examples(load_model(recipe['initial']), attribute, frames, folder,
                     cutout_side=scenes.side // 2, progress_bar=True)
    return MixedDataset(scenes, read_examples(folder, len(frames)), attribute,
                        seed=recipe['seed'])


def train_head_again(recipe, folder, examples):
    """
    Train the head of the cutouts alone, on the features of the trained network, and
    calibrate it.

    Parameters
    ----------
    recipe : dict
        The recipe, with ``cutouts``.
    folder : `~pathlib.Path`
        The model, which is replaced.
    examples : path-like
        Where what the model finds is kept.
    """
    attribute, frames = _labelled(recipe)
    train_attribute(attribute, [frame.image for frame in frames],
                    [frame.labels for frame in frames], folder, model=folder,
                    examples=examples, seed=recipe['seed'])


def _labelled(recipe):
    """
    The attribute of the cutouts of a recipe, and the frames.
    """
    cutouts = recipe['cutouts']
    attribute = AttributeConfig(**cutouts['attribute'])
    images, labels, _ = labelled_files(cutouts['table'], attribute.name,
                                       cutouts.get('images'))
    return attribute, labelled_frames(images, labels)
