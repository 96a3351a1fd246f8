# Licensed under a 3-clause BSD style license - see LICENSE
"""
Optional dependencies, or one clear error where they are not installed.
"""

__all__ = ['check_format', 'import_optional']

from importlib import import_module

EXTRAS = {'distributed': 'distributed', 'pyarrow': 'parquet', 'pycocotools': 'coco',
          'regions': 'regions', 'scarlet2': 'scarlet2', 'tf2onnx': 'onnx'}
# no extra can have it: it asks for an older Astropy than this package does
BTK = '--no-deps blending_toolkit surveycodex fast3tree'
NEEDED = {'.parquet': 'pyarrow', '.json': 'pycocotools', '.reg': 'regions',
          '.crtf': 'regions'}


def import_optional(name):
    """
    Import a package of an extra.

    Parameters
    ----------
    name : str
        The package, or a module of it.

    Returns
    -------
    module : module
        The module.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message says how to.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as exc:
        package = name.partition('.')[0]
        what = f'"photutils_rcnn[{EXTRAS[package]}]"' if package in EXTRAS else BTK
        msg = f'this needs the package {package}: pip install {what}'
        raise ModuleNotFoundError(msg, name=name) from exc


def check_format(suffix):
    """
    Check that files of a format can be written.

    Parameters
    ----------
    suffix : str
        The end of the name, such as ``.parquet``.

    Raises
    ------
    ModuleNotFoundError
        If a package that the format needs is not installed.
    """
    if suffix in NEEDED:
        import_optional(NEEDED[suffix])
