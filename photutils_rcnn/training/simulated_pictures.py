# Licensed under a 3-clause BSD style license - see LICENSE
"""
Color pictures of labelled sources of simulated scenes.
"""

__all__ = ['write_pictures']

import numpy as np
from astropy.visualization import make_lupton_rgb
from PIL import Image
from scipy import ndimage

from photutils_rcnn._files import atomic_path
from photutils_rcnn.sources.classes import GALAXY

# The side of pictures in pixels, and in units of the longer side of the source; the FWHM of
# the PSF in pixels, where they are magnified.
SIDES = 160, 320
EXTENTS = 2.5, 6.
LEAST_EXTENT = 1.5
FWHMS = 2.5, 15.
LEAST_SNR = 100.
MOST = 5  # of one scene
# Of the stretch: its softening, where white is 1 the value of the peak of the source, and where
# black is, in units of the noise.
SOFTENING = 1., 9.
PEAK = 0.3, 1.1
BLACK = -0.5, 1.5
# White is between the color of the average galaxy of the scene and, at this fraction of the
# way to a flat spectrum, that of the Sun (g - z of about 0.6); natural logarithm of the
# scatter of the bands about it.
LARGEST_BLUING = 0.5
COLOR_SCATTER = 0.1
QUALITY = 70, 96  # of JPEG


def _log_uniform(rng, limits):
    return float(np.exp(rng.uniform(*np.log(limits))))


def write_pictures(scene, labels, folder):
    """
    Write JPEG files of labelled sources, each in the middle, as surveys show them.

    The pictures are magnified, stretched with arcsinh (Lupton et al. 2004, PASP 116, 133)
    and have 8 bits: scale, depth, colors and quality are random, the same for the same seed
    of the scene.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.
    labels : (N,) array_like of str
        The labels of its sources, empty if they are not known.
    folder : `~pathlib.Path`
        The folder. Files that are there are not written again.

    Returns
    -------
    paths : list of `~pathlib.Path`
        The files, of up to ``MOST`` sources of S/N above ``LEAST_SNR`` that are not too
        near the edges.
    found : list of str
        Their labels.
    """
    labels = np.asarray(labels)
    boxes, (ny, nx) = scene.footprints.boxes, scene.data.shape[1:]
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    x, y = (np.rint(np.asarray(scene.truth[axis])).astype(int) for axis in 'xy')
    room = 2 * np.minimum.reduce([x, y, nx - 1 - x, ny - 1 - y]) + 1
    chosen = np.flatnonzero((labels != '') & (room > LEAST_EXTENT * sizes)
                            & (np.asarray(scene.truth['snr']) > LEAST_SNR))
    # the rarer class first
    numbers = {label: np.count_nonzero(labels[chosen] == label) for label in labels}
    chosen = sorted(chosen, key=lambda i: numbers[labels[i]])[:MOST]
    paths = []
    for i in chosen:
        paths.append(folder / f'{scene.preset}-{scene.seed:08d}-{i}.jpg')
        if paths[-1].exists():
            continue
        rng = np.random.default_rng((scene.seed, i))
        side = min(_log_uniform(rng, EXTENTS) * sizes[i], room[i])
        colors = _picture(scene, i, (y[i], x[i]), int(side) // 2, rng)
        with atomic_path(paths[-1]) as temporary, temporary.open('wb') as stream:
            Image.fromarray(colors).save(stream, 'JPEG', quality=int(rng.integers(*QUALITY)))
    return paths, labels[chosen].tolist()


def _picture(scene, i, center, half, rng):
    """
    The red, green and blue of a picture of a source, (n, n, 3) of uint8.
    """
    fwhm = np.mean(scene.psf_fwhm)
    magnification = float(np.clip(_log_uniform(rng, SIDES) / (2 * half + 1),
                                  FWHMS[0] / fwhm, FWHMS[1] / fwhm))
    chosen = np.rint(np.linspace(0, len(scene.data) - 1, 3)).astype(int)
    window = tuple(slice(at - half, at + half + 1) for at in center)
    light = _white(scene, chosen, rng)
    light *= np.mean([scene.truth[f'flux_{scene.bands[band]}'][i] for band in chosen])
    bands = np.stack([ndimage.zoom(scene.data[band][window] / unit, magnification,
                                   order=rng.choice([1, 3]))
                      for band, unit in zip(chosen, light, strict=True)])
    noise = np.mean(scene.noise[chosen] / light)
    near = tuple(slice(n // 2 - 2, n // 2 + 3) for n in bands.shape[1:])
    softening = _log_uniform(rng, SOFTENING)
    return make_lupton_rgb(
        *bands[::-1], minimum=noise * float(rng.uniform(*BLACK)), Q=softening,
        stretch=max(bands[:, *near].mean(), noise) * softening / np.sinh(
            rng.uniform(*PEAK) * np.arcsinh(0.1 * softening) / 0.1))


def _white(scene, bands, rng):
    """
    The light of the bands that is white, of mean 1: the same for all sources, as in
    surveys, so that red and blue galaxies differ.
    """
    fluxes = np.array([scene.truth[f'flux_{scene.bands[band]}'] for band in bands], float)
    fluxes = fluxes[:, np.asarray(scene.truth['class_id']) == GALAXY]
    average = np.median(fluxes / fluxes.mean(axis=0), axis=1)
    flat = 10 ** (0.4 * scene.zero_points[bands])
    white = average * (flat / average) ** rng.uniform(0, LARGEST_BLUING)
    white *= np.exp(rng.normal(0, COLOR_SCATTER, len(bands)))
    return white / white.mean()
