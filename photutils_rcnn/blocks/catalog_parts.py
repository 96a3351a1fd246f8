# Licensed under a 3-clause BSD style license - see LICENSE
"""
Catalog of a frame, joined from those of its blocks.
"""

__all__ = ['FORMATS', 'join_parts', 'star_prior']

import io
from contextlib import ExitStack, contextmanager

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from scipy import special

from photutils_rcnn._files import atomic_path
from photutils_rcnn.detection.class_prior import LEAST_SCORE, fit_star_log_odds, star_log_odds
from photutils_rcnn.io.optional import import_optional

FORMATS = ('ecsv', 'parquet')
OF_PRIOR = ('snr', 'log_bayes_factor')  # columns that the catalog of a frame has not


def star_prior(parts, typical):
    """
    The fraction of stars among the sources of all blocks.

    Parameters
    ----------
    parts : sequence of `~pathlib.Path`
        The catalogs of the blocks.
    typical : (2,) sequence of float
        See `~photutils_rcnn.detection.class_prior.apply_star_prior`.

    Returns
    -------
    log_odds : (2,) tuple of float
        The coefficients of `~photutils_rcnn.detection.class_prior.star_log_odds`.
    fraction : float
        The mean over the sources, weighted by their scores.
    """
    known = {name: [] for name in (*OF_PRIOR, 'score')}
    for part in map(read_part, parts):
        for name, values in known.items():
            values.append(np.asarray(part[name], dtype=float))
    snr, ratios, scores = (np.concatenate(known[name] or [[]])
                           for name in (*OF_PRIOR, 'score'))
    weights = np.where(scores >= LEAST_SCORE, scores, 0.)
    found = fit_star_log_odds(ratios, snr, weights, typical)
    odds = special.expit(star_log_odds(snr, found))
    return found, float(np.average(odds, weights=weights) if weights.any()
                        else special.expit(found[0]))


def read_part(path):
    """
    Read the catalog of a block.
    """
    return QTable.read(path, format='ascii.ecsv')


def join_parts(parts, paths, *, wcs=None, log_odds=None, class_names=(), meta=None):
    """
    Write the catalog of a frame, of which no more than a block is in memory.

    Parameters
    ----------
    parts : sequence of `~pathlib.Path`
        The catalogs of the blocks.
    paths : sequence of `~pathlib.Path`
        The files to write, which end in one of ``FORMATS``.
    wcs : WCS object, optional
        The celestial WCS of the frame.
    log_odds : (2,) tuple of float, optional
        From `star_prior`, which the classes are to presume. By default they stay.
    class_names : sequence of str, optional
        The names of the classes, of which one is ``'star'`` if ``log_odds`` is given.
    meta : dict, optional
        The meta data of the table.
    """
    with ExitStack() as stack:
        writers = [stack.enter_context(WRITERS[path.suffix](path)) for path in paths]
        for part in map(read_part, parts):
            if log_odds is not None:
                _classify(part, log_odds, class_names)
            part.remove_columns([name for name in OF_PRIOR if name in part.colnames])
            _add_sky(part, wcs)
            part.meta = dict(meta or {})
            for write in writers:
                write(part)
        if not parts:
            nothing = QTable({'label': np.zeros(0, dtype=np.int32), 'x_centroid': np.zeros(0),
                              'y_centroid': np.zeros(0)}, meta=meta)
            for write in writers:
                write(nothing)


def _classify(part, log_odds, class_names):
    """
    Give the classes another prior, as
    `~photutils_rcnn.detection.class_prior.apply_star_prior` does.
    """
    odds = star_log_odds(np.asarray(part['snr'], dtype=float), log_odds)
    ratios = np.asarray(part['log_bayes_factor'], dtype=float)
    star = class_names.index('star')
    stars = special.expit(ratios + odds).astype(np.float32)
    part[f'prob_{class_names[0]}'] = (stars if star == 0 else 1 - stars).astype(float)
    ids = np.where(stars >= special.expit(-ratios - odds).astype(np.float32), star, 1 - star)
    part['class_id'] = (ids + 1).astype(np.int32)
    part['class_name'] = np.array(class_names, dtype='U16')[ids]


def _add_sky(part, wcs):
    if wcs is None:
        return
    sky = wcs.pixel_to_world(part['x_centroid'], part['y_centroid'])
    if isinstance(sky, SkyCoord):
        part.add_column(sky, name='sky_centroid', index=part.colnames.index('y_centroid') + 1)


@contextmanager
def _ecsv_writer(path):
    with atomic_path(path) as temporary, temporary.open('w') as stream:
        def write(part):
            text = io.StringIO()
            part.write(text, format='ascii.ecsv')
            lines = text.getvalue().splitlines(keepends=True)
            head = next(i for i, line in enumerate(lines) if not line.startswith('#')) + 1
            stream.writelines(lines if stream.tell() == 0 else lines[head:])

        yield write


@contextmanager
def _parquet_writer(path):
    import_optional('pyarrow')
    from pyarrow import parquet

    with atomic_path(path) as temporary, ExitStack() as stack:
        part_path = temporary.with_name(f'{temporary.name}.block')
        stack.callback(part_path.unlink, missing_ok=True)
        writer = None

        def write(part):
            nonlocal writer
            part.write(part_path, format='parquet', overwrite=True)
            table = parquet.read_table(part_path)
            if writer is None:
                writer = stack.enter_context(parquet.ParquetWriter(temporary, table.schema))
            writer.write_table(table.cast(writer.schema))

        yield write
        if writer is not None:
            writer.close()


WRITERS = {'.ecsv': _ecsv_writer, '.parquet': _parquet_writer}
