# Licensed under a 3-clause BSD style license - see LICENSE
"""
Plots of results.
"""

__all__ = ['CLASS_COLORS', 'plot_result', 'rgb_image',
           'write_overlay']

import numpy as np
from astropy.nddata import block_reduce
from astropy.visualization import make_lupton_rgb

from photutils_rcnn._row_blocks import row_blocks
from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.normalization import to_model_bands
from photutils_rcnn.sources.contours import mask_contours

CLASS_COLORS = {'star': 'cyan', 'galaxy': 'orange'}

MAX_OVERLAY_SIDE = 3000


def rgb_image(result, *, binning=1):
    """
    A color picture of the frame of a result.

    The bands in units of their noise, red for the reddest, with the
    arcsinh stretch of `~astropy.visualization.make_lupton_rgb`. Any number of
    bands is mapped to three as for the network.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        A result that has its pixels.
    binning : int, optional
        The side in pixels of the squares that are averaged, along an axis
        with fewer pixels all of it; incomplete ones at the upper and right
        borders are left out. The default is 1.

    Returns
    -------
    image : (ny // binning, nx // binning, 3) uint8 `~numpy.ndarray`
        The picture, at least one pixel high and wide.
    """
    cube = result.cube
    if cube is None:
        msg = ('result was stored without its pixels: give image to '
               'plot_result')
        raise ValueError(msg)
    frame = Frame(cube, result._background, result.noise).snr
    height, width = (min(binning, n) for n in cube.shape)
    squares = (1, height, width)
    ny = cube.shape[0] // height * height
    snr, valid = [], []
    for rows in row_blocks(ny, height=max(256 // height, 1) * height):
        snr.append(block_reduce(frame[:, rows], squares, np.mean))
        valid.append(block_reduce(~cube.invalid[:, rows], squares, np.all))
    snr, valid = (np.concatenate(parts, axis=1) for parts in (snr, valid))
    blue, green, red = to_model_bands(snr, valid, 3)
    return make_lupton_rgb(red, green, blue, minimum=-2, stretch=15, Q=8)


def plot_result(result, *, image=None, binning=1, ax=None, show_labels=False,
                colors=None, linewidth=0.8):
    """
    Draw a frame and the outlines of its sources, colored by class.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The result.
    image : (ny, nx) or (ny, nx, 3) array_like, optional
        The picture below the outlines. By default that of `rgb_image`.
    binning : int, optional
        How many pixels of the frame one pixel of the picture covers along
        an axis. Large frames draw quicker. The default is 1.
    ax : `~matplotlib.axes.Axes`, optional
        The axes to draw in. By default the current ones.
    show_labels : bool, optional
        Whether to write the labels beside the sources. The default is
        `False`.
    colors : dict, optional
        The color of each class by its name. By default stars are cyan and
        galaxies orange (`CLASS_COLORS`), others as in Matplotlib's cycle.
    linewidth : float, optional
        The width of the outlines in points. The default is 0.8.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        The axes.
    """
    from matplotlib import pyplot as plt
    from matplotlib.collections import LineCollection

    ax = plt.gca() if ax is None else ax
    names = result.instances.class_names
    colors = {**{name: f'C{i}' for i, name in enumerate(names)}, **CLASS_COLORS,
              **(colors or {})}
    picture = (rgb_image(result, binning=binning) if image is None
               else np.asarray(image))
    ny, nx = picture.shape[:2]
    ax.imshow(picture, origin='lower', cmap='gray', interpolation='nearest',
              extent=(-0.5, nx * binning - 0.5, -0.5, ny * binning - 0.5))
    lines = [of_source for of_source, in mask_contours(
        result.instances, result.instances.mask_threshold)]
    class_ids = result.instances.class_ids
    for class_id, name in enumerate(names, start=1):
        chosen = [line for i in np.flatnonzero(class_ids == class_id)
                  for line in lines[i]]
        ax.add_collection(LineCollection(
            chosen, colors=colors[name], linewidths=linewidth, label=name),
            autolim=False)
    if show_labels:
        table = result.table
        for row in table[table['label'] > 0]:
            ax.annotate(str(row['label']),
                        (row['bbox_xmax'], row['bbox_ymax']),
                        color=colors[row['class_name']], fontsize=6,
                        clip_on=True)
    return ax


def write_overlay(path, result):
    """
    Write the picture of `plot_result` to a PNG file.

    Small frames are enlarged, large ones binned to at most 3000 pixels.

    Parameters
    ----------
    path : str or path-like
        The file; it is replaced if it exists.
    result : `~photutils_rcnn.RCNNResult`
        The result.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ny, nx = result.labels.shape
    binning = -(-max(ny, nx) // MAX_OVERLAY_SIDE)
    scale = min(max(1024 / max(ny, nx), 1 / binning), 8.0)
    dpi = 100
    figure = Figure(figsize=(max(nx * scale, 16) / dpi,
                             max(ny * scale, 16) / dpi), dpi=dpi)
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    plot_result(result, binning=binning, ax=ax)
    ax.set_axis_off()
    figure.savefig(path, dpi=dpi)
