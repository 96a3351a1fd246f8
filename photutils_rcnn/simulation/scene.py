# Licensed under a 3-clause BSD style license - see LICENSE
"""
Scenes: pixels and truth, simulated or labelled.
"""

__all__ = ['Scene']

from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from photutils_rcnn._files import atomic_path, open_npz
from photutils_rcnn.sources.classes import CLASS_NAMES
from photutils_rcnn.sources.footprints import Footprints


@dataclass
class Scene:
    """
    A field in one or more bands with its truth.

    Parameters
    ----------
    data : (n_bands, ny, nx) `~numpy.ndarray` of float32
        The pixels in electrons, the sky subtracted.
    noise : (n_bands,) `~numpy.ndarray` of float32
        The rms of the sky noise per pixel.
    mask : (ny, nx) `~numpy.ndarray` of bool
        `True` for pixels known to be bad.
    bands : tuple of str
        The names of the bands, blue to red.
    psf_fwhm : (n_bands,) `~numpy.ndarray`
        The FWHM of the PSFs in pixels.
    pixel_scale : float
        Arcsec per pixel.
    zero_points : (n_bands,) `~numpy.ndarray`
        The AB magnitude of one electron.
    preset : str
        The preset.
    seed : int
        The seed.
    truth : `~astropy.table.Table`
        One row per source: ``x``, ``y`` (pixels, 0-based), ``class_id``
        (1 star, 2 galaxy, 3 clump of a galaxy), ``flux_<band>`` (electrons, the whole model, of
        which some 5 percent, and up to a fifth where the signal-to-noise
        ratio is low, lie beyond the pixels that were drawn), ``mag`` (in the
        band ``truth.meta['reference_band']``), ``snr`` (of a matched filter
        over all bands), ``half_light_radius`` (pixels, circularized, without
        the PSF; 0 for stars), ``bulge_fraction`` (the fraction of the bulge in the flux
        of the reference band; 0 for stars), ``axis_ratio`` and ``asymmetry`` of galaxies
        as they are seen through the PSF without noise, within the footprint
        (``measure_appearance`` in ``photutils_rcnn.simulation.appearance``; NaN where the frame
        cuts them off), ``structure_snr`` (the signal-to-noise ratio of this asymmetry),
        ``blendedness`` (the fraction of the light of others within the footprint),
        ``nearest`` (pixels to the nearest other row), ``saturated``, and ``ignore``: too
        faint, too small, centered outside the frame, mostly masked or merged with a
        brighter source, so that neither finding nor missing it should count. Scenes with
        clumps also have ``host``, the row of the galaxy of a clump, -1 for other
        sources and if it is not listed, and ``flux_ratio_<band>``, the flux of the
        clump in units of that of the galaxy with all clumps, NaN for other sources;
        the fluxes of galaxies are without their clumps. Clumps that hardly stand out
        from the light around them or have a ratio below 0.005 in the bluest band
        are to be ignored, too. With other classes than stars and galaxies,
        ``truth.meta['class_names']`` are their names.
    footprints : `~photutils_rcnn.sources.footprints.Footprints`
        The amodal footprints, in the order of ``truth``.
    artifacts : (n_bands, ny, nx) uint8 `~numpy.ndarray`, optional
        The artifacts of each band, bits of
        `~photutils_rcnn.sources.artifacts.ARTIFACT_KINDS`: pixels that were saturated,
        and those where an artifact added more than twice the noise. `None` if
        they are not known.
    """

    data: np.ndarray
    noise: np.ndarray
    mask: np.ndarray
    bands: tuple
    psf_fwhm: np.ndarray
    pixel_scale: float
    zero_points: np.ndarray
    preset: str
    seed: int
    truth: Table
    footprints: Footprints
    artifacts: np.ndarray | None = None

    @property
    def class_names(self):
        """
        The names of the classes; that of identifier 1 is the first.
        """
        return tuple(self.truth.meta.get('class_names', CLASS_NAMES))

    @classmethod
    def from_labels(cls, data, labels, classes, *, mask=None, bands=None,
                    background='auto', psf_fwhm='auto', class_names=None):
        """
        The scene of a labelled image, to train or evaluate on.

        Noise and PSF are measured as in inference. The signal-to-noise ratio
        of a source is that within its label.

        Parameters
        ----------
        data : array_like, `~astropy.nddata.NDData`, path-like or HDU
            An image (ny, nx) or bands (n_bands, ny, nx), or anything else
            that `RCNNSegmenter.segment <photutils_rcnn.RCNNSegmenter.segment>`
            takes.
        labels : (ny, nx) array_like of int, \
                `~photutils.segmentation.SegmentationImage`, path-like, HDU, \
                (N, ny, nx) array_like of bool or \
                `~photutils_rcnn.sources.footprints.Footprints`
            A label image, 0 for background; or a mask for each source,
            labelled from 1, which may overlap.
        classes : mapping, `~astropy.table.Table`, sequence of str or str
            The name of the class of each label: by label; a table with the
            columns ``label`` and ``class_name``; names in the order of the
            labels; or one name for all. A source of unknown class (`None`, an
            empty string, NaN or a masked value) is ignored.
        mask : array_like of bool, optional
            `True` for bad pixels.
        bands : str or sequence of str, optional
            The names of the bands.
        background : 'auto', float or array_like, optional
            What to subtract, as in `RCNNSegmenter.segment
            <photutils_rcnn.RCNNSegmenter.segment>`. The default is
            ``'auto'``.
        psf_fwhm : 'auto', float, sequence of float or `None`, optional
            The FWHM of the PSF in pixels, measured by default. `None` if it
            is not known.
        class_names : sequence of str, optional
            All classes, in the order of their identifiers; by default star,
            galaxy, and others by their names.

        Returns
        -------
        scene : `Scene`
            The scene. Sources with a signal-to-noise ratio below 5, fewer than
            5 pixels or mostly on bad pixels have ``ignore``. Magnitudes, half-light
            radii, pixel scale and zero points are NaN.

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit.
        """
        from photutils_rcnn.simulation.label_scenes import scene_from_labels

        return scene_from_labels(
            cls, data, labels, classes, mask=mask, bands=bands,
            background=background, psf_fwhm=psf_fwhm, class_names=class_names)

    def write(self, path, *, compress=False):
        """
        Write the scene to one ``.npz`` file.

        The file appears under its name only when it is complete.

        Parameters
        ----------
        path : str or path-like
            The file.
        compress : bool, optional
            Whether to compress it. Noise hardly compresses unless it is
            rounded first.
        """
        arrays = {
            'data': self.data, 'noise': self.noise,
            'mask': np.packbits(self.mask), 'bands': np.array(self.bands),
            'psf_fwhm': self.psf_fwhm,
            'pixel_scale': np.array(self.pixel_scale),
            'zero_points': self.zero_points,
            'preset': np.array(self.preset), 'seed': np.array(self.seed),
            'reference_band': np.array(self.truth.meta['reference_band'])}
        if 'class_names' in self.truth.meta:
            arrays['class_names'] = np.array(self.class_names)
        if self.artifacts is not None:  # few pixels
            where = np.flatnonzero(self.artifacts)
            arrays['artifact_pixels'] = where
            arrays['artifact_kinds'] = self.artifacts.flat[where]
        arrays.update({f'truth_{name}': np.asarray(self.truth[name])
                       for name in self.truth.colnames})
        arrays.update({f'footprints_{name}': value for name, value
                       in self.footprints.to_packed().items()})
        save = np.savez_compressed if compress else np.savez
        with atomic_path(path) as temporary, temporary.open('wb') as stream:
            save(stream, **arrays)

    @classmethod
    def read(cls, path):
        """
        Read a scene written by `write`.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        scene : `Scene`
            The scene.

        Raises
        ------
        ValueError
            If the file is damaged or holds no scene.
        """
        with open_npz(path, 'scene file') as arrays:
            return cls._from_arrays(dict(arrays))

    @classmethod
    def _from_arrays(cls, arrays):
        """
        The scene of the arrays of a file.
        """
        truth = Table({name.removeprefix('truth_'): value for name, value
                       in arrays.items() if name.startswith('truth_')},
                      meta={'reference_band': str(arrays['reference_band'])})
        if 'class_names' in arrays:
            truth.meta['class_names'] = tuple(arrays['class_names'].tolist())
        packed = {name.removeprefix('footprints_'): value for name, value
                  in arrays.items() if name.startswith('footprints_')}
        shape = arrays['data'].shape[1:]
        mask = np.unpackbits(arrays['mask'], count=shape[0] * shape[1])
        artifacts = None
        if 'artifact_pixels' in arrays:
            artifacts = np.zeros(arrays['data'].shape, dtype=np.uint8)
            artifacts.flat[arrays['artifact_pixels']] = arrays['artifact_kinds']
        return cls(data=arrays['data'], noise=arrays['noise'],
                   mask=mask.reshape(shape).astype(bool),
                   bands=tuple(str(b) for b in arrays['bands']),
                   psf_fwhm=arrays['psf_fwhm'],
                   pixel_scale=float(arrays['pixel_scale']),
                   zero_points=arrays['zero_points'],
                   preset=str(arrays['preset']), seed=int(arrays['seed']),
                   truth=truth, footprints=Footprints.from_packed(packed),
                   artifacts=artifacts)
