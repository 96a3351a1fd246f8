# Licensed under a 3-clause BSD style license - see LICENSE
"""
Scheduling of jobs on a Dask cluster.
"""

__all__ = ['run_jobs']

import os
from contextlib import contextmanager
from itertools import islice
from numbers import Integral
from pathlib import Path
from uuid import uuid4

from tqdm.auto import tqdm

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.distributed.manifest import Manifest
from photutils_rcnn.distributed.worker import Outcome, Run, run_job, thread_settings
from photutils_rcnn.io.optional import import_optional
from photutils_rcnn.io.records import Record, fingerprint
from photutils_rcnn.models.zoo import list_models


def run_jobs(jobs, out, options, *, client=None, n_workers=None, overwrite=False,
             progress_bar=True, tell=None):
    """
    Segment the frames that have no results yet.

    Parameters
    ----------
    jobs : list of object
        One for each frame. Its attributes are ``name``; ``files``, those of the frame;
        ``inputs``, these and what else is read; ``settings``, a dictionary of what else
        its results depend on; ``outputs``, the paths of the files that it may write.
        ``run(segmenter, overwrite=..., begin=...)`` calls ``begin()`` before it writes
        and returns the number of sources, the paths that were written and what is to be
        told. It must be possible to pickle it.
    out : path-like
        The folder for the results; created if it is missing.
    options : dict
        The options of `~photutils_rcnn.RCNNSegmenter`.
    client, n_workers, overwrite, progress_bar
        See `~photutils_rcnn.distributed.segment_many`.
    tell : callable, optional
        Called as ``tell(job, outcome)`` for each frame, as
        `~photutils_rcnn.distributed.worker.Outcome`; `None` in place of it for one that
        had results.

    Returns
    -------
    manifest : `~astropy.table.Table`
        The states of all frames.
    """
    import_optional('distributed')
    _check_workers(client, n_workers)
    _check_names(jobs)
    options = {**options, 'model': _model_for_all(options['model'])}
    segmenter = RCNNSegmenter(**options)  # what does not fit is told here
    model = segmenter.model
    settings = {**vars(segmenter), 'model': model.name, 'model_sha256': model.sha256,
                'runtime': model.runtime}
    del settings['progress_bar']
    out = Path(out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(out / 'manifest.ecsv', {
        job.name: ' '.join(map(str, job.files)) for job in jobs}, {
            name: settings[name] for name in ('model', 'model_sha256', 'runtime')})
    with tqdm(total=len(jobs), desc='Segmenting', unit='frame',
              disable=not progress_bar) as bar:
        n_failed = 0

        def report(job, outcome):
            nonlocal n_failed
            if outcome is not None:
                manifest.update(job.name, **{name: getattr(outcome, name) for name in (
                    'state', 'n_sources', 'seconds', 'message')})
                n_failed += outcome.state == 'failed'
            if tell is not None:
                tell(job, outcome)
            bar.set_postfix(failed=n_failed, refresh=False)
            bar.update()
            manifest.save()

        try:
            left = []
            for job in jobs:
                known = fingerprint(job.inputs, segmenter=settings, frame=job.settings)
                record = Record(out, job.name)
                before = None if overwrite else record.outcome(known)
                if before is not None:
                    del before['outputs']
                    manifest.update(job.name, state='done', **before)
                    report(job, None)
                elif (foreign := _foreign(job, record)) and not overwrite:
                    report(job, Outcome('failed', error='FileExistsError', message=(
                        f'{foreign} exists and has no record of what it was made from; '
                        'overwrite=True (--overwrite) replaces it')))
                else:
                    left.append((job, known))
            manifest.save(now=True)
            if left:
                with _cluster(client, n_workers) as (client, n_threads):
                    run = Run(options, fingerprint([], **settings), model.sha256, out,
                              n_threads)
                    for job, outcome in _outcomes(client, left, run):
                        report(job, outcome)
        finally:
            manifest.save(now=True)
    return manifest.table


def _check_workers(client, n_workers):
    from distributed import Client

    if client is not None and (not isinstance(client, Client) or client.asynchronous):
        msg = f'client must be a distributed.Client that is not asynchronous, got {client!r}'
        raise TypeError(msg)
    if client is not None and n_workers is not None:
        msg = f'n_workers must not be given with a client, got {n_workers!r}'
        raise ValueError(msg)
    if n_workers is not None and not (isinstance(n_workers, Integral) and n_workers > 0):
        msg = f'n_workers must be a positive integer, got {n_workers!r}'
        raise ValueError(msg)


def _model_for_all(model):
    """
    The name or, for processes in other folders, the path of a model.
    """
    if not isinstance(model, (str, os.PathLike)):
        msg = ('model must be the name or the path of a model, which each process loads, '
               f'got {model!r}')
        raise TypeError(msg)
    return model if model in list_models() else Path(model).absolute()


def _check_names(jobs):
    if not jobs:
        msg = 'frames must hold at least one frame, got none'
        raise ValueError(msg)
    named = {}
    for job in jobs:
        if not (isinstance(job.name, str) and job.name and Path(job.name).name == job.name):
            msg = ('the names of frames must be the beginnings of file names, got '
                   f'{job.name!r}')
            raise ValueError(msg)
        if job.name in named:
            msg = (f'the names of frames must differ, got {job.name!r} of '
                   f'{named[job.name].files[0]} and {job.files[0]}')
            raise ValueError(msg)
        named[job.name] = job


def _foreign(job, record):
    """
    An output that is there and was not written by an earlier run; `None` if there is
    none.
    """
    if record.read():
        return None
    return next((path for path in job.outputs if path.exists()), None)


@contextmanager
def _cluster(client, n_workers):
    """
    The client, and the threads of each process; those of a cluster of our own if there
    is no client.
    """
    if client is not None:
        yield client, None
        return
    import dask
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster

    n_workers = n_workers or CPU_COUNT
    n_threads = max(1, CPU_COUNT // n_workers)
    settings = dask.config.set({
        'distributed.worker.multiprocessing-method': 'spawn',
        **{f'distributed.nanny.pre-spawn-environ.{name}': value
           for name, value in thread_settings(n_threads).items()}})
    # A worker that Dask pauses for want of memory would wait for ever: it holds nothing
    # that could be spilled. Its pages of status are nobody else's business.
    with (settings,
          LocalCluster(n_workers=n_workers, threads_per_worker=1, memory_limit=0,
                       dashboard_address='localhost:0',
                       worker_dashboard_address='localhost:0') as cluster,
          Client(cluster, set_as_default=False) as client):
        yield client, n_threads


def _outcomes(client, left, run):
    """
    The jobs and what became of them, as they are done.
    """
    import dask
    from distributed import CancelledError, KilledWorker, as_completed

    queue, running, done = iter(left), {}, as_completed(loop=client.loop)

    def submit():
        # As many as keep all workers busy: frames in memory are sent when it is time.
        n_wanted = 4 + 2 * sum(client.nthreads().values())
        for job, known in islice(queue, max(0, n_wanted - len(running))):
            future = client.submit(run_job, job, known, run, pure=False,
                                   key=f'{job.name}-{uuid4()}')
            running[future.key] = job
            done.add(future)

    with dask.config.set({'distributed.admin.large-graph-warning-threshold': '1 TiB'}):
        submit()
        for future in done:
            try:
                outcome = future.result()
            except KilledWorker as exc:  # again and again, with this frame
                outcome = Outcome('failed', message=str(exc), error=type(exc).__name__)
            except CancelledError as exc:
                msg = f'the cluster was lost or gave up its work: {exc}'
                raise ConnectionError(msg) from exc
            yield running.pop(future.key), outcome
            submit()
