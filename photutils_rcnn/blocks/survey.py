# Licensed under a 3-clause BSD style license - see LICENSE
"""
Survey of a frame: background, noise and PSF of all of it, read block by block.

They are those that a frame in memory has, so that sources do not depend on the blocks.
"""

__all__ = ['Survey', 'survey_frame']

import warnings
from dataclasses import dataclass, replace

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn.blocks.grid import grown
from photutils_rcnn.blocks.mesh import BinFile, MeshBackground, fit_mesh
from photutils_rcnn.blocks.noise_sample import NoiseSample
from photutils_rcnn.detection.bright_stars import usual_wings
from photutils_rcnn.detection.pipeline import FrameEstimates, FramePSF, model_stretch
from photutils_rcnn.detection.psf_profile import measure_psf_profile
from photutils_rcnn.preprocessing.background import BIN, resolve_background
from photutils_rcnn.preprocessing.binned_map import BinnedMap
from photutils_rcnn.preprocessing.frame import Frame
from photutils_rcnn.preprocessing.given_psf import prepare_psf
from photutils_rcnn.preprocessing.noise import scaled_noise
from photutils_rcnn.preprocessing.normalization import NormalizedImage, to_model_fwhm
from photutils_rcnn.preprocessing.psf import given_fwhm, psf_of_peaks
from photutils_rcnn.preprocessing.psf_peaks import (
    choose_bright_peaks,
    find_bright_peaks,
    merge_bright_peaks,
)
from photutils_rcnn.preprocessing.psf_trend import find_trend, relative_width

ALIGNED = 64  # pixels; the side of the boxes of errors, a multiple of the bins


@dataclass(frozen=True)
class Survey:
    """
    What all blocks know of the frame.

    Parameters
    ----------
    shape : (2,) tuple of int
        The shape (ny, nx) of the frame.
    background : list of `~photutils_rcnn.blocks.mesh.MeshBackground` or `None`
        The background of each band; `None` if it is given.
    noise : (n_bands,) `~numpy.ndarray`
        The level of the noise, see `~photutils_rcnn.preprocessing.noise.scaled_noise`.
    psf : `~photutils_rcnn.detection.pipeline.FramePSF`
        The PSF, with the stars of the whole frame.
    """

    shape: tuple
    background: list | None
    noise: np.ndarray
    psf: FramePSF | None = None

    def estimates(self, window):
        """
        What is known of a window.

        Parameters
        ----------
        window : (2,) tuple of slice
            The rows and columns, which begin at multiples of four.

        Returns
        -------
        estimates : `~photutils_rcnn.detection.pipeline.FrameEstimates`
            The estimates.
        """
        start = np.array([axis.start for axis in window])
        shape = np.array([axis.stop - axis.start for axis in window])
        psf = self.psf
        if psf is not None and psf.fwhm is not None:
            middle = start + (shape - 1) / 2
            stars = psf.stars
            inside = ((stars >= start) & (stars < start + shape)).all(axis=1)
            psf = replace(psf, stars=stars[inside] - start,
                          fwhm=psf.fwhm * relative_width(psf.slopes, middle, self.shape),
                          slopes=np.asarray(psf.slopes) * shape / self.shape)
        return FrameEstimates(self._background(window), self.noise, psf)

    def _background(self, window):
        if self.background is None:
            return None
        bins = tuple(slice(axis.start // BIN, -(-axis.stop // BIN)) for axis in window)
        return BinnedMap(np.stack([mesh.bins(bins) for mesh in self.background]), BIN,
                         tuple(axis.stop - axis.start for axis in window))

    def frame(self, cube, window, given):
        """
        A window with its background and noise.

        Parameters
        ----------
        cube : `~photutils_rcnn.preprocessing.inputs.ImageCube`
            Its pixels.
        window : (2,) tuple of slice
            The rows and columns, which begin at multiples of 64.
        given : 'auto', float, `~numpy.ndarray` or `~astropy.units.Quantity`
            The background that is given.

        Returns
        -------
        frame : `~photutils_rcnn.preprocessing.frame.Frame`
            The window.
        """
        background = self._background(window)
        if background is None:
            background = resolve_background(cube, given)
        return Frame(cube, background, scaled_noise(cube, self.noise))

    def to_arrays(self, fill):
        """
        The survey and the fill values of the frame as arrays, for a file.
        """
        psf = self.psf
        arrays = {'noise': self.noise, 'slopes': np.asarray(psf.slopes)}
        for name in ('fwhm', 'stars', 'profile', 'wings'):
            if getattr(psf, name) is not None:
                arrays[name] = getattr(psf, name)
        for i, mesh in enumerate(self.background or ()):
            arrays[f'trend_{i}'], arrays[f'mesh_{i}'] = mesh.trend, mesh.mesh
        for i, known in enumerate(fill):
            arrays[f'fill_{i}'] = np.array([*known.items()]).reshape(-1, 2)
        return arrays

    @classmethod
    def from_arrays(cls, arrays, shape):
        """
        The inverse of `to_arrays`: the survey and the fill values.
        """
        psf = FramePSF(slopes=arrays['slopes'], **{
            name: arrays[name] for name in ('fwhm', 'stars', 'profile', 'wings')
            if name in arrays})
        bins = tuple(-(-n // BIN) for n in shape)
        meshes, fill, i = [], [], 0
        while f'fill_{i}' in arrays:
            fill.append(dict(arrays[f'fill_{i}'].tolist()))
            if f'mesh_{i}' in arrays:
                meshes.append(MeshBackground(arrays[f'trend_{i}'], arrays[f'mesh_{i}'], bins))
            i += 1
        return cls(shape, meshes or None, arrays['noise'], psf), fill


def survey_frame(source, probe, blocks, segmenter, psf, folder, *, progress):
    """
    Survey a frame.

    Parameters
    ----------
    source : `~photutils_rcnn.blocks.frame_source.FrameSource`
        The frame; its fill values are known afterwards.
    probe : `~photutils_rcnn.preprocessing.inputs.ImageCube`
        From `FrameSource.describe`.
    blocks : list of `~photutils_rcnn.blocks.grid.Block`
        The blocks.
    segmenter : `~photutils_rcnn.RCNNSegmenter`
        The segmenter.
    psf : object
        The PSF that is given, or `None`.
    folder : `~pathlib.Path`
        Where files may lie for the time of the call.
    progress : callable
        Called after each block that was read, of thrice as many.

    Returns
    -------
    survey : `Survey`
        What is known.
    """
    for block in blocks:
        source.find_fill(block.core)
        progress()
    is_given = not isinstance(source.background(blocks[0].core), str)
    bins = None if is_given else BinFile(folder, source.n_bands, source.shape)
    sample = NoiseSample(source.shape, source.n_bands)
    try:
        for block in blocks:
            cube = source.cube(block.core)
            if cube is not None:
                given = resolve_background(
                    cube, source.background(block.core)) if is_given else None
                sample.add(cube, block.core, given)
                if bins is not None:
                    bins.write(block.core, cube.data, cube.invalid)
            progress()
        meshes = None if bins is None else [
            fit_mesh(bins, band) for band in range(source.n_bands)]
    finally:
        if bins is not None:
            bins.remove()
    noise = sample.levels(meshes)
    survey = Survey(source.shape, meshes, noise)
    return replace(survey, psf=_find_psf(source, probe, blocks, segmenter, psf, survey,
                                         progress))


def _find_psf(source, probe, blocks, segmenter, psf, survey, progress):
    """
    The PSF of the frame, and its stars.
    """
    if psf is None and segmenter.psf_fwhm is None:
        return FramePSF()
    is_measured = psf is None and isinstance(segmenter.psf_fwhm, str)
    parts = []
    for block in blocks:
        found = _peaks(source, survey, block)
        if found is not None:
            parts.append(found)
            if len(parts) > 8:
                parts = [merge_bright_peaks(parts)]
        progress()
    if not parts:
        return FramePSF()
    found = choose_bright_peaks(merge_bright_peaks(parts))
    fwhm, stars, slopes = psf_of_peaks(found, source.shape,
                                       find_trend if is_measured else None)
    if not is_measured:
        fwhm = (given_fwhm(segmenter.psf_fwhm, probe) if psf is None
                else prepare_psf(psf, probe).fwhm)
    if fwhm is None:
        return FramePSF(None, stars)
    snr, invalid = _Pixels(source, survey), _Pixels(source, survey, invalid=True)
    model = segmenter.model
    config = model.detector.config
    profile = np.zeros((config.profile_size,) * 2 + (config.n_bands,))
    if config.profile_size:
        image = NormalizedImage(snr, invalid, model_stretch(model), config.n_bands)
        at_stars = relative_width(slopes, stars, source.shape)[:, None] * to_model_fwhm(
            fwhm, config.n_bands)
        profile = measure_psf_profile(image, stars, at_stars, model.detector)
    return FramePSF(fwhm, stars, slopes, profile, usual_wings(snr, invalid, fwhm, stars))


def _peaks(source, survey, block):
    """
    The bright peaks of a block, at their places on the frame.
    """
    window = grown(block.core, ALIGNED, source.shape)
    cube = source.cube(window, quiet=True)
    if cube is None:
        return None
    frame = survey.frame(cube, window, source.background(window))
    found = find_bright_peaks(frame.snr, cube.invalid, np.prod(source.shape))
    found = replace(found, peaks=found.peaks + [axis.start for axis in window])
    inside = ((found.peaks >= [axis.start for axis in block.core])
              & (found.peaks < [axis.stop for axis in block.core])).all(axis=1)
    return found[inside]


class _Pixels:
    """
    A frame in units of its noise, or its invalid pixels, read where it is asked for.
    """

    def __init__(self, source, survey, *, invalid=False):
        self._source, self._survey, self._is_invalid = source, survey, invalid
        self.shape = (source.n_bands, *source.shape)

    def __getitem__(self, index):
        bands, *wanted = index
        wanted = [slice(*axis.indices(n)[:2]) for axis, n in zip(
            wanted, self.shape[1:], strict=True)]
        window = tuple(slice(axis.start // ALIGNED * ALIGNED,
                             min(-(-axis.stop // ALIGNED) * ALIGNED, n))
                       for axis, n in zip(wanted, self.shape[1:], strict=True))
        cut = tuple(slice(axis.start - whole.start, axis.stop - whole.start)
                    for axis, whole in zip(wanted, window, strict=True))
        cube = self._source.cube(window, quiet=True)
        if cube is None:
            sides = [axis.stop - axis.start for axis in wanted]
            values = np.zeros((self.shape[0], *sides), dtype=np.float32)
            return (values == 0 if self._is_invalid else values)[bands]
        if self._is_invalid:
            return cube.invalid[bands, *cut]
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', AstropyUserWarning)
            frame = self._survey.frame(cube, window, self._source.background(window))
        return frame.snr[bands, *cut]
