# Licensed under a 3-clause BSD style license - see LICENSE
"""
The report of an evaluation: tables, text, files.
"""

__all__ = ['MAIN', 'EvaluationReport']

import json
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from astropy.table import QTable

from photutils_rcnn._wording import count
from photutils_rcnn.evaluation import tables as make
from photutils_rcnn.evaluation.figures import FIGURES, draw_curves
from photutils_rcnn.evaluation.formatting import format_table, json_rows, title
from photutils_rcnn.evaluation.notes import make_notes
from photutils_rcnn.evaluation.precision_rows import AP_COLUMNS, ap_row, confusion, confusion_row
from photutils_rcnn.evaluation.published import (
    PUBLISHED_AP,
    PUBLISHED_CONFUSION,
    PUBLISHED_DEEP_AP50,
    PUBLISHED_PRECISION_AT_80,
)
from photutils_rcnn.sources.classes import CLASS_NAMES

MAIN = 'photutils_rcnn'

_ROWS = (*CLASS_NAMES, 'combined')
_PROTOCOLS = {
    'paper': ('paper_ap', 'deep_field', 'classification', 'confusion_50',
              'confusion_75'),
    'coco': ('coco_ap',),
}
_MANY_ROWS = ('coco_ap', 'class')
_BINNED = ('completeness_', 'purity_')
_N_SHOWN = 3
# The scenes that the ultra-deep field of the paper may stand beside.
DEEP_PRESET = 'decam-deep'


class EvaluationReport:
    """
    The results of `~photutils_rcnn.evaluation.evaluate`.

    Parameters
    ----------
    records : dict of list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes of each method by its name; the first is the main one.
    meta : dict
        The options of the evaluation, as strings and numbers.
    """

    def __init__(self, records, meta):
        self.records = records
        self.meta = dict(meta)

    def __repr__(self):
        return (f"<EvaluationReport: {count(self.meta['n_scenes'], 'scene')}, "
                f'methods={list(self.records)}>')

    @cached_property
    def _tables(self):
        main = self.records[MAIN]
        close = self.meta['max_separation_fwhm']
        paper_ap = self._paper_ap()
        tables = {'paper_ap': paper_ap,
                  'classification': self._classification()}
        if DEEP_PRESET in self.meta.get('presets', ()):
            tables['deep_field'] = _deep_field(paper_ap)
        for iou in PUBLISHED_CONFUSION:
            tables[f'confusion_{100 * iou:.0f}'] = confusion(
                main, iou).to_table()
        tables['coco_ap'] = self._coco_ap()
        tables['summary'] = QTable(rows=[
            {'method': name, **make.summary_row(records)}
            for name, records in self.records.items()])
        tables['equal_purity'] = make.equal_purity_table(self.records, MAIN,
                                                         close)
        tables['blends'] = make.blend_table(self.records, close)
        tables['class'] = make.stack_methods(self.records, make.class_table)
        for fraction in ('completeness', 'purity'):
            for quantity in ('magnitude', 'snr', 'separation'):
                tables[f'{fraction}_{quantity}'] = make.stack_methods(
                    self.records, partial(make.fraction_table,
                                          quantity=quantity,
                                          fraction=fraction))
        for table in tables.values():
            table.meta.update(self.meta)
        return tables

    def _paper_ap(self):
        rows = []
        for kind in ('mask', 'box'):
            rows.extend({'source': MAIN, **ap_row(
                self.records[MAIN], 'paper', kind, name,
                score_cut=self.meta['score_threshold'])} for name in _ROWS)
        for name in _ROWS:
            rows.append({
                'source': 'published', 'protocol': 'paper', 'kind': 'mask',
                'class': name,
                **dict(zip(AP_COLUMNS, PUBLISHED_AP[name], strict=True)),
                'P80': PUBLISHED_PRECISION_AT_80[name], 'n_images': 50,
                'n_truth': 0})
        return QTable(rows=rows)

    def _classification(self):
        rows = []
        for iou, published in PUBLISHED_CONFUSION.items():
            ours = confusion(self.records[MAIN], iou)
            rows += [{'source': MAIN, 'iou': iou, **confusion_row(ours)},
                     {'source': 'published', 'iou': iou,
                      **confusion_row(published)}]
        return QTable(rows=rows)

    def _coco_ap(self):
        rows = []
        for method, records in self.records.items():
            names = (*_ROWS, 'any') if method == MAIN else ('any',)
            rows.extend({'method': method,
                         **ap_row(records, 'coco', kind, name)}
                        for kind in ('mask', 'box') for name in names)
        return QTable(rows=rows)

    def tables(self):
        """
        All tables.

        Returns
        -------
        tables : dict of `~astropy.table.QTable`
            The tables by name. A value that is not defined, such as the
            average precision of a class without truth, is NaN; `notes` says
            which and why.
        """
        return dict(self._tables)

    def _chosen(self, protocol):
        """
        The tables to be printed.
        """
        if protocol not in ('all', *_PROTOCOLS):
            msg = (f"protocol must be 'all', 'paper' or 'coco', got "
                   f'{protocol!r}')
            raise ValueError(msg)
        return {name: self._tables[name]
                for name in _PROTOCOLS.get(protocol, self._tables)
                if name in self._tables}

    def notes(self, protocol='all'):
        """
        What to know when reading the numbers.

        Parameters
        ----------
        protocol : {'all', 'paper', 'coco'}, optional
            The tables that are read, as in `format`. Default is all.

        Returns
        -------
        notes : list of str
            The sentences, NaN cases among them.
        """
        return make_notes(self._chosen(protocol), self.meta, MAIN)

    def format(self, protocol='all'):
        """
        The tables as text.

        Parameters
        ----------
        protocol : {'all', 'paper', 'coco'}, optional
            Which tables: all (default), those of the paper beside its
            values, or those of COCO.

        Returns
        -------
        text : str
            The text. The long tables are cut to the first three methods;
            `tables` and `write` have all.
        """
        lines = [', '.join(f'{key} = {value}'
                           for key, value in self.meta.items())]
        for name, table in self._chosen(protocol).items():
            if name in _MANY_ROWS or name.startswith(_BINNED):
                table = table[np.isin(table['method'],
                                      list(self.records)[:_N_SHOWN])]
            if not len(table):
                continue
            lines += ['', title(name), '', *format_table(table)]
        return '\n'.join([*lines, '', *self.notes(protocol), ''])

    def write(self, path, *, figures=False, overwrite=False):
        """
        Write all tables, the text and, if wanted, the figures.

        Parameters
        ----------
        path : path-like
            The folder, made if needed. It receives ``<table>.ecsv``,
            ``completeness_curve.ecsv``, ``report.json`` and ``report.txt``;
            tables without rows are not written.
        figures : bool, optional
            Whether to draw the precision-recall and completeness-purity
            curves as PNG. Default is `False`.
        overwrite : bool, optional
            Whether to replace a report, all its files included, also those
            that the new one lacks. Default is `False`.

        Raises
        ------
        OSError
            If the folder holds a report and ``overwrite`` is `False`, or
            ``path`` is a file.
        """
        path = Path(path)
        check_folder(path, overwrite=overwrite)
        path.mkdir(parents=True, exist_ok=True)
        tables = {**self._tables, 'completeness_curve': make.stack_methods(
            self.records, _curve_table)}
        text = self.format()
        content = {'meta': self.meta, 'notes': self.notes(),
                   'tables': {name: json_rows(table) for name, table in
                              self._tables.items()}}
        content = json.dumps(content, indent=1, allow_nan=False)
        if overwrite:
            _remove_report(path, tables)
        # First what marks a report: if writing the rest fails, it holds all
        # numbers, and the next one replaces all files.
        (path / 'report.json').write_text(content, encoding='utf-8')
        (path / 'report.txt').write_text(text, encoding='utf-8')
        for name, table in tables.items():
            if len(table):
                table.write(path / f'{name}.ecsv', overwrite=True)
        if figures:
            draw_curves(self, path)


def check_folder(path, *, overwrite):
    """
    Refuse to replace a report, or what is no folder.

    Parameters
    ----------
    path : path-like
        The folder.
    overwrite : bool
        Whether a report in it may be replaced.

    Raises
    ------
    OSError
        If there is one and ``overwrite`` is `False`, or the path or a parent
        of it is a file.
    """
    path = Path(path)
    existing = next(item for item in (path, *path.absolute().parents)
                    if item.exists())
    if not existing.is_dir():
        msg = f'path must be a folder, got the file {existing}'
        raise NotADirectoryError(msg)
    if (path / 'report.json').exists() and not overwrite:
        msg = f'path already holds a report: {path} (overwrite=True?)'
        raise OSError(msg)


def _remove_report(path, names):
    """
    Remove all that a report may consist of, and nothing else.
    """
    for name in (*(f'{name}.ecsv' for name in names), 'report.json',
                 'report.txt', *FIGURES):
        (path / name).unlink(missing_ok=True)


def _deep_field(paper_ap):
    ours = {row['class']: row['AP50'] for row in paper_ap
            if row['kind'] == 'mask' and row['source'] == MAIN}
    return QTable(rows=[{'class': name, MAIN: ours[name], 'published': value}
                        for name, value in PUBLISHED_DEEP_AP50.items()])


def _curve_table(records, n_points=200):
    curve = make.completeness_curve(records)
    n = len(curve.thresholds)
    chosen = np.unique(np.linspace(0, n - 1, min(n, n_points)).astype(int))
    return QTable({name: getattr(curve, name)[chosen] for name in
                   ('thresholds', 'completeness', 'purity')})
