# Licensed under a 3-clause BSD style license - see LICENSE
"""
Truth of a scene: footprints and measurable properties.

A source's footprint is amodal: the pixels in which its own noise-free light,
summed over the bands in units of the noise,
``sqrt(sum_b (I_b / sigma_b)**2)``, exceeds ``FOOTPRINT_LEVEL / FWHM``, with
the FWHM of the PSF in pixels. The level scales with the sampling for this
reason: a star of Gaussian FWHM with a matched-filter signal-to-noise ratio of
5 peaks at ``5 / (sqrt(pi) * FWHM / 2.355) = 6.6 / FWHM`` sigma, so that a
fixed level would swallow it whole in well-sampled images and enlarge it in
poorly sampled ones. At 3.0 / FWHM, 45 percent of its peak, the faintest
detectable star has a footprint about one FWHM across in all of them.

A clump of a galaxy is outlined down to a quarter of its peak, as below that the
light of the galaxy hides it.

A source that is detectable, but so diffuse that no pixel of it reaches that
level, is listed to be ignored, with the pixels above half of its peak.
"""

__all__ = ['measure_truth']

import numpy as np
from astropy.table import Table
from scipy import ndimage
from scipy.spatial import cKDTree

from photutils_rcnn.simulation.appearance import measure_appearance
from photutils_rcnn.sources.classes import CLUMP, GALAXY, STAR
from photutils_rcnn.sources.footprints import Footprints

FOOTPRINT_LEVEL = 3.0
LIMITING_SNR = 5.0
LISTED_SNR = 2.0
MIN_AREA = 5
MERGED_SEPARATION = 0.35
MERGED_PER_DEX = 0.25
MAX_STAR_RADIUS = 125.0
# of the peak, down to which a clump of a galaxy is outlined
CLUMP_LEVEL = 0.25
# of a clump: the light under it has to be told from the disc's
LIMITING_CLUMP_SNR = 7.0
# of the light of others at its peak in the band where it stands out most: fainter
# clumps are not told from the structure of a disc
LEAST_CONTRAST = 0.15
# of the galaxy's flux in the bluest band: smaller clumps need not be found
LEAST_RATIO = 0.005


def _footprint(stamp, sigma, level, x, y, class_id):
    """
    The connected pixels around the brightest one, without holes, and whether
    the source is diffuse; no footprint if there is nothing to outline.
    """
    ratio = np.zeros(stamp.light.shape[1:], dtype=np.float32)
    for light, s in zip(stamp.light, sigma, strict=True):
        ratio += (light * np.float32(1 / s)) ** 2
    peak = np.unravel_index(np.argmax(ratio), ratio.shape)
    diffuse = not ratio[peak] > level**2
    mask = ratio > (ratio[peak] / 4 if diffuse else level**2)
    if class_id == CLUMP:
        mask &= ratio > CLUMP_LEVEL**2 * ratio[peak]
    if class_id == STAR and max(mask.shape) > 2 * MAX_STAR_RADIUS:
        rows, cols = np.ogrid[:mask.shape[0], :mask.shape[1]]
        mask &= ((rows + stamp.y1 - y) ** 2 + (cols + stamp.x1 - x) ** 2
                 < MAX_STAR_RADIUS**2)
    if not mask[peak]:
        return None, diffuse
    labels, n = ndimage.label(mask)
    if n > 1:
        mask = labels == labels[peak]
    return ndimage.binary_fill_holes(mask), diffuse


def measure_truth(population, stamps, fluxes, total, *, bands, sigma,
                  variance, fwhm, bad, full_well, reference, size, host=None):
    """
    The truth table and footprints of a scene.

    Parameters
    ----------
    population : `Population`
        All sources.
    stamps : list of `Stamp` or `None`
        The light of each source.
    fluxes : (N, n_bands) `~numpy.ndarray`
        The total fluxes in electrons.
    total : (n_bands, ny, nx) `~numpy.ndarray`
        The light of all sources together.
    bands : sequence of str
        The names of the bands.
    sigma : (n_bands,) `~numpy.ndarray`
        The effective sky noise per pixel at the scale of the PSF.
    variance : (n_bands,) `~numpy.ndarray`
        The variance per pixel of sky and read noise.
    fwhm : (n_bands,) `~numpy.ndarray`
        The FWHM of the PSFs in pixels.
    bad : 2D bool `~numpy.ndarray`
        Pixels known to be bad.
    full_well : float
        The saturation level in electrons.
    reference : int
        The band whose magnitudes and bulge fractions are listed.
    size : (N,) `~numpy.ndarray`
        Half-light radii to list.
    host : (N,) `~numpy.ndarray` of int, optional
        The source that is the galaxy of a clump, -1 for others.

    Returns
    -------
    truth : `~astropy.table.Table`
        One row per source of S/N above ``LISTED_SNR``, or above
        ``LIMITING_SNR`` without pixels bright enough for a footprint; see
        `~photutils_rcnn.simulation.scene.Scene`.
    footprints : `Footprints`
        Their footprints, in the same order.
    """
    shape = total.shape[1:]
    boost = sigma**2 / variance
    inverse_noise = 1 / (boost[:, None, None] * (
        variance[:, None, None] + total)).astype(np.float32)
    weighted = np.tensordot(1 / sigma, total, axes=1)
    rows, boxes, masks = [], [], []
    for i, stamp in enumerate(stamps):
        if stamp is None:
            continue
        where = (slice(None), *stamp.slices)
        snr = float(np.sqrt(np.sum(stamp.light**2 * inverse_noise[where])))
        if snr < LISTED_SNR:
            continue
        weight = fluxes[i] / sigma
        level = FOOTPRINT_LEVEL / (np.sum(weight * fwhm) / np.sum(weight))
        class_id = population.class_id[i]
        limit = LIMITING_CLUMP_SNR if class_id == CLUMP else LIMITING_SNR
        x, y = population.x[i], population.y[i]
        mask, diffuse = _footprint(stamp, sigma, level, x, y, class_id)
        if mask is None or (diffuse and snr < LIMITING_SNR):
            continue
        own = np.tensordot(1 / sigma, stamp.light, axes=1)
        here = weighted[stamp.slices][mask]
        blendedness = 1 - own[mask].sum() / max(here.sum(), 1e-30)
        saturated = bool(np.any(
            (stamp.light[:, mask] > 0.5 * full_well)
            & (total[where][:, mask] > full_well)))
        seen = (np.nan, np.nan, 0.)
        if class_id == GALAXY and snr >= LIMITING_SNR:
            seen = measure_appearance(own / np.sqrt(len(sigma)), mask, np.mean(fwhm))
        box, mask = Footprints.from_full(mask, (stamp.y1, stamp.x1), shape)
        n_pixels = np.count_nonzero(mask)
        bad_fraction = np.count_nonzero(
            bad[box[0]:box[2], box[1]:box[3]] & mask) / n_pixels
        inside = -0.5 <= x < shape[1] - 0.5 and -0.5 <= y < shape[0] - 0.5
        rows.append((i, snr, float(np.clip(blendedness, 0, 1)), saturated,
                     diffuse or snr < limit or n_pixels < MIN_AREA
                     or bad_fraction > 0.5 or not inside
                     or _drowned(stamp, total[where], full_well)
                     or (class_id == CLUMP
                         and _contrast(stamp, total[where]) < LEAST_CONTRAST), *seen))
        boxes.append(box)
        masks.append(mask)

    index = np.array([row[0] for row in rows], dtype=int)
    snr = np.array([row[1] for row in rows], dtype=float)
    brightness = np.sum(fluxes[index] / sigma, axis=1)
    x, y = population.x[index], population.y[index]
    nearest, merged = _neighbors(x, y, brightness, float(np.mean(fwhm)))
    truth = Table()
    truth['x'], truth['y'] = x, y
    truth['class_id'] = population.class_id[index].astype(np.int32)
    for b, band in enumerate(bands):
        truth[f'flux_{band}'] = fluxes[index, b]
    truth['mag'] = population.magnitudes[index, reference]
    truth['snr'] = snr
    truth['half_light_radius'] = size[index]
    truth['bulge_fraction'] = population.bulge_fraction[index, reference]
    for column, name in enumerate(('axis_ratio', 'asymmetry', 'structure_snr'), start=5):
        truth[name] = np.array([row[column] for row in rows], dtype=float)
    truth['blendedness'] = np.array([row[2] for row in rows], dtype=float)
    truth['nearest'] = nearest
    truth['saturated'] = np.array([row[3] for row in rows], dtype=bool)
    truth['ignore'] = np.array([row[4] for row in rows], dtype=bool) | merged
    if host is not None:
        _add_hosts(truth, index, host, fluxes, bands)
    return truth, Footprints(boxes, masks, shape)


def _add_hosts(truth, index, host, fluxes, bands):
    """
    Add the galaxies of clumps and the ratios of their fluxes to the table.
    """
    row_of = np.full(len(host) + 1, -1)
    row_of[index] = np.arange(len(index))
    truth['host'] = row_of[host[index]].astype(np.int32)
    is_clump = host >= 0
    whole = fluxes.copy()
    np.add.at(whole, host[is_clump], fluxes[is_clump])
    ratio = np.full(fluxes.shape, np.nan)
    ratio[is_clump] = fluxes[is_clump] / whole[host[is_clump]]
    for b, band in enumerate(bands):
        truth[f'flux_ratio_{band}'] = ratio[index, b]
    truth['ignore'] |= ratio[index, 0] < LEAST_RATIO


def _contrast(stamp, total):
    """
    The peak of a source in units of the light of others there, in the band where that
    is largest.
    """
    peak = np.unravel_index(np.argmax(stamp.light.sum(axis=0)),
                            stamp.light.shape[1:])
    own, here = stamp.light[:, *peak], total[:, *peak]
    return np.max(own / np.maximum(here - own, 1e-9))


def _drowned(stamp, total, full_well):
    """
    Whether the brightest pixel is saturated by the light of others alone.
    """
    if not np.isfinite(full_well):
        return False
    peak = np.unravel_index(np.argmax(stamp.light.sum(axis=0)),
                            stamp.light.shape[1:])
    own, here = stamp.light[:, *peak], total[:, *peak]
    return bool(np.any((here > full_well) & (here - own > own)))


def _neighbors(x, y, brightness, fwhm):
    """
    The distance to the nearest source, and which sources lie so close to a
    brighter one that the two are one: within ``MERGED_SEPARATION`` FWHM, and
    ``MERGED_PER_DEX`` FWHM more for each factor of ten in brightness.
    """
    merged = np.zeros(len(x), dtype=bool)
    if len(x) < 2:
        return np.full(len(x), np.inf), merged
    tree = cKDTree(np.column_stack((x, y)))
    nearest = tree.query(tree.data, k=2)[0][:, 1]
    pairs = tree.query_pairs(1.5 * fwhm, output_type='ndarray')
    pairs = pairs[np.arange(len(pairs))[:, None],
                  np.argsort(brightness[pairs], axis=1)]
    fainter, brighter = pairs[:, 0], pairs[:, 1]
    separation = np.hypot(x[fainter] - x[brighter], y[fainter] - y[brighter])
    contrast = np.log10(brightness[brighter] / brightness[fainter])
    merged[fainter[separation < fwhm * (
        MERGED_SEPARATION + MERGED_PER_DEX * contrast)]] = True
    return nearest, merged
