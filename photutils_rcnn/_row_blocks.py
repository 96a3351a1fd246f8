# Licensed under a 3-clause BSD style license - see LICENSE
"""
Blocks of rows, in which large frames need little more memory.
"""

__all__ = ['CACHED_ROWS', 'row_blocks']

CACHED_ROWS = 32  # of a frame, which the cache of a processor holds


def row_blocks(n_rows, height=256):
    """
    Cut a frame into blocks of rows.

    What works pixel by pixel takes them one after the other, so that its
    intermediate arrays stay small beside the frame.

    Parameters
    ----------
    n_rows : int
        The rows of the frame.
    height : int, optional
        The rows of a block; the last may have fewer.

    Yields
    ------
    rows : slice
        The rows of each block.
    """
    for start in range(0, n_rows, height):
        yield slice(start, min(start + height, n_rows))
