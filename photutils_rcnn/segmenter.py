# Licensed under a 3-clause BSD style license - see LICENSE
"""
Segmenter: detection, classification and deblending in one call.
"""

__all__ = ['RCNNSegmenter']

import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from numbers import Integral, Real

import numpy as np
from photutils.segmentation import SegmentationImage
from photutils.utils.exceptions import NoDetectionsWarning
from tqdm.auto import tqdm

import photutils_rcnn
from photutils_rcnn.detection.class_prior import check_star_fraction
from photutils_rcnn.detection.pipeline import detect
from photutils_rcnn.io.frames import from_files
from photutils_rcnn.models import zoo
from photutils_rcnn.preprocessing.containers import same_unit
from photutils_rcnn.preprocessing.errors import warn_unused_gain
from photutils_rcnn.preprocessing.given_psf import prepare_psf
from photutils_rcnn.preprocessing.inputs import prepare_inputs
from photutils_rcnn.preprocessing.psf import check_fwhm
from photutils_rcnn.result import RCNNResult


class RCNNSegmenter:
    """
    Detect, classify and deblend the sources of astronomical images.

    Parameters
    ----------
    model : str, path-like or `~photutils_rcnn.models.model.Model`, optional
        The name of a shipped model (see `list_models`), the folder of one,
        a weight file of Astro R-CNN (``.h5``), or a model. The network is
        built when it is first used.
    score_threshold : float, optional
        The minimum score of a detection, between 0 and 1. By default that
        of the model.
    nms_threshold : float, optional
        The overlap of two boxes (intersection over union) above which the
        less probable detection is dropped. By default that of the model.
    tile_size : int, optional
        The side in pixels of the tiles that frames are cut into, rounded up
        to a multiple of the network's stride; tiles of larger frames must
        exceed twice the model's halo, 448 pixels for the shipped one. By
        default it is chosen for the frame and the memory it takes. The
        result does not depend on it.
    background : 'auto', float, array_like or \
            `~astropy.units.Quantity`, optional
        What to subtract from the data; see `segment`. The default is
        ``'auto'``.
    psf_fwhm : 'auto', float, sequence of float, \
            `~astropy.units.Quantity` or `None`, optional
        The FWHM of the PSF in pixels, which helps to tell stars from
        galaxies: a number, or one for each band in the order of the data.
        ``'auto'`` (default) estimates it from the bright sources of each
        frame; `None` tells the network nothing. The ``psf`` of a frame, see
        `segment`, replaces it.
    star_fraction : 'auto', float or `None`, optional
        The fraction of stars among the sources, the prior of their classes: between
        0 and 1, the same at any S/N. ``'auto'`` (default) estimates it from the
        sources of each frame with a score of at least 0.5, as a function of S/N;
        `None` is that of a typical frame. Models with other classes, or with
        an unknown training mix, can only use the latter.
    runtime : {'auto', 'keras', 'openvino'}, optional
        What runs the network. ``'auto'`` (default) is OpenVINO, on the processor, if it
        is installed, the model is not one of Astro R-CNN and ``KERAS_BACKEND`` names no
        other backend than TensorFlow or OpenVINO, else Keras. For OpenVINO the network is
        converted when it is first used, and kept in Astropy's cache folder of this package.
    progress_bar : bool, optional
        Whether to show a progress bar over the tiles. The default is
        `False`.

    Raises
    ------
    ImportError
        If ``runtime='openvino'`` and OpenVINO is not installed.
    TypeError, ValueError
        If an argument has a wrong type or value, or the model is unknown or
        damaged, or cannot be run by ``runtime``.

    See Also
    --------
    photutils.segmentation.SourceFinder

    Examples
    --------
    >>> from photutils_rcnn import RCNNSegmenter
    >>> segmenter = RCNNSegmenter()  # doctest: +SKIP
    >>> segm, catalog = segmenter.segment(data)  # doctest: +SKIP
    """

    def __init__(self, model='default', *, score_threshold=None,
                 nms_threshold=None, tile_size=None, background='auto',
                 psf_fwhm='auto', star_fraction='auto', runtime='auto',
                 progress_bar=False):
        for name, value in (('score_threshold', score_threshold),
                            ('nms_threshold', nms_threshold)):
            if value is not None and not (
                    isinstance(value, Real) and 0 <= value <= 1):
                msg = f'{name} must be between 0 and 1, got {value!r}'
                raise ValueError(msg)
        if tile_size is not None and not (
                isinstance(tile_size, Integral) and tile_size > 0):
            msg = f'tile_size must be a positive integer, got {tile_size!r}'
            raise ValueError(msg)
        if background is None or (
                isinstance(background, str) and background != 'auto'):
            msg = ("background must be 'auto', a number or an array, got "
                   f'{background!r}')
            raise ValueError(msg)
        check_fwhm(psf_fwhm)
        star_fraction = check_star_fraction(star_fraction)
        if not hasattr(model, 'thresholds'):
            model = zoo.load_model(model)
        self.model = model.with_runtime(runtime)
        if isinstance(star_fraction, float) and self.model.star_log_odds is None:
            msg = ("star_fraction must be 'auto' or None for the model "
                   f'{self.model.name!r}, whose training mix of stars and '
                   f'galaxies is not known, got {star_fraction}')
            raise ValueError(msg)
        thresholds = self.model.thresholds
        self.score_threshold = (thresholds['score'] if score_threshold is None
                                else float(score_threshold))
        self.nms_threshold = (thresholds['nms'] if nms_threshold is None
                              else float(nms_threshold))
        self.tile_size = None if tile_size is None else int(tile_size)
        self.background = background
        self.psf_fwhm = psf_fwhm
        self.star_fraction = star_fraction
        self.progress_bar = bool(progress_bar)

    def __repr__(self):
        return (f'{type(self).__name__}({self.model.name!r}, '
                f'score_threshold={self.score_threshold}, '
                f'nms_threshold={self.nms_threshold}, '
                f'tile_size={self.tile_size}, '
                f'background={self.background!r}, '
                f'psf_fwhm={self.psf_fwhm!r}, '
                f'star_fraction={self.star_fraction!r}, '
                f'runtime={self.model.runtime!r}, '
                f'progress_bar={self.progress_bar})')

    @staticmethod
    def list_models():
        """
        The models that ship with the package.

        Returns
        -------
        models : dict of str to dict
            For each name the content of its ``config.json``.
        """
        return zoo.list_models()

    def __call__(self, data, threshold=None, mask=None):
        """
        Segment an image; called like `~photutils.segmentation.SourceFinder`.

        Parameters
        ----------
        data : array_like
            The image, or anything that `segment` takes.
        threshold : float, 2D array_like or `~astropy.units.Quantity`, \
                optional
            Pixels of ``data`` not above it belong to no source, and sources
            that lose all pixels are dropped. It is compared with the data
            as given, and only for a single band. The default is `None`:
            footprints are as the network draws them.
        mask : 2D array_like of bool, optional
            `True` for pixels to ignore.

        Returns
        -------
        segmentation_image : `~photutils.segmentation.SegmentationImage` \
                or `None`
            The label image; `None` if nothing was found.

        Warns
        -----
        `~photutils.utils.exceptions.NoDetectionsWarning`
            If no sources were found.
        """
        # Whatever np.seterr says, underflow and the like are no errors here.
        with np.errstate(all='warn', under='ignore'):
            data, given = from_files(data, mask=mask)
            cube = prepare_inputs(data, **given)
            blocked = cube.mask
            if threshold is not None:
                blocked = blocked | _not_above(cube, threshold)
            found = self._detect(cube, self.background)
            labels, _ = found.instances.paint(mask=blocked)
        if not labels.any():
            _warn_nothing_found()
            return None
        return SegmentationImage(labels)

    def segment(self, data, *, error=None, mask=None, background=None,
                wcs=None, bands=None, gain=None, psf=None, deblend=False,
                artifacts=False):
        """
        Detect, classify, deblend and measure the sources of a frame.

        Parameters
        ----------
        data : array_like, `~astropy.units.Quantity`, \
                `~numpy.ma.MaskedArray`, `~astropy.nddata.NDData`, path-like \
                or HDU
            An image (ny, nx) or bands (n_bands, ny, nx) from blue to red, of
            at least 16 x 16 pixels, or a list of images. Any number of
            bands. Pixels that are not finite are ignored. Or FITS files, one
            or a list of one for each band, HDUs or an
            `~astropy.io.fits.HDUList`: errors, masks, WCS, names of bands and
            gain are taken from them
            (`~photutils_rcnn.io.fits.read_frame`) where they are not given.
        error : float, array_like or `~astropy.units.Quantity`, optional
            The total 1-sigma errors, as for
            `~photutils.segmentation.SourceCatalog`: a number, one per band,
            an image or a cube. Pixels whose error is not finite are ignored.
            By default errors are the measured noise of the sky and, with
            ``gain``, the photon noise of the sources.
        mask : array_like of bool, optional
            `True` for pixels to ignore; an image or a cube.
        background : 'auto', float, array_like or \
                `~astropy.units.Quantity`, optional
            ``'auto'`` estimates and subtracts the background of each band;
            a number, one per band, an image or a cube is subtracted;
            0 is for data that are subtracted already. Small cutouts full of
            sources need 0. By default the segmenter's own.
        wcs : WCS object, optional
            The celestial WCS.
        bands : str or sequence of str, optional
            The names of the bands; known filters are sorted from blue to
            red.
        gain : float, array_like or `~astropy.units.Quantity`, optional
            The effective gain in electrons per unit of the data, a number, one
            per band, an image or a cube; see
            `~photutils.utils.calc_total_error`. Beside ``error``, which is the total
            error, it has no effect.
        psf : `~astropy.modeling.Model`, array_like, float, sequence or dict, \
                optional
            The PSF of the frame: a PSF model of photutils
            (`~photutils.psf.ImagePSF`, `~photutils.psf.GriddedPSFModel` for one
            that varies, `~photutils.psf.MoffatPSF` ...), a 2D image of it on the
            pixels of the frame with the peak in the middle, or its FWHM in pixels;
            one for all bands, a sequence of one for each in the order of the data,
            or a dictionary by the names of the bands. Models and images replace
            those stacked from the stars of the frame, and a FWHM the estimate. The
            default is `None`: the PSF is measured, as ``psf_fwhm`` says.
        deblend : bool, optional
            Whether to fit the light of overlapping sources at once, so that
            ``catalog_table`` and the files have deblended fluxes, too; else it is done
            when `RCNNResult.deblended <photutils_rcnn.RCNNResult.deblended>` is first
            asked for. A frame that shows no PSF gets a warning instead. The default is
            `False`.
        artifacts : bool, optional
            Whether to find cosmic rays, saturated pixels and trails of satellites
            (`RCNNResult.artifacts <photutils_rcnn.RCNNResult.artifacts>`), drop detections
            that they made, and flag sources that they touch (``touches_artifact``). The
            default is `False`.

        Returns
        -------
        result : `~photutils_rcnn.RCNNResult`
            The result, which unpacks to
            ``(segmentation_image, catalog)``; both are `None` if nothing
            was found.

        Raises
        ------
        TypeError, ValueError
            If the inputs do not fit; see
            `~photutils_rcnn.preprocessing.inputs.prepare_inputs` and
            `~photutils_rcnn.preprocessing.given_psf.prepare_psf`.

        Warns
        -----
        `~photutils.utils.exceptions.NoDetectionsWarning`
            If no sources were found.
        AstropyUserWarning
            If the sky is not near zero after subtraction of ``background`` or
            has structure that passes for sources; if ``error`` does not fit the
            scatter of the sky; if ``gain`` is given beside it; see also
            `~photutils_rcnn.preprocessing.inputs.prepare_inputs`.

        See Also
        --------
        photutils_rcnn.blocks.segment_blocks : Frames larger than memory.
        """
        data, given = from_files(data, error=error, mask=mask, wcs=wcs,
                                 bands=bands, gain=gain)
        with np.errstate(all='warn', under='ignore'):
            cube = prepare_inputs(data, **given)
            warn_unused_gain(gain, cube, stacklevel=3)
            result = self._segment_cube(cube, background, psf, artifacts)
            if deblend:
                result._deblend(stacklevel=2)
            return result

    def _segment_cube(self, cube, background=None, psf=None, artifacts=False, **part):
        """
        The result for a frame of which no other copy need be kept, or for a part of one,
        with ``estimates`` and ``progress`` of `detect`.
        """
        background = self.background if background is None else background
        psf = None if psf is None else prepare_psf(psf, cube)
        found = self._detect(cube, background, psf, artifacts, stacklevel=5, **part)
        labels, label_of_source = found.instances.paint(mask=cube.mask)
        if not labels.any():
            _warn_nothing_found(stacklevel=4)  # the caller of segment
        mode = background if isinstance(background, str) else 'given'
        models = None if psf is None or psf.models is None else dict(
            zip(cube.bands, psf.models, strict=True))
        result = RCNNResult(
            found.instances, labels, label_of_source, cube=cube,
            background=found.frame.background, noise=found.frame.noise, wcs=cube.wcs,
            bands=cube.bands, meta=self._meta(cube, mode, found, models), psf=models)
        if found.artifacts is not None:
            result.artifacts = found.artifacts
        return result

    def _detect(self, cube, background, psf=None, artifacts=False, stacklevel=4,
                estimates=None, progress=None):
        """
        The sources of a frame; see `~photutils_rcnn.detection.pipeline.detect`.
        """
        has_bar = self.progress_bar and progress is None
        with tqdm(desc='Segmenting', unit='tile', disable=not has_bar) as bar:
            def update(n_done, n_tiles):
                if n_done == 0 or bar.total is None:  # perhaps of a second pass
                    bar.reset(n_tiles)
                bar.update(n_done - bar.n)

            return detect(
                self.model, cube, background, psf=psf, psf_fwhm=self.psf_fwhm,
                star_fraction=self.star_fraction, artifacts=artifacts,
                score_threshold=self.score_threshold,
                nms_threshold=self.nms_threshold, tile_size=self.tile_size,
                progress=progress or update, estimates=estimates, stacklevel=stacklevel)

    def _meta(self, cube, background, found, psf_models):
        """
        Where a result comes from; plain values only.
        """
        fwhm, prior = found.psf.fwhm, found.star_prior
        return {
            'model': self.model.name,
            'model_sha256': self.model.sha256,
            'runtime': self.model.runtime,
            'score_threshold': float(self.score_threshold),
            'nms_threshold': float(self.nms_threshold),
            'tile_size': self.tile_size,
            'background': background,
            'error': ('given' if cube.error is not None else 'measured'
                      if cube.gain is None else 'measured, with gain'),
            'psf': 'measured' if psf_models is None else 'given',
            'psf_fwhm': None if fwhm is None else [
                round(float(value), 3) for value in fwhm],
            'psf_slopes': [round(float(slope), 3) for slope in found.psf.slopes[::-1]],
            'star_fraction': prior.fraction,
            'star_fraction_mode': prior.mode,
            'star_log_odds': (None if prior.log_odds is None
                              else list(prior.log_odds)),
            'bands': list(cube.bands),
            'unit': None if cube.unit is None else cube.unit.to_string(),
            'photutils_rcnn_version': photutils_rcnn.__version__,
            'photutils_version': version('photutils'),
            'created': datetime.now(UTC).isoformat(
                timespec='seconds'),
        }


def _not_above(cube, threshold):
    """
    The pixels of an image not above a threshold.
    """
    if cube.n_bands != 1:
        msg = ('threshold needs data of a single band, got '
               f'{cube.n_bands} bands')
        raise ValueError(msg)
    threshold = same_unit(threshold, cube.unit, 'threshold')
    if threshold.ndim and threshold.shape != cube.shape:
        msg = ('threshold must be a number or have the same shape as the '
               f'input image, got {threshold.shape} for {cube.shape}')
        raise ValueError(msg)
    # A threshold that is not a number is not exceeded.
    return ~(cube.data[0] > threshold)


def _warn_nothing_found(stacklevel=3):
    warnings.warn('No sources were found.', NoDetectionsWarning,
                  stacklevel=stacklevel)
