# Licensed under a 3-clause BSD style license - see LICENSE
"""
Plots of a result and of a single source.
"""

__all__ = ['ResultPlots']

from html import escape

import numpy as np
from astropy.visualization import simple_norm

from photutils_rcnn.plotting.pictures import band_indices, rgb_image
from photutils_rcnn.plotting.png import MAX_OVERLAY_SIDE, side_binning, thumbnail
from photutils_rcnn.sources.classes import CLASS_COLORS
from photutils_rcnn.sources.contours import mask_contours


class ResultPlots:
    """
    Mixin of `~photutils_rcnn.RCNNResult`: plots.
    """

    def _repr_html_(self):
        return f'<p>{escape(repr(self))}</p>{thumbnail(self)}{self.table._repr_html_()}'

    def plot(self, ax=None, *, bands=None, image=None, binning=None, outlines=True,
             show_labels=False, colors=None, linewidth=0.8):
        """
        Draw the frame and the outlines of the sources, colored by class.

        The picture is that of `~photutils_rcnn.plotting.rgb_image`: the bands in
        units of their noise as colors, a single one in gray.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            The axes to draw in. By default the current ones or, in a figure without
            axes, new ones, with the coordinates of the sky if the result has a WCS.
        bands : str or sequence of str, optional
            The name of the band to show, or of several. By default all.
        image : (ny, nx) or (ny, nx, 3) array_like, optional
            The picture below the outlines, in place of that of the bands. A result
            that was read from a file without its pixels needs one.
        binning : int, optional
            How many pixels of the frame one pixel of the picture covers along an
            axis. By default so many that the picture has at most 3000 along each; 1
            with ``image``.
        outlines : bool, optional
            Whether to draw the outlines, at the ``mask_threshold`` of ``instances``.
            The default is `True`.
        show_labels : bool, optional
            Whether to write the labels beside the sources. The default is `False`.
        colors : dict, optional
            The color of each class by its name. By default stars are cyan and
            galaxies orange, others as in Matplotlib's cycle.
        linewidth : float, optional
            The width of the outlines in points. The default is 0.8.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`
            The axes.

        Raises
        ------
        ValueError
            If there is no such band, or the result has no pixels and there is no
            ``image``.
        """
        ax = _axes(self.wcs) if ax is None else ax
        colors = _class_colors(self, colors)
        if image is None:
            if binning is None:
                binning = side_binning(max(self.labels.shape), MAX_OVERLAY_SIDE)
            image = rgb_image(self, bands=bands, binning=binning)
        image, binning = np.asarray(image), binning or 1
        ny, nx = (n * binning for n in image.shape[:2])
        ax.imshow(image, origin='lower', cmap='gray', interpolation='nearest',
                  extent=(-0.5, nx - 0.5, -0.5, ny - 0.5))
        if outlines:
            _draw_outlines(ax, self.instances, colors, linewidth)
        if show_labels:
            table = self.table
            for row in table[table['label'] > 0]:
                ax.annotate(str(row['label']), (row['bbox_xmax'], row['bbox_ymax']),
                            color=colors[row['class_name']], fontsize=6, clip_on=True)
        return ax

    def plot_source(self, label, *, figure=None, bands=None, levels=(0.1, 0.5, 0.9),
                    margin=8, colors=None):
        """
        Draw a source in each band, and its soft mask.

        On each band, in units of its noise, lie the contours of the soft mask and,
        dotted, the outlines of other sources. The last panel is the probability of
        the mask, with the footprint colored.

        Parameters
        ----------
        label : int
            The label of the source in the label image.
        figure : `~matplotlib.figure.Figure` or `~matplotlib.figure.SubFigure`, \
                optional
            The figure to draw in. By default a new one.
        bands : str or sequence of str, optional
            The bands to show. By default all. A result that was read from a file
            without its pixels shows the mask alone.
        levels : float or sequence of float, optional
            The probabilities of the contours, between 0 and 1. The default is
            ``(0.1, 0.5, 0.9)``.
        margin : int, optional
            The pixels to show around the mask. The default is 8.
        colors : dict, optional
            The color of each class by its name; see `plot`.

        Returns
        -------
        axes : (n_bands + 1,) `~numpy.ndarray` of `~matplotlib.axes.Axes`
            The panels.

        Raises
        ------
        ValueError
            If there is no such label or band, or a level is not between 0 and 1.
        """
        i, found = self._row_of_label(label), self.instances
        contours = mask_contours(found[i], levels)[0]
        colors = _class_colors(self, colors)
        color = colors[found.class_names[found.class_ids[i] - 1]]
        shown = [] if self.cube is None else band_indices(self, bands)
        values, slices = found.paste(i)
        cutout = tuple(slice(max(part.start - margin, 0), min(part.stop + margin, n))
                       for part, n in zip(slices, self.labels.shape, strict=True))
        axes = _panels(figure, len(shown) + 1)
        for ax, band in zip(axes, shown, strict=False):
            _draw_band(ax, self, band, cutout)
            ax.set_title(self.bands[band])
        _draw_mask(axes[-1], values, slices, values >= found.mask_threshold, color)
        axes[-1].set_title('mask')
        others = found[_neighbors(self.footprints, i, cutout)]
        y, x = cutout
        for ax in axes:
            _draw_outlines(ax, others, colors, 0.8, linestyle=':')
            _draw_lines(ax, contours, color)
            ax.set(xlim=(x.start - 0.5, x.stop - 0.5), ylim=(y.start - 0.5, y.stop - 0.5))
        return axes


def _axes(wcs):
    """
    The current axes, or new ones on the sky.
    """
    from astropy.visualization.wcsaxes import WCSAxes
    from matplotlib import pyplot as plt

    figure = plt.gcf()
    if wcs is None or figure.axes:
        return figure.gca()
    return figure.add_subplot(axes_class=WCSAxes, wcs=wcs)


def _class_colors(result, colors):
    """
    The color of each class by its name.
    """
    cycle = {name: f'C{i}' for i, name in enumerate(result.instances.class_names)}
    return {**cycle, **CLASS_COLORS, **(colors or {})}


def _draw_outlines(ax, instances, colors, linewidth, linestyle='-'):
    """
    Draw the outlines of sources, those of a class as one collection.
    """
    from matplotlib.collections import LineCollection

    lines = [of_source for of_source, in mask_contours(
        instances, instances.mask_threshold)]
    for class_id, name in enumerate(instances.class_names, start=1):
        chosen = [line for i in np.flatnonzero(instances.class_ids == class_id)
                  for line in lines[i]]
        ax.add_collection(LineCollection(
            chosen, colors=colors[name], linewidths=linewidth, linestyles=linestyle,
            label=name), autolim=False)


def _draw_lines(ax, contours, color):
    """
    Draw the contours of a source, the highest level with the widest line.
    """
    for i, lines in enumerate(contours, start=1):
        for line in lines:
            ax.plot(*line.T, color=color, lw=0.5 + i / len(contours))


def _draw_band(ax, result, band, cutout):
    """
    Draw a part of a band, masked pixels left out.
    """
    pixels = result._frame('plot_source').snr[(slice(None), *cutout)][band]
    pixels = np.where(result.cube.invalid[(band, *cutout)], np.nan, pixels)
    # noise alone is not stretched to white; linear up to some sigma
    highest = max(float(np.nanmax(pixels, initial=0)), 10.)
    _show(ax, pixels, cutout, cmap='gray', norm=simple_norm(
        pixels, 'asinh', vmin=-2, vmax=highest, asinh_a=5 / (highest + 2)))


def _draw_mask(ax, values, slices, footprint, color):
    """
    Draw a soft mask, and its footprint in color.
    """
    from matplotlib.colors import ListedColormap

    ax.set_facecolor('black')
    _show(ax, values, slices, cmap='gray', vmin=0, vmax=1)
    _show(ax, np.ma.masked_equal(footprint, 0), slices, cmap=ListedColormap([color]),
          alpha=0.3)


def _show(ax, pixels, slices, **options):
    """
    Draw a part of the frame in its pixel coordinates.
    """
    y, x = slices
    ax.imshow(pixels, origin='lower', interpolation='nearest', **options,
              extent=(x.start - 0.5, x.stop - 0.5, y.start - 0.5, y.stop - 0.5))


def _panels(figure, n_panels):
    """
    Axes side by side.
    """
    if figure is None:
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=(3 * n_panels, 3.3), layout='constrained')
    return figure.subplots(1, n_panels, sharex=True, sharey=True, squeeze=False)[0]


def _neighbors(footprints, i, cutout):
    """
    The other sources with a box on a part of the frame.
    """
    y, x = cutout
    boxes = footprints.boxes
    inside = ((boxes[:, 0] < y.stop) & (boxes[:, 2] > y.start)
              & (boxes[:, 1] < x.stop) & (boxes[:, 3] > x.start))
    inside[i] = False
    return inside
