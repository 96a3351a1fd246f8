# Licensed under a 3-clause BSD style license - see LICENSE
"""
Completion of labels by an initial model: unlabelled sources, hidden pixels.

Labels of a person or of another program end at some brightness. To teach that
what is fainter is background would unlearn it, so sources that the model finds
beside the labels count neither way. A label image says nothing either of how
a source goes on under its neighbor; the footprints of the network do.
"""

__all__ = ['complete_truth']

from dataclasses import replace

import numpy as np
from astropy.table import Table, vstack

from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.sources.footprints import Footprints

# A detection shows the source of a label if they overlap by this much.
MIN_IOU = 0.5
# With more of its pixels on labels, a detection is a part of what they show.
MAX_LABELLED = 0.5


def complete_truth(scene, found):
    """
    A scene with what a model found beside and under its labels.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.
    found : `~photutils_rcnn.sources.instances.Instances`
        What the model takes for sources, more probably than not.

    Returns
    -------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The same pixels. Detections that lie mostly beside all labels are
        added to the truth, to be ignored, with an unknown signal-to-noise
        ratio. Where labels touch and none overlaps another, a source gets
        those pixels of others that the detection that shows it has.
    """
    detected = found.footprints()
    labelled = np.zeros(detected.shape, dtype=bool)
    _, y, x = scene.footprints.pixels()
    labelled[y, x] = True
    inside = np.array([np.count_nonzero(labelled[detected.slices(i)] & mask)
                       for i, mask in enumerate(detected.masks)], dtype=int)
    new = (detected.areas > 0) & (inside < MAX_LABELLED * detected.areas)
    footprints = scene.footprints
    if not footprints.overlap.any():
        footprints = _with_hidden_pixels(footprints, detected, found.scores, labelled)
    added = detected[np.flatnonzero(new)]
    x, y = found.centers[new].T
    n = len(added)
    columns = {'x': x, 'y': y, 'class_id': np.ones(n, np.int32), 'snr': np.full(n, np.nan),
               'ignore': np.ones(n, bool)}
    rows = Table({name: columns.get(name, np.zeros(n, column.dtype)
                                    if column.dtype.kind != 'f' else np.full(n, np.nan))
                  for name, column in scene.truth.columns.items()})
    truth = vstack([scene.truth, rows], metadata_conflicts='silent')
    truth.meta.update(scene.truth.meta)
    return replace(scene, truth=truth, footprints=Footprints(
        np.concatenate([footprints.boxes, added.boxes]),
        [*footprints.masks, *added.masks], footprints.shape))


def _with_hidden_pixels(footprints, detected, scores, labelled):
    """
    Footprints that go on under their neighbors as those of detections do.
    """
    matches = match_overlaps(mask_overlaps(detected, footprints), scores, MIN_IOU)
    boxes, masks = footprints.boxes.copy(), list(footprints.masks)
    for i, j in enumerate(matches.detection_of_truth):
        if j < 0:
            continue
        whole = labelled[detected.slices(j)] & detected.masks[j]
        y1, x1 = np.minimum(boxes[i, :2], detected.boxes[j, :2])
        y2, x2 = np.maximum(boxes[i, 2:], detected.boxes[j, 2:])
        mask = np.zeros((y2 - y1, x2 - x1), dtype=bool)
        for part, box in ((masks[i], boxes[i]), (whole, detected.boxes[j])):
            mask[box[0] - y1:box[2] - y1, box[1] - x1:box[3] - x1] |= part
        boxes[i], masks[i] = Footprints.from_full(mask, (y1, x1), footprints.shape)
    return Footprints(boxes, masks, footprints.shape)
