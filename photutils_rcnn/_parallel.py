# Licensed under a 3-clause BSD style license - see LICENSE
"""
Parallel map over processes.
"""

__all__ = ['parallel_map']

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def parallel_map(job, items, n_processes):
    """
    The results of a job on each item, in their order.

    Closing the generator leaves out the items that have not been begun.

    Parameters
    ----------
    job : callable
        Called with an item; it must be possible to pickle it.
    items : iterable
        The items.
    n_processes : int
        The number of processes; 1 for this one.

    Yields
    ------
    result : object
        What the job returns.
    """
    if n_processes == 1:
        yield from map(job, items)
        return
    # Processes that are forked from one with threads may hang.
    with ProcessPoolExecutor(n_processes,
                             mp_context=get_context('spawn')) as pool:
        try:
            yield from pool.map(job, items, chunksize=4)
        finally:
            pool.shutdown(cancel_futures=True)
