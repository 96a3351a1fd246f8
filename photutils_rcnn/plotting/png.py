# Licensed under a 3-clause BSD style license - see LICENSE
"""
Plots as PNG files, and as thumbnails in notebooks.
"""

__all__ = ['write_overlay']

from base64 import b64encode
from io import BytesIO

import numpy as np

MAX_OVERLAY_SIDE = 3000
THUMBNAIL_SIDE = 320
# More outlines than this hide the picture, and take long to trace.
MAX_THUMBNAIL_OUTLINES = 1000


def write_overlay(path, result):
    """
    Write the picture of `photutils_rcnn.RCNNResult.plot` to a PNG file.

    Small frames are enlarged, large ones binned to at most 3000 pixels.

    Parameters
    ----------
    path : str or path-like
        The file; it is replaced if it exists.
    result : `~photutils_rcnn.RCNNResult`
        The result.
    """
    longest = max(result.labels.shape)
    scale = min(max(1024 / longest, 1 / side_binning(longest, MAX_OVERLAY_SIDE)), 8.0)
    figure, ax = _bare_axes(result, scale)
    result.plot(ax)
    # half of the time of the default, for a tenth more bytes
    figure.savefig(path, format='png', pil_kwargs={'compress_level': 1})


def thumbnail(result):
    """
    A small picture as an element of HTML.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result; without its pixels there are outlines on black.

    Returns
    -------
    html : str
        The element, empty without Matplotlib.
    """
    ny, nx = result.labels.shape
    binning = side_binning(max(ny, nx), THUMBNAIL_SIDE)
    image = None if result.cube is not None else np.zeros(
        (max(ny // binning, 1), max(nx // binning, 1), 3))
    try:
        figure, ax = _bare_axes(result, THUMBNAIL_SIDE / max(ny, nx))
    except ImportError:
        return ''
    result.plot(ax, image=image, binning=binning, linewidth=0.5,
                outlines=len(result) <= MAX_THUMBNAIL_OUTLINES)
    png = BytesIO()
    figure.savefig(png, format='png')
    data = b64encode(png.getvalue()).decode()
    return f'<img alt="sources" src="data:image/png;base64,{data}">'


def side_binning(side, limit):
    """
    How many pixels of a side are averaged to keep it within a limit.

    Parameters
    ----------
    side, limit : int
        The side and the limit in pixels.

    Returns
    -------
    binning : int
        The number of pixels.
    """
    return -(-side // limit)


def _bare_axes(result, scale):
    """
    A figure without a window, and axes without lines that fill it.
    """
    from matplotlib.figure import Figure

    dpi = 100
    ny, nx = result.labels.shape
    figure = Figure(figsize=(max(nx * scale, 16) / dpi, max(ny * scale, 16) / dpi),
                    dpi=dpi)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    return figure, ax
