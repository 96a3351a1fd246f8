# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of the way from a normalized frame to instances.
"""
import numpy as np
import pytest
from astropy.utils.exceptions import AstropyUserWarning
from keras import ops
from numpy.testing import assert_allclose, assert_equal
from tiny_network import tiny_config

from photutils_rcnn.detection.inference import _flag, run_inference
from photutils_rcnn.detection.nms import overlapping_pairs
from photutils_rcnn.detection.tiling import make_tiles
from photutils_rcnn.models.mask_rcnn import MaskRCNN
from photutils_rcnn.models.model import Model
from photutils_rcnn.models.receptive_field import halo_width
from photutils_rcnn.models.weights import get_weights, set_weights
from photutils_rcnn.sources.instances import RCNN_FLAGS, Instances

# The small frames here need tiles that are mostly halo.
pytestmark = pytest.mark.filterwarnings('ignore:tile_size=')

# A frame that is no multiple of anything, and tiles of which it needs many.
SHAPE = (212, 259)
TILE = 144
STRIDE = 8
HALO = 48


def bright_spot_network(config):
    """
    A network whose features follow the local brightness.

    All kernels average with random, positive weights that fall off from
    the middle. The heads are random, but prefer sources to background.
    """
    network = MaskRCNN(config)
    rng = np.random.default_rng(8)
    weights = get_weights(network)
    for name, value in weights.items():
        if name.startswith(('rpn_deltas', 'box_deltas', 'mask_logits')):
            value[:] = rng.normal(0, 0.1, value.shape)
        elif name.startswith('class_logits'):
            value[:] = rng.normal(0, 0.5, value.shape)
        elif name.endswith('kernel'):
            kernel = rng.uniform(0.5, 1.5, value.shape)
            if value.ndim == 4:
                axis = np.arange(len(value)) - (len(value) - 1) / 2
                kernel *= np.exp(-2 * (axis**2 + axis[:, None]**2)
                                 )[..., None, None]
            axes = tuple(range(value.ndim - 1))
            value[:] = kernel / kernel.sum(axis=axes)
        elif name.endswith('bias'):
            value[:] = 0
    weights['rpn_objectness1/kernel'] *= 5
    weights['class_logits/bias'][:] = -1, 1, 1
    weights['mask_logits/bias'][:] = 1
    set_weights(network, weights)
    return network


@pytest.fixture(scope='module')
def model(frame):
    """
    The network with a bias that lets 300 anchors of the frame pass.
    """
    config = tiny_config()
    network = bright_spot_network(config)
    canvas = np.pad(frame, ((0, -len(frame) % STRIDE),
                            (0, -frame.shape[1] % STRIDE), (0, 0)))
    objectness = network(canvas[None], training=False)['objectness']
    weights = get_weights(network)
    weights['rpn_objectness1/bias'] -= np.sort(
        ops.convert_to_numpy(objectness)[0])[-300]
    settings = {'name': 'bright', 'network': config.network.to_dict(),
                'halo': HALO, 'sha256': '0',
                'thresholds': {'objectness': 0.5, 'score': 0.5, 'nms': 0.3,
                               'proposal_nms': 0.5}}
    return Model(settings, weights, 'float32')


def test_halo_is_that_of_the_network(model):
    config = model.network.config
    assert halo_width(config) == HALO
    assert config.strides[-1] == STRIDE


@pytest.fixture(scope='module')
def seams():
    """
    Points (y, x) on the borders of cores: corners, and seams between them.
    """
    tiles = make_tiles(SHAPE, (TILE, TILE), HALO, STRIDE)
    ys = sorted({tile.core[0] for tile in tiles} - {0})
    xs = sorted({tile.core[1] for tile in tiles} - {0})
    assert ys
    assert xs
    on_row = [(y, 20) for y in ys]
    on_column = [(20, x) for x in xs]
    return [(y, x) for y in ys for x in xs] + on_row + on_column


@pytest.fixture(scope='module')
def frame(seams):
    """
    Sources on all seams and corners, others between, on noise.
    """
    rng = np.random.default_rng(9)
    image = rng.normal(0, 0.02, (*SHAPE, 3))
    y, x = np.indices(SHAPE) + 0.5
    others = rng.uniform(8, np.subtract(SHAPE, 8), (12, 2))
    for yc, xc in [*seams, *others]:
        radius = np.hypot(y - yc, x - xc)
        image += 3 * np.exp(-0.5 * (radius / 2.5)**2)[..., None]
    return image.astype(np.float32)


@pytest.fixture(scope='module')
def whole(model, frame):
    return run_inference(model, frame)


def test_tiled_equals_whole(model, frame, whole, seams):
    """
    The same sources, whether the frame is cut or not.
    """
    tiled = run_inference(model, frame, tile_size=TILE)
    assert len(tiled) == len(whole)
    assert_allclose(tiled.boxes, whole.boxes, atol=1e-2)
    assert_allclose(tiled.scores, whole.scores, atol=1e-3)
    assert_allclose(tiled.class_probabilities, whole.class_probabilities,
                    atol=1e-3)
    assert_allclose(tiled.masks, whole.masks, atol=5e-3)
    assert_allclose(tiled.mask_boxes, whole.mask_boxes, atol=1e-2)
    assert_equal(tiled.flags & ~RCNN_FLAGS['exceeds_halo'], whole.flags)
    assert np.mean(tiled.paint()[0] != whole.paint()[0]) < 1e-3
    for y, x in seams:
        assert np.hypot(whole.centers[:, 0] + 0.5 - x,
                        whole.centers[:, 1] + 0.5 - y).min() < 6


def test_sources_are_sorted_and_inside(whole):
    """
    Row by row of their centers; boxes end at the borders of the frame.
    """
    assert len(whole) > 10
    centers = whole.boxes[:, :2] + whole.boxes[:, 2:]
    assert_equal(np.lexsort((centers[:, 1], centers[:, 0])),
                 np.arange(len(whole)))
    assert (whole.boxes >= 0).all()
    assert (whole.boxes[:, 2:] <= SHAPE).all()
    assert (whole.scores >= 0.5).all()
    assert_allclose(whole.class_probabilities.sum(axis=1), 1, rtol=1e-5)
    assert whole.masks.dtype == np.float16
    assert whole.shape == SHAPE


def test_score_threshold(model, frame, whole):
    """
    A higher score threshold keeps the best.
    """
    limit = float(np.median(whole.scores))
    strict = run_inference(model, frame, score_threshold=limit)
    assert 0 < len(strict) < len(whole)
    assert (strict.scores >= limit).all()


def test_blank_frame(model):
    """
    Nothing is found on blank sky, in one tile or in many.
    """
    blank = np.zeros((*SHAPE, 3), np.float32)
    for tile_size in (None, TILE):
        instances = run_inference(model, blank, tile_size=tile_size)
        assert len(instances) == 0
        assert instances.paint()[0].shape == SHAPE


@pytest.mark.parametrize('shape', [(16, 16), (17, 40)])
def test_small_frames(model, shape):
    """
    A frame smaller than the stride of the network.
    """
    image = np.zeros((*shape, 3), np.float32)
    image[6:11, 6:11] = 4
    instances = run_inference(model, image)
    assert len(instances) > 0
    assert (instances.boxes[:, 2:] <= shape).all()


def test_invalid_pixels(model, frame, whole):
    """
    Sources on invalid pixels alone are dropped, others are flagged.
    """
    invalid = np.zeros(SHAPE, bool)
    invalid[:, :90] = True
    instances = run_inference(model, frame, invalid)
    assert 0 < len(instances) < len(whole)
    flagged = instances.flags & RCNN_FLAGS['masked_pixels'] > 0
    footprints = instances.footprints()
    touched = [(invalid[footprints.slices(i)] & mask).any()
               for i, mask in enumerate(footprints.masks)]
    assert_equal(flagged, touched)
    assert len(run_inference(model, frame, ~np.zeros(SHAPE, bool))) == 0


def test_dropped_sources_overlap_nothing():
    """
    A source on invalid pixels alone is no neighbor of those that are left.
    """
    boxes = np.float32([[10, 10, 20, 20], [10, 16, 20, 26], [10, 23, 20, 33]])
    instances = Instances(
        shape=(40, 50), boxes=boxes, scores=np.float32([0.7, 0.8, 0.9]),
        class_probabilities=np.full((3, 2), 0.5, np.float32),
        masks=np.ones((3, 8, 8), np.float16), mask_boxes=boxes,
        flags=np.zeros(3, np.int32))
    invalid = np.zeros((40, 50), bool)
    overlaps = RCNN_FLAGS['overlaps_neighbor']
    assert (_flag(instances, invalid).flags & overlaps > 0).all()
    invalid[:, 16:26] = True
    left = _flag(instances, invalid)
    assert len(left) == 2
    assert not (left.flags & overlaps).any()


def test_edge_flag(whole):
    boxes = whole.footprints().boxes
    at_edge = (boxes[:, :2] == 0).any(axis=1) | (
        boxes[:, 2:] == SHAPE).any(axis=1)
    flagged = whole.flags & RCNN_FLAGS['edge_touch'] > 0
    assert_equal(flagged, at_edge)


def test_progress(model, frame):
    """
    One call at the start and after each tile, those without valid pixels too.
    """
    n_tiles = len(make_tiles(SHAPE, (TILE, TILE), HALO, STRIDE))
    calls = []
    invalid = np.ones(SHAPE, bool)
    invalid[:20, :20] = False
    run_inference(model, frame, invalid, tile_size=TILE,
                  progress=lambda *args: calls.append(args))
    assert calls == [(i, n_tiles) for i in range(n_tiles + 1)]


def test_input_is_not_changed(model, frame):
    before = frame.copy()
    run_inference(model, frame, np.zeros(SHAPE, bool), tile_size=TILE)
    assert_equal(frame, before)


def test_tile_size_must_fit(model, frame):
    with pytest.raises(ValueError, match=f'tile_size must .* got {HALO}'):
        run_inference(model, frame, tile_size=HALO)
    # Sides are rounded up to the stride.
    exact = run_inference(model, frame, tile_size=152)
    found = run_inference(model, frame, tile_size=150)
    assert_allclose(found.boxes, exact.boxes)


def test_large_tile_size(model, frame, monkeypatch):
    """
    A tile as large as frames may be costs no more than the frame.
    """
    whole = run_inference(model, frame)
    shapes = []
    dense = model.detector.dense
    monkeypatch.setattr(model.detector, 'dense', lambda pixels: (
        shapes.append(pixels.shape), dense(pixels))[1])
    found = run_inference(model, frame, tile_size=5000)
    assert shapes == [(216, 264, 3)]
    assert_equal(found.boxes, whole.boxes)


def test_tolerated_overlap(model, frame, whole):
    """
    It may be less or more than that of the model, and nothing found overlaps
    by more.
    """
    few, many = (run_inference(model, frame, nms_threshold=threshold)
                 for threshold in (0.01, 1.0))
    assert len(few) < len(whole) < len(many)
    assert len(overlapping_pairs(few.boxes, 0.01)[0]) == 0
    assert len(overlapping_pairs(many.boxes, 0.3)[0]) > 0


def test_no_padding_beyond_the_stride(model, frame):
    """
    A network with biases sees more than zero in padded sky, so the default
    tile of a small frame is as large as one that is asked for.
    """
    image = frame[:132, :147]
    weights = {name: value + 0.1 * name.endswith('beta')
               for name, value in get_weights(model.network).items()}
    biased = Model(model.settings, weights, 'float32')
    default = run_inference(biased, image)
    assert len(default) > 0
    asked = run_inference(biased, image, tile_size=160)
    assert_allclose(default.boxes, asked.boxes, atol=1e-3)
    assert_allclose(default.scores, asked.scores, atol=1e-4)


def test_slow_tiles_are_told(model, frame):
    """
    Tiles that are mostly halo cost many times the pixels.
    """
    with pytest.warns(AstropyUserWarning, match=r'tile_size=144 .* 12 tiles'):
        run_inference(model, frame, tile_size=TILE)
