# Licensed under a 3-clause BSD style license - see LICENSE
"""
The description of a network, as data.
"""

__all__ = ['CONFIGS', 'MaskRCNNConfig', 'get_config']

import dataclasses
import json
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

CHOICES = {'backbone': ('compact', 'resnet14', 'resnet50', 'resnet101'),
           'layers': ('compact', 'matterport'),
           'pooling': ('roi_align', 'crop_and_resize'),
           'level_rule': ('floor', 'round'), 'rpn_loss': ('focal', 'sampled'),
           'augmentation': ('default', 'paper')}
# Of other numbers whose default is above zero, zero makes no sense.
MAY_BE_ZERO = ('profile_size', 'mask_level_shift', 'anchor_offset',
               'mask_convolutions', 'focal_gamma', 'n_negative_rois')


@dataclass(frozen=True)
class MaskRCNNConfig:
    """
    Everything that defines the graph, the losses and the augmentation.

    Lengths are in pixels of the input image. Sequences are stored as
    tuples, so that configurations are hashable and immutable.

    Parameters
    ----------
    name : str
        The name of the configuration.
    n_bands : int
        The number of input channels.
    class_names : tuple of str
        The classes without background; class ``i`` has identifier
        ``i + 1``.
    backbone : {'compact', 'resnet14', 'resnet50', 'resnet101'}
        The trunk.
    stem_filters : int
        The channels of the stride-1 stem of the compact trunk.
    stage_filters, stage_blocks : tuple of int
        Channels and residual blocks of the compact trunk's stages, at the
        strides 2, 4, 8, ...
    pyramid_channels : int
        The channels of every pyramid level.
    pyramid_levels : (2,) tuple of int
        The finest and the coarsest level; level ``k`` has the stride
        ``2**k``. Levels beyond the trunk are strided convolutions.
    anchor_sizes : tuple of tuple of float
        For each level the square roots of the anchor areas.
    anchor_ratios : tuple of float
        The width-to-height ratios of the anchors.
    rpn_channels : int
        The channels of the proposal head.
    rpn_positive_iou, rpn_negative_iou : float
        Anchors above the first are sources, below the second background;
        between them they do not count.
    focal_gamma, focal_alpha : float
        The parameters of the focal objectness loss (Lin et al. 2017,
        arXiv:1708.02002).
    box_std : (4,) tuple of float
        The scale of the box deltas (dy, dx, log h, log w).
    n_pre_nms, n_proposals : int
        Proposals per image before and after non-maximum suppression while
        training. Inference has no such limit.
    proposal_nms_iou : float
        The overlap above which the weaker proposal is dropped.
    n_positive_rois, n_negative_rois, n_mask_rois : int
        The regions sampled per image for the losses of the second stage.
    roi_positive_iou : float
        Regions overlapping a source by more belong to it.
    box_pool, mask_pool, mask_size : int
        Sides of the pooled features and of the mask.
    box_context, mask_context : float
        Regions are enlarged by these factors before pooling. A mask may
        then reach beyond a box that came out too tight.
    canonical_size : float
        Regions of this side are pooled at the finest level; every
        doubling moves one level up.
    mask_level_shift : int
        Masks are pooled this many levels finer than boxes.
    head_width : int
        The width of the dense layers of the class and box head.
    mask_channels, mask_convolutions : int
        The width and depth of the mask head.
    mini_mask_size : int
        The side of the stored truth masks.
    stretch_scale : float
        Images in training are ``arcsinh`` of the signal-to-noise ratio,
        divided by this number. The profile head undoes it.
    told_fwhm : bool
        Whether the class and box head and the profile head are told the
        FWHM of the PSF, where it is known.
    profile_size : int
        The side of the grid of samples of the image around a source from
        which the profile head tells the classes apart; 0 for a network
        without that head.
    profile_extent : float
        The side of this grid, in units of the FWHM of the band's PSF.
    profile_filters : tuple of int
        The channels of the profile head's convolutions; the second half
        of them at half the resolution.
    loss_weights : tuple of float
        The weights of the losses ``(objectness, rpn_box, class, box,
        mask, profile)``.
    layers : {'compact', 'matterport'}
        The layers of pyramid and heads; ``'matterport'`` are those of
        `photutils_rcnn.astro_rcnn.layers`, with boxes and masks for
        each class.
    anchor_offset : float
        The centers of anchors are at ``(i + anchor_offset) * stride``.
    box_end : float
        Boxes of the second stage end this many pixels before the edge of
        their last pixel: with 1 they run between the coordinates of the
        first and the last pixel, as matterport's normalized boxes do.
    pooling : {'roi_align', 'crop_and_resize'}
        How regions are pooled.
    level_rule : {'floor', 'round'}
        How the level of a region is found: ``'round'`` is Eq. 1 of Lin et
        al. (2017), with ``canonical_size`` at the third level.
    n_roi_levels : int
        Regions are pooled from so many of the finest levels; 0 for all.
    train_batch_norm : bool
        Whether batch normalization uses and learns the statistics of
        batches in training.
    rpn_loss : {'focal', 'sampled'}
        The objectness loss: focal, or the mean cross-entropy of
        ``n_rpn_anchors`` random anchors, at most half of them positive.
    n_rpn_anchors : int
        The anchors of the sampled loss.
    truth_regions : bool
        Whether the true boxes, jittered, join the regions of training.
    negatives_per_positive : float
        The largest number of background regions for each positive one in
        training; 0 for no limit.
    n_rois : int
        The regions of an image in the class loss: where fewer were sampled,
        empty boxes at the origin, of the class background, take the rest.
        0 for only those that were sampled.
    mean_l2 : float
        The factor of the sum of the mean squares of kernels and biases,
        added to the loss.
    augmentation : {'default', 'paper'}
        The random changes of training images: those of
        `photutils_rcnn.training.augmentation` or of
        `photutils_rcnn.astro_rcnn.augmentation`.
    """

    name: str = 'compact'
    n_bands: int = 3
    class_names: tuple = ('star', 'galaxy')
    backbone: str = 'compact'
    stem_filters: int = 16
    stage_filters: tuple = (32, 64, 96, 128)
    stage_blocks: tuple = (1, 2, 2, 3)
    pyramid_channels: int = 48
    pyramid_levels: tuple = (1, 5)
    anchor_sizes: tuple = ((6.,), (12.,), (24.,), (48.,), (96., 192.))
    anchor_ratios: tuple = (1.,)
    rpn_channels: int = 48
    rpn_positive_iou: float = 0.4
    rpn_negative_iou: float = 0.3
    focal_gamma: float = 2.0
    focal_alpha: float = 0.25
    box_std: tuple = (0.1, 0.1, 0.2, 0.2)
    n_pre_nms: int = 1000
    n_proposals: int = 384
    proposal_nms_iou: float = 0.7
    n_positive_rois: int = 64
    n_negative_rois: int = 320
    n_mask_rois: int = 40
    roi_positive_iou: float = 0.5
    box_pool: int = 7
    mask_pool: int = 14
    mask_size: int = 28
    box_context: float = 1.4
    mask_context: float = 1.2
    canonical_size: float = 16.
    mask_level_shift: int = 1
    head_width: int = 256
    mask_channels: int = 48
    mask_convolutions: int = 3
    mini_mask_size: int = 32
    stretch_scale: float = 2.
    told_fwhm: bool = True
    profile_size: int = 17
    profile_extent: float = 4.25
    profile_filters: tuple = (32, 32, 48, 64)
    loss_weights: tuple = (1., 1., 1., 1., 1., 1.)
    layers: str = 'compact'
    anchor_offset: float = 0.5
    box_end: float = 0.
    pooling: str = 'roi_align'
    level_rule: str = 'floor'
    n_roi_levels: int = 0
    train_batch_norm: bool = True
    rpn_loss: str = 'focal'
    n_rpn_anchors: int = 512
    truth_regions: bool = True
    negatives_per_positive: float = 0.
    n_rois: int = 0
    mean_l2: float = 0.
    augmentation: str = 'default'

    def __post_init__(self):
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name,
                               _frozen(getattr(self, field.name)))
            self._check(field.name, field.default)
        self._check_length('pyramid_levels', 2)
        if not all(isinstance(level, Integral)
                   for level in self.pyramid_levels):
            self._refuse('pyramid_levels', 'be whole numbers')
        self._check_length('anchor_sizes', len(self.levels))
        self._check_length('box_std', 4)
        self._check_length('loss_weights', 6)

    def _check(self, name, default):
        """
        Check a value by the kind of its default and by its choices.
        """
        value = getattr(self, name)
        choices = CHOICES.get(name)
        if choices is not None and value not in choices:
            self._refuse(name, f'be one of {choices}')
        if isinstance(default, bool):
            good = isinstance(value, bool)
        elif isinstance(default, int | float):
            kind = Integral if isinstance(default, int) else Real
            good = (isinstance(value, kind) and not isinstance(value, bool)
                    and 0 <= value < np.inf
                    and (value > 0 or default == 0 or name in MAY_BE_ZERO))
        elif isinstance(default, tuple):
            inner = str if name == 'class_names' else tuple | Real
            good = (isinstance(value, tuple) and len(value) > 0
                    and all(isinstance(item, inner) for item in value))
        else:
            good = isinstance(value, str)
        if not good:
            self._refuse(name, f'be of the kind of {default!r} and in range')

    def _check_length(self, name, length):
        if len(getattr(self, name)) != length:
            self._refuse(name, f'have {length} entries')

    def _refuse(self, name, wanted):
        msg = (f'{name} of the configuration must {wanted}, got '
               f'{getattr(self, name)!r}')
        raise ValueError(msg)

    @property
    def n_classes(self):
        """
        The number of classes, background included.
        """
        return len(self.class_names) + 1

    @property
    def levels(self):
        """
        The pyramid levels, finest first.
        """
        return tuple(range(self.pyramid_levels[0],
                           self.pyramid_levels[1] + 1))

    @property
    def strides(self):
        """
        The strides of the pyramid levels, in pixels.
        """
        return tuple(2**level for level in self.levels)

    def to_dict(self):
        """
        The configuration as a dictionary of JSON types.

        Returns
        -------
        values : dict
            The values by field name, with lists in place of tuples.
        """
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, values):
        """
        Build a configuration from the dictionary of `to_dict`.

        Parameters
        ----------
        values : dict
            The values by field name. Missing fields have their defaults.

        Returns
        -------
        config : `MaskRCNNConfig`
            The configuration.

        Raises
        ------
        ValueError
            If ``values`` is no dictionary, has unknown keys, or values of a
            wrong kind or out of range.
        """
        if not isinstance(values, dict):
            msg = f'configuration must be an object, got {values!r}'
            raise ValueError(msg)
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = set(values) - known
        if unknown:
            msg = f'unknown configuration keys: {sorted(unknown)}'
            raise ValueError(msg)
        return cls(**values)


def _frozen(value):
    """
    Nested lists as tuples, other values as they are.
    """
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value


# Burke et al. (2019, MNRAS 490, 3952) and their code: 82 of 250 regions
# positive, and int(82 / 0.33) - 82 = 166 of them background. The code pads
# to 250 with zeros, which its class loss counts as background.
_PAPER = MaskRCNNConfig(
    name='paper', backbone='resnet101', pyramid_channels=256,
    pyramid_levels=(2, 6),
    anchor_sizes=((8.,), (16.,), (32.,), (64.,), (128.,)),
    anchor_ratios=(0.5, 1., 2.), rpn_channels=512, rpn_positive_iou=0.7,
    rpn_negative_iou=0.3, n_pre_nms=6000, n_proposals=2000,
    n_positive_rois=82, n_negative_rois=166, n_mask_rois=82, box_context=1.,
    mask_context=1., canonical_size=224., mask_level_shift=0,
    head_width=1024, mask_channels=256, mask_convolutions=4,
    mini_mask_size=56, told_fwhm=False, profile_size=0,
    layers='matterport', anchor_offset=0., box_end=1.,
    pooling='crop_and_resize', level_rule='round', n_roi_levels=4,
    train_batch_norm=False, rpn_loss='sampled', truth_regions=False,
    negatives_per_positive=1 / 0.33 - 1, n_rois=250, mean_l2=1e-4,
    augmentation='paper')

CONFIGS = {
    'compact': MaskRCNNConfig(),
    'paper': _PAPER,
    'paper-resnet50': dataclasses.replace(_PAPER, name='paper-resnet50',
                                          backbone='resnet50'),
}


def get_config(name, **changes):
    """
    A named configuration, with changes.

    Parameters
    ----------
    name : str
        A key of `CONFIGS`.
    **changes
        Fields to replace.

    Returns
    -------
    config : `MaskRCNNConfig`
        The configuration.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in CONFIGS:
        msg = f'name must be one of {sorted(CONFIGS)}, got {name!r}'
        raise ValueError(msg)
    return dataclasses.replace(CONFIGS[name], **changes)
