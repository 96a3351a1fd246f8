# Licensed under a 3-clause BSD style license - see LICENSE
"""
Configuration of the network of Burke et al. (2019, MNRAS 490, 3952).
"""

__all__ = ['CONFIGS', 'AstroRCNNConfig', 'AstroRCNNTrainingConfig']

from typing import ClassVar

import attrs

from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.fields import flag, integer, integers, number, numbers, text
from photutils_rcnn.models.training_config import TrainingConfig


@attrs.frozen(kw_only=True, slots=False)
class AstroRCNNConfig(MaskRCNNConfig):
    """
    The network of the paper.

    Parameters
    ----------
    stage_blocks : (4,) tuple of int
        The blocks of the stages of the ResNet: (3, 4, 23, 3), the default,
        are those of ResNet-101, (3, 4, 6, 3) those of ResNet-50.
    **fields
        Those of `~photutils_rcnn.models.config.MaskRCNNConfig`; of the
        trunk, the pyramid's levels, the contexts and the profile head there
        is no other choice.
    """

    anchor_offset: ClassVar[float] = 0.

    name: str = text('astro_rcnn')
    stage_blocks: tuple = integers((3, 4, 23, 3), 4)
    pyramid_channels: int = integer(256)
    pyramid_levels: tuple = integers((2, 6), 2)
    anchor_sizes: tuple = numbers(((8.,), (16.,), (32.,), (64.,), (128.,)))
    anchor_ratios: tuple = numbers((0.5, 1., 2.))
    rpn_channels: int = integer(512)
    box_context: float = number(1.)
    mask_context: float = number(1.)
    canonical_size: float = number(224.)
    mask_level_shift: int = integer(0, zero=True)
    head_width: int = integer(1024)
    mask_channels: int = integer(256)
    mask_convolutions: int = integer(4)
    psf_conditioned: bool = flag(False)
    profile_size: int = integer(0, zero=True)

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        for name, wanted in (('pyramid_levels', (2, 6)),
                             ('mask_size', 2 * self.mask_pool),
                             ('box_context', 1), ('mask_context', 1),
                             ('mask_level_shift', 0),
                             ('psf_conditioned', False),
                             ('profile_size', 0)):
            if getattr(self, name) != wanted:
                msg = (f'{name} of the configuration must be {wanted} for '
                       f'Astro R-CNN, got {getattr(self, name)!r}')
                raise ValueError(msg)


@attrs.frozen(kw_only=True, slots=False)
class AstroRCNNTrainingConfig(TrainingConfig, AstroRCNNConfig):
    """
    The network of the paper and its training.

    82 of 250 RoIs are positive, and int(82 / 0.33) - 82 = 166 of them
    background. The code pads to 250 with zeros, which its class loss counts
    as background.

    Parameters
    ----------
    n_rpn_anchors : int
        The random anchors of the objectness loss, at most half of them
        positive.
    negatives_per_positive : float
        The largest number of background RoIs for each positive one.
    n_rois : int
        The RoIs of an image in the class loss: where fewer were sampled,
        empty boxes at the origin, of the class background, take the rest.
    mean_l2 : float
        The factor of the sum of the mean squares of kernels and biases,
        added to the loss.
    train_batch_norm : bool
        Whether batch normalization uses and learns the statistics of
        batches, which a network needs that begins without any.
    **fields
        Those of `AstroRCNNConfig` and
        `~photutils_rcnn.models.training_config.TrainingConfig`.
    """

    network_class: ClassVar[type] = AstroRCNNConfig

    rpn_positive_iou: float = number(0.7)
    rpn_negative_iou: float = number(0.3)
    n_pre_nms: int = integer(6000)
    n_proposals: int = integer(2000)
    n_positive_rois: int = integer(82)
    n_negative_rois: int = integer(166)
    n_mask_rois: int = integer(82)
    mini_mask_size: int = integer(56)
    n_rpn_anchors: int = integer(512)
    negatives_per_positive: float = number(1 / 0.33 - 1)
    n_rois: int = integer(250)
    mean_l2: float = number(1e-4, zero=True)
    train_batch_norm: bool = flag(False)

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        n_sampled = self.n_positive_rois + self.n_negative_rois
        if self.n_rois < n_sampled:
            msg = (f'n_rois of the configuration must be at least {n_sampled}, '
                   f'those that are sampled, got {self.n_rois}')
            raise ValueError(msg)


CONFIGS = {config.name: config for config in (
    AstroRCNNTrainingConfig(),
    AstroRCNNTrainingConfig(name='astro_rcnn-resnet50',
                            stage_blocks=(3, 4, 6, 3)))}
"""The configurations by their names."""
