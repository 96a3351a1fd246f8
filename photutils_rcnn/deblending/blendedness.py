# Licensed under a 3-clause BSD style license - see LICENSE
"""
Blendedness: how much of the light at a source is its own.
"""

__all__ = ['Blending', 'measure_blending']

from dataclasses import dataclass

import numpy as np

from photutils_rcnn.deblending.drawing import draw


@dataclass(frozen=True)
class Blending:
    """
    How the N sources of a frame share its light.

    Parameters
    ----------
    blendedness : (N,) `~numpy.ndarray`
        ``1 - sum(T m) / sum(T M)`` with the template T and the model m of the source,
        and the sum M of all models: 0 for a source that stands alone (Bosch et al. 2018,
        PASJ 70, S5, Sect. 4.9.11, with T in place of their Gaussian).
    own_fraction : (N,) `~numpy.ndarray`
        The fraction of the light in the footprint that is the source's own.
    outside_fraction : (N,) `~numpy.ndarray`
        The fraction of the source's light that lies outside of the footprint.
    """

    blendedness: np.ndarray
    own_fraction: np.ndarray
    outside_fraction: np.ndarray


def measure_blending(groups, shapes, amplitude, psf, is_star, footprints):
    """
    Measure how sources share the light of a frame.

    Parameters
    ----------
    groups : list of `~photutils_rcnn.deblending.stamps.StampGroup`
        The stamps, of stars and others apart.
    shapes : `~photutils_rcnn.deblending.templates.Shapes`
        The profiles.
    amplitude : (N,) `~numpy.ndarray`
        The fluxes.
    psf : `~photutils_rcnn.deblending.psf_image.MixedPSF`
        The PSF of each source.
    is_star : (N,) `~numpy.ndarray` of bool
        Which are point sources.
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The footprints.

    Returns
    -------
    blending : `Blending`
        Not a number for sources without light or footprint.
    """
    ny, nx = footprints.shape
    drawn, total = [], np.zeros(ny * nx + 1)
    for group in groups:
        templates = draw(group, shapes, psf[group.index], is_star[group.index[0]])
        pixels = group.pixels((ny, nx))
        np.add.at(total, pixels,
                  np.maximum(amplitude, 0)[group.index, None, None] * templates)
        drawn.append((group, pixels, templates))
    columns = np.full((3, len(amplitude)), np.nan)
    total[-1] = 0
    inside = np.zeros(ny * nx + 1, dtype=bool)
    for group, pixels, templates in drawn:
        own = templates * (pixels < ny * nx)
        light = np.maximum(amplitude[group.index], 0)
        weighted = light * (own**2).sum(axis=(1, 2))
        seen = (own * total[pixels]).sum(axis=(1, 2))
        columns[0, group.index] = 1 - _ratio(weighted, seen)
        frame = inside[:-1].reshape(ny, nx)
        for k, i in enumerate(group.index):
            where = footprints.slices(i)
            frame[where] = footprints.masks[i]
            covered = inside[pixels[k]]
            mine = own[k][covered].sum()
            columns[1, i] = _ratio(light[k] * mine, total[:-1].reshape(ny, nx)[where][
                footprints.masks[i]].sum())
            columns[2, i] = 1 - mine
            frame[where] = False
    return Blending(*np.clip(columns, 0, 1))


def _ratio(part, whole):
    """
    A fraction, not a number of nothing.
    """
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
