# Licensed under a 3-clause BSD style license - see LICENSE
"""
Resizing as in Astro R-CNN: of masks to their boxes, of frames to a square.
"""

__all__ = ['fit_square', 'resize_bilinear']

import numpy as np


def resize_bilinear(image, shape):
    """
    Resize an image, bilinearly and without smoothing.

    Pixel ``i`` of ``h`` is at ``(i + 0.5) H / h - 0.5`` pixels of the image.
    Beyond the image there are zeros, so enlarged images lose part of their
    rim; results are limited to the range of the image. This is
    ``skimage.transform.resize(image, shape, order=1, mode='constant')``
    without its anti-aliasing.

    Parameters
    ----------
    image : (H, W) `~numpy.ndarray`
        The image.
    shape : (2,) sequence of int
        The new shape.

    Returns
    -------
    resized : 2D `~numpy.ndarray` of float64
        The image of that shape.
    """
    weights = []
    for n_new, n_old in zip(shape, image.shape, strict=True):
        position = (np.arange(n_new) + 0.5) * (n_old / n_new) - 0.5
        distance = np.abs(position[:, None] - np.arange(n_old))
        weights.append(np.maximum(1 - distance, 0))
    resized = weights[0] @ image.astype(float) @ weights[1].T
    return np.clip(resized, image.min(), image.max())


def fit_square(image, side):
    """
    Resize a frame to fit a square, and center it on zeros.

    The short side becomes ``side`` if it was less, but the long one is never
    more: larger frames are shrunk, smaller ones enlarged.

    Parameters
    ----------
    image : (ny, nx, n_bands) `~numpy.ndarray`
        The frame.
    side : int
        The side of the square, pixels.

    Returns
    -------
    square : (side, side, n_bands) `~numpy.ndarray` of float64
        The frame on the square.
    window : (4,) `~numpy.ndarray` of int
        The box ``[y1, x1, y2, x2]`` of the frame on the square.
    """
    frame = image.shape[:2]
    scale = max(1, side / min(frame))
    if round(max(frame) * scale) > side:
        scale = side / max(frame)
    if scale != 1:
        frame = tuple(max(round(n * scale), 1) for n in frame)
        image = np.stack([resize_bilinear(band, frame) for band
                          in np.moveaxis(image, -1, 0)], axis=-1)
    start = np.subtract(side, frame) // 2
    window = np.concatenate([start, start + frame])
    square = np.zeros((side, side, image.shape[-1]))
    square[window[0]:window[2], window[1]:window[3]] = image
    return square, window
