# Licensed under a 3-clause BSD style license - see LICENSE
"""
Notes below the tables of an evaluation.
"""

__all__ = ['make_notes']

import numpy as np

from photutils_rcnn._wording import count
from photutils_rcnn.evaluation.precision_rows import AP_COLUMNS
from photutils_rcnn.evaluation.published import PUBLISHED_SOURCE

_NAMED = ('paper_ap', 'deep_field', 'coco_ap', 'equal_purity')


def make_notes(tables, meta, main):
    """
    What to know when reading some tables.

    Parameters
    ----------
    tables : dict of `~astropy.table.QTable`
        The tables, by the names of
        `~photutils_rcnn.evaluation.EvaluationReport.tables`.
    meta : dict
        The options of the evaluation.
    main : str
        The name of the main method.

    Returns
    -------
    notes : list of str
        The sentences, NaN cases among them.
    """
    notes = []
    if {'paper_ap', 'deep_field', 'classification'} & set(tables):
        notes.append(
            f'The published numbers ({PUBLISHED_SOURCE}) belong to another '
            'image set and another truth-mask recipe: they stand beside, '
            'they are not comparable.')
    notes.append('Truth masks: amodal footprints as simulated. Truth below '
                 'the detectability limit counts neither way.')
    if meta.get('n_left_out'):
        notes.append(f"Left out: {count(meta['n_left_out'], 'scene')} that cannot be read "
                     'or without valid pixels.')
    if meta.get('n_known'):
        notes.append(f"{count(meta['n_known'], 'scene')} served to train or calibrate "
                     'the model: it is worse than the figures say.')
    if 'paper_ap' in tables:
        notes += _precision_notes(tables['paper_ap'], 'source', 'paper', main)
        notes += _image_notes(tables['paper_ap'], meta['n_scenes'], main)
    if 'coco_ap' in tables:
        notes += _precision_notes(tables['coco_ap'], 'method', 'COCO', main)
    if 'equal_purity' in tables:
        notes += _purity_notes(tables['equal_purity'], main)
    if any(_has_nan(table) for name, table in tables.items()
           if name not in _NAMED):
        notes.append("NaN ('-') elsewhere is a fraction of nothing: no such "
                     'true source, detection or match, or no classes.')
    return notes


def _rows(table, column, main):
    """
    The mask rows of a method; NaN depends on the truth alone.
    """
    return [row for row in table
            if row[column] == main and row['kind'] == 'mask']


def _precision_notes(table, column, protocol, main):
    """
    The average precisions that are NaN.
    """
    notes = []
    for row in _rows(table, column, main):
        empty = [name for name in AP_COLUMNS if np.isnan(row[name])]
        if empty:
            notes.append(f"NaN ('-') in '{row['class']}' "
                         f'{", ".join(empty)} ({protocol}): no counted truth '
                         'in any image.')
    return notes


def _image_notes(table, n_scenes, main):
    """
    The means of the paper's definition that leave out images.
    """
    return [f"Left out of the mean of the rows '{row['class']}', without counted truth: "
            f"{n_scenes - row['n_images']} of {count(n_scenes, 'image')}."
            for row in _rows(table, 'source', main)
            if row['n_images'] < n_scenes]


def _purity_notes(table, main):
    """
    The purities that are not reached, or not defined.
    """
    if len(table) == 0:
        return []
    notes = []
    defined = table[np.isfinite(table['purity'])]
    missed = defined['method'][np.isnan(defined['main_threshold'])]
    if len(missed):
        notes.append(f'The purity of {_names(missed)} is not reached by '
                     f'{main} at any score.')
    missed = table['method'][~np.isfinite(table['purity'])]
    if len(missed):
        notes.append(f'{_names(missed)} without detections that count: no '
                     'purity to be equal to.')
    missed = table['method'][np.isnan(table['at_main_purity'])
                             & np.isfinite(table['main_at_main_purity'])]
    if len(missed):
        notes.append(f'The purity of {main} is not reached by '
                     f'{_names(missed)} at any score.')
    return notes


def _names(column):
    return ', '.join(f"'{name}'" for name in column)


def _has_nan(table):
    return any(np.isnan(table[name]).any() for name in table.colnames
               if table[name].dtype.kind == 'f')
