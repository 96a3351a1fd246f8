# Licensed under a 3-clause BSD style license - see LICENSE
"""
Frames of known blends: sources with exact light, and instances around them.
"""

import numpy as np
from scipy import special

from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.sources.instances import Instances

FWHM = 4.0
SIGMA = FWHM / 2.3548


def gaussian_source(shape, x, y, sigma):
    """
    A Gaussian of unit flux, integrated over pixels.
    """
    def axis(n, center):
        edges = (np.arange(n + 1) - 0.5 - center) / (np.sqrt(2) * sigma)
        return 0.5 * np.diff(special.erf(edges))

    return axis(shape[0], y)[:, None] * axis(shape[1], x)


def make_instances(shape, x, y, half, prob_star):
    """
    Instances with round masks.
    """
    x, y, half, prob_star = (np.atleast_1d(np.asarray(v, dtype=float))
                             for v in (x, y, half, prob_star))
    boxes = np.stack([y - half, x - half, y + half, x + half], axis=1) + 0.5
    cell = (np.arange(28) + 0.5) / 28 - 0.5
    mask = np.clip(1.5 - 2 * np.hypot(cell[:, None], cell), 0, 1)
    n = len(x)
    return Instances(
        shape=shape, boxes=boxes.astype(np.float32), scores=np.full(n, 0.9, np.float32),
        class_probabilities=np.stack([prob_star, 1 - prob_star], 1).astype(np.float32),
        masks=np.repeat(mask[None], n, axis=0).astype(np.float16),
        mask_boxes=boxes.astype(np.float32), flags=np.zeros(n, np.int32),
        snr=np.full(n, 50, np.float32))


def make_frame(data, noise=1.0, **options):
    """
    A frame of subtracted data with constant noise in each band.
    """
    cube = prepare_inputs(data, **options)
    shape = (cube.n_bands, 1, 1)
    return Frame(cube, np.zeros(shape, np.float32),
                 np.broadcast_to(np.float32(noise), shape).copy())
