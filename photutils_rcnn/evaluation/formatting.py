# Licensed under a 3-clause BSD style license - see LICENSE
"""
The tables of an evaluation as text and as plain values.
"""

__all__ = ['format_benchmark', 'format_table', 'json_rows', 'title']

import numpy as np
from astropy.table import Table

TITLES = {
    'paper_ap': ('Average precision (%), definition of the paper: 51 recalls,'
                 ' mean over images with truth of the class, score cut;'
                 ' size bins of box area 16^2 and 32^2 pixels at IoU 0.5;'
                 ' P80 is the precision at 80 % recall, IoU 0.5'),
    'deep_field': 'AP50 (%) beside the ultra-deep field of the paper',
    'classification': ('Star/galaxy classes of matched masks; the published '
                       'matrices list all detections, matched or not'),
    'confusion_50': 'Confusion at mask IoU 0.5 (rows truth)',
    'confusion_75': 'Confusion at mask IoU 0.75 (rows truth)',
    'coco_ap': ('Average precision (%), definition of COCO: 101 recalls, '
                'pooled, all detections, size bins of mask area 32^2 and 96^2 '
                'pixels; "any" is blind to classes'),
    'summary': 'Completeness and purity of positions, blind to classes',
    'equal_purity': 'Completeness at equal purity ("main" is photutils_rcnn)',
    'blends': 'Close neighbors, shredded sources, unrecognized blends',
    'class': 'Completeness by true class, purity by predicted class',
}


def format_table(table):
    """
    The lines of a table with three decimals and '-' for NaN.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The table; not changed.

    Returns
    -------
    lines : list of str
        The lines, those of the header first; none is cut.
    """
    table = table.copy()
    for column in table.colnames:
        if table[column].dtype.kind == 'f':
            table[column] = [_three_decimals(value) for value in table[column]]
    return table.pformat(max_lines=-1, max_width=-1)


def format_benchmark(table):
    """
    The lines of a benchmark, a column for each method.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        From `~photutils_rcnn.evaluation.benchmark`, with a column ``preset``.

    Returns
    -------
    lines : list of str
        The lines, those of a preset below the other.
    """
    names = [name for name in table.colnames if name not in ('preset', 'method')]
    lines = []
    for preset in dict.fromkeys(table['preset']):
        columns = {preset: names}
        for row in table[table['preset'] == preset]:
            columns[row['method']] = [
                _three_decimals(row[name]) if table[name].dtype.kind == 'f'
                else str(row[name]) for name in names]
        lines += ['', *Table(columns).pformat(max_lines=-1, max_width=-1, align=[
            '<', *'>' * (len(columns) - 1)])]
    return lines[1:]


def _three_decimals(value):
    return '-' if np.isnan(value) else f'{value:.3f}'


def title(name):
    """
    The heading of a table.

    Parameters
    ----------
    name : str
        The name of the table: one of `TITLES` or ``<fraction>_<quantity>``,
        as in ``completeness_snr``.

    Returns
    -------
    heading : str
        The heading.
    """
    if name in TITLES:
        return TITLES[name]
    fraction, quantity = name.split('_', 1)
    of_what = ('of the truth' if fraction == 'completeness'
               else 'of the detections')
    unit = ' in FWHM' if quantity == 'separation' else ''
    return f'{fraction.capitalize()} by {quantity}{unit}, {of_what}'


def json_rows(table):
    """
    The rows of a table as plain values; what is not finite becomes a string
    or, for NaN, null.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The table.

    Returns
    -------
    rows : list of dict
        The values of each row by column name; `None` stands for null.
    """
    def plain(value):
        value = value.item() if hasattr(value, 'item') else value
        if isinstance(value, float) and not np.isfinite(value):
            return None if np.isnan(value) else str(value)
        return value

    return [{name: plain(row[name]) for name in table.colnames}
            for row in table]
