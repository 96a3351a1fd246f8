# Licensed under a 3-clause BSD style license - see LICENSE
"""
What a pretrained trunk is worth: clumps found against the number of labelled images.

A small network learns to find clumps on 25 to 1600 simulated images (preset ``clumps``,
64 x 64 pixels). Its trunk begins with random weights, with those of a detector of stars
and galaxies (preset ``universal``), or with those of a classifier of everyday
photographs, which tells by how many right angles a part of one was turned (Gidaris et al.
2018, arXiv:1803.07728). The photographs are those that scikit-image and scikit-learn
install. Figure of merit: the completeness at a purity of 0.8 on other images.
"""

import argparse
import csv
import logging
import math
import shutil
import time
import warnings
from importlib import resources
from pathlib import Path

import keras
import numpy as np
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.io.pictures import read_picture
from photutils_rcnn.models.backbones import compact_trunk
from photutils_rcnn.models.training_config import TrainingConfig
from photutils_rcnn.models.transfer import transfer_weights
from photutils_rcnn.models.weights import get_weights
from photutils_rcnn.models.zoo import load_model
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import normalize_cube
from photutils_rcnn.preprocessing.stretches import ArcsinhStretch
from photutils_rcnn.simulation import simulate_scenes
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.classes import CLUMP
from photutils_rcnn.training.dataset import CropDataset
from photutils_rcnn.training.export import export_model
from photutils_rcnn.training.trainer import Trainer

SIDE = 64
TRUNKS = ('sky', 'random', 'everyday')
SIZES = (25, 100, 400, 1600)
SEEDS = (0, 1, 2)
TEST_SEED, N_TEST = 7000000, 150
SKY_SEED, N_SKY = 600000, 300  # scenes of 256 x 256 pixels
BATCH_SIZE, MAX_SOURCES, RATE = 8, 40, 2e-3
PURITY, MATCH_RADIUS = 0.8, 0.75  # FWHM of the PSF
LEAST_SCORE = 0.05
PHOTOGRAPHS = {
    'skimage.data': ('astronaut.png', 'chelsea.png', 'coffee.png', 'rocket.jpg',
                     'motorcycle_left.png', 'motorcycle_right.png'),
    'sklearn.datasets.images': ('china.jpg', 'flower.jpg')}
CONFIG = {
    'name': 'study', 'profile_size': 0, 'stem_filters': 8, 'stage_filters': (16, 24, 32, 48),
    'stage_blocks': (1, 1, 1, 1), 'pyramid_channels': 24, 'rpn_channels': 24,
    'head_width': 96, 'mask_channels': 16, 'mask_convolutions': 1, 'mini_mask_size': 16,
    'box_pool': 5, 'mask_pool': 7, 'mask_size': 14, 'n_pre_nms': 200, 'n_proposals': 64,
    'n_positive_rois': 16, 'n_negative_rois': 48, 'n_mask_rois': 8}
log = logging.getLogger('study')


def configuration(*class_names):
    """
    The small network for some classes.
    """
    return TrainingConfig(**CONFIG, class_names=class_names)


def train_detector(config, dataset, folder, n_steps, seed, trunk=None):
    """
    Train a network, with a trunk to begin with, and write the model.
    """
    trainer = Trainer(config, dataset, None, folder / 'run', n_steps=n_steps,
                      peak_rate=RATE, precision='float32', seed=seed)
    if trunk is not None:
        own = get_weights(trainer.model)
        left = {name.rsplit('/', 1)[0] for name in own if name not in trunk}
        transfer_weights(trainer.model, {**own, **trunk}, sorted(left))
    trainer.run()
    export_model(trainer, folder / 'model')
    shutil.rmtree(folder / 'run')


# === Trunks ===


def trunk_model(config):
    """
    The trunk alone, whose layers have the names of those of the network.
    """
    image = keras.Input((None, None, config.n_bands), name='image')
    return keras.Model(image, compact_trunk(image, config, 'float32'))


def sky_trunk(folder, n_steps):
    """
    The trunk of a detector of stars and galaxies.
    """
    if not (folder / 'model').exists():
        simulate_scenes('universal', N_SKY, folder / 'scenes', seed=SKY_SEED,
                        progress_bar=True)
        config = configuration('star', 'galaxy')
        dataset = CropDataset(folder / 'scenes', config, batch_size=BATCH_SIZE, side=SIDE,
                              max_sources=MAX_SOURCES)
        train_detector(config, dataset, folder, n_steps, 0)
    model = load_model(folder / 'model')
    names = {variable.path for variable in trunk_model(model.config).weights}
    return {name: value for name, value in get_weights(model.network).items()
            if name in names}


def photographs():
    """
    Photographs as the network sees images of the sky, (ny, nx, 3) each.
    """
    found = []
    for package, names in PHOTOGRAPHS.items():
        try:
            folder = resources.files(package)
        except ModuleNotFoundError:
            continue
        for name in names:
            path = folder / name
            if path.is_file():
                cube = prepare_inputs(read_picture(path))
                found.append(np.asarray(normalize_cube(
                    cube, stretch=ArcsinhStretch(2), n_bands=3).image))
    if not found:
        msg = 'no photographs: install scikit-image or scikit-learn'
        raise SystemExit(msg)
    return found


def everyday_trunk(folder, n_steps):
    """
    The trunk of a classifier of turned photographs.
    """
    config = configuration('star', 'galaxy')
    trunk = trunk_model(config)
    path = folder / 'trunk.npz'
    if not path.exists():
        keras.utils.set_random_seed(0)
        trunk = trunk_model(config)
        deepest = keras.layers.GlobalAveragePooling2D()(trunk.outputs[-1])
        classifier = keras.Model(trunk.inputs, keras.layers.Dense(4)(deepest))
        classifier.compile(
            keras.optimizers.AdamW(RATE, weight_decay=1e-3),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=['accuracy'])
        images, rng = photographs(), np.random.default_rng(0)
        for step in range(n_steps):
            parts, turns = [], rng.integers(0, 4, 4 * BATCH_SIZE)
            for turn in turns:
                image = images[rng.integers(len(images))]
                y, x = (rng.integers(0, n - SIDE) for n in image.shape[:2])
                parts.append(np.rot90(image[y:y + SIDE, x:x + SIDE], turn))
            loss, accuracy = classifier.train_on_batch(np.stack(parts), turns)
            if (step + 1) % 50 == 0:
                log.info('photographs: step %d of %d, loss %.3f, accuracy %.2f', step + 1,
                         n_steps, loss, accuracy)
                classifier.reset_metrics()
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, **get_weights(trunk))
    with np.load(path) as arrays:
        return dict(arrays)


# === Judging ===


def completeness_at_purity(folder, scenes):
    """
    The largest completeness of clumps at which the purity is at least 0.8.
    """
    segmenter = RCNNSegmenter(folder, score_threshold=LEAST_SCORE, runtime='keras')
    scores, hits, n = [], [], 0
    for scene in scenes:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyUserWarning)
            table = segmenter.segment(scene.data, bands=scene.bands).table
        found = table[np.asarray(table['class_name'] == 'clump', bool)]
        truth = scene.truth[np.asarray(scene.truth['class_id'] == CLUMP)]
        matches = match_positions(
            found['x'], found['y'], truth['x'], truth['y'],
            MATCH_RADIUS * float(np.mean(scene.psf_fwhm)), scores=found['score'],
            ignore=truth['ignore'])
        scores.extend(found['score'][~matches.ignored])
        hits.extend(matches.hits[~matches.ignored])
        n += np.count_nonzero(~truth['ignore'])
    order = np.argsort(scores)[::-1]
    right = np.cumsum(np.asarray(hits, dtype=int)[order])
    pure = right >= PURITY * np.arange(1, len(right) + 1)
    return right[pure].max(initial=0) / n


def report(path):
    """
    Print mean and scatter over the seeds.
    """
    table = Table.read(path)
    print(f'completeness at a purity of {PURITY}: mean, scatter and number of seeds')
    for size in np.unique(table['n_images']):
        cells = []
        for trunk in TRUNKS:
            values = table['completeness'][(table['n_images'] == size)
                                           & (table['trunk'] == trunk)]
            if len(values):
                cells.append(f'{trunk} {np.mean(values):.3f} +- {np.std(values):.3f} '
                             f'({len(values)})')
        print(f'{size:6d}  ' + '   '.join(cells), flush=True)


def main():
    """
    Run the command line.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, help='scenes, trunks and results.csv; what '
                        'is there is kept')
    parser.add_argument('--sizes', type=int, nargs='+', default=SIZES)
    parser.add_argument('--seeds', type=int, nargs='+', default=SEEDS)
    parser.add_argument('--steps', type=int, default=400, help='of each training')
    parser.add_argument('--trunk-steps', type=int, default=1500)
    parser.add_argument('--minutes', type=float, default=math.inf,
                        help='begin no training after so many minutes')
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    end = time.monotonic() + 60 * args.minutes
    simulate_scenes('clumps', max(args.sizes), args.folder / 'scenes', seed=0,
                    progress_bar=True, shape=(SIDE, SIDE))
    paths = simulate_scenes('clumps', N_TEST, args.folder / 'test', seed=TEST_SEED,
                            progress_bar=True, shape=(SIDE, SIDE))
    test = [Scene.read(path) for path in paths]
    trunks = {'sky': sky_trunk(args.folder / 'sky', args.trunk_steps), 'random': None,
              'everyday': everyday_trunk(args.folder / 'everyday', args.trunk_steps)}
    config = configuration('star', 'galaxy', 'clump')
    results = args.folder / 'results.csv'
    if not results.exists():
        results.write_text('seed,n_images,trunk,steps,completeness\n')
    for seed in args.seeds:
        for size in args.sizes:
            for name in TRUNKS:
                with results.open() as stream:
                    done = {tuple(row[:4]) for row in csv.reader(stream)}
                key = tuple(map(str, (seed, size, name, args.steps)))
                if key in done:
                    continue
                if time.monotonic() > end:
                    return report(results)
                dataset = CropDataset(args.folder / 'scenes', config, side=SIDE, seed=seed,
                                      batch_size=BATCH_SIZE, max_sources=MAX_SOURCES)
                # another part of the images for each seed
                start = (seed * size) % (len(dataset.crops) - size + 1)
                dataset.crops = dataset.crops[start:start + size]
                folder = args.folder / f'{name}-{size}-{seed}'
                shutil.rmtree(folder, ignore_errors=True)
                train_detector(config, dataset, folder, args.steps, seed, trunks[name])
                found = completeness_at_purity(folder / 'model', test)
                log.info('%s trunk, %d images, seed %d: %.3f', name, size, seed, found)
                with results.open('a') as stream:
                    csv.writer(stream).writerow([*key, f'{found:.4f}'])
    return report(results)


if __name__ == '__main__':
    main()
