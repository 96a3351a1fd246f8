# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests of blocks of rows.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_equal

from photutils_rcnn._row_blocks import row_blocks


@given(st.integers(1, 700), st.integers(1, 300))
def test_blocks_of_rows(n_rows, height):
    """
    Every row is in one block, none is higher than asked.
    """
    rows = np.arange(n_rows)
    blocks = [rows[block] for block in row_blocks(n_rows, height)]
    assert_equal(np.concatenate(blocks), rows)
    assert max(map(len, blocks)) <= height
