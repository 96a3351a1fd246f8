# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn models`` command.
"""

__all__ = ['add_arguments', 'run']


def add_arguments(parser):
    """
    Declare the options of the command: none.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    """


def run(args):
    """
    List the shipped models.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.

    Returns
    -------
    status : int
        0.
    """
    from photutils_rcnn.models.zoo import list_models

    for name, settings in list_models().items():
        print(f'{name}  sha256 {settings["sha256"][:12]}  '
              f'{settings.get("description", "")}')
    return 0
