# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tables of completeness and purity, made from the records of the scenes.
"""

__all__ = ['blend_table', 'class_table', 'completeness_curve',
           'equal_purity_table', 'fraction_table', 'stack_methods',
           'summary_row']

import numpy as np
from astropy.table import QTable, vstack

from photutils_rcnn.evaluation.completeness import CompletenessCurve, binned_fraction
from photutils_rcnn.sources.classes import CLASS_IDS

SNR_EDGES = (5, 7, 10, 15, 25, 50, 100, np.inf)
SEPARATION_EDGES = (0, 0.5, 1, 1.5, 2, 3, 5, np.inf)


def _truth(records, name):
    """
    A truth attribute of all scenes, counted truth only.
    """
    return np.concatenate([getattr(r.truth, name)[~r.truth.ignore]
                           for r in records])


def _found(records, threshold=None):
    return np.concatenate([r.found(threshold)[~r.truth.ignore]
                           for r in records])


def _detected(records, name):
    """
    A detection attribute of all scenes, counted detections only.
    """
    return np.concatenate([getattr(r, name)[r.counted] for r in records])


def _hits(records):
    return np.concatenate([r.matches.hits[r.counted] for r in records])


def summary_row(records):
    """
    Completeness and purity of one method over everything.

    Parameters
    ----------
    records : list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes.

    Returns
    -------
    row : dict
        The numbers and the two fractions by column name. A fraction of
        nothing is NaN.
    """
    found, hits = _found(records), _hits(records)
    return {'n_truth': len(found), 'n_found': int(found.sum()),
            'completeness': _mean(found), 'n_detections': len(hits),
            'n_right': int(hits.sum()), 'purity': _mean(hits)}


def _mean(flags):
    return float(flags.mean()) if len(flags) else np.nan


def fraction_table(records, quantity, fraction):
    """
    Completeness or purity in bins of a quantity.

    The quantity ('magnitude', 'snr' or 'separation') is that of the truth
    for completeness, and measured on the detected footprints for purity.

    Parameters
    ----------
    records : list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes.
    quantity : {'magnitude', 'snr', 'separation'}
        The quantity; the separation is in units of the FWHM.
    fraction : {'completeness', 'purity'}
        The fraction.

    Returns
    -------
    table : `~astropy.table.QTable`
        The bins, as from
        `~photutils_rcnn.evaluation.completeness.binned_fraction`.
    """
    plural = {'snr': 'snr'}.get(quantity, f'{quantity}s')
    if fraction == 'completeness':
        values, success = _truth(records, plural), _found(records)
    else:
        values, success = _detected(records, plural), _hits(records)
    # the open last bin holds what has no neighbor or no flux
    values = np.minimum(values, np.finfo(float).max)
    if quantity == 'magnitude':
        true = _truth(records, plural)
        true = true[np.isfinite(true)]
        low, high = (np.floor(true.min()), np.floor(true.max()) + 1) if len(
            true) else (0, 1)
        edges = np.arange(low, high + 1)
        if fraction == 'purity':
            edges = np.concatenate([[-np.inf], edges, [np.inf]])
    elif quantity == 'snr':
        edges = SNR_EDGES if fraction == 'completeness' else (0, *SNR_EDGES)
    else:
        edges = SEPARATION_EDGES
    return binned_fraction(values, success, edges, name=quantity,
                           fraction=fraction)


def class_table(records):
    """
    Completeness by true class and purity by predicted class.

    In the ``right_class`` columns the classes must agree too.

    Parameters
    ----------
    records : list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes.

    Returns
    -------
    table : `~astropy.table.QTable`
        A row for each class. A fraction of nothing is NaN, as is all that
        needs predicted classes where there are none.
    """
    found = _found(records)
    true_class = _truth(records, 'class_ids')
    predicted = np.concatenate([np.append(r.class_ids, 0)[
        r.matches.detection_of_truth][~r.truth.ignore] for r in records])
    hits, given = _hits(records), _detected(records, 'class_ids')
    truth_of_hit = np.concatenate([np.append(r.truth.class_ids, 0)[
        r.matches.truth_of_detection][r.counted] for r in records])
    rows = []
    for name, class_id in CLASS_IDS.items():
        mine = true_class == class_id
        row = {'class': name, 'n_truth': int(mine.sum()),
               'completeness': _mean(found[mine]),
               'completeness_right_class': np.nan, 'n_detections': 0,
               'purity': np.nan, 'purity_right_class': np.nan}
        if given.any():
            of_class = given == class_id
            row['completeness_right_class'] = _mean(
                (found & (predicted == class_id))[mine])
            row['n_detections'] = int(of_class.sum())
            row['purity'] = _mean(hits[of_class])
            row['purity_right_class'] = _mean(
                (hits & (truth_of_hit == class_id))[of_class])
        rows.append(row)
    return QTable(rows=rows)


def completeness_curve(records):
    """
    The `CompletenessCurve` of one method over all scores.

    Parameters
    ----------
    records : list of `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes.

    Returns
    -------
    curve : `~photutils_rcnn.evaluation.completeness.CompletenessCurve`
        The curve, whatever the score threshold of the evaluation.
    """
    counted = [~r.matches.ignored for r in records]
    return CompletenessCurve.from_hits(
        np.concatenate([r.scores[use] for r, use in zip(
            records, counted, strict=True)]),
        np.concatenate([r.matches.hits[use] for r, use in zip(
            records, counted, strict=True)]),
        sum(int((~r.truth.ignore).sum()) for r in records))


def equal_purity_table(records_by_name, main, max_separation):
    """
    Completeness of the main method and of each other at equal purity.

    For each other method, all its detections give its purity. The columns
    ``main_*`` hold the largest completeness of the main method over the
    score thresholds whose purity is at least that, and the completeness for
    close neighbors at the same threshold. ``at_main_purity`` is the
    largest completeness of the other method, ranked by its own score, at
    the purity of the main one above the score threshold. NaN says that the
    purity is not reached.

    Parameters
    ----------
    records_by_name : dict of list of \
            `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes of each method by its name.
    main : str
        The name of the main method.
    max_separation : float
        Sources with a neighbor closer than this are close (FWHM).

    Returns
    -------
    table : `~astropy.table.QTable`
        A row for each other method; empty if there is none.
    """
    curve = completeness_curve(records_by_name[main])
    main_purity = summary_row(records_by_name[main])['purity']
    close = _truth(records_by_name[main], 'separations') < max_separation
    rows = []
    for name, records in records_by_name.items():
        if name == main:
            continue
        own = summary_row(records)
        threshold, completeness = curve.at_purity(own['purity'])
        main_close = np.nan
        if np.isfinite(threshold):
            main_close = _mean(_found(records_by_name[main],
                                      threshold)[close])
        own_close = _mean(_found(records)[close])
        rows.append({
            'method': name, 'purity': own['purity'],
            'completeness': own['completeness'],
            'main_completeness': completeness,
            'difference': completeness - own['completeness'],
            'close': own_close, 'main_close': main_close,
            'difference_close': main_close - own_close,
            'main_threshold': threshold,
            'at_main_purity': completeness_curve(records).at_purity(
                main_purity)[1],
            'main_at_main_purity': curve.at_purity(main_purity)[1]})
    return QTable(rows=rows) if rows else QTable()


def blend_table(records_by_name, max_separation):
    """
    Close neighbors, shredded sources and unrecognized blends by method.

    Parameters
    ----------
    records_by_name : dict of list of \
            `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes of each method by its name.
    max_separation : float
        Sources with a neighbor closer than this are close (FWHM). The
        pairs are those of the records.

    Returns
    -------
    table : `~astropy.table.QTable`
        A row for each method with the numbers, ``n_*``, and the fractions.
        A fraction of nothing is NaN.
    """
    rows = []
    for name, records in records_by_name.items():
        close = _truth(records, 'separations') < max_separation
        both = np.concatenate([r.found()[r.truth.pairs].all(axis=1)
                               for r in records])
        counted = sum(int(r.counted.sum()) for r in records)
        found = _found(records)
        # pieces of a source that none of them finds do not shred it
        shredded = sum(int((r.claims > 1)[r.found()].sum())
                       for r in records)
        blends = sum(int((r.n_covered > 1).sum()) for r in records)
        hidden = sum(int(r.hidden.sum()) for r in records)
        rows.append({
            'method': name, 'n_close': int(close.sum()),
            'recall_close': _mean(found[close]),
            'n_pairs': len(both), 'both_found': _mean(both),
            'n_shredded': shredded,
            'shredded': shredded / found.sum() if found.any() else np.nan,
            'n_unrecognized': blends,
            'unrecognized': blends / counted if counted else np.nan,
            'n_hidden': hidden,
            'hidden': hidden / len(close) if len(close) else np.nan})
    return QTable(rows=rows)


def stack_methods(records_by_name, make_table):
    """
    One table per method, on top of each other, with a ``method`` column.

    Parameters
    ----------
    records_by_name : dict of list of \
            `~photutils_rcnn.evaluation.records.SceneRecord`
        The scenes of each method by its name.
    make_table : callable
        Makes a new `~astropy.table.QTable` from the scenes of a method.

    Returns
    -------
    table : `~astropy.table.QTable`
        The rows of all methods; ``method`` is the first column.
    """
    tables = []
    for name, records in records_by_name.items():
        table = make_table(records)
        # an empty list would make a column of numbers
        column = np.full(len(table), name, dtype=f'U{len(name)}')
        table.add_column(column, index=0, name='method')
        tables.append(table)
    return vstack(tables, metadata_conflicts='silent')
