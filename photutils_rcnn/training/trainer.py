# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training a network on crops of scenes.
"""

__all__ = ['Trainer']

import keras

from photutils_rcnn.models.compiled import fastest_precision
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.model import DEFAULT_THRESHOLDS
from photutils_rcnn.models.receptive_field import halo_width
from photutils_rcnn.training.loop import TrainingLoop


class Trainer(TrainingLoop):
    """
    Trains a network on a folder of scenes.

    Parameters
    ----------
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The network.
    dataset : `~photutils_rcnn.training.dataset.CropDataset` or \
            `~photutils_rcnn.training.mixed_dataset.MixedDataset`
        The training batches.
    validation : `~photutils_rcnn.training.dataset.CropDataset` or `None`
        Those of other seeds.
    folder : path-like
        Where the checkpoint and the log go; created if it is missing.
    precision : str, optional
        The precision policy. The default is that of `fastest_precision
        <photutils_rcnn.models.compiled.fastest_precision>`: bfloat16 takes
        half the time of float32 where the processor has instructions for it,
        and several times as much where it has not.
    seed : int, optional
        The seed of the initial weights and of the sampling.
    **options
        ``n_steps`` and the options of
        `~photutils_rcnn.training.loop.TrainingLoop`.
    """

    #: The class of the network.
    network_class = MaskRCNN

    def __init__(self, config, dataset, validation, folder, *,
                 precision=None, seed=0, **options):
        keras.utils.set_random_seed(seed)
        network = self.network_class(
            config, precision=precision or fastest_precision(), seed=seed)
        if dataset.attribute is not None:
            network.train_attribute(dataset.attribute.name)
        super().__init__(network, dataset, validation, folder, loss_names=[
            tracker.name for tracker in network.loss_trackers], **options)

    def next_batch(self, step):
        """
        Prepare a batch; between batches, look for new scenes.

        Parameters
        ----------
        step : int
            The number of the step.

        Returns
        -------
        inputs, truth
            See `~photutils_rcnn.training.dataset.CropDataset.batch`.
        """
        if step % self.log_every == 0:
            self.dataset.refresh(limit=200)
        return super().next_batch(step)

    def model_settings(self):
        """
        What a model of this network needs for inference.

        Returns
        -------
        settings : dict
            Entries of ``config.json``.
        """
        return {'halo': halo_width(self.model.config.network),
                'thresholds': DEFAULT_THRESHOLDS}
