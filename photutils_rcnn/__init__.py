# Licensed under a 3-clause BSD style license - see LICENSE
"""
Detect, classify and deblend the sources of astronomical images.
"""

__all__ = ['NoDetectionsWarning', 'RCNNResult', 'RCNNSegmenter', '__version__']

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version('photutils_rcnn')
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = '0.0.0'

_LAZY = {'RCNNSegmenter': 'photutils_rcnn.segmenter',
         'RCNNResult': 'photutils_rcnn.result',
         'NoDetectionsWarning': 'photutils.utils.exceptions'}


def __getattr__(name):
    """
    Import the public classes on first use: importing the package stays
    cheap and never pulls in TensorFlow.
    """
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    msg = f'module {__name__!r} has no attribute {name!r}'
    raise AttributeError(msg)


def __dir__():
    return sorted(__all__)
