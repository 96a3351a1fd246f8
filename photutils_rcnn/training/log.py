# Licensed under a 3-clause BSD style license - see LICENSE
"""
The log of a training run, as a table and as a picture.
"""

__all__ = ['append_log', 'cut_log', 'plot_log']

import csv
from pathlib import Path

from photutils_rcnn._files import atomic_path


def append_log(path, values):
    """
    Add a line to a log.

    Parameters
    ----------
    path : path-like
        The file, CSV; made with a header if it does not exist.
    values : dict
        The values by column.
    """
    path = Path(path)
    is_new = not path.exists()
    with path.open('a', newline='') as stream:
        writer = csv.DictWriter(stream, values)
        if is_new:
            writer.writeheader()
        writer.writerow(values)


def cut_log(path, step):
    """
    Drop what follows a step: an interrupted run goes through it again.

    Parameters
    ----------
    path : path-like
        The file; need not exist.
    step : int
        The last step to keep.
    """
    path = Path(path)
    if not path.exists():
        return
    with path.open(newline='') as stream:
        rows = list(csv.DictReader(stream))
    # The last line may be torn.
    rows = [row for row in rows
            if None not in row.values() and int(row['step']) <= step]
    if not rows:
        path.unlink()
        return
    with atomic_path(path) as temporary:
        for row in rows:
            append_log(temporary, row)


def plot_log(path, picture):
    """
    Draw the losses of a log against the step.

    Parameters
    ----------
    path : path-like
        The log of a run.
    picture : path-like
        The picture to write.
    """
    import numpy as np
    from astropy.table import Table
    from matplotlib.figure import Figure

    log = Table.read(path, format='ascii.csv')
    # A loss that stays 0 tells nothing.
    names = [name for name in log.colnames[log.colnames.index('loss'):]
             if np.max(log[name]) > 0]
    figure = Figure(figsize=(12, 6), layout='constrained')
    panels = figure.subplots(2, -(-len(names) // 2), squeeze=False).ravel()
    for name, panel in zip(names, panels, strict=False):
        for kind in ('train', 'validation'):
            rows = log[np.asarray(log['kind']) == kind]
            panel.plot(rows['step'], rows[name], label=kind,
                       marker='o' if kind == 'validation' else None)
        panel.set(title=name, xlabel='step', yscale='log')
    panels[0].legend()
    figure.savefig(picture)
