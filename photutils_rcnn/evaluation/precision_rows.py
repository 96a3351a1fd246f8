# Licensed under a 3-clause BSD style license - see LICENSE
"""
Average precisions and confusions, made from the records of the scenes.
"""

__all__ = ['AP_COLUMNS', 'ap_row', 'confusion', 'confusion_row']

import numpy as np

from photutils_rcnn.evaluation.average_precision import (
    IOU_THRESHOLDS,
    coco_average_precision,
    paper_average_precision,
)
from photutils_rcnn.evaluation.confusion import ConfusionMatrix
from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.sources.classes import CLASS_IDS

AP_COLUMNS = ('AP', 'AP50', 'AP75', 'AP_S', 'AP_M', 'AP_L')


def ap_row(records, protocol, kind, name, *, score_cut=None):
    """
    One row of average precisions in per cent.

    Parameters
    ----------
    records : list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes.
    protocol : {'paper', 'coco'}
        The definition. In the paper's the size bins are of box area at the
        overlap 0.5; in COCO's of mask area, averaged over the overlaps.
    kind : {'mask', 'box'}
        The overlap.
    name : str
        A class name, 'combined' or 'any'.
    score_cut : float, optional
        The score cut of the paper's definition.

    Returns
    -------
    row : dict
        The values by column name, of the paper's definition with the precision ``P80`` at
        a recall of 0.8.
    """
    images = [getattr(record, kind) for record in records]
    options = {'classes': CLASS_IDS.get(name, name)}
    if protocol == 'paper':
        compute, size_ious = paper_average_precision, (0.5,)
        options['score_cut'] = score_cut
    else:
        compute, size_ious = coco_average_precision, IOU_THRESHOLDS
    results = [compute(images, iou, **options) for iou in IOU_THRESHOLDS]
    values = [result.value for result in results]
    row = {'protocol': protocol, 'kind': kind, 'class': name,
           'AP': np.mean(values), 'AP50': values[0],
           'AP75': values[IOU_THRESHOLDS.index(0.75)]}
    for size in 'SML':
        row[f'AP_{size}'] = np.mean(
            [compute(images, iou, size=size, **options).value
             for iou in size_ious])
    row = {key: value if isinstance(value, str) else 100 * float(value)
           for key, value in row.items()}
    if protocol == 'paper':
        row['P80'] = 100 * results[0].precision_at(0.8)
    return {**row, 'n_images': results[0].n_images,
            'n_truth': results[0].n_truth}


def confusion(records, iou):
    """
    The confusion of class-blind mask matches above the score threshold.

    Parameters
    ----------
    records : list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes.
    iou : float
        The smallest intersection over union of a match, in (0, 1].

    Returns
    -------
    matrix : `~photutils_rcnn.evaluation.confusion.ConfusionMatrix`
        The sum of the counts of all scenes.
    """
    total = ConfusionMatrix(np.zeros((2, 2), int), np.zeros(2, int),
                            np.zeros(2, int))
    for record in records:
        image = record.mask
        matches = match_overlaps(
            image.overlaps, record.scores, iou, ignore=image.ignore,
            allowed=record.above[image.overlaps.detection])
        total += ConfusionMatrix.from_matches(
            matches, image.class_ids, image.truth_class_ids,
            ignore=image.ignore, use=record.above)
    return total


def confusion_row(matrix):
    """
    The figures of a confusion matrix in per cent, and its correlation.

    Parameters
    ----------
    matrix : `~photutils_rcnn.evaluation.confusion.ConfusionMatrix`
        The counts.

    Returns
    -------
    row : dict
        The values by column name; ``n_pairs`` is the number of pairs.
        Figures that are not defined are NaN.
    """
    completeness, purity = 100 * matrix.completeness, 100 * matrix.purity
    return {'n_pairs': int(matrix.counts.sum()),
            'accuracy': 100 * matrix.accuracy,
            'balanced_accuracy': 100 * matrix.balanced_accuracy,
            'matthews_correlation': matrix.matthews_correlation,
            'star_completeness': completeness[0], 'star_purity': purity[0],
            'galaxy_completeness': completeness[1],
            'galaxy_purity': purity[1]}
