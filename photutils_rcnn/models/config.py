# Licensed under a 3-clause BSD style license - see LICENSE
"""
Configuration of the network.
"""

__all__ = ['MaskRCNNConfig']

import json
from typing import ClassVar

import attrs

from photutils_rcnn.models.attribute_config import attributes
from photutils_rcnn.models.fields import flag, integer, integers, number, numbers, text, texts


@attrs.frozen(kw_only=True, slots=False)
class MaskRCNNConfig:
    """
    Everything that defines the graph of the network.

    Lengths are in pixels of the input image. Sequences are stored as
    tuples, so that configurations are hashable and immutable. What only
    training reads is in
    `~photutils_rcnn.models.training_config.TrainingConfig`.

    Parameters
    ----------
    name : str
        The name of the configuration.
    n_bands : int
        The number of input channels.
    class_names : tuple of str
        The classes without background; class ``i`` has identifier
        ``i + 1``.
    stem_filters : int
        The channels of the stride-1 stem of the trunk.
    stage_filters, stage_blocks : tuple of int
        Channels and residual blocks of the trunk's stages, at the strides
        2, 4, 8, ...
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
    box_std : (4,) tuple of float
        The scale of the box deltas (dy, dx, log h, log w).
    box_pool, mask_pool, mask_size : int
        Sides of the pooled features and of the mask.
    box_context, mask_context : float
        RoIs are enlarged by these factors before pooling. A mask may then
        reach beyond a box that came out too tight.
    canonical_size : float
        RoIs of this side are pooled at the finest level; every doubling
        moves one level up.
    mask_level_shift : int
        Masks are pooled this many levels finer than boxes.
    head_width : int
        The width of the dense layers of the class and box head.
    mask_channels, mask_convolutions : int
        The width and depth of the mask head.
    stretch_scale : float
        Images are ``arcsinh`` of the signal-to-noise ratio, divided by this
        number. The profile head undoes it.
    psf_conditioned : bool
        Whether the class and box head and the profile head are given the
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
    attributes : tuple of `~photutils_rcnn.models.attribute_config.AttributeConfig`
        The heads that say more of each source than its class; dictionaries of their
        fields will do.
    """

    #: The centers of anchors are at ``(i + anchor_offset) * stride``.
    anchor_offset: ClassVar[float] = 0.5

    name: str = text('compact')
    n_bands: int = integer(3)
    class_names: tuple = texts(('star', 'galaxy'))
    stem_filters: int = integer(16)
    stage_filters: tuple = integers((32, 64, 96, 128))
    stage_blocks: tuple = integers((1, 2, 2, 3))
    pyramid_channels: int = integer(48)
    pyramid_levels: tuple = integers((1, 5), 2)
    anchor_sizes: tuple = numbers(((6.,), (12.,), (24.,), (48.,),
                                   (96., 192.)))
    anchor_ratios: tuple = numbers((1.,))
    rpn_channels: int = integer(48)
    box_std: tuple = numbers((0.1, 0.1, 0.2, 0.2), 4)
    box_pool: int = integer(7)
    mask_pool: int = integer(14)
    mask_size: int = integer(28)
    box_context: float = number(1.4)
    mask_context: float = number(1.2)
    canonical_size: float = number(16.)
    mask_level_shift: int = integer(1, zero=True)
    head_width: int = integer(256)
    mask_channels: int = integer(48)
    mask_convolutions: int = integer(3, zero=True)
    stretch_scale: float = number(2.)
    psf_conditioned: bool = flag(True)
    profile_size: int = integer(21, zero=True)
    profile_extent: float = number(5.25)
    profile_filters: tuple = integers((32, 32, 48, 64))
    attributes: tuple = attributes()

    def __attrs_post_init__(self):
        for attribute in self.attributes:
            if attribute.of_class not in (None, *self.class_names):
                msg = (f'of_class of the attribute {attribute.name!r} must be one of '
                       f'{self.class_names}, got {attribute.of_class!r}')
                raise ValueError(msg)
        if len(self.anchor_sizes) != len(self.levels):
            msg = ('anchor_sizes of the configuration must have '
                   f'{len(self.levels)} entries, got {self.anchor_sizes!r}')
            raise ValueError(msg)

    @property
    def pools_sources(self):
        """
        Whether an attribute head sees the features that the trunk has of sources.
        """
        return any(attribute.trunk_features for attribute in self.attributes)

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

    @property
    def network(self):
        """
        The network alone, without what only its training reads.
        """
        return self

    def to_dict(self):
        """
        The configuration as a dictionary of JSON types.

        Returns
        -------
        values : dict
            The values by field name, with lists in place of tuples.
        """
        return json.loads(json.dumps(attrs.asdict(self)))

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
        unknown = set(values) - set(attrs.fields_dict(cls))
        if unknown:
            msg = f'unknown configuration keys: {sorted(unknown)}'
            raise ValueError(msg)
        return cls(**values)
