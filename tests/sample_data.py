# Licensed under a 3-clause BSD style license - see LICENSE
"""
Sample images and catalogs of others, which are not in the repository.
"""

import os
from pathlib import Path

import pytest

VARIABLE = 'PHOTUTILS_RCNN_SHARED_DATA'


def sample_data(name):
    """
    The path of a sample; skips the test where no folder is named.
    """
    if VARIABLE not in os.environ:
        pytest.skip('needs survey images and catalogs of others, which are not '
                    'distributed with the package; set '
                    f'{VARIABLE} to a folder that holds them')
    return Path(os.environ[VARIABLE]) / name
