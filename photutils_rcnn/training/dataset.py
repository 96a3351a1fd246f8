# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training data: batches of normalized crops of scenes, with their truth.
"""

__all__ = ['CropDataset', 'scene_crops']

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np

from photutils_rcnn._parallel import parallel_map
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.normalization import (
    independent_bands,
    normalize_cube,
    to_model_bands,
    to_model_fwhm,
)
from photutils_rcnn.preprocessing.stretches import ArcsinhStretch
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.training.augmentation import MIN_IGNORED_SNR, augment, draw_log_fwhm
from photutils_rcnn.training.mini_masks import mini_mask

log = logging.getLogger(__name__)

# Sources cut by a crop's border to fewer pixels than this are ignored.
MIN_AREA = 5


@dataclass
class Crop:
    """
    One training example.

    Parameters
    ----------
    snr : (n, n, n_bands) `~numpy.ndarray` of float16
        ``arcsinh`` of the pixels in units of the estimated noise.
    boxes : (N, 4) `~numpy.ndarray` of float32
        The boxes of the sources.
    labels : (N,) `~numpy.ndarray` of int32
        The class identifiers, 0 for sources to ignore.
    masks : (N, S, S) `~numpy.ndarray` of float16
        The mini masks.
    windows : (N, 4) `~numpy.ndarray` of float32
        The windows that the mini masks cover.
    fwhm : (n_bands,) `~numpy.ndarray` of float
        The FWHM of the PSF of each band, pixels.
    band_snr : (N, n_bands) `~numpy.ndarray` of float32
        The signal-to-noise ratio of the sources in each band, NaN if it is
        not known.
    independent : list of int
        The bands that share no observed band, see
        `~photutils_rcnn.preprocessing.normalization.independent_bands`.
    """

    snr: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    windows: np.ndarray
    fwhm: np.ndarray
    band_snr: np.ndarray
    independent: list


def scene_crops(scene, config, side, max_sources=None):
    """
    Cut a scene into training crops.

    A crop too crowded for ``max_sources`` is replaced by its middle, half
    as wide, on a canvas without data: training on a part of the truth
    would teach that the rest is background. Ignored sources make room for
    the others, the smallest first.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene; its sides must not be smaller than ``side``.
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The network.
    side : int
        The side of the square crops, pixels. They cover the scene, and
        overlap where its sides are no multiples.
    max_sources : int, optional
        The largest number of sources of a crop; not limited by default.

    Returns
    -------
    crops : list of `Crop`
        The crops, row by row.

    Raises
    ------
    ValueError
        If the scene is smaller than a crop, or a class is not of the
        network.
    """
    ny, nx = scene.data.shape[1:]
    if min(ny, nx) < side:
        msg = (f'side must not exceed the sides of the scene, got {side} for '
               f'a scene of {ny}x{nx} pixels')
        raise ValueError(msg)
    # Normalized as in inference: in crowded and deep fields the background
    # and the noise come out larger than those of the empty sky.
    cube = prepare_inputs(scene.data, mask=scene.mask, bands=scene.bands)
    normalized = normalize_cube(cube, stretch=ArcsinhStretch(1),
                                n_bands=config.n_bands)
    snr = np.asarray(normalized.image, dtype=np.float16)
    # A band without data takes the mean of the others.
    seen = (~cube.invalid).any(axis=(1, 2))
    own_fwhm = cube.in_band_order(scene.psf_fwhm)
    fwhm = to_model_fwhm(np.where(seen, own_fwhm, np.mean(own_fwhm[seen])),
                         config.n_bands)
    classes = np.asarray(scene.truth['class_id'])
    if not ((classes >= 1) & (classes < config.n_classes)).all():
        msg = (f'class_id of the truth must be 1 to {config.n_classes - 1}, '
               f'got {np.unique(classes).tolist()}')
        raise ValueError(msg)
    # An ignored source of unknown S/N (NaN) may be a bright one.
    counted = np.flatnonzero(~scene.truth['ignore']
                             | ~(scene.truth['snr'] < MIN_IGNORED_SNR))
    truth, footprints = scene.truth[counted], scene.footprints[counted]
    labels = np.where(truth['ignore'], 0, truth['class_id'])
    noise = np.mean(normalized.frame.noise, axis=(1, 2))
    band_snr = _band_snr(truth, cube.bands, noise, config.n_bands)
    independent = independent_bands(cube.n_bands, config.n_bands)

    crops = []
    for y in _starts(ny, side):
        for x in _starts(nx, side):
            n, crop = side, None
            while crop is None:
                start = (side - n) // 2
                rows = slice(y + start, y + start + n)
                cols = slice(x + start, x + start + n)
                crop = _cut(snr, labels, footprints, band_snr, rows, cols,
                            side, config.mini_mask_size, max_sources)
                n //= 2
            crop.fwhm = fwhm
            crop.independent = independent
            crops.append(crop)
    return crops


def _starts(length, side):
    """
    Where the crops that cover an axis begin.
    """
    return np.linspace(0, length - side, -(-length // side)).astype(int).tolist()


def _band_snr(truth, bands, noise, n_model_bands):
    """
    The signal-to-noise ratio of sources in the bands of a model.

    That over all bands is split as flux over noise, which leaves out how the
    PSF differs between bands. Without fluxes it is not known.
    """
    names = [f'flux_{band}' for band in bands]
    if not set(names) <= set(truth.colnames):
        return np.full((len(truth), n_model_bands), np.nan, dtype=np.float32)
    weight = np.array([truth[name] for name in names]) / noise[:, None]
    with np.errstate(invalid='ignore'):
        snr = truth['snr'] * weight / np.sqrt(np.sum(weight**2, axis=0))
    image = to_model_bands(snr[:, None], np.ones((len(snr), 1, len(truth)),
                                                 bool), n_model_bands)
    return image[:, 0].T


def _cut(snr, labels, footprints, band_snr, rows, cols, side, mask_size,
         max_sources):
    """
    One crop; `None` if it has too many sources that count.
    """
    found, index = footprints.crop(rows, cols)
    labels = np.where(found.areas < MIN_AREA, 0, labels[index])
    band_snr = band_snr[index]
    if max_sources is not None:
        if np.count_nonzero(labels) > max_sources:
            return None
        order = np.lexsort((-found.areas, labels == 0))
        kept = np.sort(order[:max_sources])
        found, labels, band_snr = found[kept], labels[kept], band_snr[kept]
    grids = [mini_mask(box, mask, mask_size)
             for box, mask in zip(found.boxes, found.masks, strict=True)]
    pixels = snr[rows, cols]
    corner = ((side - pixels.shape[0]) // 2, (side - pixels.shape[1]) // 2)
    canvas = np.zeros((side, side, snr.shape[-1]), dtype=np.float16)
    canvas[corner[0]:corner[0] + pixels.shape[0],
           corner[1]:corner[1] + pixels.shape[1]] = pixels
    shift = np.array([*corner, *corner], dtype=np.float32)
    return Crop(canvas, found.boxes + shift, labels.astype(np.int32),
                np.array([grid for grid, _ in grids], dtype=np.float16
                         ).reshape(-1, mask_size, mask_size),
                np.array([window for _, window in grids], dtype=np.float32
                         ).reshape(-1, 4) + shift, np.nan, band_snr, [])


def _read_crops(path, config, side, max_sources):
    """
    The crops of a scene file.
    """
    return scene_crops(Scene.read(path), config, side, max_sources)


class CropDataset:
    """
    Shuffled, augmented batches from a folder of scenes.

    Parameters
    ----------
    folder : path-like
        A folder of scene files. Files that appear later join at the next
        `refresh`, so simulation and training can run side by side.
    config : `~photutils_rcnn.models.training_config.TrainingConfig`
        The network.
    batch_size : int, optional
        The crops of a batch.
    side : int, optional
        The side of a crop, pixels.
    max_sources : int, optional
        The sources a crop can hold, see `scene_crops`.
    augment : callable, optional
        The random changes of crops, called as ``augment(crop, rng)``; with
        `None` they stay as they are.
    seed : int, optional
        The seed of shuffling and augmentation.
    n_processes : int, optional
        The processes that read the scenes of a new dataset. Crops do not
        depend on it.

    Raises
    ------
    ValueError
        If the folder has no scene.
    """

    #: The attribute whose labels are trained on, too: none.
    attribute = None

    def __init__(self, folder, config, *, batch_size=8, side=256,
                 max_sources=160, augment=augment, seed=0, n_processes=1):
        self.folder = Path(folder)
        self.config = config
        self.batch_size = batch_size
        self.side = side
        self.max_sources = max_sources
        self.augment = augment
        self.seed = seed
        self.crops = []
        self._known = set()
        self._refreshing = Lock()
        self._job = partial(_read_crops, config=config, side=side,
                            max_sources=max_sources)
        self._read_all(n_processes)
        log.info('%d scenes, %d crops', len(self._known), len(self.crops))
        if not self.crops:
            msg = f'folder has no scene to train on: {self.folder}'
            raise ValueError(msg)

    def __len__(self):
        return len(self.crops)

    def _read_all(self, n_processes):
        """
        Read the scene files that are there.
        """
        paths = sorted(self.folder.glob('*.npz'))
        found = parallel_map(self._job, paths, n_processes)
        for path, crops in zip(paths, found, strict=True):
            self._add(path, crops)

    def refresh(self, limit=None):
        """
        Read scene files that have appeared since the last call.

        One that cannot be read, which may be because it is still being
        copied, is tried again at the next call, and the log says so.

        Parameters
        ----------
        limit : int, optional
            Read at most so many.
        """
        with self._refreshing:
            new = sorted(set(self.folder.glob('*.npz')) - self._known)[:limit]
            for path in new:
                try:
                    self._add(path, self._job(path))
                except ValueError as exc:
                    log.warning('left out for now: %s', exc)
            if new:
                log.info('%d scenes, %d crops', len(self._known),
                         len(self.crops))

    def _add(self, path, crops):
        self._known.add(path)
        self.crops += crops

    def batch(self, step):
        """
        The batch of a training step; the same for the same step and seed
        as long as the folder does not change.

        Parameters
        ----------
        step : int
            The number of the step.

        Returns
        -------
        images : (B, n, n, n_bands) `~numpy.ndarray` of float32
            Normalized images.
        truth : dict of `~numpy.ndarray`
            See `photutils_rcnn.models.targets`.
        """
        n = len(self.crops)
        images, examples, log_fwhm = [], [], []
        for i in range(step * self.batch_size, (step + 1) * self.batch_size):
            epoch, position = divmod(i, n)
            order = np.random.default_rng((self.seed, epoch)).permutation(n)
            crop = self.crops[order[position]]
            rng = np.random.default_rng((self.seed, epoch, position, 1))
            if self.augment is not None:
                crop = self.augment(crop, rng)
            images.append(crop.snr.astype(np.float32)
                          / self.config.stretch_scale)
            examples.append(crop)
            log_fwhm.append(draw_log_fwhm(crop.fwhm, rng))
        truth = self._pad(examples)
        truth['log_fwhm'] = np.array(log_fwhm, dtype=np.float32)
        return np.stack(images), truth

    def _pad(self, crops):
        """
        Stack the truth of crops, padded to ``max_sources``.
        """
        shape = (len(crops), self.max_sources)
        size = self.config.mini_mask_size
        truth = {'boxes': np.zeros((*shape, 4), dtype=np.float32),
                 'labels': np.full(shape, -1, dtype=np.int32),
                 'masks': np.zeros((*shape, size, size), dtype=np.float32),
                 'windows': np.zeros((*shape, 4), dtype=np.float32)}
        for i, crop in enumerate(crops):
            for name, values in truth.items():
                values[i, :len(crop.labels)] = getattr(crop, name)
        return truth
