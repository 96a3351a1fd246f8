# Licensed under a 3-clause BSD style license - see LICENSE
"""
Worker processes of a cluster: load the model once, segment frame by frame.
"""

__all__ = ['Outcome', 'Run', 'run_job', 'thread_settings']

import os
import threading
import time
import warnings
from dataclasses import dataclass

from astropy.utils.exceptions import AstropyWarning

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn._quiet import starting
from photutils_rcnn.io.records import Record

# Of the frames that a process with several threads is given, one is in work: the threads
# are the network's.
_in_turn = threading.Lock()
_loaded = {}


@dataclass(frozen=True)
class Run:
    """
    What all frames have in common.

    Parameters
    ----------
    options : dict
        The options of `~photutils_rcnn.RCNNSegmenter`.
    settings : dict
        What they come to, as JSON values: a process keeps its model while they are the
        same.
    sha256 : str
        The checksum of the model.
    folder : `~pathlib.Path`
        The folder of the results.
    n_threads : int or `None`
        The threads of a process; `None` for those that Dask gave it.
    """

    options: dict
    settings: dict
    sha256: str
    folder: os.PathLike
    n_threads: int | None


@dataclass(frozen=True)
class Outcome:
    """
    What became of a frame.

    Parameters
    ----------
    state : {'done', 'failed'}
        Whether it has results.
    n_sources : int or `None`
        The number of sources.
    seconds : float or `None`
        The time it took.
    message : str
        The error, or the warnings.
    error : str, optional
        The type of the error.
    told : str, optional
        What the job has to say.
    """

    state: str
    n_sources: int | None = None
    seconds: float | None = None
    message: str = ''
    error: str = ''
    told: str = ''


def thread_settings(n_threads):
    """
    The environment that keeps libraries to a number of threads.

    Parameters
    ----------
    n_threads : int
        The number.

    Returns
    -------
    settings : dict of str to str
        The variables; OpenVINO is told by the first, too
        (`~photutils_rcnn.models.openvino_stages`).
    """
    return dict.fromkeys((
        'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS',
        'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'), str(n_threads))


def run_job(job, known, run):
    """
    Segment a frame, write its results and then its record.

    Parameters
    ----------
    job : object
        See `~photutils_rcnn.distributed.scheduling.run_jobs`.
    known : dict
        From `~photutils_rcnn.io.records.fingerprint`.
    run : `Run`
        What all frames have in common.

    Returns
    -------
    outcome : `Outcome`
        What became of it, also if the frame is bad.

    Raises
    ------
    Exception
        If there is no model: that is the matter of all frames.
    """
    with _in_turn:
        segmenter = _load(run)
        record = Record(run.folder, job.name)
        start = time.perf_counter()
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.filterwarnings('always', category=AstropyWarning)
                n_sources, outputs, told = job.run(
                    segmenter, overwrite=True, begin=lambda: record.write(known))
            seconds = round(time.perf_counter() - start, 3)
            message = '; '.join(dict.fromkeys(str(w.message) for w in caught))
            record.write(known, outputs=[path.name for path in outputs],
                         n_sources=n_sources, seconds=seconds, message=message)
        # whatever is wrong with one frame, the others are to be segmented
        except Exception as exc:
            return Outcome('failed', seconds=round(time.perf_counter() - start, 3),
                           message=str(exc), error=type(exc).__name__)
    return Outcome('done', n_sources, seconds, message, told=told)


def _load(run):
    """
    The segmenter of this process, with its network.
    """
    if _loaded.get('settings') != run.settings:
        from distributed import get_worker

        _loaded.clear()
        # before the libraries that read it are imported
        os.environ.update(thread_settings(run.n_threads or get_worker().state.nthreads))
        with starting():
            segmenter = RCNNSegmenter(**run.options)
            if segmenter.model.sha256 != run.sha256:
                msg = (f'the model of worker {get_worker().address} has the checksum '
                       f'{segmenter.model.sha256}, that of the client {run.sha256}')
                raise ValueError(msg)
            segmenter.model.detector  # noqa: B018
        _loaded.update(settings=run.settings, segmenter=segmenter)
    return _loaded['segmenter']
