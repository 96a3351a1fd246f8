# Licensed under a 3-clause BSD style license - see LICENSE
"""
Average precision, completeness and purity of a model on held-out frames.
"""

__all__ = ['FIGURES', 'figure_table', 'held_out_figures', 'is_worse', 'mean_precision']

import numpy as np
from astropy.table import Table

from photutils_rcnn.evaluation.average_precision import (
    IOU_THRESHOLDS,
    ImageOverlaps,
    coco_average_precision,
    label_detections,
)
from photutils_rcnn.evaluation.detections import segment_scene
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.segmenter import RCNNSegmenter

FIGURES = ('AP', 'completeness', 'purity')
# Detections below this do not enter the average precision.
LOWEST_SCORE = 0.05
# What a figure may lose and still count as the same, in per cent.
TOLERANCE = 1.


def held_out_figures(model, scenes):
    """
    The figures of a model on frames, by class.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.
    scenes : iterable of `~photutils_rcnn.simulation.scene.Scene`
        Frames that it was not trained on. Their classes are those of the
        model, or more.

    Returns
    -------
    figures : dict of str to dict
        For each class with a source that counts, in per cent: ``AP``, the
        average precision of masks as COCO defines it (overlaps of 0.50 to
        0.95), and the ``completeness`` and ``purity`` of what reaches the
        threshold of the model with the right class and an overlap of 0.5;
        and ``n_sources``. Detections without a label are wrong.
    """
    segmenter = RCNNSegmenter(model, score_threshold=LOWEST_SCORE, runtime='keras')
    threshold = model.thresholds['score']
    images, names = [], ()
    for scene in scenes:
        names = max(names, scene.class_names, key=len)
        images.append(_overlaps(segment_scene(segmenter, scene).instances, scene))
    figures = {}
    for class_id, name in enumerate(names, start=1):
        counts = [label_detections(image, 0.5, classes=class_id, score_cut=threshold)
                  for image in images]
        n_sources = sum(n for _, _, n in counts)
        if n_sources == 0:
            continue
        hits = np.concatenate([hits for _, hits, _ in counts])
        precision = np.mean([coco_average_precision(images, iou, classes=class_id).value
                             for iou in IOU_THRESHOLDS])
        # nothing claimed is nothing wrong
        purity = hits.mean() if len(hits) else 1.
        values = precision, hits.sum() / n_sources, purity
        figures[name] = {'n_sources': n_sources, **{
            key: round(100 * float(value), 2)
            for key, value in zip(FIGURES, values, strict=True)}}
    return figures


def _overlaps(found, scene):
    """
    What the figures need to know of a frame.
    """
    footprints, truth = found.footprints(), scene.footprints
    ignore = np.asarray(scene.truth['ignore'])
    probability = np.max(found.class_probabilities, axis=1, initial=0)
    return ImageOverlaps(
        mask_overlaps(footprints, truth, ignore=ignore),
        scores=found.scores * probability, cut_scores=found.scores,
        class_ids=found.class_ids, truth_class_ids=np.asarray(scene.truth['class_id']),
        box_areas=footprints.areas, truth_box_areas=truth.areas,
        mask_areas=footprints.areas, truth_mask_areas=truth.areas, ignore=ignore)


def mean_precision(figures):
    """
    The mean over classes of the average precision, per cent.

    Parameters
    ----------
    figures : dict
        From `held_out_figures`.

    Returns
    -------
    precision : float
        The mean; 0 where no source counts.
    """
    return float(np.mean([row['AP'] for row in figures.values()] or [0.]))


def is_worse(figures, before):
    """
    Whether a model is worse than another on the same frames.

    Parameters
    ----------
    figures, before : dict
        From `held_out_figures`, of the model and of the other.

    Returns
    -------
    is_worse : bool
        Whether the mean average precision is smaller, or any figure of a
        class is smaller by more than a point.
    """
    return mean_precision(figures) < mean_precision(before) or any(
        figures[name][key] < row[key] - TOLERANCE
        for name, row in before.items() for key in FIGURES)


def figure_table(before, after):
    """
    The figures before and after, to be printed.

    Parameters
    ----------
    before, after : dict
        From `held_out_figures`.

    Returns
    -------
    table : `~astropy.table.Table`
        A row for each class.
    """
    rows = [{'class': name, 'n_sources': row['n_sources'],
             **{f'{key}_{when}': figures[name][key] for key in FIGURES
                for when, figures in (('before', before), ('after', after))}}
            for name, row in before.items()]
    table = Table(rows=rows) if rows else Table()
    for name in table.colnames[2:]:
        table[name].format = '.1f'
    return table
