# Licensed under a 3-clause BSD style license - see LICENSE
"""
Plots of an evaluation.
"""

__all__ = ['FIGURES', 'draw_benchmark', 'draw_curves']

from pathlib import Path

from photutils_rcnn._wording import count
from photutils_rcnn.evaluation.average_precision import IOU_THRESHOLDS, paper_average_precision
from photutils_rcnn.evaluation.tables import completeness_curve
from photutils_rcnn.sources.classes import CLASS_IDS

_ROWS = (*CLASS_IDS, 'combined')
FIGURES = (*(f'precision_recall_{name}.png' for name in _ROWS),
           'completeness_purity.png')

_BARS = {'completeness': 'Completeness', 'purity': 'Purity', 'AP50': 'AP50, blind to classes',
         'balanced_accuracy': 'Balanced accuracy of classes',
         'ECE': 'Calibration error of scores',
         'kron_error_blends': 'Median error of Kron fluxes, blends',
         'deblended_error_blends': 'Median error of deblended fluxes, blends',
         'time_ratio': 'Time, in units of photutils'}


def draw_benchmark(table, path):
    """
    Draw the table of a benchmark.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        From `~photutils_rcnn.evaluation.benchmark`, with a column ``preset``.
    path : path-like
        The picture, replaced if it is there.
    """
    from matplotlib.figure import Figure

    presets, methods = (list(dict.fromkeys(table[name])) for name in ('preset', 'method'))
    figure = Figure(figsize=(12, 5.5), layout='constrained')
    for ax, (column, title) in zip(figure.subplots(2, 4).flat, _BARS.items(), strict=True):
        for k, method in enumerate(methods):
            rows = table[table['method'] == method]
            place = [presets.index(preset) + (k - (len(methods) - 1) / 2) / (len(methods) + 1)
                     for preset in rows['preset']]
            ax.bar(place, rows[column], width=1 / (len(methods) + 1), label=method)
        ax.set_xticks(range(len(presets)), presets, fontsize='small')
        ax.set_xlim(-0.5, len(presets) - 0.5)
        ax.set_title(title, fontsize='medium')
    figure.legend(*ax.get_legend_handles_labels(), loc='outside lower center',
                  ncols=len(methods))
    figure.savefig(path, dpi=150)


def draw_curves(report, path):
    """
    Draw the precision-recall and the completeness-purity curves.

    Parameters
    ----------
    report : `~photutils_rcnn.evaluation.report.EvaluationReport`
        The report.
    path : path-like
        The folder, which must exist. It receives
        ``precision_recall_<class>.png`` (the averaged curves by mask
        overlap, as Figures 8 to 10 of Burke et al. 2019) and
        ``completeness_purity.png``.

    """
    from matplotlib.figure import Figure

    main = next(iter(report.records.values()))
    images = [record.mask for record in main]
    for name in _ROWS:
        figure = Figure(figsize=(5, 4), layout='constrained')
        ax = figure.add_subplot()
        for i, iou in enumerate(IOU_THRESHOLDS):
            result = paper_average_precision(
                images, iou, classes=CLASS_IDS.get(name, name),
                score_cut=report.meta['score_threshold'])
            ax.plot(result.recall, result.precision, color=f'{0.08 * i:.2f}',
                    label=f'IoU {iou:.2f}, AP {100 * result.value:.1f} %')
        ax.set(xlabel='Recall', ylabel='Precision', xlim=(0, 1),
               ylim=(0, 1.02), title=f'{name}, {count(len(images), "image")}')
        ax.legend(fontsize='x-small', loc='lower left')
        figure.savefig(Path(path) / f'precision_recall_{name}.png', dpi=150)

    figure = Figure(figsize=(5, 4), layout='constrained')
    ax = figure.add_subplot()
    for name, records in report.records.items():
        curve = completeness_curve(records)
        ax.plot(curve.purity, curve.completeness, label=name, lw=1)
    ax.set(xlabel='Purity', ylabel='Completeness', xlim=(0.5, 1.005),
           ylim=(0, 1.02), title='By score threshold, blind to classes')
    ax.legend(fontsize='xx-small', loc='lower left')
    figure.savefig(Path(path) / 'completeness_purity.png', dpi=150)
