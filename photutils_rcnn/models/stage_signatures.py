# Licensed under a 3-clause BSD style license - see LICENSE
"""
Names and shapes of the tensors of the stages of inference.
"""

__all__ = ['stage_signatures']

from photutils_rcnn.models.attribute_config import ATTRIBUTE
from photutils_rcnn.models.attribute_head import N_NUMBERS


def stage_signatures(network):
    """
    The inputs and outputs of the stages of a network.

    Parameters
    ----------
    network : `~photutils_rcnn.models.mask_rcnn.MaskRCNN`
        The network.

    Returns
    -------
    signatures : dict of str to tuple of two dict
        For each stage of `~photutils_rcnn.models.stages.KerasStages` the shapes of its
        arguments and of what it returns, by their names and in order; a string stands
        for any length, the same for all tensors of the stage with this string. All are
        float32, but ``shape`` int32.
    """
    config = network.config
    channels = network.dense_part.output['pyramid'][0].shape[-1]
    n_bands, n_classes = config.n_bands, 1 + len(config.class_names)
    pool, mask, size = config.box_pool, config.mask_size, config.profile_size
    features = {'features': ('n_cells', channels), 'shape': (2,)}
    boxes, fwhm = {'boxes': ('n', 4)}, {'log_fwhm': ('n', n_bands)}
    signatures = {
        'dense': ({'image': (1, 'ny', 'nx', n_bands), 'anchors': ('n_anchors', 4)},
                  {'features': ('n_cells', channels), 'objectness': ('n_anchors',),
                   'boxes': ('n_anchors', 4)}),
        'classify': ({**features, **boxes, **fwhm},
                     {'logits': ('n', n_classes), 'refined_boxes': ('n', 4)}),
        'mask': ({**features, **boxes},
                 {'masks': ('n', mask, mask), 'mask_boxes': ('n', 4)})}
    if size:
        signatures['sample'] = (
            {'images': ('n_images', 'ny', 'nx', n_bands), **boxes, 'image_index': ('n', 1),
             **fwhm},
            {'profiles': ('n', size, size, n_bands)})
        signatures['profile'] = (
            {'profiles': ('n', size, size, n_bands), **boxes, 'logits': ('n', n_classes),
             **fwhm, 'psf': ('n', size, size, n_bands)},
            {'class_logits': ('n', n_classes - 1)})
    if config.pools_sources:
        signatures['pool'] = ({**features, **boxes}, {'pooled': ('n', pool, pool, channels)})
    for attribute in config.attributes:
        side, bands = attribute.stamp_size, len(attribute.bands) or n_bands
        pooled = {'pooled': ('n', pool, pool, channels)} if attribute.trunk_features else {}
        signatures[ATTRIBUTE + attribute.name] = (
            {'stamps': ('n', side, side, bands), 'numbers': ('n', N_NUMBERS), **pooled},
            {'outputs': ('n', len(attribute.classes) or 2)})
    return signatures
