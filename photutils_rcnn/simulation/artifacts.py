# Licensed under a 3-clause BSD style license - see LICENSE
"""
Artifacts: spikes, halos, saturation, cosmic rays, trails, residual sky.

None of it is a source: diffraction spikes, saturation and bleed trails,
cosmic rays, satellite trails, residual background, missing pixels.
"""

__all__ = ['add_cosmic_rays', 'add_halo', 'add_spikes', 'add_trail',
           'missing_pixels', 'repair_cores', 'residual_background', 'saturate',
           'sky_structure']

import numpy as np
from scipy import ndimage

MAX_SPIKE = 220.0


def add_spikes(light, x, y, fluxes, sigma, fwhm, n_spikes, fraction, angle):
    """
    Add the diffraction spikes of a star, in place.

    The light along a spike falls as the inverse square of the radius.

    Parameters
    ----------
    light : (n_bands, ny, nx) `~numpy.ndarray`
        The frame.
    x, y : float
        The position of the star.
    fluxes, sigma, fwhm : (n_bands,) `~numpy.ndarray`
        Its fluxes, the noise per pixel and the FWHM of the PSF in pixels.
    n_spikes : int
        The number of spikes, even.
    fraction : float
        The fraction of the star's flux in all spikes.
    angle : float
        The direction of one spike in radians.
    """
    for b, frame in enumerate(light):
        width = 0.45 * fwhm[b]
        core = 3.0 * fwhm[b]
        # flux = n * integral of a / (r2 + core2) over r, times the width
        central = fraction * fluxes[b] / n_spikes * 2 / np.pi / core / (
            width * np.sqrt(2 * np.pi)) * core**2
        ratio = central / (0.2 * sigma[b])
        if ratio < core**2:
            continue
        reach = min(np.sqrt(ratio), MAX_SPIKE)
        x1, x2 = int(max(x - reach, 0)), int(min(x + reach, frame.shape[1]))
        y1, y2 = int(max(y - reach, 0)), int(min(y + reach, frame.shape[0]))
        if x2 <= x1 or y2 <= y1:
            continue
        dx = np.arange(x1, x2)[None, :] - x
        dy = np.arange(y1, y2)[:, None] - y
        radius2 = dx**2 + dy**2
        radial = central / (radius2 + core**2) * np.clip(
            (reach - np.sqrt(radius2)) / (0.2 * reach), 0, 1)
        for k in range(n_spikes // 2):
            phi = angle + k * 2 * np.pi / n_spikes
            across = dx * np.sin(phi) - dy * np.cos(phi)
            frame[y1:y2, x1:x2] += radial * np.exp(
                -0.5 * (across / width) ** 2)


def add_halo(light, x, y, fluxes, sigma, fraction, radius):
    """
    Add the out-of-focus reflection of a star, a disc with a hole, in place.

    Parameters
    ----------
    light : (n_bands, ny, nx) `~numpy.ndarray`
        The frame.
    x, y : float
        The position of the star.
    fluxes, sigma : (n_bands,) `~numpy.ndarray`
        Its fluxes and the noise per pixel.
    fraction : float
        The fraction of the star's flux in the halo.
    radius : float
        The radius of the halo in pixels. Its center is up to a third of that
        away from the star, the further the further the star is from the middle
        of the frame, as with reflections between filter and detector.
    """
    ny, nx = light.shape[1:]
    level = fraction * fluxes / (np.pi * radius**2)
    bands = np.flatnonzero(level > 0.05 * sigma)
    if not len(bands):
        return
    x = x + (x / nx - 0.5) * radius * 2 / 3
    y = y + (y / ny - 0.5) * radius * 2 / 3
    cols = np.arange(max(int(x - radius) - 3, 0), min(int(x + radius) + 4, nx))
    rows = np.arange(max(int(y - radius) - 3, 0), min(int(y + radius) + 4, ny))
    if not (len(cols) and len(rows)):
        return
    distance = np.hypot(cols[None, :] - x, rows[:, None] - y)
    edge = 0.05 * radius + 1
    disc = 1 / (1 + np.exp((distance - radius) / edge * 4)) - 1 / (
        1 + np.exp((distance - 0.3 * radius) / edge * 4))
    for b in bands:
        light[b, rows[0]:rows[-1] + 1, cols[0]:cols[-1] + 1] += level[b] * disc


def saturate(data, full_well, bleeding, rng):
    """
    Clip saturated pixels and let their charge bleed along columns, in place.

    Parameters
    ----------
    data : (n_bands, ny, nx) `~numpy.ndarray`
        The frame in electrons.
    full_well : float
        The saturation level.
    bleeding : bool
        Whether charge bleeds.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    saturated : (n_bands, ny, nx) bool `~numpy.ndarray`
        The pixels that reached the level.
    """
    saturated = np.zeros(data.shape, dtype=bool)
    for frame, full in zip(data, saturated, strict=True):
        hot = frame > full_well
        if not hot.any():
            continue
        if bleeding:
            for x in np.flatnonzero(hot.any(axis=0)):
                labels, _ = ndimage.label(hot[:, x])
                for (rows,) in ndimage.find_objects(labels):
                    excess = np.sum(frame[rows, x] - full_well)
                    length = int(min(0.35 * excess / full_well, 120))
                    up, down = (length * rng.uniform(0.3, 0.7, 2)).astype(int)
                    column = slice(max(rows.start - down, 0),
                                   rows.stop + up)
                    frame[column, x] = np.maximum(frame[column, x],
                                                  full_well)
            hot = frame >= full_well
        frame[hot] = full_well
        full[:] = hot
    return saturated


def repair_cores(data, saturated, how):
    """
    Replace saturated pixels as pipelines do, in place.

    Parameters
    ----------
    data : (n_bands, ny, nx) `~numpy.ndarray`
        The frame.
    saturated : 2D bool `~numpy.ndarray`
        The saturated pixels.
    how : {'interpolated', 'zero', 'hole'}
        ``'interpolated'`` takes each pixel from the nearest good ones of its
        row, ``'zero'`` sets it to the sky, ``'hole'`` to a fraction of the
        saturation level, as counters that roll over do.
    """
    for frame in data:
        if how == 'zero':
            frame[saturated] = 0
        elif how == 'hole':
            frame[saturated] *= 0.3
        else:
            for row in np.flatnonzero(saturated.any(axis=1)):
                bad = saturated[row]
                if not bad.all():
                    frame[row, bad] = np.interp(
                        np.flatnonzero(bad), np.flatnonzero(~bad),
                        frame[row, ~bad])


def add_cosmic_rays(frame, number, sigma, rng):
    """
    Add cosmic-ray tracks to one band, in place.

    Parameters
    ----------
    frame : 2D `~numpy.ndarray`
        The frame.
    number : float
        The expected number of tracks.
    sigma : float
        The noise per pixel.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    charge : 2D `~numpy.ndarray`
        What was added.
    """
    charge = np.zeros(frame.shape)
    for _ in range(rng.poisson(number)):
        x, y = rng.uniform(0, frame.shape[1]), rng.uniform(0, frame.shape[0])
        length = min(1 + rng.exponential(6.0), 80)
        steps = int(4 * length) + 1
        phi = rng.uniform(0, 2 * np.pi) + np.linspace(
            0, rng.normal(0, 0.3), steps)
        track_x = x + np.cumsum(np.cos(phi)) / 4
        track_y = y + np.cumsum(np.sin(phi)) / 4
        col, row = track_x.astype(int), track_y.astype(int)
        on = (col >= 0) & (col < frame.shape[1]) & (row >= 0) & (
            row < frame.shape[0])
        dose = sigma * 10 ** rng.uniform(0.6, 2.6) / 4
        np.add.at(charge, (row[on], col[on]),
                  dose * rng.uniform(0.5, 1.5, np.count_nonzero(on)))
    frame += charge
    return charge


def add_trail(frame, sigma, fwhm, rng):
    """
    Add the trail of a satellite to one band, in place.

    Parameters
    ----------
    frame : 2D `~numpy.ndarray`
        The frame.
    sigma : float
        The noise per pixel.
    fwhm : float
        The FWHM of the PSF in pixels.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    light : 2D `~numpy.ndarray`
        What was added.
    """
    phi = rng.uniform(0, np.pi)
    x0 = rng.uniform(0.2, 0.8) * frame.shape[1]
    y0 = rng.uniform(0.2, 0.8) * frame.shape[0]
    rows, cols = np.ogrid[:frame.shape[0], :frame.shape[1]]
    across = (cols - x0) * np.sin(phi) - (rows - y0) * np.cos(phi)
    width = fwhm / 2.355 * rng.uniform(1, 2)
    light = sigma * 10 ** rng.uniform(0.0, 1.5) * np.exp(
        -0.5 * (across / width) ** 2)
    frame += light
    return light


def residual_background(shape, rms, rng):
    """
    A smooth residual background of the given rms and mean zero.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape of the frame.
    rms : float
        The rms over the frame.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    background : 2D float64 `~numpy.ndarray`
        The background, in the unit of ``rms``.
    """
    rows = np.linspace(-1, 1, shape[0])[:, None]
    cols = np.linspace(-1, 1, shape[1])[None, :]
    a, b = rng.normal(0, 1, 2)
    background = a * rows + b * cols
    if rng.random() < 0.6:
        coarse = rng.normal(0, 1, (rng.integers(3, 7), rng.integers(3, 7)))
        patches = ndimage.zoom(coarse, (shape[0] / coarse.shape[0],
                                        shape[1] / coarse.shape[1]), order=3)
        background = background * rng.random() + patches
    background = background - background.mean()
    return background * (rms / max(background.std(), 1e-12))


def sky_structure(shape, kind, rng):
    """
    Structure of the sky that a background on a coarse mesh leaves.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape of the frame.
    kind : {'fringes', 'patches', 'steps'}
        Fringes bend a little and vary in strength; patches are a smooth random
        field on scales of 8 to 40 pixels, as nebulae; steps are those of
        amplifiers.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    structure : 2D float64 `~numpy.ndarray`
        The structure, of mean 0 and standard deviation 1.
    """
    rows, cols = np.mgrid[:shape[0], :shape[1]].astype(float)
    smooth = [ndimage.gaussian_filter(rng.standard_normal(shape), 40,
                                      mode='reflect') for _ in range(2)]
    smooth = [field / field.std() for field in smooth]
    if kind == 'fringes':
        phi, period = rng.uniform(0, np.pi), np.exp(rng.uniform(*np.log((18, 150))))
        phase = (cols * np.cos(phi) + rows * np.sin(phi)) / period
        structure = np.sin(2 * np.pi * (phase + rng.uniform(0, 0.5) * smooth[0])
                           ) * np.exp(0.4 * smooth[1])
    elif kind == 'patches':
        scale = np.exp(rng.uniform(*np.log((8, 40))))
        structure = ndimage.gaussian_filter(rng.standard_normal(shape), scale,
                                            mode='reflect')
    elif kind == 'steps':
        along = cols if rng.random() < 0.7 else rows
        width = rng.uniform(40, 200)
        levels = rng.normal(size=int(max(shape) / width) + 3)
        structure = levels[((along + rng.uniform(0, width)) / width).astype(int)]
    else:
        msg = f"kind must be 'fringes', 'patches' or 'steps', got {kind!r}"
        raise ValueError(msg)
    structure = structure - structure.mean()
    return structure / max(structure.std(), 1e-12)


def missing_pixels(shape, kind, rng):
    """
    Pixels without data.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape of the frame.
    kind : {'columns', 'corner', 'edge'}
        What is missing.
    rng : `numpy.random.Generator`
        The random generator.

    Returns
    -------
    missing : 2D bool `~numpy.ndarray`
        `True` where data are missing.
    """
    missing = np.zeros(shape, dtype=bool)
    if kind == 'columns':
        for _ in range(rng.integers(1, 4)):
            start = rng.integers(0, shape[1])
            missing[:, start:start + rng.integers(1, 5)] = True
    elif kind == 'corner':
        rows, cols = np.ogrid[:shape[0], :shape[1]]
        cut = (cols / (shape[1] * rng.uniform(0.15, 0.7))
               + rows / (shape[0] * rng.uniform(0.15, 0.7))) < 1
        missing[:] = cut
        if rng.random() < 0.5:
            missing = missing[::-1]
        if rng.random() < 0.5:
            missing = missing[:, ::-1]
        missing = missing.copy()
    elif kind == 'edge':
        axis = rng.integers(2)
        width = int(shape[axis] * rng.uniform(0.03, 0.35))
        missing = np.moveaxis(missing, axis, 0)
        missing[:width] = True
        if rng.random() < 0.5:
            missing = missing[::-1]
        missing = np.moveaxis(missing, 0, axis).copy()
    else:
        msg = f"kind must be 'columns', 'corner' or 'edge', got {kind!r}"
        raise ValueError(msg)
    return missing
