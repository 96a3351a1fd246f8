# Licensed under a 3-clause BSD style license - see LICENSE
"""
Configuration of the network and its training.
"""

__all__ = ['TrainingConfig']

from typing import ClassVar

import attrs

from photutils_rcnn.models.config import MaskRCNNConfig
from photutils_rcnn.models.fields import integer, number, numbers


@attrs.frozen(kw_only=True, slots=False)
class TrainingConfig(MaskRCNNConfig):
    """
    A network, and what is read in its training only.

    Parameters
    ----------
    rpn_positive_iou, rpn_negative_iou : float
        Anchors above the first are sources, below the second background;
        between them they do not count.
    focal_gamma, focal_alpha : float
        The parameters of the focal objectness loss (Lin et al. 2017,
        arXiv:1708.02002).
    n_pre_nms, n_proposals : int
        Proposals per image before and after non-maximum suppression.
        Inference has no such limit.
    proposal_nms_iou : float
        The overlap above which the weaker proposal is dropped.
    n_positive_rois, n_negative_rois, n_mask_rois : int
        The RoIs sampled per image for the losses of the second stage.
    roi_positive_iou : float
        RoIs overlapping a source by more belong to it.
    mini_mask_size : int
        The side of the stored truth masks.
    loss_weights : (5,) tuple of float
        The weights of the losses ``(objectness, rpn_box, class, box,
        mask)``.
    **network
        The fields of `~photutils_rcnn.models.config.MaskRCNNConfig`.
    """

    network_class: ClassVar[type] = MaskRCNNConfig

    rpn_positive_iou: float = number(0.4)
    rpn_negative_iou: float = number(0.3)
    focal_gamma: float = number(2., zero=True)
    focal_alpha: float = number(0.25)
    n_pre_nms: int = integer(1000)
    n_proposals: int = integer(384)
    proposal_nms_iou: float = number(0.7)
    n_positive_rois: int = integer(64)
    n_negative_rois: int = integer(320, zero=True)
    n_mask_rois: int = integer(40)
    roi_positive_iou: float = number(0.5)
    mini_mask_size: int = integer(32)
    loss_weights: tuple = numbers((1., 1., 1., 1., 1.), 5)

    @property
    def network(self):
        """
        The network alone, without what only its training reads.
        """
        return self.network_class(**{
            name: getattr(self, name)
            for name in attrs.fields_dict(self.network_class)})
