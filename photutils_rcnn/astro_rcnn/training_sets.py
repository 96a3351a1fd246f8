# Licensed under a 3-clause BSD style license - see LICENSE
"""
The training sets of Astro R-CNN (Burke et al. 2019, MNRAS 490, 3952).

A set is a folder ``set_N`` with one image per band, ``img_<band>.fits``, and
``masks.fits``: one HDU per object with the light of that object alone and
its class in ``CLASS_ID``. The primary HDU is the first object.
`photutils_rcnn.astro_rcnn.training_set_writer` writes them.
"""

__all__ = ['TrainingSet', 'list_sets', 'read_images', 'read_set']

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from photutils_rcnn.astro_rcnn.masks import MARGIN, MASK_RECIPES
from photutils_rcnn.evaluation.blends import nearest_separation
from photutils_rcnn.preprocessing.bands import wavelength_order
from photutils_rcnn.sources.classes import CLASS_IDS, GALAXY, STAR
from photutils_rcnn.sources.footprints import Footprints

PIXEL_SCALE = 0.263
SUFFIXES = ('.fits', '.fits.gz')
_IMAGE = re.compile(r'^img_(.+?)\.fits(?:\.gz)?$')
_OBJECT = re.compile(r'^(star|gal).*\.fits(?:\.gz)?$')
_SET = re.compile(r'set_(\d+)$')


@dataclass
class TrainingSet:
    """
    One set: pixels and objects.

    Parameters
    ----------
    data : (n_bands, ny, nx) `~numpy.ndarray` of float32
        The pixels as stored, blue to red.
    bands : tuple of str
        The names of the bands.
    class_ids : (N,) `~numpy.ndarray` of int
        The classes of the objects that have a mask, 1 star, 2 galaxy.
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        Their masks.
    counts : (N,) `~numpy.ndarray`
        The light of each in the object's image.
    centers : (N, 2) `~numpy.ndarray`
        The centroids (x, y) of that light, in pixels.
    n_dropped : int
        The objects that have no mask.
    """

    data: np.ndarray
    bands: tuple
    class_ids: np.ndarray
    footprints: Footprints
    counts: np.ndarray
    centers: np.ndarray
    n_dropped: int

    def to_scene(self, *, fwhm=1.0 / PIXEL_SCALE, pixel_scale=PIXEL_SCALE,
                 background='auto'):
        """
        The set as a scene, to train or evaluate on.

        Parameters
        ----------
        fwhm : float, optional
            The FWHM of the PSF in pixels. The default is that of the
            published sets, 1 arcsec.
        pixel_scale : float, optional
            Arcsec per pixel.
        background : optional
            What to subtract; see
            `~photutils_rcnn.preprocessing.normalization.normalize_cube`.

        Returns
        -------
        scene : `~photutils_rcnn.simulation.scene.Scene`
            The scene. The sets tell neither fluxes per band nor magnitudes:
            ``flux_<band>``, ``mag``, ``snr``, ``half_light_radius``,
            ``blendedness`` and the zero points are NaN. No source is to be
            ignored.
        """
        from photutils_rcnn.preprocessing.background import resolve_background
        from photutils_rcnn.preprocessing.inputs import prepare_inputs
        from photutils_rcnn.preprocessing.noise import estimate_noise
        from photutils_rcnn.simulation.scene import Scene

        cube = prepare_inputs(self.data, bands=self.bands)
        level = resolve_background(cube, background)
        noise = estimate_noise(cube, level)
        n, n_bands = len(self.class_ids), len(self.bands)
        truth = Table()
        truth['x'], truth['y'] = self.centers.T
        truth['class_id'] = self.class_ids.astype(np.int32)
        for name in (*(f'flux_{band}' for band in self.bands), 'mag', 'snr',
                     'half_light_radius', 'blendedness'):
            truth[name] = np.full(n, np.nan)
        truth['nearest'] = nearest_separation(*self.centers.T)
        truth['saturated'] = truth['ignore'] = np.zeros(n, dtype=bool)
        truth.meta['reference_band'] = self.bands[0]
        return Scene(data=(cube.data - level).astype(np.float32),
                     noise=noise.ravel(), mask=cube.mask, bands=self.bands,
                     psf_fwhm=np.full(n_bands, fwhm, dtype=np.float32),
                     pixel_scale=pixel_scale,
                     zero_points=np.full(n_bands, np.nan),
                     preset='astro_rcnn', seed=0, truth=truth,
                     footprints=self.footprints)


def list_sets(folder):
    """
    The sets of a folder by their number; numbers may be missing.

    Parameters
    ----------
    folder : path-like
        A folder with sub-folders ``set_N``.

    Returns
    -------
    sets : dict of int to `~pathlib.Path`
        The folders, in the order of their numbers.

    Raises
    ------
    ValueError
        If there is no set.
    """
    found = {int(match.group(1)): path for path in Path(folder).iterdir()
             if path.is_dir() and (match := _SET.search(path.name))}
    if not found:
        msg = f'folder has no sub-folder set_N: {folder}'
        raise ValueError(msg)
    return dict(sorted(found.items()))


def read_images(folder, bands=None):
    """
    The images of a set.

    Parameters
    ----------
    folder : path-like
        The folder of the set.
    bands : sequence of str, optional
        The bands to read, in this order; by default all, blue to red.

    Returns
    -------
    data : (n_bands, ny, nx) `~numpy.ndarray` of float32
        The pixels.
    bands : tuple of str
        The names of the bands.

    Raises
    ------
    ValueError
        If a band is missing or the images differ in shape.
    """
    found = {}
    for path in sorted(Path(folder).iterdir(), reverse=True):
        if match := _IMAGE.match(path.name):
            found[match.group(1)] = path
    if bands is None:
        names = sorted(found)
        bands = [names[i] for i in wavelength_order(names)]
    missing = [band for band in bands if band not in found]
    if missing or not bands:
        msg = f'{folder}: no image img_<band>.fits of the bands {missing}'
        raise ValueError(msg)
    images = [fits.getdata(found[band]).astype(np.float32) for band in bands]
    shapes = {image.shape for image in images}
    if len(shapes) > 1 or images[0].ndim != 2:
        msg = f'{folder}: images must be 2D and of one shape, got {shapes}'
        raise ValueError(msg)
    return np.stack(images), tuple(bands)


def _objects(folder, masks):
    """
    The class and the light of one object after the other.
    """
    names = [f'masks{suffix}' for suffix in SUFFIXES]
    if masks is not None:
        names = [masks]
    path = next((folder / name for name in names
                 if (folder / name).is_file()), None)
    if path is not None:
        with fits.open(path, memmap=False) as hdus:
            for i, hdu in enumerate(hdus):
                if 'CLASS_ID' not in hdu.header or hdu.header['NAXIS'] != 2:
                    msg = (f'{path}: HDU {i} must be an image with a '
                           'CLASS_ID')
                    raise ValueError(msg)
                yield hdu.header['CLASS_ID'], hdu.data
                del hdu.data
        return
    single = sorted(item for item in folder.iterdir()
                    if _OBJECT.match(item.name))
    if masks is not None or not single:
        msg = f'{folder}: there is no {masks or "masks.fits"}'
        raise ValueError(msg)
    for item in single:
        is_star = item.name.startswith('star')
        yield STAR if is_star else GALAXY, fits.getdata(item)


def read_set(folder, *, recipe='astro_rcnn', bands=None, masks=None,
             **options):
    """
    Read a set.

    Parameters
    ----------
    folder : path-like
        The folder of the set. ``.fits.gz`` is read as well, and so is one
        file per object, ``star<id>.fits`` or ``gal<id>.fits``.
    recipe : {'astro_rcnn', 'noise', 'nonzero'}, optional
        How light becomes a mask; see
        `photutils_rcnn.astro_rcnn.masks`. The default is that of the
        paper.
    bands : sequence of str, optional
        The bands to read; by default all.
    masks : str, optional
        The name of the file of objects, if it is not ``masks.fits``.
    **options
        For the recipe: ``noise`` needs ``noise`` and ``fwhm``.

    Returns
    -------
    training_set : `TrainingSet`
        The set. Objects that the recipe leaves without a pixel are dropped.

    Raises
    ------
    ValueError
        If a file is missing, an object's class is unknown, or it is not of
        the shape of the images.
    """
    if recipe not in MASK_RECIPES:
        msg = f'recipe must be one of {sorted(MASK_RECIPES)}, got {recipe!r}'
        raise ValueError(msg)
    folder = Path(folder)
    data, bands = read_images(folder, bands)
    shape = data.shape[1:]
    boxes, cutouts, rows, n_dropped = [], [], [], 0
    for i, (class_id, counts) in enumerate(_objects(folder, masks)):
        if class_id not in CLASS_IDS.values() or counts.shape != shape:
            msg = (f'{folder}: object {i} must have a CLASS_ID in '
                   f'{sorted(CLASS_IDS.values())} and the shape {shape}, '
                   f'got {class_id!r} and {counts.shape}')
            raise ValueError(msg)
        counts, (y, x) = _cutout(counts.astype(np.float32))
        box = None
        if counts.size:
            mask = MASK_RECIPES[recipe](counts, class_id, **options)
            box, mask = Footprints.from_full(mask, (y, x), shape)
        if box is None:
            n_dropped += 1
            continue
        boxes.append(box)
        cutouts.append(mask)
        total = counts.sum(dtype=float)
        rows.append((class_id, total,
                     counts.sum(axis=0) @ np.arange(counts.shape[1]) / total
                     + x,
                     counts.sum(axis=1) @ np.arange(counts.shape[0]) / total
                     + y))
    table = np.array(rows, dtype=float).reshape(-1, 4)
    return TrainingSet(data, bands, table[:, 0].astype(int),
                       Footprints(boxes, cutouts, shape), table[:, 1],
                       table[:, 2:], n_dropped)


def _cutout(counts):
    """
    The part with light, and a margin that makes the recipes' answers those
    of the full frame.
    """
    rows = np.flatnonzero(counts.any(axis=1))
    cols = np.flatnonzero(counts.any(axis=0))
    if len(rows) == 0:
        return counts[:0, :0], (0, 0)
    # Smoothing reflects at the border of the frame, and only there.
    y, x = max(rows[0] - 2 * MARGIN, 0), max(cols[0] - 2 * MARGIN, 0)
    return counts[y:rows[-1] + 2 * MARGIN + 1,
                  x:cols[-1] + 2 * MARGIN + 1], (int(y), int(x))
