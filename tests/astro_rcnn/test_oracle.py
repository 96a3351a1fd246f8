# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of every part against an independent implementation, with random
weights in the layout of the published files.
"""

import astro_rcnn_oracle as oracle
import numpy as np
import pytest
from keras import ops
from scipy import special
from skimage.transform import resize

from photutils_rcnn.astro_rcnn.config import AstroRCNNConfig
from photutils_rcnn.astro_rcnn.detector import decode, normalized_anchors
from photutils_rcnn.astro_rcnn.inference import choose_proposals, refine_detections
from photutils_rcnn.astro_rcnn.model import THRESHOLDS, AstroRCNNModel
from photutils_rcnn.astro_rcnn.pooling import (
    crop_and_resize,
    rounded_levels,
    sample_at,
    sample_positions,
)
from photutils_rcnn.astro_rcnn.resizing import fit_square, resize_bilinear
from photutils_rcnn.detection.inference import run_inference
from photutils_rcnn.models.roi_align import flatten_pyramid
from photutils_rcnn.models.weights import set_weights

SEEDS = range(6)
SHAPE = (128, 192)
BOX_STD = (0.1, 0.1, 0.2, 0.2)


def make_image(seed, shape=SHAPE):
    rng = np.random.default_rng((seed, 1))
    y, x = np.indices(shape)
    image = rng.normal(0, 0.3, (*shape, 3))
    for _ in range(12):
        yc, xc = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        width = rng.uniform(1, 9)
        image += rng.uniform(1, 5) * np.exp(
            -np.hypot(y - yc, x - xc)[..., None]**2 / 2 / width**2)
    return image.astype(np.float32)


def random_boxes(rng, n):
    """
    Normalized boxes of all sizes, some at the border, some empty.
    """
    centers = rng.uniform(0, 1, (n, 2))
    sides = np.exp(rng.uniform(np.log(0.01), 0, (n, 2)))
    boxes = np.clip(np.concatenate([centers - sides / 2,
                                    centers + sides / 2], axis=1), 0, 1)
    boxes[::17] = 0
    return boxes.astype(np.float32)


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """
    A model read from a file; the tests change its weights.
    """
    config = oracle.small_config()
    path = tmp_path_factory.mktemp('weights') / 'random.h5'
    full = AstroRCNNConfig(stage_blocks=config.stage_blocks)
    oracle.write_h5(path, full, oracle.random_tensors(full, 0))
    with pytest.warns(UserWarning, match='none of the published'):
        model = AstroRCNNModel.read(path)
    model.config = config.network
    # The random weights expect images of order 1.
    model.settings['stretch'] = {'name': 'zscore-int16', 'offset': 0.}
    model._weights = oracle.random_tensors(config, 0)
    model.thresholds['proposals'] = 300
    return model


@pytest.fixture
def seeded(model, request):
    weights = oracle.random_tensors(model.network.config, request.param)
    set_weights(model.network, weights)
    return model, weights, request.param


every_seed = pytest.mark.parametrize('seeded', SEEDS, indirect=True)


def test_anchors_of_512_pixels():
    config = AstroRCNNConfig()
    found = normalized_anchors(config, (512, 512))
    assert found.shape == (65472, 4)
    np.testing.assert_allclose([found.min(), found.max()],
                               [-0.17712, 1.05188], atol=1e-5)
    pixels = oracle.anchors((512, 512))
    np.testing.assert_allclose(pixels[0], [-5.656854, -2.828427, 5.656854,
                                           2.828427], atol=1e-6)
    np.testing.assert_allclose([pixels.min(), pixels.max()],
                               [-90.50967, 538.50967], atol=1e-5)
    np.testing.assert_array_equal(found, oracle.normalize(pixels, (512, 512)))


def proposal_deltas(model, image):
    outputs = model.network(image[None], training=False)
    return ops.convert_to_numpy(outputs['deltas'])[0]


@every_seed
def test_network(seeded):
    """
    From an image to the answers of every head.
    """
    model, weights, seed = seeded
    image = make_image(seed)
    detector = model.detector
    features, objectness, _ = detector.dense(image)
    levels = oracle.pyramid(oracle.trunk(image, weights, (1, 1, 1, 1)),
                            weights)
    scores, expected = oracle.proposal_head(levels, weights)
    np.testing.assert_allclose(objectness, scores[:, 1], atol=1e-4)
    np.testing.assert_allclose(proposal_deltas(model, image), expected,
                               atol=1e-4)

    boxes = random_boxes(np.random.default_rng(seed), 40)
    logits, refined = detector.classify(features, boxes, SHAPE)
    pooled = oracle.pool(levels, boxes, SHAPE, 7)
    scores, expected = oracle.box_head(pooled, weights)
    np.testing.assert_allclose(special.softmax(logits, axis=1), scores,
                               atol=1e-4)
    np.testing.assert_allclose(refined, decode(boxes[:, None], np.float32(
        expected), BOX_STD), atol=1e-4)

    classes = np.random.default_rng(seed).integers(1, 3, 40)
    masks, mask_boxes = detector.predict_masks(features, boxes, SHAPE,
                                               classes)
    np.testing.assert_array_equal(mask_boxes, boxes)
    pooled = oracle.pool(levels, boxes, SHAPE, 14)
    expected = oracle.mask_head(pooled, weights)
    np.testing.assert_allclose(
        masks, expected[np.arange(40), :, :, classes], atol=1e-4)


def class_deltas(detector, features, boxes, shape):
    """
    The box deltas of each class, before they are applied.
    """
    rows = detector._rows(boxes, shape, detector.config.box_pool)
    return detector._in_buckets('classify', (features, np.int32(shape)),
                                (rows,), shape)[1]


def check_detection(model, image, square, window):
    """
    The detections of an image, given as the network sees it: proposals,
    suppression and masks, each from the network's own numbers.
    """
    detector = model.detector
    shape = square.shape[:2]
    features, objectness, boxes = detector.dense(square)
    anchors = oracle.normalize(oracle.anchors(shape), shape)
    rois = oracle.proposals(objectness, proposal_deltas(model, square),
                            anchors, limit=300)
    found, _ = choose_proposals(objectness, boxes, model.thresholds)
    assert found.shape == rois.shape
    np.testing.assert_allclose(found * 191, rois * 191, atol=1e-3)

    scores = special.softmax(detector.classify(features, found, shape)[0],
                             axis=1)
    deltas = class_deltas(detector, features, found, shape)
    boxes, rows, classes = oracle.detections(
        scores, deltas, found, window=oracle.normalize(window, shape))
    pixels = oracle.unmold(boxes.astype(np.float32), window, shape,
                           image.shape[:2])
    has_area = (pixels[:, 2:] > pixels[:, :2]).all(axis=1)
    masks, _ = detector.predict_masks(features, boxes, shape, classes)
    instances = run_inference(model, image)

    assert instances.shape == image.shape[:2]
    assert len(instances) == has_area.sum()
    order = np.lexsort((pixels[:, 1] + pixels[:, 3],
                        pixels[:, 0] + pixels[:, 2]))
    order = order[has_area[order]]
    np.testing.assert_array_equal(instances.boxes, pixels[order])
    np.testing.assert_array_equal(instances.class_ids, classes[order])
    np.testing.assert_allclose(instances.scores,
                               scores[rows, classes][order], atol=1e-4)
    footprints = instances.footprints()
    for i, j in enumerate(order[:50]):
        y1, x1, y2, x2 = pixels[j]
        plane = masks[j].astype(float)
        expected = resize(plane, (y2 - y1, x2 - x1), order=1,
                          mode='constant', clip=True, anti_aliasing=False)
        values, slices = instances.paste(i)
        assert slices == (slice(y1, y2), slice(x1, x2))
        np.testing.assert_allclose(values, expected, atol=1e-4)
        mask = np.zeros(footprints.shape, dtype=bool)
        mask[footprints.slices(i)] = footprints.masks[i]
        sure = np.abs(expected - 0.5) > 1e-4
        np.testing.assert_array_equal(mask[y1:y2, x1:x2][sure],
                                      (expected >= 0.5)[sure])
    return len(instances)


@pytest.mark.filterwarnings('ignore:.*beyond the largest number')
@pytest.mark.parametrize('padding', [0., 200.])
@every_seed
def test_detection(seeded, padding, monkeypatch):
    """
    Frames of their own size, padded at the end.

    A border of 200 beside an image of order 1 makes features and deltas of
    some hundreds: differences in the last bit of an anchor then reach the
    scores.
    """
    model, _, seed = seeded
    monkeypatch.setitem(model.settings, 'stretch',
                        {'name': 'zscore-int16', 'offset': padding})
    image = make_image(seed)[:100, :170]
    square = np.pad(image, ((0, 28), (0, 22), (0, 0)),
                    constant_values=padding)
    n_found = check_detection(model, image, square,
                              np.array([0, 0, 100, 170]))
    # Beside the border these random weights may see nothing else.
    assert n_found or padding


FRAMES = ((90, 60), (200, 150), (128, 128), (300, 40), (100, 128), (33, 29))


@pytest.mark.filterwarnings('ignore:.*beyond the largest number')
@every_seed
def test_detection_on_a_square(seeded, monkeypatch):
    """
    Frames resized to a square; boxes and masks in pixels of the frame.
    """
    model, _, seed = seeded
    monkeypatch.setitem(model.settings, 'resize_to', 128)
    monkeypatch.setitem(model.settings, 'stretch', {'name': 'arcsinh'})
    frame = FRAMES[seed % len(FRAMES)]
    image = make_image(seed, frame)
    # The oracle's square agrees to 1e-6 (`test_fit_square`), which the
    # network would multiply: what follows is compared on equal pixels.
    square, _ = fit_square(image, 128)
    _, window = oracle.mold(image, 128)
    n_found = check_detection(model, image, square.astype(np.float32), window)
    # These random weights may see nothing in the smallest frames.
    assert n_found or min(frame) < 40


@pytest.mark.parametrize('frame', [*FRAMES, (700, 900), (128, 60)])
@pytest.mark.parametrize('seed', range(3))
def test_fit_square(frame, seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 1e4, (*frame, 3)).astype(np.float32)
    square, window = fit_square(image, 128)
    expected, expected_window = oracle.mold(image, 128)
    np.testing.assert_array_equal(window, expected_window)
    assert square.shape == (128, 128, 3)
    np.testing.assert_allclose(square, expected, atol=1e-6)


# random weights make many proposals
@pytest.mark.filterwarnings('ignore:.* proposals beyond')
def test_resized_integers(model, monkeypatch):
    """
    The original casts resized frames to integers again, then adds 200.
    """
    monkeypatch.setitem(model.settings, 'resize_to', 128)
    monkeypatch.setitem(model.settings, 'stretch',
                        {'name': 'zscore-int16', 'offset': 200.})
    seen = []
    dense = model.detector.dense

    def spy(pixels):
        seen.append(pixels)
        return dense(pixels)

    monkeypatch.setattr(model.detector, 'dense', spy)
    image = np.trunc(1000 * make_image(0, (90, 61))) + np.float32(200)
    run_inference(model, image)
    expected, _ = oracle.mold(image - 200, 128)
    difference = np.abs(seen[0] - 200 - np.trunc(expected))
    # Where the interpolation meets a whole number, the last bit decides.
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 1e-4


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('across', [False, True])
def test_suppression(seed, across):
    """
    The same set of crowded, partly equal and empty boxes.
    """
    rng = np.random.default_rng(seed)
    rois = random_boxes(rng, 600)
    rois[300:400] = rois[200:300]
    scores = rng.dirichlet((0.5, 1, 1), 600).astype(np.float32)
    scores[350:400] = scores[250:300]
    deltas = rng.normal(0, 0.5, (600, 3, 4)).astype(np.float32)
    thresholds = {**THRESHOLDS, 'nms_across_classes': across,
                  'detections': 100}
    window = np.array([0, 0, 0.9, 1], dtype=np.float32)
    boxes, index, classes, n_lost = refine_detections(
        scores, decode(rois[:, None], deltas, BOX_STD), window, thresholds)
    expected, rows, kinds = oracle.detections(
        scores, deltas, rois, across=across, limit=10**6, window=window)
    assert n_lost == max(len(rows) - 100, 0)
    np.testing.assert_array_equal(index, rows[:100])
    np.testing.assert_array_equal(classes, kinds[:100])
    np.testing.assert_allclose(boxes, expected[:100], atol=2e-6)


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('size', [7, 14])
def test_pooling(seed, size):
    """
    Levels and pooled features, boxes at the border and empty ones.
    """
    rng = np.random.default_rng(seed)
    shape = (512, 384)
    levels = [rng.normal(size=(shape[0] // s, shape[1] // s, 3)
                         ).astype(np.float32) for s in (4, 8, 16, 32, 64)]
    boxes = random_boxes(rng, 120)
    config = AstroRCNNConfig()
    index = ops.convert_to_numpy(rounded_levels(boxes, shape, config))
    np.testing.assert_array_equal(
        index, [oracle.level_of(box, shape) for box in boxes])
    features, shapes = flatten_pyramid([level[None] for level in levels])
    found = crop_and_resize(features, shapes, boxes, np.zeros(120, 'int32'),
                            index, size)
    np.testing.assert_allclose(ops.convert_to_numpy(found),
                               oracle.pool(levels, boxes, shape, size),
                               atol=2e-5)


@pytest.mark.parametrize('seed', SEEDS)
def test_positions_at_the_border(seed):
    """
    TensorFlow's own operation decides alike what is inside.
    """
    tf = pytest.importorskip('tensorflow')
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng, 300)
    boxes[100:200, 2:] = 1
    features = rng.uniform(1, 2, (128, 96, 2)).astype(np.float32)
    last = np.tile(np.float32([127, 95]), (300, 1))
    for size in (7, 14):
        expected = tf.image.crop_and_resize(
            features[None], boxes, np.zeros(300, 'int32'), (size, size))
        y, x = sample_positions(boxes, last, size)
        found = sample_at(features.reshape(-1, 2), ((128, 96),), y, x,
                          np.zeros(300, 'int32'), np.zeros(300, 'int32'))
        np.testing.assert_allclose(ops.convert_to_numpy(found),
                                   expected.numpy(), atol=1e-4)


def test_levels_of_squares():
    """
    At 512 pixels P2 holds squares up to 80, P3 to 159, P4 to 317.
    """
    sides = np.array([8, 80, 81, 159, 160, 317, 318, 500])
    # sides in the units of normalized boxes
    boxes = np.zeros((8, 4), dtype=np.float32)
    boxes[:, 2:] = ((sides - 1) / 511)[:, None]
    found = rounded_levels(boxes, (512, 512), AstroRCNNConfig())
    np.testing.assert_array_equal(ops.convert_to_numpy(found),
                                  [0, 0, 1, 1, 2, 2, 3, 3])


@pytest.mark.parametrize('seed', SEEDS)
def test_unmolding(seed):
    rng = np.random.default_rng(seed)
    grid = rng.random((28, 28)).astype(np.float32)
    shape = tuple(rng.integers(1, 120, 2))
    expected = resize(grid.astype(float), shape, order=1, mode='constant',
                      clip=True, anti_aliasing=False)
    np.testing.assert_allclose(resize_bilinear(grid, shape), expected,
                               atol=1e-6)


@pytest.mark.slow
def test_resnet101(tmp_path):
    """
    The network of the paper in full size.
    """
    config = AstroRCNNConfig()
    weights = oracle.random_tensors(config, 5)
    path = tmp_path / 'full.h5'
    oracle.write_h5(path, config, weights)
    with pytest.warns(UserWarning, match='none of the published'):
        model = AstroRCNNModel.read(path)
    assert sum(value.size for value in model._weights.values()) == 63738788
    # The model takes blue to red, the file's network red to blue.
    image = make_image(5, (256, 256))
    detector = model.detector
    features, objectness, _ = detector.dense(image)
    levels = oracle.pyramid(oracle.trunk(image[..., ::-1], weights,
                                         (3, 4, 23, 3)), weights)
    scores, expected = oracle.proposal_head(levels, weights)
    np.testing.assert_allclose(objectness, scores[:, 1], atol=1e-4)
    np.testing.assert_allclose(proposal_deltas(model, image), expected,
                               atol=1e-3)
    boxes = random_boxes(np.random.default_rng(5), 16)
    logits, _ = detector.classify(features, boxes, (256, 256))
    pooled = oracle.pool(levels, boxes, (256, 256), 7)
    np.testing.assert_allclose(special.softmax(logits, axis=1),
                               oracle.box_head(pooled, weights)[0], atol=1e-4)
    masks, _ = detector.predict_masks(features, boxes, (256, 256),
                                      np.ones(16, int))
    pooled = oracle.pool(levels, boxes, (256, 256), 14)
    np.testing.assert_allclose(
        masks, oracle.mask_head(pooled, weights)[..., 1], atol=1e-4)


def test_lost_proposals_are_counted():
    """
    Boxes beyond the largest number are lost, the good ones not silently.
    """
    y, x = np.mgrid[:20, :20].reshape(2, -1) * 0.05
    anchors = np.stack([y, x, y + 0.04, x + 0.04], axis=1).astype(np.float32)
    objectness = np.linspace(0.9, 0.4, 400)
    boxes, n_lost = choose_proposals(
        objectness, anchors,
        {'pre_nms': 6000, 'proposals': 100, 'proposal_nms': 0.7})
    assert len(boxes) == 100
    assert n_lost == (objectness > 0.5).sum() - 100
