# Licensed under a 3-clause BSD style license - see LICENSE
"""
Frames of round and flat sources, whose shape is an attribute.
"""

import numpy as np
from astropy.table import Table

from photutils_rcnn.models.attribute_config import AttributeConfig

SHAPE = AttributeConfig(name='shape', classes=('round', 'flat'), filters=(8, 8), width=16)


def make_frame(seed):
    """
    Twelve round or flat sources, and their table.
    """
    rng = np.random.default_rng(seed)
    y, x = np.indices((128, 160))
    data, rows = rng.normal(0, 1, (128, 160)), []
    for i in range(12):
        x0, y0 = 22 + 38 * (i % 4) + rng.normal(0, 2), 22 + 40 * (i // 4) + rng.normal(0, 2)
        is_round, angle = rng.random() < 0.5, rng.uniform(0, np.pi)
        u = (x - x0) * np.cos(angle) + (y - y0) * np.sin(angle)
        v = (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)
        data += 60 * np.exp(-0.5 * (u**2 / 16 + v**2 / (16 if is_round else 3)))
        rows.append((x0, y0, 'round' if is_round else 'flat'))
    return data, Table(rows=rows, names=('x', 'y', 'shape'))
