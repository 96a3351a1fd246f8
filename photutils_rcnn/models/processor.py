# Licensed under a 3-clause BSD style license - see LICENSE
"""
Instruction sets of the processor.
"""

__all__ = ['has_fast_bfloat16']

import functools
from pathlib import Path


@functools.cache
def has_fast_bfloat16():
    """
    Whether the processor multiplies bfloat16 natively.

    Without the instructions bfloat16 is slower than float32.

    Returns
    -------
    answer : bool
        `False` where it cannot be told.
    """
    try:
        info = Path('/proc/cpuinfo').read_text()
    except OSError:
        return False
    return 'avx512_bf16' in info or 'amx_bf16' in info
