# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn config`` command.
"""

__all__ = ['add_arguments', 'run']

from pathlib import Path


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('result', type=Path, metavar='ASDF', help='result of segment')


def run(args):
    """
    Print the options that a result was made with, for ``segment --config``.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds no result, or one that was made in Python.
    """
    from photutils_rcnn import RCNNResult
    from photutils_rcnn.commands.config_files import format_config

    print(format_config(RCNNResult.read(args.result).meta), end='')
    return 0
