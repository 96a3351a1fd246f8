# Licensed under a 3-clause BSD style license - see LICENSE
"""
The tensors of matterport's weight files.
"""

__all__ = ['COCO_HEADS', 'expected_tensors']

NORMALIZATION = ('gamma', 'beta', 'moving_mean', 'moving_variance')
PROPOSAL_GROUP = 'rpn_model'
PROPOSAL_LAYERS = ('rpn_conv_shared', 'rpn_class_raw', 'rpn_bbox_pred')
COCO_HEADS = ('mrcnn_class_logits', 'mrcnn_bbox_fc', 'mrcnn_mask')
"""The layers that Burke et al. (2019) left out of the COCO weights."""


def expected_tensors(config):
    """
    The groups of a weight file and their tensors, in order.

    Parameters
    ----------
    config : `~photutils_rcnn.astro_rcnn.config.AstroRCNNConfig`
        The network.

    Returns
    -------
    tensors : dict of str to list of (str, tuple)
        For each group the names of its tensors, ``layer/kernel``, and their
        shapes. The names are those of the variables of the network.
    """
    groups = {}

    def kernel(name, *shape, transposed=False):
        n_out = shape[-2] if transposed else shape[-1]
        return [(f'{name}/kernel', shape), (f'{name}/bias', (n_out,))]

    def norm(name, n):
        return [(f'{name}/{part}', (n,)) for part in NORMALIZATION]

    def conv_norm(conv, bn, *shape):
        groups[conv] = kernel(conv, *shape)
        groups[bn] = norm(bn, shape[-1])

    conv_norm('conv1', 'bn_conv1', 7, 7, config.n_bands, 64)
    n_in = 64
    for i, n_blocks in enumerate(config.stage_blocks):
        n = 64 * 2**i
        for j in range(n_blocks):
            block = f'{i + 2}{chr(97 + j)}_branch'
            if j == 0:
                conv_norm(f'res{block}1', f'bn{block}1', 1, 1, n_in, 4 * n)
            conv_norm(f'res{block}2a', f'bn{block}2a', 1, 1, n_in, n)
            conv_norm(f'res{block}2b', f'bn{block}2b', 3, 3, n, n)
            conv_norm(f'res{block}2c', f'bn{block}2c', 1, 1, n, 4 * n)
            n_in = 4 * n

    c, width = config.pyramid_channels, config.head_width
    for level in (5, 4, 3, 2):
        name = f'fpn_c{level}p{level}'
        groups[name] = kernel(name, 1, 1, 256 * 2**(level - 2), c)
    for level in (2, 3, 4, 5):
        groups[f'fpn_p{level}'] = kernel(f'fpn_p{level}', 3, 3, c, c)

    hidden, n_anchors = config.rpn_channels, len(config.anchor_ratios)
    shapes = ((3, 3, c, hidden), (1, 1, hidden, 2 * n_anchors),
              (1, 1, hidden, 4 * n_anchors))
    groups[PROPOSAL_GROUP] = [
        tensor for name, shape in zip(PROPOSAL_LAYERS, shapes, strict=True)
        for tensor in kernel(name, *shape)]

    k, pool, m = config.n_classes, config.box_pool, config.mask_channels
    conv_norm('mrcnn_class_conv1', 'mrcnn_class_bn1', pool, pool, c, width)
    conv_norm('mrcnn_class_conv2', 'mrcnn_class_bn2', 1, 1, width, width)
    groups['mrcnn_class_logits'] = kernel('mrcnn_class_logits', width, k)
    groups['mrcnn_bbox_fc'] = kernel('mrcnn_bbox_fc', width, 4 * k)
    for i in range(1, config.mask_convolutions + 1):
        conv_norm(f'mrcnn_mask_conv{i}', f'mrcnn_mask_bn{i}', 3, 3,
                  c if i == 1 else m, m)
    groups['mrcnn_mask_deconv'] = kernel('mrcnn_mask_deconv', 2, 2, m, m,
                                         transposed=True)
    groups['mrcnn_mask'] = kernel('mrcnn_mask', 1, 1, m, k)
    return groups
