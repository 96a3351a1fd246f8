# Licensed under a 3-clause BSD style license - see LICENSE
"""
Clumps of galaxies: hosts, places on them and flux ratios.
"""

__all__ = ['ResultClumps', 'clump_table', 'find_hosts']

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.stats import gaussian_fwhm_to_sigma
from astropy.table import QTable
from photutils.aperture import ApertureStats, CircularAnnulus, CircularAperture
from photutils.centroids import centroid_com
from photutils.morphology import data_properties

from photutils_rcnn.sources.photometry import band_pixels, detection_pixels

# Radii of the aperture and of the annulus of the local background, FWHM.
APERTURE = 0.75
ANNULUS = 1.25, 2.25
# A footprint of a clump ends at a quarter of the peak of a Gaussian: its diameter, FWHM.
FOOTPRINT_DIAMETER = 2**0.5


class ResultClumps:
    """
    What `~photutils_rcnn.RCNNResult` tells of the clumps of galaxies.
    """

    @cached_property
    def clumps(self):
        """
        The `~astropy.table.QTable` of the clumps, for models with the class ``clump``.

        One row each, in the order of `table`, with its ``label``, ``score``, ``x``,
        ``y`` and, with a WCS, ``sky_center``. ``host_label`` is the label of the
        galaxy whose footprint holds the clump, of several the one nearest to whose
        center it lies in units of its radius; 0 without one. ``host_radius`` is the
        half-light radius of the galaxy along its major axis, and ``host_dx`` and
        ``host_dy`` are the offset from its center in units of that; ``host_distance``
        is the distance in the plane of the galaxy, if it is a thin disc. For each
        band there are the flux of the clump above the light around it,
        ``clump_flux_<band>`` with ``clump_flux_err_<band>``, in an aperture of a
        radius of 0.75 FWHM and corrected for the light of a point source outside, and
        ``flux_ratio_<band>``, that divided by the flux within the footprints of the
        galaxy and of its clumps. Without a host, what is about it is NaN.

        A model without the class is a `ValueError`, as is a result read from a file
        without its pixels.
        """
        names = self.instances.class_names
        if not {'clump', 'galaxy'} <= set(names):
            msg = ('clumps needs a model with the classes clump and galaxy, such as that '
                   f"of the recipe 'clumps', got the classes {tuple(names)}")
            raise ValueError(msg)
        return clump_table(self)


def clump_table(result):
    """
    One row for each clump.

    Parameters
    ----------
    result : `~photutils_rcnn.RCNNResult`
        The sources, with the classes ``clump`` and ``galaxy``.

    Returns
    -------
    table : `~astropy.table.QTable`
        The table; see `photutils_rcnn.RCNNResult.clumps` for the columns.
    """
    frame = result._frame('clumps')
    sources, footprints = result.table, result.footprints
    is_clump = np.asarray(sources['class_name'] == 'clump')
    rows = np.flatnonzero(is_clump)
    ellipses = _galaxy_ellipses(result, detection_pixels(frame).data)
    host = find_hosts(footprints, rows, ellipses)
    names = ['label', 'score', 'x', 'y', 'sky_center']
    table = QTable(sources[[name for name in names if name in sources.colnames]][rows],
                   meta=dict(result.meta))
    _add_places(table, [ellipses.get(i) for i in host])
    table['host_label'] = np.append(sources['label'], np.int32(0))[host]
    unit = 1 if frame.cube.unit is None else frame.cube.unit
    fwhm = result.meta.get('psf_fwhm')
    for b, band in enumerate(result.bands):
        pixels = band_pixels(frame, b)
        widths = (FOOTPRINT_DIAMETER**-1 * np.sqrt(4 / np.pi * footprints.areas[rows])
                  if fwhm is None else np.full(len(rows), fwhm[b]))
        flux, error = _photometry(pixels, sources[rows], widths, footprints[rows])
        whole = _host_fluxes(pixels, footprints, rows, host)
        table[f'clump_flux_{band}'] = flux * unit
        table[f'clump_flux_err_{band}'] = error * unit
        with np.errstate(divide='ignore', invalid='ignore'):
            table[f'flux_ratio_{band}'] = np.where(whole > 0, flux / whole, np.nan)
    return table


@dataclass(frozen=True)
class _Ellipse:
    """
    Center, shape and half-light radius of a galaxy, pixels and radians.
    """

    x: float
    y: float
    axis_ratio: float
    angle: float
    radius: float

    def distance(self, x, y):
        """
        The distance of points along the major axis, pixels.
        """
        dx, dy = x - self.x, y - self.y
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.hypot(dx * cos + dy * sin, (dy * cos - dx * sin) / self.axis_ratio)


def _galaxy_ellipses(result, data):
    """
    The ellipses of the galaxies, by their rows.

    The shape is that of the footprint, as clumps would shift the center of the light
    and turn the axes.
    """
    ellipses = {}
    is_galaxy = np.asarray(result.table['class_name'] == 'galaxy')
    for i in np.flatnonzero(is_galaxy):
        mask, box = result.footprints.masks[i], result.footprints.slices(i)
        if not mask.any():
            continue
        shape = data_properties(mask.astype(float))
        x, y = centroid_com(mask.astype(float))
        ellipse = _Ellipse(x + box[1].start, y + box[0].start,
                           float(np.clip(1 / shape.elongation.value, 0.1, 1)),
                           shape.orientation.to_value(u.rad), np.nan)
        rows, cols = np.nonzero(mask)
        distance = ellipse.distance(cols + box[1].start, rows + box[0].start)
        order = np.argsort(distance)
        light = np.cumsum(data[box][rows, cols][order])
        half = distance[order][np.searchsorted(light, 0.5 * light[-1])] if (
            light[-1] > 0) else np.nan
        ellipses[int(i)] = _Ellipse(ellipse.x, ellipse.y, ellipse.axis_ratio,
                                    ellipse.angle, max(float(half), 0.5))
    return ellipses


def find_hosts(footprints, rows, ellipses):
    """
    The galaxies that clumps belong to.

    Parameters
    ----------
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The footprints of all sources.
    rows : (M,) `~numpy.ndarray` of int
        Those that are clumps.
    ellipses : dict
        The ellipse of each galaxy by its row, with the method ``distance``.

    Returns
    -------
    host : (M,) `~numpy.ndarray` of int
        The row of the galaxy that shares pixels with the clump, of several the one
        nearest in units of its radius; -1 without one.
    """
    host = np.full(len(rows), -1)
    for k, i in enumerate(rows):
        if not footprints.masks[i].any():
            continue
        y1, x1, y2, x2 = footprints.boxes[i]
        cropped, index = footprints.crop(slice(y1, y2), slice(x1, x2))
        own = footprints.masks[i]
        distances = {}
        for mask, slices, j in zip(cropped.masks, map(cropped.slices, range(len(index))),
                                   index, strict=True):
            if int(j) in ellipses and (own[slices] & mask).any():
                ellipse = ellipses[int(j)]
                distances[int(j)] = ellipse.distance(
                    0.5 * (x1 + x2 - 1), 0.5 * (y1 + y2 - 1)) / ellipse.radius
        if distances:
            host[k] = min(distances, key=distances.get)
    return host


def _add_places(table, ellipses):
    """
    Add where clumps are on their galaxies.
    """
    values = np.full((4, len(table)), np.nan)
    for k, ellipse in enumerate(ellipses):
        if ellipse is not None:
            x, y = table['x'][k], table['y'][k]
            values[:, k] = (ellipse.radius, (x - ellipse.x) / ellipse.radius,
                            (y - ellipse.y) / ellipse.radius,
                            ellipse.distance(x, y) / ellipse.radius)
    table['host_radius'] = values[0] * u.pix
    for name, column in zip(('host_dx', 'host_dy', 'host_distance'), values[1:],
                            strict=True):
        table[name] = column


def _photometry(pixels, sources, fwhm, footprints):
    """
    The flux of each clump above the light around it, and its error.
    """
    covered = np.zeros(pixels.data.shape, dtype=bool)
    for k, mask in enumerate(footprints.masks):
        covered[footprints.slices(k)] |= mask
    flux, error = np.full((2, len(sources)), np.nan)
    # the part of a Gaussian within the aperture
    part = 1 - np.exp(-0.5 * (APERTURE / gaussian_fwhm_to_sigma)**2)
    for k, width in enumerate(fwhm):
        place = float(sources['x'][k]), float(sources['y'][k])
        within = ApertureStats(pixels.data, CircularAperture(place, APERTURE * width),
                               error=pixels.error, mask=pixels.mask)
        around = ApertureStats(
            pixels.data, CircularAnnulus(place, *(r * width for r in ANNULUS)),
            mask=pixels.mask | covered, sum_method='center')
        n = around.sum_aper_area.value
        if not n > 0:
            continue
        area = within.sum_aper_area.value
        flux[k] = (within.sum - around.median * area) / part
        # of a median of n pixels: pi / 2 times the variance of a mean
        error[k] = np.sqrt(within.sum_err**2 + np.pi / 2 * (
            around.mad_std * area)**2 / n) / part
    return flux, error


def _host_fluxes(pixels, footprints, rows, host):
    """
    The flux of the galaxy of each clump, with all its clumps.
    """
    flux = np.full(len(rows), np.nan)
    for i in np.unique(host[host >= 0]):
        mask = np.zeros(pixels.data.shape, dtype=bool)
        for j in (i, *rows[host == i]):
            mask[footprints.slices(j)] |= footprints.masks[j]
        flux[host == i] = pixels.data[mask & ~pixels.mask].sum()
    return flux
