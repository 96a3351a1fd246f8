# Licensed under a 3-clause BSD style license - see LICENSE
"""
From a normalized frame to instances: tiles, network, suppression.
"""

__all__ = ['infer', 'run_inference']

import warnings

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.detection.nms import suppress
from photutils_rcnn.detection.tiling import choose_tile_shape, make_tiles
from photutils_rcnn.sources.instances import RCNN_FLAGS, Instances

# Bounds the memory of one pass through the trunk to about 1.5 GiB.
MAX_TILE_PIXELS = 4_200_000
# A tile size of the user's is told that costs more times the pixels than needed.
SLOW = 3


def run_inference(model, image, invalid=None, *, psf_fwhm=None,
                  score_threshold=None, nms_threshold=None, tile_size=None,
                  progress=None):
    """
    Find the sources of a normalized frame.

    Parameters
    ----------
    model : `~photutils_rcnn.models.zoo.Model`
        The model.
    image : (ny, nx, n_bands) `~numpy.ndarray` of float32 or \
            `~photutils_rcnn.preprocessing.normalization.NormalizedImage`
        The frame as the network expects it.
    invalid : (ny, nx) `~numpy.ndarray` of bool, optional
        Pixels without data.
    psf_fwhm : float or (n_bands,) array_like, optional
        The FWHM of the PSF in pixels, in each band of the model if it
        differs; `None` if it is not known.
    score_threshold, nms_threshold : float, optional
        The least score and the largest overlap of boxes; by default those
        of the model.
    tile_size : int, optional
        The side of square tiles, pixels; by default the shape that
        computes the fewest pixels.
    progress : callable, optional
        Called as ``progress(n_done, n_tiles)`` after every tile.

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
    parts = []
    for done, total, part in infer(model, image, invalid, psf_fwhm,
                                   score_threshold, nms_threshold,
                                   tile_size):
        parts.append(part)
        if progress is not None:
            progress(done, total)
    merged = {key: np.concatenate([part[key] for part in parts])
              for key in parts[0]}
    if nms_threshold is None:
        nms_threshold = model.thresholds['nms']
    keep = suppress(merged['boxes'], merged['scores'], nms_threshold)
    centers = merged['boxes'][keep, :2] + merged['boxes'][keep, 2:]
    keep = keep[np.lexsort((centers[:, 1], centers[:, 0]))]
    merged = {key: value[keep] for key, value in merged.items()}
    instances = Instances(shape=image.shape[:2],
                          mask_threshold=model.thresholds['mask'], **merged)
    return _flag(instances, invalid)


def infer(model, image, invalid, psf_fwhm, score_threshold, nms_threshold,
          tile_size):
    """
    The sources of one tile after the other.

    Parameters are those of `run_inference`.

    Yields
    ------
    n_done, n_tiles : int
        The progress.
    part : dict of `~numpy.ndarray`
        The sources that the tile owns, in coordinates of the frame.
    """
    detector = model.detector
    stride = detector.stride
    halo = -(-model.halo // stride) * stride
    shape = image.shape[:2]
    usual = choose_tile_shape(shape, halo, stride, MAX_TILE_PIXELS)
    if tile_size is None:
        tile_shape = usual
    else:
        side = -(-tile_size // stride) * stride
        if side <= 2 * halo and side < max(shape):
            msg = (f'tile_size must exceed {2 * halo} pixels for a frame of '
                   f'{shape[0]} x {shape[1]}, got {tile_size}')
            raise ValueError(msg)
        # More than the frame would be padding.
        tile_shape = tuple(min(side, -(-n // stride) * stride)
                           for n in shape)
    thresholds = {**model.thresholds,
                  **({} if score_threshold is None
                     else {'score': score_threshold}),
                  **({} if nms_threshold is None
                     else {'nms': nms_threshold})}
    tiles = make_tiles(shape, tile_shape, halo, stride)
    if tile_size is not None:
        _warn_slow(tiles, make_tiles(shape, usual, halo, stride), tile_size)
    for i, tile in enumerate(tiles):
        window = tuple(slice(start, start + side) for start, side
                       in zip(tile.start, tile.shape, strict=True))
        if invalid is not None and invalid[window].all():
            yield i + 1, len(tiles), _nothing(model)
            continue
        pixels = image[window]
        pad = [(0, side - n) for side, n in zip(tile.shape, pixels.shape,
                                                strict=False)]
        pixels = np.pad(pixels, (*pad, (0, 0)))
        part = _infer_tile(model, detector, pixels, tile, shape, psf_fwhm,
                           thresholds)
        if len(tiles) > 1:
            sides = (part['boxes'][:, 2:] - part['boxes'][:, :2]).max(
                axis=1, initial=0)
            part['flags'] |= np.where(sides > halo / 2, RCNN_FLAGS[
                'exceeds_halo'], 0).astype(np.int32)
        yield i + 1, len(tiles), part


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


def _infer_tile(model, detector, pixels, tile, frame_shape, psf_fwhm,
                thresholds):
    """
    The sources that a tile owns.

    Suppression sees the sources of the halo as well, so that those next to
    the border of a core meet the same rivals in both tiles.
    """
    features, objectness, boxes = detector.dense(pixels)
    candidates = np.flatnonzero(objectness > thresholds['objectness'])
    keep = suppress(boxes[candidates], objectness[candidates],
                    thresholds['proposal_nms'])
    candidates = candidates[keep]
    if len(candidates) == 0:
        return _nothing(model)
    logits, boxes = detector.classify(features, boxes[candidates],
                                      tile.shape, psf_fwhm)
    scores = model.source_probabilities(logits, objectness[candidates])
    # The part of a tile beyond the frame is empty sky by construction.
    limit = np.subtract(frame_shape, tile.start)
    boxes = np.clip(boxes, 0, np.tile(limit, 2)).astype(np.float32)
    good = np.flatnonzero((scores >= thresholds['score'])
                          & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    good = good[suppress(boxes[good], scores[good], thresholds['nms'])]
    cells = detector.cells(tile.shape)[candidates[good]] + tile.start
    # A cell may lie beyond the frame by less than a stride.
    cells = np.minimum(cells, np.subtract(frame_shape, 1))
    good = good[tile.owns(cells[:, 0], cells[:, 1])]
    if len(good) == 0:
        return _nothing(model)
    classes = detector.classify_profiles(pixels, boxes[good], logits[good],
                                         psf_fwhm)
    masks, mask_boxes = detector.predict_masks(features, boxes[good],
                                               tile.shape)
    offset = np.tile(tile.start, 2).astype(np.float32)
    return {
        'boxes': boxes[good] + offset,
        'scores': scores[good].astype(np.float32),
        'class_probabilities': model.class_probabilities(classes).astype(
            np.float32),
        'masks': masks.astype(np.float16),
        'mask_boxes': mask_boxes + offset,
        'flags': np.zeros(len(good), dtype=np.int32),
    }


def _nothing(model):
    """
    The arrays of a tile without sources.
    """
    config = model.network.config
    side = config.mask_size
    return {
        'boxes': np.zeros((0, 4), dtype=np.float32),
        'scores': np.zeros(0, dtype=np.float32),
        'class_probabilities': np.zeros((0, config.n_classes - 1),
                                        dtype=np.float32),
        'masks': np.zeros((0, side, side), dtype=np.float16),
        'mask_boxes': np.zeros((0, 4), dtype=np.float32),
        'flags': np.zeros(0, dtype=np.int32),
    }


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
    flags[at_edge] |= RCNN_FLAGS['truncated_by_edge']
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
