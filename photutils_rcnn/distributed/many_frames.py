# Licensed under a 3-clause BSD style license - see LICENSE
"""
Segmentation of many frames.
"""

__all__ = ['segment_many']

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from photutils_rcnn.distributed.scheduling import run_jobs
from photutils_rcnn.io.extensions import file_stem
from photutils_rcnn.io.optional import check_format
from photutils_rcnn.io.result_files import TABLE_FORMATS

FORMATS = ('asdf', *(suffix[1:] for suffix in TABLE_FORMATS))


def segment_many(frames, *, out, client=None, n_workers=None, formats=('asdf',),
                 deblend=False, overwrite=False, progress_bar=True, model='default',
                 **options):
    """
    Segment many frames in the processes of a Dask cluster.

    Each process loads the model once. A frame that fails is told in the manifest and does
    not stop the others; one that was in work when its process died is begun again. Frames
    whose results are there and fit (size and time of change of the files, or the values of
    arrays; options; checksum of the model) are left as they are, so that the same call goes
    on after an interruption.

    Parameters
    ----------
    frames : sequence or mapping of str to frames
        FITS files, each one a frame or a sequence of one for each band, named by the first
        file without endings; or a mapping of names to these or to anything else that
        `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>` takes as ``data``,
        arrays or `~astropy.nddata.CCDData` for instance. Names must differ.
    out : path-like
        The folder for the results, which all workers can write to; created if it is
        missing. A frame has ``<name>_result.asdf`` (`photutils_rcnn.RCNNResult.read`),
        ``<name>_catalog.<format>``, and ``<name>_record.json``, which says what they were
        made from. ``manifest.ecsv`` is the table that is returned.
    client : ``distributed.Client``, optional
        The cluster. Its workers should have one thread each: frames are segmented one by
        one in a process, with as many threads in the network. By default a cluster of
        processes on this machine, for the time of the call. A script then needs the line
        ``if __name__ == '__main__':`` above what it runs.
    n_workers : int, optional
        The number of processes without a ``client``, which share the cores. The default
        is one for each core.
    formats : sequence of str, optional
        ``'asdf'`` (default) and those of `RCNNResult.write_table
        <photutils_rcnn.RCNNResult.write_table>`: ``'ecsv'``, ``'fits'``, ``'vot'`` ... A
        frame without sources has no ``'ldac'``.
    deblend : bool, optional
        See `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>`. The default is
        `False`.
    overwrite : bool, optional
        Whether to segment frames again that have results, and to replace files without a
        record. The default is `False`.
    progress_bar : bool, optional
        Whether to show a progress bar over the frames. The default is `True`.
    model : str or path-like, optional
        The name or the folder of a model, or a weight file of Astro R-CNN, which all
        workers can read.
    **options
        The other options of `~photutils_rcnn.RCNNSegmenter`.

    Returns
    -------
    manifest : `~astropy.table.Table`
        A row for each frame in their order: ``name``; ``files``; ``state``, which is
        ``'done'``, ``'failed'`` or, in the file while there is work, ``'pending'``;
        ``n_sources``; ``seconds``, the time in its process; ``message``, the error or the
        warnings.

    Raises
    ------
    ImportError
        If Dask or a package that a format needs is not installed.
    TypeError, ValueError
        If an argument does not fit, or the workers have another model.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if isinstance(formats, str) or unknown or not formats:
        msg = f'formats must be some of {FORMATS}, got {formats!r}'
        raise ValueError(msg)
    for name in formats:
        check_format(f'.{name}')
    out = Path(out).absolute()
    jobs = [_Job(name, data, out, tuple(formats), bool(deblend))
            for name, data in _named(frames)]
    return run_jobs(jobs, out, {**options, 'model': model}, client=client,
                    n_workers=n_workers, overwrite=overwrite, progress_bar=progress_bar)


def _named(frames):
    """
    The names and data of the frames, with absolute paths.
    """
    if isinstance(frames, Mapping):
        return [(name, _absolute(data)) for name, data in frames.items()]
    frames = [frames] if isinstance(frames, (str, os.PathLike)) else list(frames)
    for data in frames:
        if not _paths(data):
            msg = ('frames must be paths, or a mapping of names to frames, got an item '
                   f'of type {type(data).__name__}')
            raise TypeError(msg)
    return [(file_stem(_paths(data)[0]), _absolute(data)) for data in frames]


def _paths(data):
    """
    The files of a frame; empty if it is in memory.
    """
    paths = data if isinstance(data, (list, tuple)) else [data]
    return list(paths) if all(isinstance(path, (str, os.PathLike)) for path in paths) else []


def _absolute(data):
    return [Path(path).absolute() for path in _paths(data)] or data


@dataclass(frozen=True)
class _Job:
    """
    A frame; see `~photutils_rcnn.distributed.scheduling.run_jobs`.
    """

    name: str
    data: object
    out: Path
    formats: tuple
    deblend: bool

    @property
    def files(self):
        return _paths(self.data) or [f'({type(self.data).__name__})']

    @property
    def inputs(self):
        return _paths(self.data)

    @property
    def settings(self):
        return {'formats': self.formats, 'deblend': self.deblend,
                'data': None if self.inputs else self.data}

    @property
    def outputs(self):
        return [self.out / (f'{self.name}_result.asdf' if name == 'asdf' else
                            f'{self.name}_catalog.{name}') for name in self.formats]

    def run(self, segmenter, *, overwrite, begin):
        result = segmenter.segment(self.data, deblend=self.deblend)
        begin()
        written = []
        for path in self.outputs:
            if path.suffix == '.asdf':
                result.write(path, overwrite=overwrite)
            elif path.suffix == '.ldac' and not result.labels.any():
                path.unlink(missing_ok=True)  # an older one is of another result
                continue
            else:
                result.write_table(path, overwrite=overwrite)
            written.append(path)
        return len(result), written, ''
