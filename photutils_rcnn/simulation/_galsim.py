# Licensed under a 3-clause BSD style license - see LICENSE
"""
GalSim, or one clear error where it is not installed.
"""

__all__ = ['galsim']

try:
    import galsim
except ModuleNotFoundError as exc:
    msg = ('Simulating scenes needs GalSim: '
           'pip install "photutils_rcnn[train]"')
    raise ModuleNotFoundError(msg, name='galsim') from exc
