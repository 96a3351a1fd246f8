# Licensed under a 3-clause BSD style license - see LICENSE
"""
Refinement, the last stage of training: the profile head alone.

In the joint schedule the head sees a few RoIs of each crop, while the
rest of the network still changes. Afterwards it learns from the sources that
the network finds in whole scenes, with boxes, logits and an FWHM like those
of inference.
"""

__all__ = ['ProfileClassifier', 'Refinement']

import keras
from keras import ops

from photutils_rcnn.models.profile_head import profile_head_inputs
from photutils_rcnn.training.loop import TrainingLoop


class ProfileClassifier(keras.Model):
    """
    The profile head of a network as a model of its own.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network; training this model changes its profile head.
    """

    def __init__(self, network):
        super().__init__(dtype='float32')
        self.network_config = network.config
        self.head = network.profile_head
        self.head.trainable = True
        self.built = True

    def call(self, inputs, training=None):
        """
        The class logits of sources, see
        `~photutils_rcnn.models.mask_rcnn.MaskRCNN.classify_profiles`.

        Parameters
        ----------
        inputs : dict of tensor
            ``profiles``, ``psf``, ``boxes``, ``logits`` and ``log_fwhm`` of
            `~photutils_rcnn.models.profile_head.profile_head_inputs`, and ``log_odds``,
            see `~photutils_rcnn.training.profiles.scene_profiles`.
        training : bool, optional
            Whether the head is being trained.

        Returns
        -------
        logits : (R, n_classes - 1) tensor
            Class logits without background, those of the first class with the log odds of
            the scene, so that the head learns Bayes factors.
        """
        odds = inputs['log_odds'][:, None]
        prior = ops.pad(odds, ((0, 0), (0, self.network_config.n_classes - 2)))
        return prior + inputs['logits'][:, 1:] + self.head(
            profile_head_inputs(inputs['profiles'], inputs['psf'],
                                inputs['boxes'], inputs['logits'],
                                inputs['log_fwhm'], self.network_config),
            training=training)


class Refinement(TrainingLoop):
    """
    Trains the profile head of a network.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network; its profile head is changed.
    dataset, validation : `~photutils_rcnn.training.profiles.ProfileDataset`
        The profiles, and those of scenes of other seeds; ``validation`` may
        be `None`.
    folder : path-like
        Where the checkpoint and the log go; created if it is missing.
    epochs : int
        How often all profiles are seen.
    rate : float, optional
        The largest learning rate.
    """

    def __init__(self, network, dataset, validation, folder, *, epochs,
                 rate=1e-3):
        super().__init__(
            ProfileClassifier(network), dataset, validation, folder,
            n_steps=epochs * dataset.steps_per_epoch, peak_rate=rate,
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            n_warmup=100, weight_decay=1e-4,
            validate_every=dataset.steps_per_epoch,
            n_validation=(0 if validation is None
                          else validation.steps_per_epoch))
