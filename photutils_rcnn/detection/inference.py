# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tiled inference: proposals, non-maximum suppression, classes, masks.
"""

__all__ = ['Thresholds', 'TileDetections', 'infer_tile', 'plan_tiles',
           'run_inference', 'smallest_tile']

import warnings
from dataclasses import dataclass

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.detection.nms import suppress
from photutils_rcnn.detection.psf_map import PSFMap
from photutils_rcnn.detection.psf_profile import make_psf_map
from photutils_rcnn.detection.tiling import choose_tile_shape, make_tiles
from photutils_rcnn.sources.instances import RCNN_FLAGS, Instances

# Bounds the memory of one pass through the trunk to about 1.5 GiB.
MAX_TILE_PIXELS = 4_700_000
# A tile size of the user's is told that costs more times the pixels than needed.
SLOW = 3


@dataclass(frozen=True)
class Thresholds:
    """
    The thresholds of inference.

    Parameters
    ----------
    objectness : float
        The least objectness of a proposal.
    proposal_nms, nms : float
        The largest overlap (intersection over union) of two proposals and of two
        detections.
    score : float
        The least score of a detection.
    mask : float
        The least probability of a pixel of a footprint.
    """

    objectness: float
    proposal_nms: float
    score: float
    nms: float
    mask: float

    @classmethod
    def of(cls, model, score=None, nms=None):
        """
        Those of a model, but for what is given.

        Parameters
        ----------
        model : `~photutils_rcnn.models.model.Model`
            The model.
        score, nms : float, optional
            Instead of the model's.

        Returns
        -------
        thresholds : `Thresholds`
            The thresholds.
        """
        given = {'score': score, 'nms': nms}
        return cls(**{**model.thresholds,
                      **{name: value for name, value in given.items()
                         if value is not None}})


@dataclass(frozen=True)
class TileDetections:
    """
    The sources that a tile owns.

    Parameters
    ----------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The R sources, on the frame.
    pixels : (ny, nx, n_bands) `~numpy.ndarray`
        The tile as the network sees it.
    boxes : (R, 4) `~numpy.ndarray`
        Their boxes on the tile.
    logits : (R, n_classes) `~numpy.ndarray`
        The class logits of the box head, background first.
    """

    instances: Instances
    pixels: np.ndarray
    boxes: np.ndarray
    logits: np.ndarray


def run_inference(model, image, invalid=None, *, psf_fwhm=None, psf=None,
                  psf_stars=None, psf_slopes=(0, 0), psf_profile=None,
                  score_threshold=None, nms_threshold=None, tile_size=None, progress=None):
    """
    Find the sources of a normalized frame.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.
    image : (ny, nx, n_bands) `~numpy.ndarray` of float32 or \
            `~photutils_rcnn.preprocessing.normalization.NormalizedImage`
        The frame as the network expects it.
    invalid : (ny, nx) `~numpy.ndarray` of bool, optional
        Pixels without data.
    psf_fwhm : float or (n_bands,) array_like, optional
        The FWHM of the PSF in pixels, in each band of the model if it
        differs; `None` if it is not known.
    psf : `~photutils_rcnn.preprocessing.given_psf.GivenPSF`, optional
        The models of the PSF of that FWHM, where a user gave them.
    psf_stars : (N, 2) `~numpy.ndarray` of int, optional
        The pixels (y, x) of the peaks of stars, the brightest first, from which
        to measure the PSF where it is not given, see
        `~photutils_rcnn.detection.psf_profile.measure_psf_profile`.
    psf_slopes : (2,) array_like, optional
        How much the logarithm of the FWHM rises from edge to edge in y and x, where
        the PSF is not given. The default is no change.
    psf_profile : (S, S, n_bands) `~numpy.ndarray`, optional
        The image of the PSF, where it was measured before; then the stars have no effect.
    score_threshold, nms_threshold : float, optional
        The least score and the largest overlap of boxes; by default those
        of the model.
    tile_size : int, optional
        The side of square tiles, pixels; by default the shape that
        computes the fewest pixels.
    progress : callable, optional
        Called as ``progress(n_done, n_tiles)`` before the first tile and after
        every one.

    Returns
    -------
    instances : `~photutils_rcnn.sources.instances.Instances`
        The sources, by their position: row by row of their centers.
    """
    if model.detect is not None:
        found = model.detect(image, score_threshold=score_threshold,
                             nms_threshold=nms_threshold)
        if progress is not None:
            progress(1, 1)
        return _flag(found, invalid)
    thresholds = Thresholds.of(model, score_threshold, nms_threshold)
    tiles = plan_tiles(model, image.shape[:2], tile_size)
    psf_map = None
    if psf_fwhm is not None:
        psf_map = make_psf_map(image, psf_fwhm, model.detector, given=psf,
                               profile=psf_profile, stars=psf_stars, slopes=psf_slopes)
    parts = []
    for i, tile in enumerate(tiles):
        if progress is not None:
            progress(i, len(tiles))
        parts.append(infer_tile(model, image, tile, invalid, psf_map,
                                thresholds).instances)
        if len(tiles) > 1:
            _flag_halo(parts[-1], model.halo)
    if progress is not None:
        progress(len(tiles), len(tiles))
    instances = Instances.concatenate(parts)
    keep = suppress(instances.boxes, instances.scores, thresholds.nms)
    instances = instances[keep]
    x, y = instances.centers.T
    return _flag(instances[np.lexsort((x, y))], invalid)


def plan_tiles(model, shape, tile_size=None):
    """
    The tiles of a frame.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    tile_size : int, optional
        The side of square tiles, pixels; by default the shape that computes the
        fewest pixels.

    Returns
    -------
    tiles : list of `~photutils_rcnn.detection.tiling.Tile`
        The tiles.
    """
    stride, halo = _stride_and_halo(model)
    usual = choose_tile_shape(shape, halo, stride, MAX_TILE_PIXELS)
    if tile_size is None:
        return make_tiles(shape, usual, halo, stride)
    side = -(-tile_size // stride) * stride
    if side <= 2 * halo and side < max(shape):
        msg = (f'tile_size must exceed {2 * halo} pixels for a frame of '
               f'{shape[0]} x {shape[1]}, got {tile_size}')
        raise ValueError(msg)
    # More than the frame would be padding.
    tiles = make_tiles(shape, tuple(min(side, -(-n // stride) * stride)
                                    for n in shape), halo, stride)
    _warn_slow(tiles, make_tiles(shape, usual, halo, stride), tile_size)
    return tiles


def smallest_tile(model):
    """
    The smallest side of tiles of larger frames.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.

    Returns
    -------
    tile_size : int
        The side, which exceeds two halos.
    """
    return 2 * _stride_and_halo(model)[1] + 1


def _stride_and_halo(model):
    stride = model.detector.stride
    return stride, -(-model.halo // stride) * stride


def infer_tile(model, image, tile, invalid, psf, thresholds):
    """
    Find the sources that a tile owns.

    Suppression sees the sources of the halo as well, so that those next to
    the border of a core meet the same rivals in both tiles.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.
    image : (ny, nx, n_bands) `~numpy.ndarray` of float32 or \
            `~photutils_rcnn.preprocessing.normalization.NormalizedImage`
        The frame as the network expects it.
    tile : `~photutils_rcnn.detection.tiling.Tile`
        The tile.
    invalid : (ny, nx) `~numpy.ndarray` of bool or `None`
        Pixels without data.
    psf : `~photutils_rcnn.detection.psf_map.PSFMap` or `None`
        The PSF over the frame; `None` if it is not known.
    thresholds : `Thresholds`
        The thresholds.

    Returns
    -------
    found : `TileDetections`
        The sources.
    """
    detector, config = model.detector, model.config
    frame_shape = image.shape[:2]
    window = tuple(slice(start, start + side) for start, side
                   in zip(tile.start, tile.shape, strict=True))
    pixels = image[window]
    if pixels.shape[:2] != tile.shape:
        pad = [(0, side - n) for side, n in zip(tile.shape, pixels.shape, strict=False)]
        pixels = np.pad(pixels, (*pad, (0, 0)))
    kept = {'mask_threshold': thresholds.mask, 'mask_scale': model.mask_scale,
            'class_names': config.class_names}
    nothing = TileDetections(
        Instances.empty(frame_shape, config.mask_size,
                        features=_no_features(config), **kept), pixels,
        np.zeros((0, 4), np.float32),
        np.zeros((0, config.n_classes), np.float32))
    if invalid is not None and invalid[window].all():
        return nothing
    features, objectness, boxes = detector.dense(pixels)
    candidates = np.flatnonzero(objectness > thresholds.objectness)
    keep = suppress(boxes[candidates], objectness[candidates],
                    thresholds.proposal_nms)
    candidates = candidates[keep]
    if len(candidates) == 0:
        return nothing

    def at(values, boxes):
        centers = 0.5 * (boxes[:, :2] + boxes[:, 2:]) + tile.start
        return None if psf is None else values(psf, centers)

    boxes = boxes[candidates]
    logits, boxes = detector.classify(features, boxes, tile.shape,
                                      at(PSFMap.fwhm_at, boxes))
    scores = model.source_probabilities(logits, objectness[candidates])
    # The part of a tile beyond the frame is empty sky by construction.
    limit = np.subtract(frame_shape, tile.start)
    boxes = np.clip(boxes, 0, np.tile(limit, 2)).astype(np.float32)
    good = np.flatnonzero((scores >= thresholds.score)
                          & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    good = good[suppress(boxes[good], scores[good], thresholds.nms)]
    cells = detector.cells(tile.shape)[candidates[good]] + tile.start
    # A cell may lie beyond the frame by less than a stride.
    cells = np.minimum(cells, np.subtract(frame_shape, 1))
    good = good[tile.owns(cells[:, 0], cells[:, 1])]
    if len(good) == 0:
        return nothing
    classes = detector.classify_profiles(
        pixels, boxes[good], logits[good], at(PSFMap.fwhm_at, boxes[good]),
        at(PSFMap.profiles_at, boxes[good]))
    masks, mask_boxes = detector.predict_masks(features, boxes[good],
                                               tile.shape)
    pooled = None
    if config.pools_sources:
        pooled = detector.pool_sources(features, boxes[good], tile.shape)
    offset = np.tile(tile.start, 2).astype(np.float32)
    instances = Instances(
        shape=frame_shape, boxes=boxes[good] + offset,
        scores=scores[good].astype(np.float32),
        class_probabilities=model.class_probabilities(classes).astype(
            np.float32),
        masks=masks.astype(np.float16), mask_boxes=mask_boxes + offset,
        flags=np.zeros(len(good), dtype=np.int32),
        features=None if pooled is None else pooled.astype(np.float16), **kept)
    return TileDetections(instances, pixels, boxes[good], logits[good])


def _no_features(config):
    """
    The features of no source, for a network with attribute heads that see them.
    """
    if not config.pools_sources:
        return None
    return np.zeros((0, config.box_pool, config.box_pool, config.pyramid_channels),
                    dtype=np.float16)


def _warn_slow(tiles, usual, tile_size):
    """
    Warn of tiles that are mostly halo.
    """
    n_pixels, n_usual = (len(some) * np.prod(some[0].shape)
                         for some in (tiles, usual))
    if n_pixels > SLOW * n_usual:
        msg = (f'tile_size={tile_size} cuts the frame into {len(tiles)} tiles, '
               f'{n_pixels / n_usual:.0f} times the pixels of the default '
               f'({len(usual)} of {usual[0].shape[0]} x {usual[0].shape[1]}), '
               'since they overlap.')
        warnings.warn(msg, AstropyUserWarning, stacklevel=2)


def _flag_halo(instances, halo):
    """
    Set the flag of sources larger than the halo shows.
    """
    sides = (instances.boxes[:, 2:] - instances.boxes[:, :2]).max(
        axis=1, initial=0)
    instances.flags |= np.where(sides > halo / 2, RCNN_FLAGS['exceeds_halo'],
                                0).astype(np.int32)


def _flag(instances, invalid):
    """
    Set the flags that concern the whole frame, and drop sources that stand
    on invalid pixels alone.
    """
    footprints = instances.footprints()
    flags = instances.flags.copy()
    boxes, shape = footprints.boxes, footprints.shape
    at_edge = ((boxes[:, :2] == 0).any(axis=1)
               | (boxes[:, 2:] == shape).any(axis=1))
    flags[at_edge] |= RCNN_FLAGS['edge_touch']
    keep = np.ones(len(flags), dtype=bool)
    if invalid is not None and invalid.any():
        for i, mask in enumerate(footprints.masks):
            bad = invalid[footprints.slices(i)] & mask
            if bad.any():
                flags[i] |= RCNN_FLAGS['masked_pixels']
                keep[i] = bad.sum() < mask.sum()
    instances.flags = flags
    instances = instances[keep]
    instances.flag_overlaps()
    return instances
