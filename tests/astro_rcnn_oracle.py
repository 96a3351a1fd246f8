# Licensed under a 3-clause BSD style license - see LICENSE
"""
Matterport's Mask R-CNN in NumPy, float64, written from its description; and
random weight files in its layout.
"""

import h5py
import numpy as np
from skimage.transform import resize

from photutils_rcnn.astro_rcnn.config import AstroRCNNTrainingConfig
from photutils_rcnn.astro_rcnn.weight_layout import expected_tensors


def small_config(**changes):
    """
    The paper's network with few channels and one block per stage.
    """
    values = {'stage_blocks': (1, 1, 1, 1), 'pyramid_channels': 12,
              'rpn_channels': 16, 'head_width': 24, 'mask_channels': 12,
              'n_pre_nms': 200, 'n_proposals': 100, 'n_positive_rois': 20,
              'n_negative_rois': 40, 'n_mask_rois': 20, 'n_rois': 62}
    return AstroRCNNTrainingConfig(**{**values, **changes})


def random_tensors(config, seed):
    """
    Random weights with which activations stay near 1.
    """
    rng = np.random.default_rng(seed)
    tensors = {}
    for group in expected_tensors(config).values():
        for name, shape in group:
            layer, part = name.split('/')
            if part == 'kernel':
                fan_in = (shape[2] if layer == 'mrcnn_mask_deconv'
                          else np.prod(shape[:-1]))
                gain = 0.5 if layer.startswith('res') else 1.4
                value = rng.normal(0, gain / np.sqrt(fan_in), shape)
            elif part == 'gamma':
                value = rng.uniform(0.6, 1.2, shape)
            elif part == 'moving_variance':
                value = rng.uniform(0.5, 1.5, shape)
            else:
                value = rng.normal(0, 0.1, shape)
            tensors[name] = value.astype(np.float32)
    # Scores on both sides of one half, boxes of a few times the anchors.
    tensors['mrcnn_class_logits/kernel'] *= 2
    tensors['rpn_bbox_pred/kernel'] *= 1.5
    return tensors


def write_h5(path, config, tensors, *, nested=False, text=False, drop=(),
             extra=None):
    """
    Write weights as Keras 2 ``save_weights`` does.

    Layers without weights have empty groups, and the order of groups is
    not that of the network.
    """
    encode = str if text else str.encode
    groups = {name: [tensor for tensor, _ in group] for name, group
              in expected_tensors(config).items() if name not in drop}
    groups.update({'input_image': [], 'res2a_out': [], 'ROI': []})
    names = sorted(groups)
    with h5py.File(path, 'w') as file:
        root = file.create_group('model_weights') if nested else file
        root.attrs['layer_names'] = [encode(name) for name in
                                     [*names, *(extra or {})]]
        root.attrs['keras_version'] = encode('2.2.4')
        for name in names:
            group = root.create_group(name)
            group.attrs['weight_names'] = [encode(f'{tensor}:0')
                                           for tensor in groups[name]]
            for tensor in groups[name]:
                group[f'{tensor}:0'] = tensors[tensor]
        for name, value in (extra or {}).items():
            group = root.create_group(name)
            group.attrs['weight_names'] = [encode(f'{name}/Variable:0')]
            group[f'{name}/Variable:0'] = value


# === Layers ===

def conv(x, w, name, *, stride=1, pad=0):
    """
    A convolution of (..., H, W, C), zeros around.
    """
    kernel = w[f'{name}/kernel'].astype(float)
    size = kernel.shape[0]
    x = np.pad(x, [(0, 0)] * (x.ndim - 3) + [(pad, pad)] * 2 + [(0, 0)])
    ny = (x.shape[-3] - size) // stride + 1
    nx = (x.shape[-2] - size) // stride + 1
    total = 0
    for i in range(size):
        for j in range(size):
            part = x[..., i:i + stride * (ny - 1) + 1:stride,
                     j:j + stride * (nx - 1) + 1:stride, :]
            total = total + part @ kernel[i, j]
    return total + w[f'{name}/bias']


def norm(x, w, name):
    scale = w[f'{name}/gamma'] / np.sqrt(
        w[f'{name}/moving_variance'].astype(float) + 1e-3)
    return (x - w[f'{name}/moving_mean']) * scale + w[f'{name}/beta']


def relu(x):
    return np.maximum(x, 0)


def trunk(image, w, blocks):
    x = relu(norm(conv(image.astype(float), w, 'conv1', stride=2, pad=3), w,
                  'bn_conv1'))
    # 'same' pooling of an even side pads at the end only.
    x = np.pad(x, ((0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    ny, nx = (x.shape[0] - 1) // 2, (x.shape[1] - 1) // 2
    x = np.max([x[i:i + 2 * ny - 1:2, j:j + 2 * nx - 1:2]
                for i in range(3) for j in range(3)], axis=0)
    features = []
    for stage, n_blocks in enumerate(blocks, start=2):
        for block in map(chr, range(97, 97 + n_blocks)):
            stride = 2 if block == 'a' and stage > 2 else 1
            res, bn = (f'{p}{stage}{block}_branch' for p in ('res', 'bn'))
            y = relu(norm(conv(x, w, res + '2a', stride=stride), w,
                          bn + '2a'))
            y = relu(norm(conv(y, w, res + '2b', pad=1), w, bn + '2b'))
            y = norm(conv(y, w, res + '2c'), w, bn + '2c')
            if block == 'a':
                x = norm(conv(x, w, res + '1', stride=stride), w, bn + '1')
            x = relu(x + y)
        features.append(x)
    return features


def pyramid(features, w):
    """
    P2 to P6.
    """
    levels, above = [], None
    for level in (5, 4, 3, 2):
        x = conv(features[level - 2], w, f'fpn_c{level}p{level}')
        if above is not None:
            x = x + above.repeat(2, axis=0).repeat(2, axis=1)
        above = x
        levels.insert(0, conv(x, w, f'fpn_p{level}', pad=1))
    return [*levels, levels[-1][::2, ::2]]


def softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


def proposal_head(levels, w):
    scores, deltas = [], []
    for x in levels:
        x = relu(conv(x, w, 'rpn_conv_shared', pad=1))
        scores.append(softmax(conv(x, w, 'rpn_class_raw').reshape(-1, 2)))
        deltas.append(conv(x, w, 'rpn_bbox_pred').reshape(-1, 4))
    return np.concatenate(scores), np.concatenate(deltas)


def box_head(pooled, w):
    x = pooled.astype(float)
    kernel = w['mrcnn_class_conv1/kernel'].astype(float)
    x = np.tensordot(x, kernel, axes=3) + w['mrcnn_class_conv1/bias']
    x = relu(norm(x, w, 'mrcnn_class_bn1'))
    x = x @ w['mrcnn_class_conv2/kernel'][0, 0].astype(float)
    x = relu(norm(x + w['mrcnn_class_conv2/bias'], w, 'mrcnn_class_bn2'))
    scores = softmax(x @ w['mrcnn_class_logits/kernel']
                     + w['mrcnn_class_logits/bias'])
    deltas = x @ w['mrcnn_bbox_fc/kernel'] + w['mrcnn_bbox_fc/bias']
    return scores, deltas.reshape(len(x), -1, 4)


def mask_head(pooled, w):
    x = pooled.astype(float)
    for i in (1, 2, 3, 4):
        x = conv(x, w, f'mrcnn_mask_conv{i}', pad=1)
        x = relu(norm(x, w, f'mrcnn_mask_bn{i}'))
    kernel = w['mrcnn_mask_deconv/kernel'].astype(float)
    up = np.zeros((len(x), 28, 28, kernel.shape[2]))
    for i in range(2):
        for j in range(2):
            up[:, i::2, j::2] = x @ kernel[i, j].T
    x = relu(up + w['mrcnn_mask_deconv/bias'])
    return 1 / (1 + np.exp(-conv(x, w, 'mrcnn_mask')))


# === Geometry ===

def anchors(shape):
    """
    The anchors in pixels.
    """
    boxes = []
    for stride, side in zip((4, 8, 16, 32, 64), (8, 16, 32, 64, 128),
                            strict=True):
        for i in range(-(-shape[0] // stride)):
            for j in range(-(-shape[1] // stride)):
                for ratio in (0.5, 1, 2):
                    h, w = side / np.sqrt(ratio), side * np.sqrt(ratio)
                    y, x = stride * i, stride * j
                    boxes.append((y - h / 2, x - w / 2, y + h / 2, x + w / 2))
    return np.array(boxes)


def normalize(boxes, shape):
    scale = np.array([shape[0] - 1, shape[1] - 1] * 2)
    return ((boxes - [0, 0, 1, 1]) / scale).astype(np.float32)


def decode(boxes, deltas):
    deltas = deltas * np.array([0.1, 0.1, 0.2, 0.2])
    h, w = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    y = boxes[:, 0] + 0.5 * h + deltas[:, 0] * h
    x = boxes[:, 1] + 0.5 * w + deltas[:, 1] * w
    h, w = h * np.exp(deltas[:, 2]), w * np.exp(deltas[:, 3])
    y1, x1 = y - 0.5 * h, x - 0.5 * w
    return np.stack([y1, x1, y1 + h, x1 + w], axis=1)


def nms(boxes, scores, threshold, limit):
    """
    Greedy suppression, box by box.
    """
    order = list(np.argsort(-scores, kind='stable'))
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    keep = []
    while order and len(keep) < limit:
        best = order.pop(0)
        keep.append(best)
        rest = np.array(order, dtype=int)
        if len(rest) == 0:
            break
        h = (np.minimum(boxes[rest, 2], boxes[best, 2])
             - np.maximum(boxes[rest, 0], boxes[best, 0]))
        w = (np.minimum(boxes[rest, 3], boxes[best, 3])
             - np.maximum(boxes[rest, 1], boxes[best, 1]))
        shared = np.maximum(h, 0) * np.maximum(w, 0)
        union = area[rest] + area[best] - shared
        iou = np.divide(shared, union, out=np.zeros_like(shared),
                        where=(area[rest] > 0) & (area[best] > 0))
        order = list(rest[iou <= threshold])
    return np.array(keep, dtype=int)


def proposals(scores, deltas, boxes, *, pre_nms=6000, limit=1000):
    order = np.argsort(-scores, kind='stable')[:pre_nms]
    found = np.clip(decode(boxes[order].astype(float), deltas[order]), 0, 1)
    keep = nms(found, scores[order], 0.7, limit)
    result = np.zeros((limit, 4))
    result[:len(keep)] = found[keep]
    return result


def level_of(box, shape):
    """
    The index of the level of a normalized box, 0 for P2.
    """
    h, w = float(box[2]) - float(box[0]), float(box[3]) - float(box[1])
    if h * w <= 0:
        return 0
    level = np.log2(np.sqrt(h * w) * np.sqrt(shape[0] * shape[1]) / 224)
    return int(np.clip(4 + np.rint(level), 2, 5)) - 2


def crop_and_resize(features, box, n):
    """
    One box of one level, in float32 where it decides what is inside.
    """
    one = np.float32
    sampled = np.zeros((n, n, features.shape[-1]))
    limits = [side - 1 for side in features.shape[:2]]
    coordinates = []
    for axis, last in enumerate(limits):
        low, high = one(box[axis]), one(box[axis + 2])
        step = (high - low) * one(last) / one(n - 1)
        coordinates.append([low * one(last) + one(i) * step
                            for i in range(n)])
    for i, y in enumerate(coordinates[0]):
        for j, x in enumerate(coordinates[1]):
            if not (0 <= y <= limits[0] and 0 <= x <= limits[1]):
                continue
            y0, x0 = int(np.floor(y)), int(np.floor(x))
            y1, x1 = int(np.ceil(y)), int(np.ceil(x))
            fy, fx = float(y) - y0, float(x) - x0
            sampled[i, j] = ((1 - fy) * ((1 - fx) * features[y0, x0]
                                         + fx * features[y0, x1])
                             + fy * ((1 - fx) * features[y1, x0]
                                     + fx * features[y1, x1]))
    return sampled


def pool(levels, boxes, shape, n):
    return np.array([crop_and_resize(levels[level_of(box, shape)], box, n)
                     for box in boxes]).reshape(len(boxes), n, n,
                                                levels[0].shape[-1])


def detections(scores, deltas, rois, *, across=True, limit=300,
               window=(0, 0, 1, 1)):
    """
    Boxes, rows and classes by decreasing score.
    """
    classes = scores.argmax(axis=1)
    rows = np.arange(len(scores))
    best = scores[rows, classes]
    boxes = decode(rois.astype(float), deltas[rows, classes])
    boxes = np.clip(boxes, np.tile(window[:2], 2), np.tile(window[2:], 2))
    chosen = np.flatnonzero((classes > 0) & (best >= 0.5))
    kept = []
    for members in ([chosen] if across else
                    [chosen[classes[chosen] == k]
                     for k in np.unique(classes[chosen])]):
        kept.extend(members[nms(boxes[members], best[members], 0.3, limit)])
    kept = np.sort(np.array(kept, dtype=int))
    kept = kept[np.argsort(-best[kept], kind='stable')][:limit]
    return boxes[kept], kept, classes[kept]


def mold(image, side):
    """
    A frame on a square of zeros, and its window.
    """
    h, w = image.shape[:2]
    scale = max(1, side / min(h, w))
    if round(max(h, w) * scale) > side:
        scale = side / max(h, w)
    if scale != 1:
        image = resize(image.astype(float), (round(h * scale),
                                             round(w * scale)), order=1,
                       mode='constant', clip=True, anti_aliasing=False)
    h, w = image.shape[:2]
    top, left = (side - h) // 2, (side - w) // 2
    square = np.pad(image, ((top, side - h - top), (left, side - w - left),
                            (0, 0)))
    return square, np.array([top, left, top + h, left + w])


def unmold(boxes, window, shape, frame):
    """
    The boxes in pixels of the frame.
    """
    window = normalize(window, shape)
    size = window[2:] - window[:2]
    boxes = (boxes - np.tile(window[:2], 2)) / np.tile(size, 2)
    scale = np.array([frame[0] - 1, frame[1] - 1] * 2)
    return np.rint(boxes * scale + [0, 0, 1, 1]).astype(int)
